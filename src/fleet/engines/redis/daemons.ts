/** Who is there: a key for each daemon that goes by itself, and a set of their names, so that nobody has to search for them. */
import type { Millis } from "../../../core/clock.js";
import { EngineError, type Announced } from "../../contract/engine.js";
import { PRESENCE_MAX_AGE, type Heard, type Presence } from "../../contract/presence.js";
import { readPresence, writePresence } from "../wire.js";
import type { FleetKeys } from "./names.js";
import type { RedisLink } from "./link.js";
import { itemsOf } from "./replies.js";
import { ANNOUNCE, FORGET, LEAVE } from "./scripts.js";

export class RedisDaemons {
  readonly #link: RedisLink;
  readonly #keys: FleetKeys;
  readonly #now: () => Millis;
  /** The lives that were announced from here. */
  readonly #announced = new Set<string>();

  constructor(link: RedisLink, keys: FleetKeys, now: () => Millis) {
    this.#link = link;
    this.#keys = keys;
    this.#now = now;
  }

  async announce(me: Presence): Promise<Announced> {
    const keys = [this.#keys.daemon(me.daemon), this.#keys.daemons];
    const words = [writePresence(me), String(PRESENCE_MAX_AGE), me.daemon, this.#keys.heard];
    const sent = this.#now();
    const [time, before] = itemsOf(await this.#link.script(ANNOUNCE, keys, words, this.#link.limit()));
    const engine = Number(String(time)) / 1_000;
    const life = JSON.stringify([me.daemon, me.life]);
    const over = this.#announced.has(life) ? heardOf(before, me.daemon, engine) : null;
    this.#announced.add(life);
    const isOther = over !== null && over.presence.life !== me.life;
    return { engine, sent, received: this.#now(), over: isOther ? over : null };
  }

  async leave(daemon: string, life: string): Promise<void> {
    await this.#link.script(LEAVE, [this.#keys.daemon(daemon)], [life], this.#link.limit());
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
    return values.flatMap((value, at) => heardOf(value, names[at] ?? "", engineNow) ?? []);
  }

  /** Nobody waits for it; another one does it where these may not. */
  #forget(names: readonly string[]): void {
    const keys = [this.#keys.daemons, ...names.map(this.#keys.daemon)];
    this.#link.script(FORGET, keys, names, this.#link.limit()).catch(() => undefined);
  }
}

/** Of the moment and the presence that a daemon's key holds; null for nothing, and for what is no presence of that daemon. */
function heardOf(value: unknown, daemon: string, engineNow: number): Heard | null {
  if (!(value instanceof Uint8Array)) return null;
  const space = value.indexOf(0x20);
  const time = Number(Buffer.from(value.subarray(0, space)).toString()) / 1_000;
  const presence = readPresence(value.subarray(space + 1), daemon);
  if (presence === null) return null;
  return { presence, age: Math.min(PRESENCE_MAX_AGE, Math.max(0, engineNow - time)) };
}

/** Milliseconds since 1970 of a reply of seconds and microseconds. */
function timeOf(reply: unknown): number {
  const [seconds, micros] = itemsOf(reply).map(String).map(Number);
  if (seconds === undefined || micros === undefined)
    throw new EngineError("failed", "Redis does not tell the time");
  return seconds * 1_000 + micros / 1_000;
}
