/**
 * Asks the servers behind a dns proxy. A question goes out as it came; who asks again is the client, not we: so a
 * server that is silent looks silent. Of several servers the next is asked when one says nothing for a while.
 */
import type { Keepalive } from "../../core/stream-options.js";
import type { Clock } from "../../core/clock.js";
import { Roster, type Seat } from "../../core/roster.js";
import type { PlaneContext } from "../context.js";
import { lackOf } from "../local-lacks.js";
import { dialStream } from "../sockets/stream.js";
import { AddressBook } from "../upstream/address-book.js";
import { Channel, type Asking, type Outcome, type ServerAddress } from "./channel.js";
import { answers, isTruncated, withId, type Query } from "./codec.js";
import { Forwarding, type ForwardingHost } from "./forwarding.js";
import { FrameReader, framed } from "./frames.js";
import type { Servers } from "./servers.js";

/** Longer than clients wait: an answer that comes later than this would find nobody. */
const PATIENCE_MS = 15_000;
const CHANNELS_MAX = 16;

export class Forwarder implements ForwardingHost {
  readonly clock: Clock;
  readonly book: AddressBook;
  readonly servers: Servers;
  readonly #keepalive: Keepalive;
  readonly #channels = new Map<string, Channel>();
  readonly #overTcp = new Roster<Asking>();
  #turn = 0;
  #closed = false;

  constructor({ clock, keepalive }: Pick<PlaneContext, "clock" | "keepalive">, servers: Servers) {
    this.clock = clock;
    this.book = new AddressBook(clock);
    this.servers = servers;
    this.#keepalive = keepalive;
  }

  /** `complete` asks again over TCP where an answer did not fit. `done` is called once, unless cancelled. */
  ask(query: Query, complete: boolean, done: (outcome: Outcome) => void): Asking {
    const askOne = (server: ServerAddress, then: (outcome: Outcome) => void): Asking =>
      this.#askOne(server, query, complete, then);
    const asking = new Forwarding(this, this.#turn++, askOne, done);
    const servers = this.servers.list();
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
    const channel = new Channel(server, this.clock);
    this.#channels.set(key, channel);
    return channel;
  }

  #askOverTcp({ address, port }: ServerAddress, query: Query, then: (outcome: Outcome) => void): Asking {
    const socket = dialStream({ host: address, port }, this.#keepalive);
    const reader = new FrameReader();
    let over = false;
    let seat: Seat | null = null;
    const finish = (outcome: Outcome | null): void => {
      if (over) return;
      over = true;
      timer.cancel();
      seat?.leave();
      socket.destroy();
      if (outcome !== null) then(outcome);
    };
    const timer = this.clock.at(this.clock.now() + PATIENCE_MS, () => {
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
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      finish(lackOf(code, address) ?? "refused");
    });
    socket.on("close", () => {
      finish("refused");
    });
    if (this.#closed) asking.cancel();
    else seat = this.#overTcp.enter(asking);
    return asking;
  }

  close(): void {
    this.#closed = true;
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
    for (const asking of this.#overTcp) asking.cancel();
  }
}
