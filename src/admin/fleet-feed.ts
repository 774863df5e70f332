/**
 * `GET /fleet/events`: the merged journal of a fleet as server-sent events. It is read from the engine no faster than it is taken here, so
 * nothing piles up for a reader that is slow; one that takes nothing from one sign of life to the next is dropped.
 */
import type { Request, Response } from "express";
import type { Timer } from "../core/clock.js";
import type { FleetJournalQuery, FleetLine } from "../fleet/contract/journal.js";
import { jsonLine, messageOf } from "../telemetry/entry.js";
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
  #heartbeat: Timer | null = null;
  /** Nothing was taken since the last sign of life. */
  #stuck = false;
  #drained: () => void = () => undefined;
  #full = false;
  #cursor = "";

  constructor(house: House, fleet: AdminFleet, request: Request, response: Response) {
    this.#house = house;
    this.#fleet = fleet;
    this.#request = request;
    this.#response = response;
  }

  open(query: FleetJournalQuery, cursor: string): void {
    const response = this.#response;
    if (this.#request.method !== "HEAD")
      this.#house.streams.enter(response, () => {
        this.#close();
      });
    response.status(200).set({
      "content-type": "text/event-stream; charset=utf-8",
      // Nothing between here and the reader should collect events first.
      "x-accel-buffering": "no",
    });
    if (this.#request.method === "HEAD") {
      response.end();
      return;
    }
    response.on("drain", () => {
      this.#full = false;
      this.#stuck = false;
      this.#drained();
    });
    // Whoever comes back before the first line comes back to the same place.
    this.#write(`retry: ${RETRY_MS}\nid: ${cursor}\n\n`);
    this.#cursor = cursor;
    this.#beat();
    void this.#run(query, cursor);
  }

  async #run(query: FleetJournalQuery, cursor: string): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const { line, cursor: at } of this.#fleet.journal.follow(query, cursor, signal)) {
        if (signal.aborted) return;
        this.#send(line, at);
        if (this.#full) await this.#room();
      }
    } catch (error) {
      if (!signal.aborted) this.#refuse(error);
    }
    if (!signal.aborted) this.#response.end();
  }

  #send(line: FleetLine, cursor: string): void {
    const id = cursor === this.#cursor ? "" : `id: ${cursor}\n`;
    this.#cursor = cursor;
    this.#write(`${id}event: ${eventName(line.kind)}\ndata: ${jsonLine(line)}\n\n`);
  }

  /** The engine does not let this daemon read: whoever comes back is told so by the answer. */
  #refuse(error: unknown): void {
    const time = new Date(this.#house.clock.wallTime()).toISOString();
    this.#write(
      `event: refused\ndata: ${jsonLine({ seq: 0, time, kind: "refused", text: messageOf(error) })}\n\n`,
    );
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #beat(): void {
    const { clock, limits } = this.#house;
    this.#heartbeat = clock.at(clock.now() + limits.heartbeat, () => {
      if (this.#stuck) {
        this.#response.destroy();
        return;
      }
      this.#stuck = this.#full;
      if (!this.#full) this.#write(": still here\n\n");
      this.#beat();
    });
  }

  #write(text: string): void {
    if (!this.#response.write(text)) this.#full = true;
  }

  #close(): void {
    this.#stop.abort();
    this.#heartbeat?.cancel();
    this.#drained();
    this.#response.end();
  }
}

/** Kinds come from daemons of any version; a field of an event ends with its line. */
function eventName(kind: string): string {
  return /^[a-z_]{1,100}$/u.test(kind) ? kind : "entry";
}
