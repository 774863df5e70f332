/** `/v1/events`: what happens to jobs, as server-sent events, to everybody who listens; bounded for each of them. */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { Clock, Millis, Timer } from "../../core/clock.js";
import type { JobEvent } from "./job.js";
import { Refusal } from "./refusal.js";

/** Events that a reader can catch up on. */
const KEPT_MAX = 1_000;
const READERS_MAX = 100;
/** A reader who is further behind is sent away; it comes back with its Last-Event-ID. */
const BEHIND_MAX = 10_000;
const PING_EVERY: Millis = 15_000;

interface Entry {
  readonly number: number;
  readonly text: string;
}

class Reader extends Readable {
  readonly #pending: string[] = [];
  #wanted = false;
  #ended = false;

  tell(text: string): void {
    if (this.#ended) return;
    this.#pending.push(text);
    if (this.#pending.length > BEHIND_MAX) this.end();
    else if (this.#wanted) this.#hand();
  }

  end(): void {
    if (!this.#ended) this.push(null);
    this.#ended = true;
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#pending.length > 0 && !this.#ended) this.#hand();
  }

  #hand(): void {
    this.#wanted = false;
    this.push(this.#pending.splice(0).join(""));
  }
}

export class EventFeed {
  readonly #clock: Clock;
  /** Tells the events of this process from those of the one before. */
  readonly #epoch = randomBytes(4).toString("hex");
  readonly #kept: Entry[] = [];
  readonly #readers = new Set<Reader>();
  #number = 0;
  #ping: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get readers(): number {
    return this.#readers.size;
  }

  tell({ event, job }: JobEvent): void {
    const number = ++this.#number;
    const time = new Date(this.#clock.wallTime()).toISOString();
    const data = {
      time,
      event,
      job: job.id,
      type: job.spec.type,
      state: job.state,
      bot: job.lease?.bot ?? null,
    };
    const text = `id: ${this.#epoch}-${number}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#kept.push({ number, text });
    if (this.#kept.length >= 2 * KEPT_MAX) this.#kept.splice(0, KEPT_MAX);
    for (const reader of this.#readers) reader.tell(text);
  }

  /** Everything from now on, after what has come since the event with that id. */
  open(lastId: string | null): Readable {
    if (this.#readers.size >= READERS_MAX)
      throw new Refusal("queue_full", `${READERS_MAX} readers listen already.`, {
        headers: { "retry-after": "1" },
      });
    const reader = new Reader();
    this.#readers.add(reader);
    reader.once("close", () => {
      this.#readers.delete(reader);
    });
    reader.tell(": events of jobs\n\n");
    if (lastId !== null) this.#catchUp(reader, lastId);
    this.#ping ??= this.#pingLater();
    return reader;
  }

  close(): void {
    this.#ping?.cancel();
    for (const reader of this.#readers) reader.end();
  }

  #catchUp(reader: Reader, lastId: string): void {
    const [epoch, number] = lastId.split("-");
    const since = Number(number);
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    if (epoch !== this.#epoch || !(since >= oldest - 1)) reader.tell(`event: gap\ndata: {}\n\n`);
    for (const entry of this.#kept)
      if (epoch !== this.#epoch || entry.number > since) reader.tell(entry.text);
  }

  #pingLater(): Timer {
    return this.#clock.at(this.#clock.now() + PING_EVERY, () => {
      for (const reader of this.#readers) reader.tell(": still here\n\n");
      this.#ping = this.#readers.size > 0 ? this.#pingLater() : null;
    });
  }
}
