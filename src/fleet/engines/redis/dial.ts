/** One connection to one Redis or Valkey, which ends when it breaks: the next one is made by `Way`. */
import { createRequire } from "node:module";
import type * as Redis from "@redis/client";
import type { EngineOptions } from "../../contract/engine.js";
import type { EngineAddress } from "../address.js";
import { securedOptions, tlsTrouble } from "../secured.js";
import type { Client, Dialled } from "../way.js";
import { ReplicaError, translate } from "./errors.js";
import type { FleetKeys } from "./names.js";

const CONNECT_MAX_MS = 3_000;
/** The third tick without an answer ends the connection: 12 s after the last sign of life at the latest. */
const PING_EVERY_MS = 4_000;
const PINGS_OUT = 2;
const PORT = 6379;

export interface RedisConnection {
  /** Strings come as bytes. */
  readonly send: (words: readonly (string | Uint8Array)[]) => Promise<unknown>;
  readonly subscribe: (channel: string, hear: () => void) => Promise<void>;
  readonly unsubscribe: (channel: string, hear: () => void) => Promise<void>;
  readonly ended: Promise<string>;
}

/** Loads the library, and throws its absence. The command in one file is a script, which cannot import while it runs. */
export function redisClient(options: EngineOptions, keys: FleetKeys): Client<RedisConnection> {
  const { createClient, RESP_TYPES } = createRequire(import.meta.url)("@redis/client") as typeof Redis;
  const asBytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

  const dial = async (address: EngineAddress): Promise<Dialled<RedisConnection>> => {
    const { user, password, token } = options.credentials;
    const name = user ?? address.user;
    const secret = password ?? token ?? address.password;
    const end = new AbortController();
    const secured = options.tls !== null || address.scheme === "rediss";
    const socket = {
      host: address.host,
      port: address.port ?? PORT,
      connectTimeout: CONNECT_MAX_MS,
      reconnectStrategy: false as const,
      // Both `net` and `tls` take it; it also ends a socket that is only about to connect.
      signal: end.signal,
    };
    const client = createClient({
      socket: secured ? { ...socket, tls: true as const, ...securedOptions(options, address.host) } : socket,
      ...(name === null ? {} : { username: name }),
      ...(secret === null ? {} : { password: secret }),
      ...(address.path === "" ? {} : { database: Number(address.path) }),
      name: `squall:${encodeURIComponent(options.client)}`,
      RESP: 3,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: "disabled",
    });
    let ping: NodeJS.Timeout | undefined;
    let told = (_why: string): void => undefined;
    const ended = new Promise<string>((done) => (told = done));
    const drop = (why: string): void => {
      clearInterval(ping);
      told(why);
      end.abort();
      client.destroy();
    };
    let failure: Error | null = null;
    client.on("error", (error: Error) => {
      failure ??= error;
      drop(error.message);
    });
    let isOpen = false;
    client.on("connect", () => {
      isOpen = true;
    });
    client.on("end", () => {
      drop("the connection was closed");
    });

    const connect = async (): Promise<RedisConnection> => {
      // Before it has greeted us there is no end to its waiting.
      const late = setTimeout(() => {
        drop("no answer in time");
      }, CONNECT_MAX_MS);
      try {
        await Promise.race([client.connect(), ended.then((why) => Promise.reject(new Error(why)))]);
        await refuseReplica((words) => client.sendCommand(words), keys);
      } catch (error) {
        drop(error instanceof Error ? error.message : "not reached");
        const dialling = { address, tls: options.tls, isSecured: secured && isOpen, now: options.wallTime() };
        throw tlsTrouble(failure ?? error, dialling) ?? error;
      } finally {
        clearTimeout(late);
      }
      let unanswered = 0;
      ping = setInterval(() => {
        if (unanswered >= PINGS_OUT) {
          drop("it does not answer any more");
          return;
        }
        unanswered++;
        client.sendCommand(["PING"]).then(
          () => (unanswered = 0),
          // It says no, so it is there.
          () => (unanswered = 0),
        );
      }, PING_EVERY_MS);
      return {
        send: (words) => client.sendCommand(words.map(asArgument), asBytes),
        subscribe: (channel, hear) => client.subscribe(channel, hear),
        unsubscribe: (channel, hear) => client.unsubscribe(channel, hear),
        ended,
      };
    };
    const connected = connect();
    return {
      connected,
      drop: () => {
        drop("closed");
      },
    };
  };

  return { dial, ended: ({ ended }) => ended, translate };
}

const asArgument = (word: string | Uint8Array): string | Buffer =>
  typeof word === "string" ? word : Buffer.from(word.buffer, word.byteOffset, word.byteLength);

/**
 * A replica answers reads with what it has heard so far, and one that is still reading its data answers none: either way another attempt
 * is better than a connection. Who may not ask for the role is taken at the word of the address.
 */
async function refuseReplica(ask: (words: string[]) => Promise<unknown>, keys: FleetKeys): Promise<void> {
  let answer: unknown;
  try {
    await ask(["HGET", keys.texts, ""]);
    answer = await ask(["ROLE"]);
  } catch (error) {
    if (translate(error, "", null).failure === "forbidden") return;
    throw error;
  }
  if (Array.isArray(answer) && String(answer[0]) !== "master")
    throw new ReplicaError("it is a replica, and only its master knows the newest plan");
}
