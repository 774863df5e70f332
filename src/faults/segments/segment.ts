/** The words of the segment-level sender: what a segment is, what is settable, and who is told what happens. */
import type { Millis } from "../../core/clock.js";
export const CONGESTION = ["cubic", "reno", "none"] as const;
export type Congestion = (typeof CONGESTION)[number];

/** Read live. The names are those of the fault's parameters, the defaults there are Linux's. */
export interface SegmentParams {
  /** Round trip of the path; without it nothing is added, and a loss is reckoned with a round trip of zero. */
  readonly rtt?: Millis | undefined;
  readonly min_rto: Millis;
  readonly max_rto: Millis;
  readonly initial_window: number;
  readonly mss: number;
  readonly congestion: Congestion;
  readonly delayed_ack: Millis;
  readonly idle_restart: boolean;
  readonly give_up: Millis;
  /** How coarse the sender's timers are: one tick of its kernel. */
  readonly tick: Millis;
  /** Bytes that may be held, and that may be under way unacknowledged. */
  readonly window: number;
}

export const rttOf = (params: SegmentParams): Millis => params.rtt ?? 0;

/** A range of the stream as it was first cut; sent again, it is the same range. The end of the stream takes one number. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly firstSentAt: Millis;
  sentAt: Millis;
  /** Counts transmissions of all segments; tells which of two was sent later even within one moment. */
  order: number;
  transmissions: number;
  /** Believed to be in the network: counts against the window. */
  flying: boolean;
  /** Believed to be lost, and to be sent again. */
  lost: boolean;
  /** The sender knows that it has arrived. */
  acked: boolean;
  /** It has arrived, whether the sender knows or not; and whether it had to be sent again for that. */
  arrived: boolean;
  needed: boolean;
}

/** Why a segment was sent again: later ones had arrived, a tail loss probe, or the retransmission timer. */
export type Resent = "fast" | "probe" | "timeout";

export interface Witness {
  lost(segment: Segment): void;
  /** `waited` is the time since it was last sent; `attempt` counts from 1. */
  resent(segment: Segment, why: Resent, waited: Millis, attempt: number): void;
  /** A segment has arrived later than if it had not been lost. */
  late(by: Millis): void;
}
