/**
 * Where candidates are tried: counts runs, remembers what came out, keeps the smallest that failed alike, and stops at the caps. One that
 * fails in another way does not count; its signature is kept, since it is a finding of its own.
 */
import { passesNeeded, shareOf, isSteady, type Rate } from "./rate.js";

export interface Trial {
  /** Fails as the first run did. */
  readonly alike: boolean;
  /** The signature of another failure; null if there was none. */
  readonly other: string | null;
}

/** Runs the candidate that has these parts, by their places in the list. */
export type Try = (kept: readonly number[]) => Promise<Trial>;

export interface Caps {
  readonly runs: number;
  /** Milliseconds. */
  readonly time: number;
}

/** Why no more candidates are tried. */
export type Stopped = "runs" | "time" | "interrupted";

export class CapReached extends Error {
  override readonly name = "CapReached";

  constructor(readonly why: Stopped) {
    super(`no more candidates are tried: ${why}`);
  }
}

export interface BenchOptions {
  readonly size: number;
  readonly caps: Caps;
  /** Milliseconds of any clock that does not jump. */
  readonly now: () => number;
  /** Called with the size of each smaller one that fails alike. */
  readonly smaller: (size: number, runs: number) => void;
}

/** A wrong "passes" under 1 %. */
const ERROR = 0.01;

export class Bench {
  readonly #try: Try;
  readonly #options: BenchOptions;
  readonly #since: number;
  /** What came out for a candidate, as often as it was run. */
  readonly #seen = new Map<string, { alike: number; runs: number }>();
  /** Other failures: the first candidate that had each. */
  readonly #others = new Map<string, readonly number[]>();
  #best: readonly number[];
  #runs = 0;

  constructor(tryRun: Try, options: BenchOptions) {
    this.#try = tryRun;
    this.#options = options;
    this.#since = options.now();
    this.#best = Array.from({ length: options.size }, (_, index) => index);
  }

  get runs(): number {
    return this.#runs;
  }

  get took(): number {
    return this.#options.now() - this.#since;
  }

  /** The smallest that has failed alike; all of them before any has. */
  get best(): readonly number[] {
    return this.#best;
  }

  get others(): ReadonlyMap<string, readonly number[]> {
    return this.#others;
  }

  /** How often it has failed alike, of how many runs. */
  seen(kept: readonly number[]): { readonly alike: number; readonly runs: number } {
    return this.#seen.get(kept.join()) ?? { alike: 0, runs: 0 };
  }

  /** One run of it. Throws CapReached where there may be no more, and what the runner throws. */
  async once(kept: readonly number[]): Promise<boolean> {
    const { caps } = this.#options;
    if (this.#runs >= caps.runs) throw new CapReached("runs");
    if (this.took >= caps.time) throw new CapReached("time");
    this.#runs++;
    const { alike, other } = await this.#try(kept).catch((error: unknown) => {
      if (error instanceof Error && error.name === "AbortError") throw new CapReached("interrupted");
      throw error;
    });
    const before = this.seen(kept);
    this.#seen.set(kept.join(), { alike: before.alike + (alike ? 1 : 0), runs: before.runs + 1 });
    if (other !== null && !this.#others.has(other)) this.#others.set(other, kept);
    if (alike && kept.length < this.#best.length) {
      this.#best = kept;
      this.#options.smaller(kept.length, this.#runs);
    }
    return alike;
  }

  /** Whether it fails alike: as many runs as it takes to believe that it does not, those counted that were made before. */
  async fails(kept: readonly number[], rate: Rate): Promise<boolean> {
    const enough = isSteady(rate) ? 1 : passesNeeded(shareOf(rate), ERROR);
    for (let { alike, runs } = this.seen(kept); ; { alike, runs } = this.seen(kept)) {
      if (alike > 0) return true;
      if (runs >= enough) return false;
      await this.once(kept);
    }
  }
}
