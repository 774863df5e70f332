/** A request's head that does not come to its end would keep a place for ever: the client is answered 408. */
import type { Clock, Timer } from "../../core/clock.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { ClientEnd } from "./client-end.js";
import type { HttpHost } from "./host.js";
import type { RequestSide } from "./request-side.js";
import type { Verdicts } from "./verdicts.js";

/** What it needs of its connection. */
export interface HeadWatchHost {
  readonly clock: Clock;
  readonly host: HttpHost;
  readonly ended: boolean;
  readonly clientEnd: ClientEnd;
  readonly requests: RequestSide;
  readonly verdicts: Verdicts;
  report(reason: ConnectionFailure, text: string): void;
}

export class HeadWatch {
  readonly #of: HeadWatchHost;
  #timer: Timer | null = null;

  constructor(of: HeadWatchHost) {
    this.#of = of;
  }

  /** Bytes have come: looks whether they are a head that is still to be completed. */
  look(): void {
    if (this.#of.requests.reader.bytesHeld > 0 || this.#timer !== null) this.lookAgain();
  }

  /** The same where something else has changed. */
  lookAgain(): void {
    const { clock, clientEnd, host, requests } = this.#of;
    const { reader, receiving } = requests;
    if (!clientEnd.admitsBytes || reader.bytesHeld === 0 || receiving !== null || reader.stopped) {
      this.stop();
      return;
    }
    const { headTimeout } = host.spec;
    this.#timer ??= clock.at(clock.now() + headTimeout, () => {
      this.#timer = null;
      if (this.#of.ended) return;
      this.#of.report("client_slow_head", `a request's head took longer than ${headTimeout} ms`);
      this.#of.verdicts.conclude(408);
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
