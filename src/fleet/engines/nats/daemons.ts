/** Who is there: one key for each daemon in a bucket that forgets it after thirty seconds. */
import { EngineError, type Announced, type TimeSample } from "../../contract/engine.js";
import { PRESENCE_MAX_AGE, type Heard, type Presence } from "../../contract/presence.js";
import type { Millis } from "../../../core/clock.js";
import type { Limit } from "../limit.js";
import { readPresence, writePresence } from "../wire.js";
import { JETSTREAM, JetStreamError } from "./errors.js";
import type { JetStream, Stored, StreamLayout } from "./jetstream.js";
import { decodeName, lastToken, type FleetNames } from "./names.js";

/** Requests under way at once: a server drops what it has to queue beyond a limit. */
const AT_ONCE = 100;
const STORED_AFTER_MS = 20;

export class DaemonBucket {
  readonly #jetstream: JetStream;
  readonly #layout: StreamLayout;
  readonly #names: FleetNames;
  readonly #now: () => Millis;
  #sample: TimeSample | null = null;
  /** What was stored from here last. */
  #stored: { readonly subject: string; readonly life: string; readonly seq: number } | null = null;

  constructor(jetstream: JetStream, layout: StreamLayout, names: FleetNames, now: () => Millis) {
    this.#jetstream = jetstream;
    this.#layout = layout;
    this.#names = names;
    this.#now = now;
  }

  async announce(me: Presence): Promise<Announced> {
    const limit = this.#jetstream.link.limit();
    const subject = this.#names.daemon(me.daemon);
    const known = this.#stored;
    const isFirst = known?.subject !== subject || known.life !== me.life;
    const bytes = writePresence(me);
    let sent = this.#now();
    let over: Heard | null = null;
    let seq = isFirst ? null : await this.#follow(subject, bytes, known.seq, limit);
    if (seq === null) {
      if (!isFirst) over = await this.#another(me, subject, limit);
      sent = this.#now();
      seq = await this.#jetstream.store(this.#layout, subject, bytes, {}, limit);
    }
    const acked = this.#now();
    const stored = await this.#jetstream.get(this.#names.daemons, { last_by_subj: subject }, limit);
    if (stored === null)
      throw new EngineError("away", `${this.#jetstream.link.name}: it has lost this daemon's presence`);
    // Another daemon of this name may have come in between: then its moment lies before this answer.
    const received = stored.seq === seq ? acked : this.#now();
    this.#sample = { engine: stored.time, sent, received };
    this.#stored = { subject, life: me.life, seq };
    return { ...this.#sample, over };
  }

  /** Null where something else has been stored there, or what was has gone: nothing is stored then. */
  async #follow(subject: string, bytes: Uint8Array, seq: number, limit: Limit): Promise<number | null> {
    try {
      return await this.#jetstream.store(this.#layout, subject, bytes, behind(seq), limit);
    } catch (error) {
      if (error instanceof EngineError && error.failure === "conflict") return null;
      throw error;
    }
  }

  /** Of another life than this one, and how old it is by the engine's clock. */
  async #another({ daemon, life }: Presence, subject: string, limit: Limit): Promise<Heard | null> {
    const stored = await this.#get(subject, limit);
    const presence = stored === null ? null : readPresence(stored.data, daemon);
    if (stored === null || presence === null || presence.life === life) return null;
    return { presence, age: ageOf(stored, this.#engineNow(null, 0, [stored])) };
  }

  async leave(daemon: string, life: string): Promise<void> {
    const limit = this.#jetstream.link.limit();
    const subject = this.#names.daemon(daemon);
    const stored = await this.#get(subject, limit);
    if (stored === null || (readPresence(stored.data, daemon)?.life ?? life) !== life) return;
    try {
      const headers = { "KV-Operation": "DEL", ...behind(stored.seq) };
      await this.#jetstream.store(this.#layout, subject, "", headers, limit);
    } catch (error) {
      // Another life has spoken meanwhile.
      if (!(error instanceof EngineError) || error.failure !== "conflict") throw error;
    }
  }

  async members(): Promise<Heard[]> {
    const limit = this.#jetstream.link.limit();
    const asked = this.#now();
    const state = await this.#jetstream.state(this.#names.daemons, limit, this.#names.anyDaemon);
    if (state === null) {
      await this.#jetstream.make(this.#layout, limit);
      return [];
    }
    const found: Stored[] = [];
    const subjects = [...state.subjects.keys()];
    for (let from = 0; from < subjects.length; from += AT_ONCE) {
      const some = subjects.slice(from, from + AT_ONCE);
      const stored = await Promise.all(some.map((subject) => this.#get(subject)));
      found.push(...stored.filter((one) => one !== null));
    }
    const engineNow = this.#engineNow(state.now, asked, found);
    return found.flatMap((stored) => {
      const daemon = decodeName(lastToken(stored.subject));
      const presence = daemon === null ? null : readPresence(stored.data, daemon);
      return presence === null ? [] : [{ presence, age: ageOf(stored, engineNow) }];
    });
  }

  /** Calls back some milliseconds after a heartbeat passed: by then it is stored. */
  onHeard(hear: () => void): () => void {
    let timer: NodeJS.Timeout | null = null;
    const stop = this.#jetstream.link.onMessage(this.#names.anyDaemon, () => {
      timer ??= setTimeout(() => {
        timer = null;
        hear();
      }, STORED_AFTER_MS);
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }

  async #get(subject: string, limit = this.#jetstream.link.limit()): Promise<Stored | null> {
    try {
      return await this.#jetstream.get(this.#names.daemons, { last_by_subj: subject }, limit);
    } catch (error) {
      if (error instanceof JetStreamError && error.code === JETSTREAM.noStream) return null;
      throw error;
    }
  }

  /**
   * Servers before 2.10 do not tell the time. The last heartbeat from here did, and where there was none, the newest heartbeat of
   * all is some seconds old at most.
   */
  #engineNow(told: number | null, asked: Millis, found: readonly Stored[]): number {
    const newest = Math.max(0, ...found.map(({ time }) => time));
    if (told !== null) return told + (this.#now() - asked);
    const sample = this.#sample;
    if (sample === null) return newest;
    return Math.max(newest, sample.engine + (this.#now() - (sample.sent + sample.received) / 2));
  }
}

const behind = (seq: number): Readonly<Record<string, string>> => ({
  "Nats-Expected-Last-Subject-Sequence": String(seq),
});

const ageOf = ({ time }: Stored, engineNow: number): Millis =>
  Math.min(PRESENCE_MAX_AGE, Math.max(0, engineNow - time));
