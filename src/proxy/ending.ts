/** How a connection ended: what came first, unless that was one side's word that it has nothing more to say. */
import type { ConnectionEnd, ConnectionFailure } from "../core/events.js";

export class Ending {
  #how: ConnectionEnd | null = null;
  #failure: ConnectionFailure | null = null;

  /** Nobody was heard to end it: something went wrong in here. */
  get how(): ConnectionEnd {
    return this.#how ?? "failed";
  }

  get failure(): ConnectionFailure | null {
    return this.#failure;
  }

  came(how: ConnectionEnd): void {
    this.#how ??= how;
  }

  /** A side has ended in order, and the other one may go on. */
  closed(by: "client" | "upstream"): void {
    this.came(`${by}_closed`);
  }

  failed(reason: ConnectionFailure): void {
    this.#failure ??= reason;
    this.came("failed");
  }

  /** Ended from in here. `flowing`: bytes still went, so that a side which had ended was not what ended it. */
  severed(flowing: boolean): void {
    const half = this.#how === "client_closed" || this.#how === "upstream_closed";
    if (this.#how === null || (half && flowing)) this.#how = "fault";
  }
}
