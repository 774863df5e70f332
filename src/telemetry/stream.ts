/**
 * The event stream: hands each journal entry to whoever subscribed, and to those who come back what they
 * missed, as far as the journal still has it. Queues for slow readers are the business of who writes to them.
 */
import { jsonLine, type JournalEntry } from "./entry.js";
import type { Journal } from "./journal.js";

export interface StreamEvent {
  /** For `id:` in server-sent events; comes back as `Last-Event-ID`. */
  readonly id: string;
  readonly entry: JournalEntry;
  /** The entry as one line of JSON, made once for all subscribers. */
  readonly json: string;
  /** About as many characters. */
  readonly size: number;
}

/** An entry that is told again: its line is made when it is sent. */
export type Missed = Omit<StreamEvent, "json">;

/** What a returning subscriber can never get: so many entries, or null if nobody knows (the daemon was restarted). */
export interface Gap {
  readonly lost: number | null;
}

export interface Subscription {
  /** What came after the given event, oldest first. The listener is called only for what comes later. */
  readonly replay: readonly Missed[];
  readonly gap: Gap | null;
  close(): void;
}

export interface SubscribeOptions {
  /** Replays what came after this entry. */
  readonly afterSeq?: number;
  /** The same, by the id of an event. One that this daemon has not given out is a gap of unknown size. */
  readonly lastEventId?: string;
}

type Listener = (event: StreamEvent) => void;

export class EventStream {
  readonly #journal: Journal;
  readonly #run: string;
  readonly #onError: (error: unknown) => void;
  readonly #listeners = new Set<{ readonly hear: Listener }>();

  /** `run` tells this life of the daemon from others, whose sequence numbers started at 1 as well. */
  constructor(parts: {
    readonly journal: Journal;
    readonly run: string;
    readonly onError: (error: unknown) => void;
  }) {
    this.#journal = parts.journal;
    this.#run = parts.run;
    this.#onError = parts.onError;
  }

  /** Whoever comes back with this hears what is told from now on. */
  get lastEventId(): string {
    return `${this.#run}-${this.#journal.lastSeq}`;
  }

  get subscribers(): number {
    return this.#listeners.size;
  }

  /** Calls `listener` for each entry from now on, within the turn in which it was told. */
  subscribe(listener: Listener, options: SubscribeOptions = {}): Subscription {
    const { replay, gap } = this.#missed(options);
    const subscriber = { hear: listener };
    this.#listeners.add(subscriber);
    return {
      replay,
      gap,
      close: () => {
        this.#listeners.delete(subscriber);
      },
    };
  }

  publish(entry: JournalEntry): void {
    if (this.#listeners.size === 0) return;
    const event = { ...this.#missedOne(entry), json: jsonLine(entry) };
    for (const subscriber of [...this.#listeners]) {
      if (!this.#listeners.has(subscriber)) continue;
      try {
        subscriber.hear(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  close(): void {
    this.#listeners.clear();
  }

  #missed({ afterSeq, lastEventId }: SubscribeOptions): Pick<Subscription, "replay" | "gap"> {
    const after = lastEventId === undefined ? afterSeq : this.#seqOf(lastEventId);
    if (after === undefined) return { replay: [], gap: null };
    const known = after !== null && after <= this.#journal.lastSeq;
    const since = known ? after : 0;
    const replay = this.#journal.query({ since }).map((entry) => this.#missedOne(entry));
    if (!known) return { replay, gap: { lost: null } };
    const lost = this.#journal.firstSeq - 1 - after;
    return { replay, gap: lost > 0 ? { lost } : null };
  }

  /** null for an id that is not one of ours. */
  #seqOf(id: string): number | null {
    const [, run, seq] = /^(\w+)-(\d{1,15})$/u.exec(id) ?? [];
    return run === this.#run && seq !== undefined ? Number(seq) : null;
  }

  #missedOne(entry: JournalEntry): Missed {
    return { id: `${this.#run}-${entry.seq}`, entry, size: this.#journal.sizeOf(entry.seq) };
  }
}
