/** Requests to NATS and messages from it, over whichever connection there is. */
import type { Msg, NatsConnectionImpl } from "@nats-io/transport-node";
import type { EngineOptions, Hint } from "../../contract/engine.js";
import type { Limit } from "../limit.js";
import { Way, type Dialled } from "../way.js";
import type { NatsClient } from "./dial.js";
import { isRefusal, translate } from "./errors.js";

export class NatsLink {
  readonly #client: NatsClient;
  readonly #way: Way<NatsConnectionImpl>;

  constructor(options: EngineOptions, client: NatsClient) {
    this.#client = client;
    this.#way = new Way(options, { dial: client.dial, ended, translate });
  }

  get name(): string {
    return this.#way.name;
  }

  get connected(): boolean {
    return this.#way.connected;
  }

  get closed(): boolean {
    return this.#way.closed;
  }

  limit(): Limit {
    return this.#way.limit();
  }

  onState(hear: (what: Hint) => void): () => void {
    return this.#way.onState(hear);
  }

  /** The reply. Rejects with an `EngineError`. It was sent at most once, and not at all where there was no connection in time. */
  request(
    subject: string,
    payload: Uint8Array | string,
    limit: Limit,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Msg> {
    return this.#way.call(
      (connection) => {
        const timeout = Math.max(1, limit.left);
        return connection.request(subject, payload, { timeout, headers: this.#client.headers(headers) });
      },
      limit,
      subject,
    );
  }

  /** Calls back for each message of the subject; answers how to stop. What these credentials may not hear stays silent. */
  onMessage(subject: string, hear: () => void): () => void {
    return this.#way.onEach((connection) => {
      const subscription = connection.subscribe(subject, {
        callback: (error) => {
          if (error === null) hear();
          else if (isRefusal(error))
            this.#way.say(`the fleet's engine: these credentials may not hear ${subject}`);
        },
      });
      return () => {
        if (!connection.isClosed()) subscription.unsubscribe();
      };
    });
  }

  close(): void {
    this.#way.close();
  }
}

async function ended(connection: NatsConnectionImpl, dialled: Dialled<NatsConnectionImpl>): Promise<string> {
  let isSilent = false;
  void (async () => {
    // The library would wait until it has written before it gives a dead connection up: here that is done at once.
    for await (const { type } of connection.status()) {
      if (type !== "staleConnection") continue;
      isSilent = true;
      dialled.drop();
    }
  })();
  const why = await connection.closed();
  if (isSilent) return "it does not answer any more";
  return why instanceof Error ? why.message : "the connection was closed";
}
