/**
 * How a client took a handshake on which a fault acted. An alert that it sends says so itself, and so does data: whoever
 * sends it has accepted what it was shown. Who closes before is taken to have refused, since clients that check certificates in
 * their own code, Node's among them, send no alert.
 */
import { alertOf, isReset } from "../client-failure.js";
import type { Took } from "../../faults/contract/index.js";

export class Testimony {
  readonly #decided: (took: Took) => void;
  #took: Took | null = null;

  constructor(decided: (took: Took) => void) {
    this.#decided = decided;
  }

  get took(): Took | null {
    return this.#took;
  }

  /** Data of its own has come. */
  data(): void {
    this.#decide("accepted");
  }

  broke(error: Error): void {
    const alert = alertOf(error);
    if (alert !== null) this.#decide(`alert ${alert}`);
    else if (isReset(error)) this.#decide("reset");
  }

  /** It has ended its side, or is gone. */
  ended(): void {
    this.#decide("closed");
  }

  /** The connection is over, and it was not the client who ended it. */
  over(): void {
    this.#decide("undecided");
  }

  #decide(took: Took): void {
    if (this.#took !== null) return;
    this.#took = took;
    this.#decided(took);
  }
}
