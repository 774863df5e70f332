/**
 * Asks the servers behind a dns proxy. A question goes out as it came; who asks again is the client, not we: so a
 * server that is silent looks silent. Of several servers the next is asked when one says nothing for a while.
 */
import { isIP } from "node:net";
import type { Keepalive } from "../../core/stream_options.js";
import type { Clock, Timer } from "../../core/clock.js";
import type { PlaneContext } from "../context.js";
import { dialStream } from "../sockets/stream.js";
import { Channel, type Asking, type Outcome, type ServerAddress } from "./channel.js";
import { answers, isTruncated, withId, type Query } from "./codec.js";
import { FrameReader, framed } from "./frames.js";

/** Longer than clients wait: an answer that comes later than this would find nobody. */
const PATIENCE_MS = 15_000;
/** When the next of several servers is asked as well. */
const NEXT_MS = 2_000;
const SERVERS_MAX = 3;
const CHANNELS_MAX = 16;

export type Servers = () => readonly ServerAddress[] | Promise<readonly ServerAddress[]>;

export class Forwarder {
  readonly #clock: Clock;
  readonly #keepalive: Keepalive;
  readonly #servers: Servers;
  readonly #channels = new Map<string, Channel>();
  readonly #overTcp = new Set<Asking>();
  #closed = false;

  constructor({ clock, keepalive }: Pick<PlaneContext, "clock" | "keepalive">, servers: Servers) {
    this.#clock = clock;
    this.#keepalive = keepalive;
    this.#servers = servers;
  }

  /** `complete` asks again over TCP where an answer did not fit. `done` is called once, unless cancelled. */
  ask(query: Query, complete: boolean, done: (outcome: Outcome) => void): Asking {
    const servers = this.#servers();
    const asking = new Forwarding(
      this.#clock,
      (server, then) => this.#askOne(server, query, complete, then),
      done,
    );
    if (servers instanceof Promise) {
      servers.then(
        (found) => {
          asking.begin(found);
        },
        () => {
          asking.begin([]);
        },
      );
    } else {
      asking.begin(servers);
    }
    return asking;
  }

  #askOne(server: ServerAddress, query: Query, complete: boolean, then: (outcome: Outcome) => void): Asking {
    let current: Asking = this.#channelTo(server).ask(query, PATIENCE_MS, (outcome) => {
      if (!complete || typeof outcome === "string" || !isTruncated(outcome)) then(outcome);
      else current = this.#askOverTcp(server, query, then);
    });
    return {
      cancel: () => {
        current.cancel();
      },
    };
  }

  #channelTo(server: ServerAddress): Channel {
    const key = `${server.address} ${server.port}`;
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    for (const [other, channel] of this.#channels) {
      if (this.#channels.size < CHANNELS_MAX) break;
      if (!channel.idle) continue;
      channel.close();
      this.#channels.delete(other);
    }
    const channel = new Channel(server, this.#clock);
    this.#channels.set(key, channel);
    return channel;
  }

  #askOverTcp({ address, port }: ServerAddress, query: Query, then: (outcome: Outcome) => void): Asking {
    const socket = dialStream({ host: address, port }, this.#keepalive);
    const reader = new FrameReader();
    let over = false;
    const finish = (outcome: Outcome | null): void => {
      if (over) return;
      over = true;
      timer.cancel();
      this.#overTcp.delete(asking);
      socket.destroy();
      if (outcome !== null) then(outcome);
    };
    const timer = this.#clock.at(this.#clock.now() + PATIENCE_MS, () => {
      finish("timeout");
    });
    const asking = {
      cancel: () => {
        finish(null);
      },
    };
    socket.on("connect", () => socket.write(framed(query.message)));
    socket.on("data", (chunk) => {
      const reply = reader.push(chunk).find((message) => answers(query, query.id, message));
      if (reply !== undefined) finish(withId(reply, query.id));
    });
    socket.on("error", () => {
      finish("refused");
    });
    socket.on("close", () => {
      finish("refused");
    });
    if (this.#closed) asking.cancel();
    else this.#overTcp.add(asking);
    return asking;
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
    for (const asking of [...this.#overTcp]) asking.cancel();
  }
}

/** One question to one server after the other; the first answer counts. */
class Forwarding implements Asking {
  readonly #clock: Clock;
  readonly #askOne: (server: ServerAddress, then: (outcome: Outcome) => void) => Asking;
  readonly #done: (outcome: Outcome) => void;
  readonly #asked: Asking[] = [];
  #left: readonly ServerAddress[] = [];
  #open = 0;
  #silent = false;
  #timer: Timer | null = null;
  #over = false;

  constructor(
    clock: Clock,
    askOne: (server: ServerAddress, then: (outcome: Outcome) => void) => Asking,
    done: (outcome: Outcome) => void,
  ) {
    this.#clock = clock;
    this.#askOne = askOne;
    this.#done = done;
  }

  begin(servers: readonly ServerAddress[]): void {
    if (this.#over) return;
    this.#left = servers.slice(0, SERVERS_MAX);
    if (this.#left.length === 0) this.#finish("refused");
    else this.#next();
  }

  #next(): void {
    const [server, ...left] = this.#left;
    if (server === undefined) return;
    this.#left = left;
    this.#open++;
    this.#asked.push(
      this.#askOne(server, (outcome) => {
        this.#came(outcome);
      }),
    );
    if (left.length === 0) return;
    this.#timer = this.#clock.at(this.#clock.now() + NEXT_MS, () => {
      this.#next();
    });
  }

  #came(outcome: Outcome): void {
    this.#open--;
    if (typeof outcome !== "string") {
      this.#finish(outcome);
      return;
    }
    this.#silent ||= outcome === "timeout";
    if (this.#left.length > 0) {
      this.#timer?.cancel();
      this.#next();
    } else if (this.#open === 0) {
      this.#finish(this.#silent ? "timeout" : "refused");
    }
  }

  #finish(outcome: Outcome): void {
    if (this.#over) return;
    this.cancel();
    this.#done(outcome);
  }

  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    for (const asking of this.#asked) asking.cancel();
  }
}

/** `10.0.0.2` and the like, which need no resolving. */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}
