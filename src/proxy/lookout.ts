/** Looks whether peers that nobody listens to are still there, as often as keepalive asks them: while a proxy has connections. */
import type { Timer } from "../core/clock.js";
import type { Present } from "../core/roster.js";
import { contained, type Owner } from "../core/containment.js";
import type { Connection } from "./connection.js";
import type { PlaneContext } from "./context.js";

export class Lookout {
  readonly #context: PlaneContext;
  readonly #connections: Present<Connection>;
  readonly #mistakes: Owner;
  #timer: Timer | null = null;

  constructor(context: PlaneContext, connections: Present<Connection>, mistakes: Owner) {
    this.#context = context;
    this.#connections = connections;
    this.#mistakes = mistakes;
  }

  /** There is a connection. */
  begin(): void {
    if (this.#timer === null) this.#later();
  }

  endIfNobody(): void {
    if (this.#connections.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #later(): void {
    const { clock, keepalive } = this.#context;
    if (keepalive === null) return;
    const look = contained(this.#mistakes, () => {
      this.#later();
      for (const connection of this.#connections)
        connection.guarded(() => {
          connection.lookForPeers();
        });
    });
    this.#timer = clock.at(clock.now() + keepalive, look);
  }
}
