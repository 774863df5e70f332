/** What a UDP proxy counts: plain numbers, added to for each datagram and read when somebody asks. */
import type { Direction } from "../../faults/contract/index.js";

/** Why a datagram was lost without a fault's doing. */
export const DATAGRAM_LOSSES = [
  /** There were as many flows as there may be, and all of them in use. */
  "flow_limit",
  /** As much was held as may be, by faults or until the upstream's name was resolved. */
  "held",
  /** The upstream's name could not be resolved. */
  "unresolved",
  /** The kernel took no more. */
  "congested",
  /** The kernel refused to send it. */
  "unsent",
  /** An answer came while a fault had the port closed. */
  "closed",
  /** It says that it comes from the very port that it came to: its answers would come back as questions, for ever. */
  "forged",
] as const;
export type DatagramLoss = (typeof DATAGRAM_LOSSES)[number];

export class DatagramTally {
  readonly bytesIn: Record<Direction, number> = { upstream: 0, downstream: 0 };
  readonly bytesOut: Record<Direction, number> = { upstream: 0, downstream: 0 };
  readonly received: Record<Direction, number> = { upstream: 0, downstream: 0 };
  readonly delivered: Record<Direction, number> = { upstream: 0, downstream: 0 };
  readonly lost: Record<DatagramLoss, number> = {
    flow_limit: 0,
    held: 0,
    unresolved: 0,
    congested: 0,
    unsent: 0,
    closed: 0,
    forged: 0,
  };

  came(direction: Direction, payload: Buffer): void {
    this.received[direction]++;
    this.bytesIn[direction] += payload.length;
  }

  went(direction: Direction, payload: Buffer): void {
    this.delivered[direction]++;
    this.bytesOut[direction] += payload.length;
  }
}
