/**
 * The engine's clock, as far as this process can know it: what turns the moments of a plan into moments of the monotonic clock.
 * Cristian's method ("Probabilistic clock synchronization", 1989): the engine's time was read between sending and hearing, so it is
 * known to half of that; of the last few samples the most exact one counts. The wall clock has no part in it.
 */
import type { Millis } from "../core/clock.js";
import type { TimeSample } from "./contract/engine.js";

export const SAMPLES_KEPT = 8;

/** Clocks of one machine and another differ by so much of the time that has passed since they were compared (100 ppm). */
const DRIFT = 1e-4;

/** Of what is said in whole milliseconds. */
const GRAIN: Millis = 1;

export interface Offset {
  /** Engine's clock minus monotonic clock. */
  readonly offset: Millis;
  /** The truth is not further from it than that. */
  readonly error: Millis;
}

export class EngineClock {
  #samples: readonly TimeSample[] = [];

  add(sample: TimeSample): void {
    const { sent, received, engine } = sample;
    if (!Number.isFinite(engine) || !(received >= sent)) return;
    const fresh = offsetOf(sample, received);
    // What contradicts the new one is from before a step: of the engine's clock, or of this one, which stands still while a machine sleeps.
    const agreeing = this.#samples.filter((other) => {
      const old = offsetOf(other, received);
      return Math.abs(old.offset - fresh.offset) <= old.error + fresh.error;
    });
    this.#samples = [...agreeing, sample].slice(-SAMPLES_KEPT);
  }

  /** Null before anything is known. */
  offset(now: Millis): Offset | null {
    let best: Offset | null = null;
    for (const sample of this.#samples) {
      const one = offsetOf(sample, now);
      if (best === null || one.error <= best.error) best = one;
    }
    return best;
  }

  /** The engine's clock at that moment of the monotonic one; null before anything is known. */
  engineTime(now: Millis): Millis | null {
    const found = this.offset(now);
    return found === null ? null : now + found.offset;
  }

  /** The other way round, as near as can be told. */
  when(engine: Millis, now: Millis): Millis | null {
    const found = this.offset(now);
    return found === null ? null : engine - found.offset;
  }

  /** The latest moment that is certainly not past that time: an end that is kept by it is never late, and early by the error at most twice. */
  notAfter(engine: Millis, now: Millis): Millis | null {
    const found = this.offset(now);
    return found === null ? null : engine - found.offset - found.error;
  }
}

function offsetOf({ engine, sent, received }: TimeSample, now: Millis): Offset {
  return {
    offset: engine - (sent + received) / 2,
    error: (received - sent) / 2 + GRAIN + DRIFT * Math.max(0, now - received),
  };
}
