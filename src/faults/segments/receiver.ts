/** The far end of the virtual path: puts segments in order and decides when to acknowledge, as RFC 5681 and Linux do. */
import type { Millis } from "../../core/clock.js";
import { rttOf, type Segment, type SegmentParams, type Witness } from "./segment.js";

/** What an acknowledgement says. */
export interface Ack {
  /** Everything before it has arrived. */
  readonly next: number;
  /** How many arrivals it knows of: what selective acknowledgements (RFC 2018) would list, and the log does. */
  readonly arrivals: number;
  /** Something arrived that was there already (RFC 2883). */
  readonly duplicate: boolean;
  /** When the segment had been sent whose timestamp is echoed (RFC 7323); null while none has come that is. */
  readonly echo: Millis | null;
}

/** Segments acknowledged at once when a stream begins or after a gap: TCP_MAX_QUICKACKS. */
const QUICK = 16;

export class Receiver {
  next = 0;
  /** When a delayed acknowledgement is due; Infinity if none is owed. */
  ackDue: Millis = Infinity;
  #arrivals = 0;
  /** Arrivals that the sender may not know of yet, in order. */
  #log: Segment[] = [];
  readonly #early = new Map<number, Segment>();
  #acknowledged = 0;
  #echo: Millis | null = null;
  #arrivedAt: Millis = -Infinity;
  #quick = QUICK;

  constructor(
    private readonly params: SegmentParams,
    private readonly witness: Witness,
  ) {}

  /** Answers an acknowledgement that is to be sent at once, or null. */
  arrive(segment: Segment, sentAt: Millis, now: Millis): Ack | null {
    // The oldest that is not acknowledged yet is echoed, so that delayed acknowledgements count as a part of the round trip.
    if (segment.start <= this.#acknowledged) this.#echo = sentAt;
    this.#arrivedAt = now;
    if (segment.arrived) {
      this.#quick = QUICK;
      return this.#ack(true);
    }
    segment.arrived = true;
    segment.needed = segment.transmissions > 1 && sentAt === segment.sentAt;
    this.#log.push(segment);
    this.#arrivals++;
    if (segment.transmissions > 1)
      this.witness.late(Math.max(0, now - segment.firstSentAt - rttOf(this.params) / 2));
    const gap = this.#early.size > 0 || segment.start !== this.next;
    if (segment.start === this.next) this.#advance(segment);
    else this.#early.set(segment.start, segment);
    if (gap) {
      this.#quick = QUICK;
      return this.#ack(false);
    }
    const { delayed_ack: delay, mss } = this.params;
    // Every second full segment is acknowledged at once (RFC 5681, section 4.2).
    if (delay <= 0 || this.next - this.#acknowledged > mss) return this.#ack(false);
    if (this.#quick > 0) {
      this.#quick--;
      return this.#ack(false);
    }
    this.ackDue = Math.min(this.ackDue, now + delay);
    return null;
  }

  /** The delayed acknowledgement is due. */
  owed(): Ack {
    return this.#ack(false);
  }

  /**
   * A segment of the other direction is sent, and carries an acknowledgement. Who answers that soon is taken to be
   * answering, and waits with bare acknowledgements for the bytes that they can go with (Linux's pingpong mode).
   * Null if there is nothing that the sender could learn from it.
   */
  carried(now: Millis): Ack | null {
    if (now - this.#arrivedAt < this.params.delayed_ack) this.#quick = 0;
    const ack = this.#ack(false);
    return this.#log.length > 0 ? ack : null;
  }

  /** What arrived up to there and has not been taken yet. The log is emptied as acknowledgements get through. */
  take(arrivals: number): readonly Segment[] {
    const fresh = arrivals - (this.#arrivals - this.#log.length);
    if (fresh <= 0) return NOTHING;
    if (fresh === this.#log.length) {
      const all = this.#log;
      this.#log = [];
      return all;
    }
    return this.#log.splice(0, fresh);
  }

  #advance(segment: Segment): void {
    this.next = segment.end;
    for (let early = this.#early.get(this.next); early; early = this.#early.get(this.next)) {
      this.#early.delete(this.next);
      this.next = early.end;
    }
  }

  #ack(duplicate: boolean): Ack {
    this.ackDue = Infinity;
    this.#acknowledged = this.next;
    return { next: this.next, arrivals: this.#arrivals, duplicate, echo: this.#echo };
  }
}

const NOTHING: readonly Segment[] = [];
