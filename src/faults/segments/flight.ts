/**
 * What a sender has under way: which segments have arrived, which are lost and which are still flying; and RACK
 * (RFC 8985), which takes a segment for lost when one that was sent later has arrived.
 */
import type { Millis } from "../../core/clock.js";
import type { Segment } from "./segment.js";

/** One transmission; it is stale when its segment has been sent again since, or has arrived. */
interface Transmission {
  readonly segment: Segment;
  readonly order: number;
}

/** Moments closer than this are the same one. */
const ROUNDING: Millis = 1e-6;

export class Flight {
  /** Segments believed to be in the network. */
  flying = 0;
  /** Segments that have arrived ahead of one that is missing. */
  early = 0;
  #segments: Segment[] = [];
  #head = 0;
  #transmissions: Transmission[] = [];
  #oldest = 0;
  readonly #lost: Segment[] = [];
  #order = 0;
  /** The transmission sent last among those that arrived, and its round trip. */
  #latestOrder = 0;
  #latestRtt: Millis = 0;

  /** How many are not acknowledged up to and including. */
  get size(): number {
    return this.#segments.length - this.#head;
  }

  get first(): Segment | undefined {
    return this.#segments[this.#head];
  }

  get last(): Segment | undefined {
    return this.size === 0 ? undefined : this.#segments.at(-1);
  }

  get nextLost(): Segment | undefined {
    for (let first = this.#lost[0]; first !== undefined; first = this.#lost[0]) {
      if (first.lost) return first;
      this.#lost.shift();
    }
    return undefined;
  }

  get anyLost(): boolean {
    return this.nextLost !== undefined;
  }

  add(start: number, end: number, now: Millis): Segment {
    const segment: Segment = {
      start,
      end,
      firstSentAt: now,
      sentAt: now,
      order: 0,
      transmissions: 0,
      flying: false,
      lost: false,
      acked: false,
      arrived: false,
      needed: false,
    };
    this.#segments.push(segment);
    return segment;
  }

  sent(segment: Segment, now: Millis): void {
    segment.sentAt = now;
    segment.order = ++this.#order;
    segment.transmissions++;
    segment.lost = false;
    if (!segment.flying) this.flying++;
    segment.flying = true;
    this.#transmissions.push({ segment, order: segment.order });
  }

  /** It has arrived, as an acknowledgement says. */
  arrived(segment: Segment, now: Millis, rttMin: Millis): void {
    if (segment.acked) return;
    segment.acked = true;
    segment.lost = false;
    if (segment.flying) this.flying--;
    segment.flying = false;
    this.early++;
    const rtt = now - segment.sentAt;
    // Acknowledged sooner than a round trip after it was sent again: it was the first one that arrived.
    if (segment.transmissions > 1 && rtt < rttMin - ROUNDING) return;
    if (segment.order > this.#latestOrder) {
      this.#latestOrder = segment.order;
      this.#latestRtt = rtt;
    }
  }

  /** Forgets what lies before `next`; says whether any of it had been sent more than once. */
  acknowledge(next: number): boolean {
    let again = false;
    for (let first = this.first; first !== undefined && first.end <= next; first = this.first) {
      again ||= first.transmissions > 1;
      this.#head++;
      this.early--;
    }
    if (this.#head === this.#segments.length) {
      this.#segments = [];
      this.#head = 0;
      this.#transmissions = [];
      this.#oldest = 0;
    } else if (this.#head >= 1024) {
      this.#segments = this.#segments.slice(this.#head);
      this.#head = 0;
    }
    return again;
  }

  /**
   * Marks what was sent before the latest arrival and should itself have arrived `patience` ago. Answers how many
   * are newly lost, and when the next will be if it does not arrive until then.
   */
  detect(now: Millis, patience: Millis): { readonly lost: number; readonly again: Millis } {
    let lost = 0;
    let again = Infinity;
    for (; this.#oldest < this.#transmissions.length; this.#oldest++) {
      const transmission = this.#transmissions[this.#oldest];
      if (transmission === undefined) break;
      const { segment, order } = transmission;
      if (segment.acked || segment.order !== order || !segment.flying) continue;
      if (order >= this.#latestOrder) break;
      const due = segment.sentAt + this.#latestRtt + patience;
      if (due > now + ROUNDING) {
        again = due;
        break;
      }
      this.#markLost(segment);
      lost++;
    }
    if (this.#oldest >= 1024) {
      this.#transmissions = this.#transmissions.slice(this.#oldest);
      this.#oldest = 0;
    }
    return { lost, again };
  }

  /** The timer has run out: all is lost but what was sent too recently to know (tcp_timeout_mark_lost). */
  timedOut(now: Millis): void {
    for (let i = this.#head; i < this.#segments.length; i++) {
      const segment = this.#segments[i];
      if (segment === undefined || segment.acked || segment.lost) continue;
      const recent = segment.sentAt + this.#latestRtt > now + ROUNDING;
      if (i === this.#head || !recent) this.#markLost(segment);
    }
  }

  /** Nothing was lost after all. */
  absolve(): void {
    for (const segment of this.#lost) {
      if (!segment.lost) continue;
      segment.lost = false;
      segment.flying = true;
      this.flying++;
    }
    this.#lost.length = 0;
  }

  /** Lost segments are sent again in the order of the stream. */
  #markLost(segment: Segment): void {
    segment.lost = true;
    if (segment.flying) this.flying--;
    segment.flying = false;
    const queue = this.#lost;
    let place = queue.length;
    while (place > 0 && (queue[place - 1]?.start ?? 0) > segment.start) place--;
    if (queue[place - 1] !== segment) queue.splice(place, 0, segment);
  }
}
