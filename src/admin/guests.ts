/**
 * Callers who stay: long polls and event streams. So many at most, and of one address not all of them; all go when they leave
 * or the admin port closes.
 */
import type { ServerResponse } from "node:http";
import { SquallError } from "../core/errors.js";
import { Lane } from "./lane.js";
import { placesOfOne, sourceOf } from "./sources.js";

export class Guests {
  readonly limit: number;
  readonly #what: string;
  readonly #ends = new Map<() => void, string>();
  readonly #bySource = new Map<string, number>();

  constructor(what: string, limit: number) {
    this.#what = what;
    this.limit = limit;
  }

  get size(): number {
    return this.#ends.size;
  }

  /**
   * Lets one in, or throws SQ_TOO_MANY. `onEnd` is called once, when the client has left or the admin port
   * closes; the answer lets the guest out before that.
   */
  enter(response: ServerResponse, onEnd: () => void): () => void {
    const { socket } = response;
    const source = sourceOf(socket?.remoteAddress);
    const here = this.#bySource.get(source) ?? 0;
    const ofOne = placesOfOne(this.limit);
    if (this.#ends.size >= this.limit)
      throw new SquallError("SQ_TOO_MANY", `there are ${this.limit} ${this.#what} already`);
    if (here >= ofOne)
      throw new SquallError("SQ_TOO_MANY", `there are ${ofOne} ${this.#what} of ${source} already`, {
        hint: `of one address there may be ${ofOne}, of all together ${this.limit}`,
      });
    const leave = (): void => {
      if (!this.#ends.delete(end)) return;
      response.off("close", end);
      const left = (this.#bySource.get(source) ?? 1) - 1;
      if (left === 0) this.#bySource.delete(source);
      else this.#bySource.set(source, left);
    };
    const end = (): void => {
      leave();
      onEnd();
    };
    this.#ends.set(end, source);
    this.#bySource.set(source, here + 1);
    response.once("close", end);
    if ((socket as unknown) instanceof Lane) (socket as unknown as Lane).stay();
    return () => {
      leave();
      if ((socket as unknown) instanceof Lane) (socket as unknown as Lane).stayNoMore();
    };
  }

  close(): void {
    for (const end of [...this.#ends.keys()]) end();
  }
}
