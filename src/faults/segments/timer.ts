/** A kernel's timer: it never runs early, and the longer it waits the later it may run. */
import type { Millis } from "../../core/clock.js";

/** What a sender waits for: an acknowledgement, one after a tail loss probe, or what may merely be out of order. */
export type Alarm = "timeout" | "probe" | "reorder";

/** A timer is never set for the moment it is set in. */
const AHEAD: Millis = 0.001;

/**
 * The grain of Linux's timer wheel (kernel/time/timer.c): waits under 63 ticks are a tick coarse, and each level above is
 * eight times longer and coarser. At 250 Hz a timeout of 252 ms to 2 s is up to 32 ms late.
 */
function grain(wait: Millis, tick: Millis): Millis {
  let coarse = tick;
  for (let ticks = Math.ceil(wait / tick); ticks >= 63; ticks /= 8) coarse *= 8;
  return coarse;
}

export class KernelTimer {
  alarm: Alarm = "timeout";
  /** Infinity when it is not set. */
  at: Millis = Infinity;
  /** What it was set for, before it is late. */
  wait: Millis = 0;
  #late = false;

  constructor(
    private readonly tick: () => Millis,
    private readonly luck: () => number,
  ) {}

  get armed(): boolean {
    return this.at !== Infinity;
  }

  arm(alarm: Alarm, at: Millis, now: Millis): void {
    this.alarm = alarm;
    this.at = Math.max(at, now + AHEAD);
    this.wait = this.at - now;
    this.#late = false;
  }

  clear(): void {
    this.at = Infinity;
  }

  /**
   * It is due. False if it turns out to be late: how late is drawn only now, since most timers are set anew before they
   * run. The short wait for reordering is exact.
   */
  rings(): boolean {
    const tick = this.tick();
    if (!this.#late && tick > 0 && this.alarm !== "reorder") {
      this.#late = true;
      this.at += Math.max(AHEAD, this.luck() * grain(this.wait, tick));
      return false;
    }
    this.at = Infinity;
    return true;
  }
}
