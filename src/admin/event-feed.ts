/**
 * `GET /events`: the journal as it is written, as server-sent events. For a reader that falls behind entries
 * wait, not bytes. One that lets too many of them wait, too much or for too long, or takes nothing from one sign of life to
 * the next, is dropped: it can come back with `Last-Event-ID`.
 */
import type { Request, Response } from "express";
import { SquallError } from "../core/errors.js";
import { jsonLine } from "../telemetry/entry.js";
import type { Missed, StreamEvent, Subscription, SubscribeOptions } from "../telemetry/stream.js";
import { beginEvents, EventSink } from "./event-sink.js";
import type { House } from "./house.js";
import type { Account } from "./ledger.js";

interface Waiting extends Missed {
  /** Since when, on the monotonic clock. */
  readonly since: number;
}

/** How long a browser waits before it comes back. */
const RETRY_MS = 2_000;

/**
 * Bytes that an entry takes while it waits for one reader, in memory: its place and its number. The entry itself is shared by all for
 * whom it waits, so that all of them together keep as much as the one that is furthest behind.
 */
const WAITING_BYTES = 96;

export function serveEvents(
  house: House,
  request: Request,
  response: Response,
  options: SubscribeOptions,
): void {
  beginEvents(response);
  if (request.method === "HEAD") response.end();
  else new EventFeed(house, response).open(options);
}

class EventFeed {
  readonly #house: House;
  readonly #response: Response;
  readonly #account: Account;
  readonly #sink: EventSink;
  readonly #queue: Waiting[] = [];
  #sent = 0;
  #queueMax = 0;
  /** Characters of what waits. */
  #waiting = 0;
  #subscription: Subscription | null = null;

  constructor(house: House, response: Response) {
    this.#house = house;
    this.#response = response;
    this.#account = house.streamLedger.open(() => response.destroy());
    this.#sink = new EventSink(response, {
      clock: house.clock,
      heartbeat: house.limits.heartbeat,
      drained: () => {
        this.#pump();
      },
      isTooFarBehind: () => this.#isTooFarBehind(),
    });
  }

  open(options: SubscribeOptions): void {
    const { streams, telemetry, limits } = this.#house;
    const out = streams.enter(this.#response, () => {
      this.#close();
      this.#response.end();
    });
    const subscription = telemetry.stream.subscribe((event) => {
      this.#hear(event);
    }, options);
    this.#subscription = subscription;
    const { replay, gap } = subscription;
    // Only references wait: the journal has the entries anyway.
    const since = this.#house.clock.now();
    for (const missed of replay) this.#wait(missed, since);
    try {
      this.#keep();
    } catch (error) {
      out();
      this.#close();
      throw error;
    }
    this.#queueMax = this.#queue.length + limits.streamQueue;
    this.#sink.write(`retry: ${RETRY_MS}\n\n`);
    if (gap !== null) this.#sink.write(`event: gap\ndata: ${this.#gapLine(gap.lost)}\n\n`);
    this.#pump();
    this.#sink.beat();
  }

  /** Looks like an entry, so that whoever prints entries can print it; it has no number of its own. */
  #gapLine(lost: number | null): string {
    return jsonLine({
      seq: 0,
      time: new Date(this.#house.clock.wallTime()).toISOString(),
      kind: "gap",
      lost,
    });
  }

  #hear({ id, entry, json, size }: StreamEvent): void {
    if (!this.#sink.full && this.#queue.length === 0) {
      this.#sink.write(eventText(id, entry.kind, json));
      return;
    }
    this.#wait({ id, entry, size }, this.#house.clock.now());
    if (this.#isTooFarBehind() || !this.#hasRoom()) this.#response.destroy();
  }

  /** Throws SQ_TOO_MANY where too much waits for all readers together. */
  #keep(): void {
    this.#account.set((this.#queue.length - this.#sent) * WAITING_BYTES);
  }

  #hasRoom(): boolean {
    try {
      this.#keep();
      return true;
    } catch (error) {
      if (error instanceof SquallError) return false;
      throw error;
    }
  }

  #wait({ id, entry, size }: Missed, since: number): void {
    this.#queue.push({ id, entry, size, since });
    this.#waiting += size;
  }

  #isTooFarBehind(): boolean {
    const { clock, limits } = this.#house;
    const oldest = this.#queue[this.#sent];
    return (
      this.#queue.length - this.#sent > this.#queueMax ||
      this.#waiting > limits.streamBytes ||
      (oldest !== undefined && clock.now() - oldest.since > limits.streamLag)
    );
  }

  #pump(): void {
    while (!this.#sink.full && this.#sent < this.#queue.length) {
      const next = this.#queue[this.#sent++];
      if (next === undefined) break;
      this.#waiting -= next.size;
      this.#sink.write(eventText(next.id, next.entry.kind, jsonLine(next.entry)));
    }
    // Moved up now and then, not for each entry.
    if (this.#sent === this.#queue.length || this.#sent > 1_000) {
      this.#queue.splice(0, this.#sent);
      this.#sent = 0;
    }
    this.#keep();
    this.#account.moved();
  }

  #close(): void {
    this.#sink.close();
    this.#subscription?.close();
    this.#account.close();
    this.#queue.length = 0;
    this.#sent = 0;
    this.#waiting = 0;
  }
}

function eventText(id: string, kind: string, json: string): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${json}\n\n`;
}
