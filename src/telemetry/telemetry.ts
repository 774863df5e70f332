/**
 * Where all facts arrive: each goes to the journal, to the log and to those who listen. Telling never throws
 * and never waits; whatever goes wrong in here stays in here.
 */
import type { Clock } from "../core/clock.js";
import type { Fact, Facts } from "../core/events.js";
import { isFrequent, messageOf, record, type Frequent, type JournalEntry } from "./entry.js";
import { Journal, type JournalFile } from "./journal.js";
import type { Log } from "./log.js";
import { Narrator } from "./narrator.js";
import { EventStream } from "./stream.js";

export interface TelemetryOptions {
  readonly clock: Clock;
  /** Records everything from the start. */
  readonly recording?: boolean;
  readonly log: Log;
  readonly journal?: { readonly keep?: number; readonly file?: JournalFile };
}

export interface Reload {
  readonly ok: boolean;
  /** When the configuration in force was read, wall-clock milliseconds: a refused reload does not move it. */
  readonly loadedAt: number;
}

/** Facts told by those who are being told facts wait their turn here. */
const WAITING_MAX = 1_000;

export class Telemetry implements Facts {
  readonly journal: Journal;
  readonly stream: EventStream;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #narrator: Narrator;
  readonly #waiting: Fact[] = [];
  readonly #hearers = new Set<(entry: JournalEntry) => void>();
  /** Everything is recorded from now on: what is under way already, as far as faults act on it. */
  recording: boolean;
  #notice: ((fact: Fact) => void) | null = null;
  #telling = false;
  #closed = false;
  #switches = 0;
  #failures = 0;
  #mistakes = 0;
  #reload: Reload;

  constructor({ clock, log, journal = {}, recording = false }: TelemetryOptions) {
    this.#clock = clock;
    this.recording = recording;
    this.#log = log;
    const startedAt = clock.wallTime();
    this.#reload = { ok: true, loadedAt: startedAt };
    this.journal = new Journal({
      clock,
      ...journal,
      onProblem: (text) => {
        this.#attempt(() => {
          log.warn(text);
        });
      },
    });
    this.stream = new EventStream({
      journal: this.journal,
      run: Math.floor(startedAt).toString(36),
      onError: (error) => {
        this.#failed("a listener of the event stream", error);
      },
    });
    this.#narrator = new Narrator(log, clock);
  }

  /** What became of the log itself. */
  get log(): Pick<Log, "lost" | "problem"> {
    return this.#log;
  }

  /** How many times a profile was switched on. */
  get switches(): number {
    return this.#switches;
  }

  get reload(): Reload {
    return this.#reload;
  }

  /** Mistakes of Squall itself that it has met with, each of which cost one connection, flow or question at the most. */
  get mistakes(): number {
    return this.#mistakes;
  }

  /** Facts that could not be told to everybody, for a mistake of ours or of a listener. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Hands every entry of the journal to `listener`, within the turn in which it is written, for as long as nobody calls what comes back. For
   * programs that have the daemon in their own process and must miss none.
   */
  hear(listener: (entry: JournalEntry) => void): () => void {
    const hearer = (entry: JournalEntry): void => {
      listener(entry);
    };
    this.#hearers.add(hearer);
    return () => {
      this.#hearers.delete(hearer);
    };
  }

  /** Hands every fact that is not told thousands of times a second to `listener`, as it is, for as long as nobody calls what comes back. One at a time. */
  notice(listener: (fact: Fact) => void): () => void {
    this.#notice = listener;
    return () => {
      if (this.#notice === listener) this.#notice = null;
    };
  }

  tell(fact: Fact): void {
    if (this.#telling) {
      // A listener that tells facts in turn must not make others hear them in another order.
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push(fact);
      else this.#failures++;
      return;
    }
    this.#telling = true;
    for (let next: Fact | undefined = fact; next !== undefined; next = this.#waiting.shift())
      this.#spread(next);
    this.#telling = false;
  }

  /** Says in the log what there is left to say, writes the journal's file to its end, and lets all listeners go. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#attempt(() => {
      this.#narrator.close();
    });
    this.#closed = true;
    this.#hearers.clear();
    this.stream.close();
    await this.journal.close();
  }

  #spread(fact: Fact): void {
    this.#attempt(() => {
      if (isFrequent(fact)) this.#spreadFrequent(fact);
      else {
        this.#write(fact, true);
        this.#notice?.(fact);
      }
    });
  }

  /** Nobody pays for words that nobody hears: only the first few of a second are said in the log. */
  #spreadFrequent(fact: Frequent): void {
    let said = false;
    if (!this.#closed) {
      this.#attempt(() => {
        said = this.#narrator.says(fact);
      });
    }
    const unheard = !said && !this.recording && this.stream.subscribers === 0 && this.#hearers.size === 0;
    if (unheard && this.journal.defer(fact)) return;
    this.#write(fact, said);
  }

  #write(fact: Fact, said: boolean): void {
    this.#count(fact);
    const written = record(fact);
    const entry = this.journal.add(written, this.recording);
    if (said && !this.#closed) {
      this.#attempt(() => {
        this.#narrator.tell(entry ?? written.fact, fact);
      });
    }
    if (entry === null) return;
    for (const hear of [...this.#hearers])
      this.#attempt(() => {
        hear(entry);
      });
    this.stream.publish(entry);
  }

  #count(fact: Fact): void {
    if (fact.kind === "activation_started") this.#switches++;
    if (fact.kind === "mistake") this.#mistakes++;
    if (fact.kind !== "reload") return;
    this.#reload = { ok: fact.ok, loadedAt: fact.ok ? this.#clock.wallTime() : this.#reload.loadedAt };
  }

  #attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed("telemetry", error);
    }
  }

  #failed(where: string, error: unknown): void {
    this.#failures++;
    try {
      // Said a few times and then only counted: this may happen for every fact.
      if (this.#failures <= 10) this.#log.error(`${where} failed: ${messageOf(error)}`);
    } catch {
      // The log itself is what failed.
    }
  }
}
