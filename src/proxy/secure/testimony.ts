/**
 * How a client took a handshake on which a fault acted. An alert that it sends says so itself, and so does data: whoever
 * sends it has accepted what it was shown. Who closes before is taken to have refused, since clients that check certificates in
 * their own code, Node's among them, send no alert.
 *
 * A fault may act late, as on the end of a connection: what the client did before is remembered, and told once one has acted.
 */
import type { Clock, Millis } from "../../core/clock.js";
import { alertOf, isReset } from "../client-failure.js";
import type { Took } from "../../faults/contract/index.js";

/** Whose handshake it is. */
export interface TestimonyHost {
  readonly clock: Pick<Clock, "now">;
  /** The faults that have acted, so that there is something to tell of: it stays so when they have gone. */
  readonly hits: readonly string[];
  /** Everything is recorded, and there is no fault that may act later: what is seen is told at once. */
  readonly recorded: boolean;
  /** Called once at the most; a second time if a fault acts after it was recorded that none did. */
  told(took: Took, at: Millis): void;
}

interface Seen {
  readonly took: Took;
  readonly at: Millis;
}

export class Testimony {
  readonly #of: TestimonyHost;
  #seen: Seen | null = null;
  #told = false;
  #recorded = false;

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

  /** Where everything is recorded: all is over, and so no fault acts on it any more. */
  concluded(): void {
    if (!this.#told) this.#record();
  }

  #record(): void {
    if (this.#recorded || this.#seen === null) return;
    this.#recorded = true;
    this.#of.told(this.#seen.took, this.#seen.at);
  }

  /** The first that is seen counts. */
  #see(took: Took): void {
    const now = this.#of.clock.now();
    this.#seen ??= { took, at: now };
    if (this.#told) return;
    if (this.#of.hits.length === 0) {
      if (this.#of.recorded) this.#record();
      return;
    }
    this.#told = true;
    this.#of.told(this.#seen.took, now);
  }
}
