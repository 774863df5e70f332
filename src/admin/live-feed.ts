/**
 * `GET /live`: the whole picture, and then what is different, as server-sent events. All readers share what is written down; one that does not
 * take it is dropped, and begins again with the whole picture.
 */
import type { Request, Response } from "express";
import type { Timer } from "../core/clock.js";
import type { House } from "./house.js";

/** Bytes that may wait for one reader. */
export const WAITING_MAX = 4 * 2 ** 20;
/** How long it may take nothing, in milliseconds. */
export const STUCK_MS = 10_000;

export function serveLive(house: House, request: Request, response: Response, exchanges: boolean): void {
  response.status(200).set({
    "content-type": "text/event-stream; charset=utf-8",
    // Nothing between here and the reader should collect events first.
    "x-accel-buffering": "no",
  });
  if (request.method === "HEAD") response.end();
  else new LiveFeed(house, response).open(exchanges);
}

class LiveFeed {
  readonly #house: House;
  readonly #response: Response;
  /** Since when it has taken nothing, on the monotonic clock; null while it takes all. */
  #fullSince: number | null = null;
  #heartbeat: Timer | null = null;
  #leave: () => void = () => undefined;
  #over = false;

  constructor(house: House, response: Response) {
    this.#house = house;
    this.#response = response;
  }

  open(exchanges: boolean): void {
    const { streams, live } = this.#house;
    streams.enter(this.#response, () => {
      this.#close();
    });
    this.#response.on("drain", () => {
      this.#fullSince = null;
    });
    const { state, leave } = live.open({
      exchanges,
      tick: (json) => {
        this.#write(`event: tick\ndata: ${json}\n\n`);
      },
    });
    this.#leave = leave;
    this.#write(`event: state\ndata: ${JSON.stringify(state)}\n\n`);
    this.#beat();
  }

  #write(text: string): void {
    if (this.#over) return;
    if (this.#isTooFarBehind()) {
      this.#response.destroy();
      return;
    }
    if (!this.#response.write(text)) this.#fullSince ??= this.#house.clock.now();
  }

  #isTooFarBehind(): boolean {
    const since = this.#fullSince;
    return (
      since !== null &&
      (this.#response.writableLength > WAITING_MAX || this.#house.clock.now() - since > STUCK_MS)
    );
  }

  #beat(): void {
    const { clock, limits } = this.#house;
    this.#heartbeat = clock.at(clock.now() + limits.heartbeat, () => {
      this.#write(": still here\n\n");
      if (!this.#over) this.#beat();
    });
  }

  #close(): void {
    this.#over = true;
    this.#heartbeat?.cancel();
    this.#leave();
    this.#response.end();
  }
}
