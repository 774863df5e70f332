/** Callers who stay: long polls and event streams. So many at most; all go when they leave or the admin port closes. */
import type { ServerResponse } from "node:http";
import { SquallError } from "../core/errors.js";

export class Guests {
  readonly limit: number;
  readonly #what: string;
  readonly #ends = new Set<() => void>();

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
    if (this.#ends.size >= this.limit) {
      throw new SquallError("SQ_TOO_MANY", `there are ${this.limit} ${this.#what} already`);
    }
    const leave = (): void => {
      this.#ends.delete(end);
      response.off("close", end);
    };
    const end = (): void => {
      leave();
      onEnd();
    };
    this.#ends.add(end);
    response.once("close", end);
    return leave;
  }

  close(): void {
    for (const end of [...this.#ends]) end();
  }
}
