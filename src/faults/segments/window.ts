/**
 * The congestion window of a sender and what moves it: slow start, the congestion control, proportional rate reduction
 * while losses are repaired (RFC 6937), timeouts, tail loss probes, idle times; and taking a reduction back that was for nothing.
 */
import type { Millis } from "../../core/clock.js";
import { congestionControl, type CongestionControl } from "./congestion.js";
import type { Congestion, SegmentParams } from "./segment.js";

export class Window {
  /** Segments that may be flying. */
  size: number;
  #threshold = Infinity;
  #control: CongestionControl;
  #name: Congestion;
  #credit = 0;
  /** Of a reduction in progress: what it began from, and what has been delivered and sent since. */
  #before = 0;
  #delivered = 0;
  #sent = 0;
  /** What an undo would go back to. */
  #undoSize = 0;
  #undoThreshold = Infinity;
  /** Whether the window, rather than the application, held the sender back in this round. */
  #limited = false;
  #most = 0;
  #roundEnds = 0;
  /** When it was last filled, and the most that was under way since. */
  #filledAt: Millis | null = null;
  #used = 0;

  constructor(private readonly params: SegmentParams) {
    this.size = params.initial_window;
    this.#name = params.congestion;
    this.#control = congestionControl(this.#name);
  }

  /** What may be flying at the moment; the receiver's window counts too. */
  get allowed(): number {
    return Math.min(this.size, this.taken);
  }

  /** Segments that the receiver takes. */
  get taken(): number {
    return Math.max(1, Math.floor(this.params.window / this.params.mss));
  }

  /** Beyond what the receiver takes a window means nothing, and would only outlive its reason. */
  get #ceiling(): number {
    return Math.max(this.size, this.taken + 1);
  }

  get #unmoved(): boolean {
    if (this.#name !== this.params.congestion) {
      this.#name = this.params.congestion;
      this.#control = congestionControl(this.#name);
    }
    return this.#name === "none";
  }

  /** After each round of sending: a window that the application does not fill must not grow (RFC 7661, tcp_cwnd_validate). */
  validate(flying: number, outstanding: number, acked: number, next: number): void {
    const limited = flying >= this.size;
    if (acked < this.#roundEnds && !limited && (this.#limited || outstanding <= this.#most)) return;
    this.#limited = limited;
    this.#most = outstanding;
    this.#roundEnds = next;
  }

  /**
   * Nor does it stay: one that was not filled for a timeout comes down half of the way to what was used
   * (RFC 2861, section 3; tcp_cwnd_application_limited).
   */
  starve(outstanding: number, open: boolean, timeout: Millis, now: Millis): void {
    if (this.#filling) {
      this.#used = 0;
      this.#filledAt = now;
      return;
    }
    this.#used = Math.max(this.#used, outstanding);
    this.#filledAt ??= now;
    if (!this.params.idle_restart || this.#unmoved || now - this.#filledAt < timeout) return;
    this.#filledAt = now;
    if (!open) return;
    const used = Math.max(this.#used, this.params.initial_window);
    this.#used = 0;
    if (used >= this.size) return;
    if (this.#threshold !== Infinity)
      this.#threshold = Math.max(this.#threshold, (this.size >> 1) + (this.size >> 2));
    this.size = (this.size + used) >> 1;
  }

  /** Whether what is sent makes use of it. */
  get #filling(): boolean {
    return this.#limited || (this.size < this.#threshold && this.size < 2 * this.#most);
  }

  grow(delivered: number, now: Millis, rtt: Millis): void {
    const slow = this.size < this.#threshold;
    if (!this.#filling) return;
    let left = delivered;
    if (slow || this.#unmoved) {
      const step = this.#unmoved ? left : Math.min(left, this.#threshold - this.size);
      this.size = Math.min(this.size + step, this.#ceiling);
      left -= step;
    }
    if (left <= 0) return;
    const pace = this.#control.pace(this.size, left, now, rtt);
    if (this.#credit >= pace) {
      this.#credit = 0;
      this.size++;
    }
    this.#credit += left;
    if (this.#credit < pace) return;
    const steps = Math.floor(this.#credit / pace);
    this.#credit -= steps * pace;
    this.size = Math.min(this.size + steps, this.#ceiling);
  }

  /** A loss was noticed: from here to `settle` the window comes down in step with what is delivered. */
  reduce(): void {
    if (this.#unmoved) return;
    this.#remember();
    this.#before = this.size;
    this.#threshold = this.#control.threshold(this.size);
    this.#delivered = 0;
    this.#sent = 0;
    this.#credit = 0;
  }

  /** One acknowledgement during a reduction (tcp_cwnd_reduction). */
  proportion(delivered: number, lost: number, advanced: boolean, flying: number): void {
    if (delivered <= 0) return;
    if (this.#unmoved) {
      this.size = Math.min(this.size + delivered, this.#ceiling);
      return;
    }
    // A reduction that began under a control that knows none.
    if (this.#before === 0) return;
    this.#delivered += delivered;
    const room = this.#threshold - flying;
    let send: number;
    if (room < 0) {
      send = Math.floor((this.#threshold * this.#delivered + this.#before - 1) / this.#before) - this.#sent;
    } else {
      send = Math.max(this.#delivered - this.#sent, delivered);
      if (advanced && lost === 0) send++;
      send = Math.min(room, send);
    }
    this.size = flying + Math.max(send, this.#sent > 0 ? 0 : 1);
  }

  /** Something was sent during a reduction. */
  spent(): void {
    this.#sent++;
  }

  /** The reduction is over. */
  settle(): void {
    if (!this.#unmoved && this.#threshold !== Infinity) this.size = this.#threshold;
  }

  /** The retransmission timer ran out: one segment more than are still flying. `again` for one after another. */
  collapse(flying: number, again: boolean): void {
    if (this.#unmoved) return;
    if (!again) {
      this.#remember();
      this.#threshold = this.#control.threshold(this.size);
      this.#control.restart();
    }
    this.size = flying + 1;
    this.#credit = 0;
  }

  /** All that was sent again had arrived before: nothing had been lost. */
  undo(): void {
    if (this.#unmoved) return;
    this.size = Math.max(this.size, this.#undoSize);
    this.#threshold = Math.max(this.#threshold, this.#undoThreshold);
  }

  /** Nothing was sent for so long: halved for each timeout, down to the initial window (RFC 2861). */
  rested(idle: Millis, timeout: Millis): void {
    this.#control.idle(idle);
    const floor = Math.min(this.params.initial_window, this.size);
    if (!this.params.idle_restart || idle <= timeout) return;
    if (this.#threshold !== Infinity)
      this.#threshold = Math.max(this.#threshold, (this.size >> 1) + (this.size >> 2));
    for (let left = idle - timeout; left > 0 && this.size > floor; left -= timeout) this.size >>= 1;
    this.size = Math.max(this.size, floor);
  }

  #remember(): void {
    this.#undoSize = this.size;
    this.#undoThreshold = this.#threshold;
  }
}
