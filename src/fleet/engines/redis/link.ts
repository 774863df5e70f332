/** Commands to Redis and messages from it, over whichever connection there is. */
import type { Limit } from "../limit.js";
import { Link } from "../link.js";
import type { RedisConnection } from "./dial.js";
import { translate } from "./errors.js";

type Word = string | Uint8Array;

export class RedisLink extends Link<RedisConnection> {
  /** The reply, with strings as bytes. Rejects with an `EngineError`. It was sent at most once. */
  command(words: readonly Word[], limit: Limit): Promise<unknown> {
    const about = String(words[0]);
    const late = (): string => `${this.name}: no answer in time (${about})`;
    // Of the answer alone: whoever waits for a connection hears why there is none.
    return this.way.call((connection) => limit.wait(connection.send(words), late), limit, about);
  }

  script(text: string, keys: readonly string[], words: readonly Word[], limit: Limit): Promise<unknown> {
    return this.command(["EVAL", text, String(keys.length), ...keys, ...words], limit);
  }

  /** Calls back for each message of the channel; answers how to stop. What these credentials may not hear stays silent. */
  onMessage(channel: string, hear: () => void): () => void {
    return this.way.onEach((connection) => {
      // A function of its own: the library takes the same one twice for one.
      const heard = (): void => {
        hear();
      };
      connection.subscribe(channel, heard).catch((error: unknown) => {
        if (translate(error, this.name, null).failure === "forbidden")
          this.way.say(`the fleet's engine: these credentials may not hear ${channel}`);
      });
      return () => {
        connection.unsubscribe(channel, heard).catch(() => undefined);
      };
    });
  }
}
