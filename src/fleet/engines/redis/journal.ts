/** The stream of all daemons' journals. */
import { randomBytes } from "node:crypto";
import type { FleetEngine } from "../../contract/engine.js";
import type { JournalBatch, KeptBatch } from "../../contract/journal.js";
import { decodeBatch, encodeBatch } from "../../journal/wire.js";
import { WakeUp } from "../wake-up.js";
import { withoutBlame } from "./errors.js";
import type { FleetKeys } from "./names.js";
import type { RedisLink } from "./link.js";
import { fieldsOf, itemsOf } from "./replies.js";
import { APPEND } from "./scripts.js";

/** They are kept in memory: some hundred MiB for a fleet that tells a lot. */
const BATCHES_MOST = 10_000;
const AGE_MOST_MS = 7 * 24 * 3_600 * 1_000;
/** Batches asked for at once. */
const AHEAD = 16;
/** Between looks of a follower, for what was not heard. */
const LOOK_EVERY_MS = 1_000;
/** Behind the id of no entry. */
const START = "0-0";

type TailOptions = Parameters<FleetEngine["tail"]>[0];

/** Behind which entry of which life of the stream. */
interface Position {
  readonly life: string;
  readonly id: string;
}

export class RedisJournal {
  readonly #link: RedisLink;
  readonly #keys: FleetKeys;

  constructor(link: RedisLink, keys: FleetKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  async append(batch: JournalBatch): Promise<void> {
    const life = randomBytes(8).toString("hex");
    const words = [encodeBatch(batch), life, String(BATCHES_MOST), String(AGE_MOST_MS), this.#keys.added];
    const keys = [this.#keys.journal, this.#keys.journalLife];
    await this.#link.script(APPEND, keys, words, this.#link.limit()).catch((error: unknown) => {
      throw withoutBlame(error);
    });
  }

  async *tail({ from, follow, signal }: TailOptions): AsyncGenerator<KeptBatch | null> {
    const wakeUp = new WakeUp(signal);
    const stop = follow
      ? this.#link.onMessage(this.#keys.added, () => {
          wakeUp.soon(0);
        })
      : null;
    try {
      let position: Position | null = null;
      let isAnew = false;
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        const life = await this.#life();
        if (life !== null) {
          const asked: Position | null = isFirst ? await this.#startOf(from, life) : position;
          const isUnknown: boolean = asked !== null && !(await this.#knows(asked, life));
          isAnew ||= isUnknown;
          position = asked === null || isUnknown ? { life, id: START } : asked;
          for (;;) {
            const entries = await this.#behind(position.id);
            for (const { id, batch } of entries) {
              if (signal.aborted) return;
              position = { life, id };
              const cursor = `${life}:${id}`;
              yield batch === null ? null : { ...batch, cursor, ...(isAnew ? { anew: true } : {}) };
              if (batch !== null) isAnew = false;
            }
            if (entries.length < AHEAD || signal.aborted) break;
          }
        }
        if (!follow) return;
        await wakeUp.wait(LOOK_EVERY_MS);
      }
    } finally {
      stop?.();
      wakeUp.end();
    }
  }

  async #life(): Promise<string | null> {
    const life = await this.#link.command(["GET", this.#keys.journalLife], this.#link.limit());
    return life instanceof Uint8Array ? Buffer.from(life).toString() : null;
  }

  async #startOf(from: TailOptions["from"], life: string): Promise<Position | null> {
    if (from === null) return null;
    if (typeof from === "string") {
      const at = from.lastIndexOf(":");
      return { life: from.slice(0, at), id: from.slice(at + 1) };
    }
    // One more than was asked for, since the reading begins behind it.
    const newest = await this.#ids(from.newest + 1);
    return newest.length <= from.newest ? null : { life, id: newest.at(-1) ?? START };
  }

  /** Not of another life, and not newer than the newest: then the data were restored from older ones. */
  async #knows(position: Position, life: string): Promise<boolean> {
    if (position.life !== life) return false;
    const [newest] = await this.#ids(1);
    return newest === undefined || !isBehind(position.id, newest);
  }

  async #ids(count: number): Promise<string[]> {
    const words = ["XREVRANGE", this.#keys.journal, "+", "-", "COUNT", String(count)];
    return itemsOf(await this.#link.command(words, this.#link.limit())).map((entry) => fieldsOf(entry).id);
  }

  async #behind(id: string): Promise<{ id: string; batch: JournalBatch | null }[]> {
    const words = ["XRANGE", this.#keys.journal, `(${id}`, "+", "COUNT", String(AHEAD)];
    return itemsOf(await this.#link.command(words, this.#link.limit())).map((entry) => {
      const { id: found, fields } = fieldsOf(entry);
      const bytes = fields.get("batch");
      return {
        id: found,
        batch: bytes === undefined ? null : decodeBatch(Buffer.from(bytes).toString("utf8")),
      };
    });
  }
}

/** Whether one id, such as `1700000000000-3`, comes behind another. */
function isBehind(left: string, right: string): boolean {
  const [leftTime = 0, leftSeq = 0] = left.split("-").map(Number);
  const [rightTime = 0, rightSeq = 0] = right.split("-").map(Number);
  return leftTime === rightTime ? leftSeq > rightSeq : leftTime > rightTime;
}
