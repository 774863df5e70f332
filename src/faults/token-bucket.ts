/** A token bucket: how soon bytes may leave at a given rate. */
import type { Millis } from "../core/clock.js";

/** Bytes that a bucket has promised: they may leave once it has served as far as `position`. */
export interface Booking {
  readonly bytes: number;
  readonly position: number;
}

/** Differences below this many bytes are rounding. */
const ROUNDING = 1e-6;

/**
 * A token bucket that takes bookings, so that those who share it are served in turn and a timer that
 * comes late costs no throughput. It counts in bytes: `served` is what the rate has earned so far, each
 * booking stands behind the one before it, and whoever was idle may reach back by `burst` at most.
 */
export class TokenBucket {
  #served = 0;
  #tail = -Infinity;
  #at: Millis;
  #rate: number;

  constructor(
    private readonly terms: () => { readonly rate: number; readonly burst: number },
    now: Millis,
  ) {
    this.#at = now;
    this.#rate = terms().rate;
  }

  /** Books up to `wanted` bytes: `quantum`, or more if they may leave at once. */
  book(wanted: number, quantum: number, now: Millis, waiting: boolean): Booking {
    this.advance(now);
    // Who has been waiting all along loses nothing to a late timer; who was idle saves up a burst and no more.
    const base = waiting ? this.#tail : Math.max(this.#tail, this.#served - this.terms().burst);
    const bytes = Math.min(wanted, Math.max(quantum, Math.floor(this.#served - base + ROUNDING)));
    this.#tail = base + bytes;
    return { bytes, position: this.#tail };
  }

  /** Bytes that are booked and not earned yet. */
  backlog(now: Millis): number {
    this.advance(now);
    return Math.max(0, this.#tail - this.#served);
  }

  /** Gives a booking back unused. */
  cancel(booking: Booking): void {
    this.#tail -= booking.bytes;
  }

  ready(booking: Booking, now: Millis): boolean {
    this.advance(now);
    return this.#served >= booking.position - ROUNDING;
  }

  /** When the booking should be ready if the rate stays as it is; Infinity at a rate of zero. */
  dueAt(booking: Booking, now: Millis): Millis {
    this.advance(now);
    const missing = booking.position - this.#served;
    if (missing <= ROUNDING) return now;
    return this.#rate > 0 ? now + (missing / this.#rate) * 1000 : Infinity;
  }

  /**
   * Earns what the time since the last call is worth. Ramps are linear, so the mean of both ends is exact;
   * after an assignment (`stepped`) the old rate counts up to now.
   */
  advance(now: Millis, stepped = false): void {
    const rate = this.terms().rate;
    const mean = stepped ? this.#rate : (this.#rate + rate) / 2;
    this.#served += (mean * Math.max(0, now - this.#at)) / 1000;
    this.#at = Math.max(now, this.#at);
    this.#rate = rate;
  }
}
