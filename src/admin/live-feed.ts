/**
 * `GET /live`: the whole picture, and then what is different, as server-sent events. All readers share what is reckoned. One that falls
 * behind is told no more differences, but the whole picture again as soon as it has taken what waits; one that takes nothing is dropped.
 */
import type { Request, Response } from "express";
import type { Timer } from "../core/clock.js";
import { beginEvents } from "./event-sink.js";
import type { House } from "./house.js";
import { Outflow } from "./outflow.js";

/** Bytes that may wait for one reader before it misses differences. */
export const BEHIND_BYTES = 256 * 1_024;
/** How long it may take nothing, in milliseconds. */
export const STUCK_MS = 10_000;

export function serveLive(house: House, request: Request, response: Response, exchanges: boolean): void {
  beginEvents(response);
  if (request.method === "HEAD") response.end();
  else new LiveFeed(house, response, exchanges).open();
}

class LiveFeed {
  readonly #house: House;
  readonly #response: Response;
  readonly #exchanges: boolean;
  readonly #out: Outflow;
  /** It has missed differences. */
  #behind = false;
  #heartbeat: Timer | null = null;
  #leave: () => void = () => undefined;
  #over = false;

  constructor(house: House, response: Response, exchanges: boolean) {
    this.#house = house;
    this.#response = response;
    this.#exchanges = exchanges;
    this.#out = new Outflow(response, {
      clock: house.clock,
      ledger: house.streamLedger,
      drained: () => {
        this.#catchUp();
      },
    });
  }

  open(): void {
    const out = this.#house.streams.enter(this.#response, () => {
      this.#close();
      this.#response.end();
    });
    try {
      this.#begin((text) => {
        this.#out.write(text);
      });
    } catch (error) {
      out();
      this.#close();
      throw error;
    }
    this.#beat();
  }

  #begin(write: (text: string) => void): void {
    const { state, leave } = this.#house.live.open({
      exchanges: this.#exchanges,
      tick: (json) => {
        this.#tick(json);
      },
    });
    this.#leave = leave;
    write(`event: state\ndata: ${JSON.stringify(state)}\n\n`);
  }

  #tick(json: string): void {
    if (this.#over) return;
    if (this.#out.stuckFor > STUCK_MS) this.#response.destroy();
    else if (this.#behind || this.#out.bytes > BEHIND_BYTES) this.#behind = true;
    else this.#out.writeOrDrop(`event: tick\ndata: ${json}\n\n`);
  }

  /** Differences from what it has not heard would be a false picture. */
  #catchUp(): void {
    if (this.#over || !this.#behind) return;
    this.#behind = false;
    this.#leave();
    this.#begin((text) => {
      this.#out.writeOrDrop(text);
    });
  }

  #beat(): void {
    const { clock, limits } = this.#house;
    this.#heartbeat = clock.at(clock.now() + limits.heartbeat, () => {
      if (this.#out.stuckFor > STUCK_MS) {
        this.#response.destroy();
        return;
      }
      if (this.#out.bytes === 0) this.#out.writeOrDrop(": still here\n\n");
      if (!this.#over) this.#beat();
    });
  }

  #close(): void {
    this.#over = true;
    this.#heartbeat?.cancel();
    this.#leave();
    this.#out.close();
  }
}
