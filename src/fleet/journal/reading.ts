/** The stream of batches as it comes, over breaks: where it was left it goes on, and what happened to it is said in between. */
import type { Clock, Millis } from "../../core/clock.js";
import { formatDuration } from "../../core/units.js";
import { EngineError, type FleetEngine } from "../contract/engine.js";
import { CURSOR_START, type FleetNotice, type KeptBatch } from "../contract/journal.js";

export type ReadEvent =
  { readonly batch: KeptBatch } | { readonly notice: Pick<FleetNotice, "kind" | "text"> };

export const READ_AGAIN_FIRST: Millis = 1_000;
export const READ_AGAIN_MAX: Millis = 10_000;

export type ReadEngine = Pick<FleetEngine, "tail" | "onHint" | "name">;

/** Rejects with an `EngineError` where the credentials do not allow it; goes on otherwise until the signal aborts. */
export async function* readOn(
  engine: ReadEngine,
  clock: Clock,
  cursor: string,
  signal: AbortSignal,
): AsyncGenerator<ReadEvent, void> {
  let from = cursor === CURSOR_START ? null : cursor;
  let failures = 0;
  /** Since when it is away. */
  let since = 0;
  let unreadable = false;
  /** After a break what is there is read first, whose end says that the engine is back, though there may be nothing new. */
  let follow = true;
  while (!signal.aborted) {
    let why = "the engine ended the stream";
    const attempt = new Attempt(engine, signal);
    try {
      for await (const batch of engine.tail({ from, follow, signal: attempt.signal })) {
        if (signal.aborted) return;
        // What was read over a connection that is lost by now was read.
        if (failures > 0) yield back(engine, clock.now() - since);
        failures = 0;
        if (batch === null) {
          if (!unreadable) yield UNREADABLE;
          unreadable = true;
          continue;
        }
        if (batch.anew === true) yield anew(engine);
        from = batch.cursor;
        yield { batch };
      }
      if (attempt.isLost) why = "the connection was lost";
      else if (!follow) {
        if (failures > 0) yield back(engine, clock.now() - since);
        failures = 0;
        follow = true;
        continue;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof EngineError)) throw error;
      if (error.failure === "forbidden") throw error;
      why = error.message;
    } finally {
      attempt.end();
    }
    if (signal.aborted) return;
    if (failures === 0) {
      since = clock.now();
      yield away(engine, why);
    }
    follow = false;
    const wait = Math.min(READ_AGAIN_MAX, READ_AGAIN_FIRST * 2 ** Math.min(failures++, 10));
    await pause(engine, clock, wait, signal);
  }
}

const UNREADABLE: ReadEvent = {
  notice: {
    kind: "unreadable",
    text: "the stream has batches that this version cannot read: a daemon of another version may write them",
  },
};

const away = (engine: ReadEngine, why: string): ReadEvent => ({
  notice: {
    kind: "away",
    text: `${engine.name} is away: what the daemons write is missing until it is back (${why})`,
  },
});

const back = (engine: ReadEngine, after: Millis): ReadEvent => ({
  notice: {
    kind: "back",
    text: `${engine.name} is back, after ${formatDuration(Math.round(after / 100) * 100)}: what was written meanwhile follows, and gaps are named`,
  },
});

/** One reading of the stream, which ends when the connection does: the adapter would wait for the next one, and nobody would know. */
class Attempt {
  readonly #stop = new AbortController();
  readonly #ends: readonly (() => void)[];
  isLost = false;

  constructor(engine: ReadEngine, signal: AbortSignal) {
    const stop = (): void => {
      this.#stop.abort();
    };
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const deaf = engine.onHint((what) => {
      if (what !== "disconnected") return;
      this.isLost = true;
      stop();
    });
    this.#ends = [
      deaf,
      () => {
        signal.removeEventListener("abort", stop);
      },
    ];
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}

const anew = (engine: ReadEngine): ReadEvent => ({
  notice: {
    kind: "anew",
    text: `the stream in ${engine.name} was made anew or restored: what it had before may be missing`,
  },
});

/** Until the time is over, the engine is heard to be back, or nobody reads any more. */
export function pause(engine: ReadEngine, clock: Clock, wait: Millis, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      stop();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.at(clock.now() + wait, end);
    const stop = engine.onHint((what) => {
      if (what === "connected") end();
    });
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
