/** How a window grows and what a loss makes of it: Reno (RFC 5681), CUBIC (RFC 9438) and none, counted in segments as Linux counts. */
import type { Millis } from "../../core/clock.js";
import type { Congestion } from "./segment.js";

export interface CongestionControl {
  /** The window, and the threshold below which it doubles each round trip, after a loss at this window. */
  threshold(window: number): number;
  /** How many segments must be acknowledged for the window to grow by one, beyond the threshold. */
  pace(window: number, acked: number, now: Millis, rtt: Millis): number;
  /** A timeout has emptied the network: what was learnt does not hold any more. */
  restart(): void;
  /** Nothing was sent for so long: the clock of growth stood still meanwhile. */
  idle(by: Millis): void;
}

const WINDOW_MIN = 2;

class Reno implements CongestionControl {
  threshold(window: number): number {
    return Math.max(WINDOW_MIN, window >> 1);
  }

  pace(window: number): number {
    return window;
  }

  restart(): void {
    // Reno remembers nothing.
  }

  idle(): void {
    // Nor has it a clock.
  }
}

/** 717/1024 in the kernel; 0.7 in RFC 9438. */
const BETA = 717 / 1024;
/** Segments per second cubed: 410/1024 in the kernel, 0.4 in RFC 9438. */
const SCALE = 410 / 1024;
/** How many acknowledgements a window that grows as Reno's would take: 3 (1 - beta) / (1 + beta), turned over. */
const FRIENDLY = (1 + BETA) / (3 * (1 - BETA));

class Cubic implements CongestionControl {
  #lastMax = 0;
  #epoch: Millis | null = null;
  #origin = 0;
  #flat = 0;
  #acked = 0;
  #reno = 0;

  threshold(window: number): number {
    this.#epoch = null;
    // Fast convergence: a flow that was cut before it reached its last height makes room for others.
    this.#lastMax = window < this.#lastMax ? (window * (1 + BETA)) / 2 : window;
    return Math.max(WINDOW_MIN, Math.floor(window * BETA));
  }

  pace(window: number, acked: number, now: Millis, rtt: Millis): number {
    this.#acked += acked;
    if (this.#epoch === null) {
      this.#epoch = now;
      this.#acked = acked;
      this.#reno = window;
      this.#origin = Math.max(window, this.#lastMax);
      this.#flat = Math.cbrt((this.#origin - window) / SCALE);
    }
    const time = (now - this.#epoch + rtt) / 1000 - this.#flat;
    const target = this.#origin + SCALE * time ** 3;
    let pace = target > window ? window / (target - window) : 100 * window;
    if (this.#lastMax === 0) pace = Math.min(pace, 20);
    const step = Math.max(1, window * FRIENDLY);
    while (this.#acked > step) {
      this.#acked -= step;
      this.#reno++;
    }
    if (this.#reno > window) pace = Math.min(pace, window / (this.#reno - window));
    return Math.max(2, Math.floor(pace));
  }

  restart(): void {
    this.#lastMax = 0;
    this.#epoch = null;
  }

  idle(by: Millis): void {
    if (this.#epoch !== null) this.#epoch += by;
  }
}

/** A sender that takes no loss for congestion, as BBR within its bounds: the window stays and goes on growing. */
class Unmoved implements CongestionControl {
  threshold(window: number): number {
    return window;
  }

  pace(window: number): number {
    return window;
  }

  restart(): void {
    // There is nothing that it would forget.
  }

  idle(): void {
    // It has no clock.
  }
}

export function congestionControl(name: Congestion): CongestionControl {
  return name === "reno" ? new Reno() : name === "cubic" ? new Cubic() : new Unmoved();
}
