/**
 * How a client took a handshake on which a fault acted. An alert that it sends says so itself, and so does data: whoever
 * sends it has accepted what it was shown. Who closes before is taken to have refused, since clients that check certificates in
 * their own code, Node's among them, send no alert.
 *
 * A fault may act late, as on the end of a connection: what the client did before is remembered, and told once one has acted.
 */
import { alertOf, isReset } from "../client-failure.js";
import type { Took } from "../../faults/contract/index.js";

export class Testimony {
  readonly #acted: () => boolean;
  readonly #tell: (took: Took) => void;
  #seen: Took | null = null;
  #told = false;

  /** `acted` says whether there is anything to tell of; `tell` is called once at the most. */
  constructor(acted: () => boolean, tell: (took: Took) => void) {
    this.#acted = acted;
    this.#tell = tell;
  }

  /** Data of its own has come. */
  data(): void {
    this.#see("accepted");
  }

  broke(error: Error): void {
    const alert = alertOf(error);
    // It says more than whatever the client did before.
    if (alert !== null) this.#seen = null;
    if (alert !== null) this.#see(`alert ${alert}`);
    else if (isReset(error)) this.#see("reset");
  }

  /** It has ended its side, or is gone. */
  ended(): void {
    this.#see("closed");
  }

  /** The connection is over, and it was not the client who ended it. */
  over(): void {
    this.#see("undecided");
  }

  /** The first that is seen counts. */
  #see(took: Took): void {
    this.#seen ??= took;
    if (this.#told || !this.#acted()) return;
    this.#told = true;
    this.#tell(this.#seen);
  }
}
