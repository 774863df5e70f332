/**
 * `GET /fleet/events`: the merged journal of a fleet as server-sent events. It is read from the engine no faster than it is taken here, so
 * nothing piles up for a reader that is slow; one that takes nothing from one sign of life to the next is dropped.
 */
import type { Request, Response } from "express";
import type { FleetJournalQuery, FleetLine } from "../fleet/contract/journal.js";
import { jsonLine, messageOf } from "../telemetry/entry.js";
import { beginEvents, EventSink } from "./event-sink.js";
import type { AdminFleet } from "./fleet-house.js";
import type { House } from "./house.js";

/** How long a browser waits before it comes back. */
const RETRY_MS = 2_000;

export class FleetFeed {
  readonly #house: House;
  readonly #fleet: AdminFleet;
  readonly #request: Request;
  readonly #response: Response;
  readonly #stop = new AbortController();
  readonly #sink: EventSink;
  #drained: () => void = () => undefined;
  #cursor = "";

  constructor(house: House, fleet: AdminFleet, request: Request, response: Response) {
    this.#house = house;
    this.#fleet = fleet;
    this.#request = request;
    this.#response = response;
    this.#sink = new EventSink(response, {
      clock: house.clock,
      heartbeat: house.limits.heartbeat,
      drained: () => {
        this.#drained();
      },
    });
  }

  open(query: FleetJournalQuery, cursor: string): void {
    const response = this.#response;
    if (this.#request.method !== "HEAD")
      this.#house.streams.enter(response, () => {
        this.#close();
      });
    beginEvents(response);
    if (this.#request.method === "HEAD") {
      response.end();
      return;
    }
    // Whoever comes back before the first line comes back to the same place.
    this.#sink.write(`retry: ${RETRY_MS}\nid: ${cursor}\n\n`);
    this.#cursor = cursor;
    this.#sink.beat();
    void this.#run(query, cursor);
  }

  async #run(query: FleetJournalQuery, cursor: string): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const { line, cursor: at } of this.#fleet.journal.follow(query, cursor, signal)) {
        if (signal.aborted) return;
        this.#send(line, at);
        if (this.#sink.full) await this.#room();
      }
    } catch (error) {
      if (!signal.aborted) this.#refuse(error);
    }
    if (!signal.aborted) this.#response.end();
  }

  #send(line: FleetLine, cursor: string): void {
    const id = cursor === this.#cursor ? "" : `id: ${cursor}\n`;
    this.#cursor = cursor;
    this.#sink.write(`${id}event: ${eventName(line.kind)}\ndata: ${jsonLine(line)}\n\n`);
  }

  /** The engine does not let this daemon read: whoever comes back is told so by the answer. */
  #refuse(error: unknown): void {
    const time = new Date(this.#house.clock.wallTime()).toISOString();
    this.#sink.write(
      `event: refused\ndata: ${jsonLine({ seq: 0, time, kind: "refused", text: messageOf(error) })}\n\n`,
    );
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #close(): void {
    this.#stop.abort();
    this.#sink.close();
    this.#drained();
    this.#response.end();
  }
}

/** Kinds come from daemons of any version; a field of an event ends with its line. */
function eventName(kind: string): string {
  return /^[a-z_]{1,100}$/u.test(kind) ? kind : "entry";
}
