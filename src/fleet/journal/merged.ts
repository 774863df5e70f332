/**
 * The journal of the fleet as it is read: the newest of it, or what comes. What comes is held for a moment, since daemons send
 * once a second and one's entries may belong before those of another that are here already.
 */
import type { Clock, Millis } from "../../core/clock.js";
import type { JournalEntry } from "../../telemetry/entry.js";
import { matcher } from "../../telemetry/journal.js";
import {
  BATCH_EVERY_MS,
  CURSOR_START,
  type FleetJournal,
  type FleetJournalPage,
  type FleetJournalQuery,
  type FleetLine,
  type FleetNotice,
} from "../contract/journal.js";
import { Merger, type MergerOptions } from "./merger.js";
import { numbersBefore } from "./numbers-before.js";
import { readOn, type ReadEngine, type ReadEvent } from "./reading.js";

/** An entry waits for its batch for a second, and half a second is for the way. */
export const HOLD: Millis = BATCH_EVERY_MS + 500;
/** Lines that are held at most; beyond that they are shown as they are. */
export const HELD_MAX = 5_000;
/** Batches that are looked at for a page: first so many, then four times as many, until there is enough. */
const LOOK_FIRST = 64;
export const LOOK_MAX = 4_096;
/** With more entries than these among them, no more batches are looked at: four times as many take a second of the processor. */
const LOOKED_AT_MAX = 50_000;

export interface MergedOptions {
  readonly engine: ReadEngine;
  readonly clock: Clock;
  /** The engine's clock now, in milliseconds since 1970; null if it is not known. */
  readonly engineNow: () => number | null;
}

export class MergedJournal implements FleetJournal {
  readonly #options: MergedOptions;

  constructor(options: MergedOptions) {
    this.#options = options;
  }

  async entries(query: FleetJournalQuery, limit: number, signal: AbortSignal): Promise<FleetJournalPage> {
    for (let newest = LOOK_FIRST; ; newest *= 4) {
      const { page, looked, all } = await this.#newest(newest, query, limit, signal);
      const enough = page.entries.length >= limit || all;
      if (enough || newest >= LOOK_MAX || looked > LOOKED_AT_MAX || signal.aborted) return page;
    }
  }

  async #newest(
    newest: number,
    query: FleetJournalQuery,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly page: FleetJournalPage; readonly looked: number; readonly all: boolean }> {
    const { engine, clock, engineNow } = this.#options;
    const merger = new Merger({ ...wanted(query), fromOldest: true });
    const ceiling = engineNow();
    let cursor = CURSOR_START;
    let batches = 0;
    let looked = 0;
    let unreadable = 0;
    let pruned = false;
    for await (const batch of engine.tail({ from: { newest }, follow: false, signal })) {
      batches++;
      if (batch === null) {
        unreadable++;
        continue;
      }
      cursor = batch.cursor;
      looked += batch.entries.length;
      merger.push(batch, 0, ceiling);
      if (merger.size > 4 * limit) pruned = merger.prune(limit) || pruned;
    }
    // Only now it is known whether the first one was the oldest that there is.
    const all = batches < newest;
    pruned = merger.prune(limit) || pruned;
    const lines = merger.take(Infinity).filter((line) => all || line.kind !== "gap" || line.why !== "aged");
    const text = `${unreadable} batches cannot be read: a daemon of another version may have written them`;
    const notices = unreadable === 0 ? [] : [notice(clock, { kind: "unreadable", text })];
    return { page: { entries: [...lines, ...notices], cursor, whole: all && !pruned }, looked, all };
  }

  async *follow(
    query: FleetJournalQuery,
    cursor: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly line: FleetLine; readonly cursor: string }, void> {
    const { engine, clock, engineNow } = this.#options;
    const merger = new Merger({ ...wanted(query), fromOldest: cursor === CURSOR_START });
    let start = cursor ?? CURSOR_START;
    if (cursor === null)
      for await (const batch of engine.tail({ from: { newest: LOOK_FIRST }, follow: false, signal }))
        start = batch?.cursor ?? start;
    const lines = function* (until: Millis): Generator<{ line: FleetLine; cursor: string }> {
      const before = merger.cursor ?? start;
      const due = merger.take(until);
      // Whoever leaves in between comes back behind what was shown before all of these.
      for (const [index, line] of due.entries())
        yield { line, cursor: index < due.length - 1 ? before : (merger.cursor ?? start) };
    };
    const stop = new AbortController();
    const end = (): void => {
      stop.abort();
    };
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    const events = readOn(engine, clock, start, stop.signal);
    let next = events.next();
    let first = true;
    try {
      while (!stop.signal.aborted) {
        const event = await within(next, clock, merger.oldest + HOLD);
        if (event === "due") yield* lines(clock.now() - HOLD);
        else if (event.done === true) return;
        else {
          next = events.next();
          if (first && "batch" in event.value) {
            for (const one of await numbersBefore(engine, clock, start, stop.signal)) merger.skip(one);
            first = false;
          }
          yield* this.#heard(event.value, merger, lines, start, engineNow());
        }
      }
    } finally {
      signal.removeEventListener("abort", end);
      stop.abort();
      void next.then(
        () => events.return(),
        () => undefined,
      );
    }
  }

  *#heard(
    event: ReadEvent,
    merger: Merger,
    lines: (until: Millis) => Generator<{ line: FleetLine; cursor: string }>,
    start: string,
    ceiling: number | null,
  ): Generator<{ line: FleetLine; cursor: string }> {
    const { clock } = this.#options;
    if ("batch" in event) {
      merger.push(event.batch, clock.now(), ceiling);
      if (merger.size > HELD_MAX) yield* lines(Infinity);
    } else {
      // What is held is from before.
      yield* lines(Infinity);
      yield { line: notice(clock, event.notice), cursor: merger.cursor ?? start };
    }
  }
}

function wanted({ daemon, ...query }: FleetJournalQuery): Pick<MergerOptions, "wants" | "wantsDaemon"> {
  const matches = matcher(query);
  return {
    wantsDaemon: (name) => daemon === undefined || name === daemon,
    wants: (_, entry: JournalEntry) => matches(entry),
  };
}

function notice(clock: Clock, { kind, text }: Pick<FleetNotice, "kind" | "text">): FleetNotice {
  return { seq: 0, time: new Date(clock.wallTime()).toISOString(), kind, text };
}

/** What comes first: the promise is kept, or that moment is there. */
async function within<T>(promise: Promise<T>, clock: Clock, when: Millis): Promise<T | "due"> {
  if (when === Infinity) return promise;
  return new Promise((resolve, reject) => {
    const timer = clock.at(when, () => {
      resolve("due");
    });
    promise.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error as Error);
      },
    );
  });
}
