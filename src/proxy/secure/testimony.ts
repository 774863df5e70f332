/**
 * How a client took a handshake on which a fault acted. An alert that it sends says so itself, and so does data: whoever
 * sends it has accepted what it was shown. Who closes before is taken to have refused, since clients that check certificates in
 * their own code, Node's among them, send no alert.
 *
 * A fault may act late, as on the end of a connection: what the client did before is remembered, and told once one has acted.
 */
import { alertOf, isReset } from "../client-failure.js";
import type { Took } from "../../faults/contract/index.js";

/** Whose handshake it is. */
export interface TestimonyHost {
  /** Whether there is anything to tell of. */
  readonly acted: boolean;
  /** Called once at the most. */
  told(took: Took): void;
}

export class Testimony {
  readonly #of: TestimonyHost;
  #seen: Took | null = null;
  #told = false;

  constructor(of: TestimonyHost) {
    this.#of = of;
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
    if (this.#told || !this.#of.acted) return;
    this.#told = true;
    this.#of.told(this.#seen);
  }
}
