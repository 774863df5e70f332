/** Who is there: a key for each daemon that goes by itself, and a set of their names, so that nobody has to search for them. */
import type { Millis } from "../../../core/clock.js";
import { EngineError, type TimeSample } from "../../contract/engine.js";
import { PRESENCE_MAX_AGE, type Heard, type Presence } from "../../contract/presence.js";
import { readPresence, writePresence } from "../wire.js";
import type { FleetKeys } from "./names.js";
import type { RedisLink } from "./link.js";
import { itemsOf } from "./replies.js";
import { ANNOUNCE, FORGET } from "./scripts.js";

export class RedisDaemons {
  readonly #link: RedisLink;
  readonly #keys: FleetKeys;
  readonly #now: () => Millis;

  constructor(link: RedisLink, keys: FleetKeys, now: () => Millis) {
    this.#link = link;
    this.#keys = keys;
    this.#now = now;
  }

  async announce(me: Presence): Promise<TimeSample> {
    const keys = [this.#keys.daemon(me.daemon), this.#keys.daemons];
    const words = [writePresence(me), String(PRESENCE_MAX_AGE), me.daemon, this.#keys.heard];
    const sent = this.#now();
    const time = Number(String(await this.#link.script(ANNOUNCE, keys, words, this.#link.limit())));
    return { engine: time / 1_000, sent, received: this.#now() };
  }

  async leave(daemon: string): Promise<void> {
    await this.#link.command(["DEL", this.#keys.daemon(daemon)], this.#link.limit());
  }

  async members(): Promise<Heard[]> {
    const limit = this.#link.limit();
    const names = itemsOf(await this.#link.command(["SMEMBERS", this.#keys.daemons], limit)).map(String);
    if (names.length === 0) return [];
    const keys = names.map(this.#keys.daemon);
    const values = itemsOf(await this.#link.command(["MGET", ...keys], limit));
    const engineNow = timeOf(await this.#link.command(["TIME"], limit));
    const gone = names.filter((_name, at) => !(values[at] instanceof Uint8Array));
    if (gone.length > 0) this.#forget(gone);
    return values.flatMap((value, at) => {
      if (!(value instanceof Uint8Array)) return [];
      const space = value.indexOf(0x20);
      const time = Number(Buffer.from(value.subarray(0, space)).toString()) / 1_000;
      const presence = readPresence(value.subarray(space + 1), names[at] ?? "");
      const age = Math.min(PRESENCE_MAX_AGE, Math.max(0, engineNow - time));
      return presence === null ? [] : [{ presence, age }];
    });
  }

  /** Nobody waits for it; another one does it where these may not. */
  #forget(names: readonly string[]): void {
    const keys = [this.#keys.daemons, ...names.map(this.#keys.daemon)];
    this.#link.script(FORGET, keys, names, this.#link.limit()).catch(() => undefined);
  }
}

/** Milliseconds since 1970 of a reply of seconds and microseconds. */
function timeOf(reply: unknown): number {
  const [seconds, micros] = itemsOf(reply).map(String).map(Number);
  if (seconds === undefined || micros === undefined)
    throw new EngineError("failed", "Redis does not tell the time");
  return seconds * 1_000 + micros / 1_000;
}
