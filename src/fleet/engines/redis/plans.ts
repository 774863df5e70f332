/** The plans and the texts that they name. The newest plan is the one that counts; it is put by a script, which nobody interrupts. */
import { createHash, randomUUID } from "node:crypto";
import { EngineError, type PlanRead } from "../../contract/engine.js";
import type { FleetKeys } from "./names.js";
import type { RedisLink } from "./link.js";
import { fieldsOf, itemsOf } from "./replies.js";
import { PUT, PUT_TEXT } from "./scripts.js";

/** As many as NATS keeps of a key. */
const HISTORY = 64;
const TEXTS_KEPT = 128;
/** Of those that no kept plan names. */
const TEXTS_MOST = 1_000;
const AGAIN_MS = 50;

export class RedisPlans {
  readonly #link: RedisLink;
  readonly #keys: FleetKeys;

  constructor(link: RedisLink, keys: FleetKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  async read(): Promise<PlanRead> {
    const [newest] = await this.history(1);
    return newest === undefined ? { bytes: null, serial: 0 } : { bytes: newest.bytes, serial: newest.serial };
  }

  /** Each attempt has the same nonce: what was put, although its answer was lost, is not told as somebody else's. */
  async put(bytes: Uint8Array, serial: number | "any"): Promise<number> {
    const limit = this.#link.limit();
    const nonce = randomUUID();
    for (let again = "0"; ; again = "1") {
      try {
        const words = [bytes, String(serial), nonce, String(HISTORY), this.#keys.hint, again];
        const answer = Number(await this.#link.script(PUT, [this.#keys.plans], words, limit));
        if (answer >= 0) return answer;
        throw new EngineError("conflict", `${this.#link.name}: somebody else wrote first`);
      } catch (error) {
        if (!(error instanceof EngineError) || error.failure !== "away" || this.#link.closed) throw error;
        if (!(await limit.pause(AGAIN_MS))) throw error;
      }
    }
  }

  async history(most: number): Promise<(PlanRead & { readonly time: number })[]> {
    const words = ["XREVRANGE", this.#keys.plans, "+", "-", "COUNT", String(Math.max(1, most))];
    const plans = itemsOf(await this.#link.command(words, this.#link.limit()));
    return plans.slice(0, most).map((plan) => {
      const { id, fields } = fieldsOf(plan);
      return {
        bytes: fields.get("bytes") ?? null,
        serial: Number(id.split("-")[0]),
        time: Number(String(fields.get("time") ?? 0)) / 1_000,
      };
    });
  }

  async text(sha256: string): Promise<Uint8Array | null> {
    const found = await this.#link.command(["HGET", this.#keys.texts, sha256], this.#link.limit());
    if (!(found instanceof Uint8Array)) return null;
    if (hashOf(found) === sha256) return found;
    throw new EngineError("failed", `${this.#link.name}: the text ${sha256} is not what its name says`);
  }

  async putText(sha256: string, bytes: Uint8Array): Promise<void> {
    if (hashOf(bytes) !== sha256)
      throw new EngineError("failed", `the text is not what its name ${sha256} says`);
    const keys = [this.#keys.texts, this.#keys.textAges, this.#keys.plans];
    const words = [sha256, bytes, String(TEXTS_KEPT), String(TEXTS_MOST)];
    await this.#link.script(PUT_TEXT, keys, words, this.#link.limit());
  }
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
