/**
 * Whether a run had the machine that it needed. A lease runs out, and a time-out passes, when a program gets no processor for seconds; and
 * then it is not the fault that has failed it. So it is measured for how long others had the processors: other runs, or anything else.
 */
import { cpus } from "node:os";
import { cpuUsage } from "node:process";

/** One look at the machine; all times in milliseconds. */
export interface Look {
  /** On a monotonic clock. */
  readonly at: number;
  readonly processors: number;
  /** Time in which processors had nothing to do, summed over all of them. */
  readonly idle: number;
  /** Processor time of the run: of its programs, and of this process. */
  readonly own: number;
}

/** Less of the machine than this was free: whoever wants a processor must wait for it. */
const FREE = 0.1;
/** At least so much of it was taken by others: a program that fills the machine by itself is not starved. */
const OTHERS = 0.25;
/** Shorter windows say little: the system counts in hundredths of a second. */
const WINDOW_MS = 250;

export class Starvation {
  #last: Look;
  /** For how long others had the machine, in milliseconds. */
  ms = 0;

  constructor(first: Look) {
    this.#last = first;
  }

  take(look: Look): void {
    const { at, processors, idle, own } = this.#last;
    const whole = (look.at - at) * processors;
    if (look.at - at < WINDOW_MS) return;
    this.#last = look;
    // Of programs that have ended between two looks nothing more is known, so that it may go down.
    const free = Math.max(0, look.idle - idle) / whole;
    const ours = Math.max(0, look.own - own) / whole;
    if (free < FREE && 1 - free - ours >= OTHERS) this.ms += look.at - at;
  }
}

/** So long without a processor is enough for a run to fail; of a short one half of it. */
const STARVED_MS = 1_000;

/** Whether a run of this length says little, since others had the machine for so long of it. */
export function isStarved({ ms, starved = 0 }: { readonly ms: number; readonly starved?: number }): boolean {
  return starved > 0 && starved >= Math.min(STARVED_MS, ms / 2);
}

/** Milliseconds of a clock tick, in which Linux counts the time of processes (USER_HZ). */
const TICK_MS = 10;

/** `ticks` are those of the run's programs. */
export function lookAround(ticks: number): Look {
  const all = cpus();
  const { user, system } = cpuUsage();
  return {
    at: performance.now(),
    processors: Math.max(1, all.length),
    idle: all.reduce((sum, { times }) => sum + times.idle, 0),
    own: ticks * TICK_MS + (user + system) / 1_000,
  };
}
