/** The plan and the texts that plans name, in one bucket. Nothing is ever subscribed to it: it is read from its leader. */
import { createHash, randomUUID } from "node:crypto";
import { EngineError, type PlanRead } from "../../contract/engine.js";
import { CALL_MAX, type Limit } from "../limit.js";
import { JETSTREAM, JetStreamError } from "./errors.js";
import type { JetStream, Stored, StreamLayout } from "./jetstream.js";
import { lastToken, type FleetNames } from "./names.js";

/** More texts than this are looked through when one more is put. */
const TEXTS_KEPT = 128;
/** Texts that no kept plan names, and behind which so much was written, are of no use: a plan follows its texts within some writes. */
const WRITES_BACK = 1_000;
const AGAIN_MS = 50;
const AT_ONCE_MS = 1_000;
/** What `nats kv del` leaves in the place of a value. */
const DELETED = /^KV-Operation: *(?:DEL|PURGE)\r?$/imu;

export class PlanBucket {
  readonly #jetstream: JetStream;
  readonly #layout: StreamLayout;
  readonly #names: FleetNames;
  #forgetting: Promise<void> | null = null;

  constructor(jetstream: JetStream, layout: StreamLayout, names: FleetNames) {
    this.#jetstream = jetstream;
    this.#layout = layout;
    this.#names = names;
  }

  async read(): Promise<PlanRead> {
    const found = await this.#last(this.#names.plan, this.#limit());
    return found === null ? { bytes: null, serial: 0 } : { bytes: valueOf(found), serial: found.seq };
  }

  /** Each attempt has the same nonce: what was stored, although its answer was lost, is not told as somebody else's. */
  async put(bytes: Uint8Array, serial: number | "any"): Promise<number> {
    const limit = this.#limit();
    const nonce = randomUUID();
    const headers = {
      "Nats-Msg-Id": nonce,
      ...(serial === "any" ? {} : { "Nats-Expected-Last-Subject-Sequence": String(serial) }),
    };
    for (let isAgain = false; ; isAgain = true) {
      try {
        return await this.#jetstream.store(this.#layout, this.#names.plan, bytes, headers, limit);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        if (error.failure === "conflict") {
          // One that was answered at once is not that of an attempt before it.
          const isInDoubt = isAgain || limit.left < CALL_MAX - AT_ONCE_MS;
          const mine = isInDoubt ? await this.#find(nonce, serial === "any" ? 0 : serial, limit) : null;
          if (mine !== null) return mine;
          throw new EngineError("conflict", `${this.#jetstream.link.name}: somebody else wrote first`, {
            cause: error,
          });
        }
        // The way was lost, and may be back in time.
        if (error.failure !== "away" || this.#jetstream.link.closed) throw error;
        if (!(await limit.pause(AGAIN_MS))) throw error;
      }
    }
  }

  async history(most: number): Promise<(PlanRead & { readonly time: number })[]> {
    const kept = await this.#kept(0);
    return kept
      .reverse()
      .slice(0, most)
      .map((stored) => ({ bytes: valueOf(stored), serial: stored.seq, time: stored.time }));
  }

  async text(sha256: string): Promise<Uint8Array | null> {
    const found = await this.#last(this.#names.text(sha256), this.#limit());
    if (found === null || valueOf(found) === null) return null;
    if (hashOf(found.data) === sha256) return found.data;
    throw new EngineError(
      "failed",
      `${this.#jetstream.link.name}: the text ${sha256} is not what its name says`,
    );
  }

  /** It is written again if it is there already, and is young again by that: whoever puts a plan with it may be slow. */
  async putText(sha256: string, bytes: Uint8Array): Promise<void> {
    if (hashOf(bytes) !== sha256)
      throw new EngineError("failed", `the text is not what its name ${sha256} says`);
    const subject = this.#names.text(sha256);
    await this.#jetstream.store(this.#layout, subject, bytes, { "Nats-Rollup": "sub" }, this.#limit());
    // Nobody waits for it: where it fails, the next one that is put tries again, or somebody who may.
    this.#forgetting ??= this.#forgetTexts()
      .catch(() => undefined)
      .finally(() => (this.#forgetting = null));
  }

  /** Those are left that one of the kept plans names, and those that are young: written behind the oldest of these plans. */
  async #forgetTexts(): Promise<void> {
    const { plans } = this.#names;
    const state = await this.#jetstream.state(plans, this.#limit(), this.#names.texts);
    if (state === null || state.subjects.size <= TEXTS_KEPT) return;
    const kept = await this.#kept(0);
    const named = new Set(
      kept.flatMap(
        ({ data }) =>
          Buffer.from(data)
            .toString("utf8")
            .match(/(?<=sha256:)[\da-f]{64}/gu) ?? [],
      ),
    );
    const before = Math.max(kept[0]?.seq ?? 0, state.last - WRITES_BACK);
    for (const subject of state.subjects.keys())
      if (!named.has(lastToken(subject))) await this.#jetstream.purge(plans, subject, before, this.#limit());
  }

  /** The plan of that nonce, if it is among those behind that serial. */
  async #find(nonce: string, behind: number, limit: Limit): Promise<number | null> {
    const isMine = (stored: Stored): boolean => stored.headers.includes(nonce);
    const last = await this.#last(this.#names.plan, limit);
    if (last === null || last.seq <= behind) return null;
    if (isMine(last)) return last.seq;
    return (await this.#kept(behind)).find(isMine)?.seq ?? null;
  }

  /** Plans behind that serial, oldest first. Each one tells where the next may be, so they come one by one. */
  async #kept(behind: number): Promise<Stored[]> {
    const found: Stored[] = [];
    for (let seq = behind + 1; ; seq = (found.at(-1)?.seq ?? 0) + 1) {
      const limit = this.#limit();
      const next = await this.#get({ seq, next_by_subj: this.#names.plan }, limit);
      if (next === null) return found;
      found.push(next);
    }
  }

  #last(subject: string, limit: Limit): Promise<Stored | null> {
    return this.#get({ last_by_subj: subject }, limit);
  }

  /** As if it were empty, where the bucket is not there; then it is made, by those who may. */
  async #get(which: Parameters<JetStream["get"]>[1], limit: Limit): Promise<Stored | null> {
    try {
      return await this.#jetstream.get(this.#names.plans, which, limit);
    } catch (error) {
      if (!(error instanceof JetStreamError) || error.code !== JETSTREAM.noStream) throw error;
      await this.#jetstream.make(this.#layout, limit);
      return null;
    }
  }

  #limit(): Limit {
    return this.#jetstream.link.limit();
  }
}

const valueOf = (stored: Stored): Uint8Array | null => (DELETED.test(stored.headers) ? null : stored.data);

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
