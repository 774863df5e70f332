/** Requests to NATS and messages from it, over whichever connection there is. */
import type { Msg, NatsConnectionImpl } from "@nats-io/transport-node";
import type { EngineOptions } from "../../contract/engine.js";
import type { Limit } from "../limit.js";
import { Link } from "../link.js";
import type { Dialled } from "../way.js";
import type { NatsClient } from "./dial.js";
import { isDismissal, isRefusal, translate } from "./errors.js";

export class NatsLink extends Link<NatsConnectionImpl> {
  readonly #client: NatsClient;

  constructor(options: EngineOptions, client: NatsClient) {
    super(options, { dial: client.dial, ended, translate });
    this.#client = client;
  }

  /** The reply. Rejects with an `EngineError`. It was sent at most once, and not at all where there was no connection in time. */
  request(
    subject: string,
    payload: Uint8Array | string,
    limit: Limit,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Msg> {
    return this.way.call(
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
    return this.way.onEach((connection) => {
      const subscription = connection.subscribe(subject, {
        callback: (error) => {
          if (error === null) hear();
          else if (isRefusal(error))
            this.way.say(`the fleet's engine: these credentials may not hear ${subject}`);
        },
      });
      return () => {
        if (!connection.isClosed()) subscription.unsubscribe();
      };
    });
  }
}

async function ended(connection: NatsConnectionImpl, dialled: Dialled<NatsConnectionImpl>): Promise<string> {
  let isSilent = false;
  /** What the server said before it ended the connection, such as that a JWT has expired: the library then calls that stale as well. */
  let said: string | null = null;
  void (async () => {
    // The library would wait until it has written before it gives a dead connection up: here that is done at once.
    for await (const status of connection.status()) {
      if (status.type === "error" && isDismissal(status.error)) said ??= status.error.message;
      if (status.type !== "staleConnection") continue;
      isSilent = true;
      dialled.drop();
    }
  })();
  const why = await connection.closed();
  if (said !== null) return `it ended the connection: ${said}`;
  if (isSilent) return "it does not answer any more";
  return why instanceof Error ? why.message : "the connection was closed";
}
