/** JetStream by its JSON API, and no more of it than a fleet needs: make a stream, look at it, store a message, get one. */
import { EngineError } from "../../contract/engine.js";
import type { Limit } from "../limit.js";
import { JETSTREAM, JetStreamError, NobodyError, replyOf, SilentError } from "./errors.js";
import type { NatsLink } from "./link.js";

/** A stream as it is to be made. `maxBytes`: the sizes to try, as a server reserves them; empty for no bound. */
export interface StreamLayout {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly maxBytes: readonly number[];
}

export interface Stored {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  /** Milliseconds since 1970 by the engine's clock, with fractions: when it was stored. */
  readonly time: number;
  /** The headers as they are on the wire. */
  readonly headers: string;
}

export interface StreamState {
  /** ISO 8601: tells a stream that was made anew from the one before. */
  readonly created: string;
  readonly first: number;
  readonly last: number;
  /** The engine's clock, in milliseconds since 1970; null before nats-server 2.10. */
  readonly now: number | null;
  /** How many messages each subject has, of those that were asked for. */
  readonly subjects: ReadonlyMap<string, number>;
}

/**
 * For the first answer of a stream that may not be there: NATS says that nobody takes a message, but not where somebody hears the subject
 * without a stream, as those do who follow the journal.
 */
const PATIENCE_MS = 2_000;
/** Between attempts while a stream has no leader. */
const RETRY_MS = 150;

export class JetStream {
  readonly link: NatsLink;

  constructor(link: NatsLink) {
    this.link = link;
  }

  /** Makes it if it is not there; whoever comes second is told the same. Rejects as `forbidden` where these may not. */
  async make({ name, config, maxBytes }: StreamLayout, limit: Limit): Promise<void> {
    const sizes = maxBytes.length === 0 ? [-1] : maxBytes;
    for (const [at, size] of sizes.entries()) {
      try {
        await this.#ask("STREAM.CREATE", name, { ...config, name, max_bytes: size }, limit);
        return;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        const code = error instanceof JetStreamError ? error.code : 0;
        // It is there, made by another hand or another version, and is taken as it is.
        if (code === JETSTREAM.nameInUse) return;
        const isFull = code === JETSTREAM.insufficient || code === JETSTREAM.storageExceeded;
        if (isFull && at < sizes.length - 1) continue;
        if (error.failure !== "forbidden") throw error;
        throw new EngineError(
          "forbidden",
          `${this.link.name}: there is no stream ${name}, or it has no leader, and these credentials may not make it`,
          { cause: error },
        );
      }
    }
  }

  /** Null if there is no such stream. With `subjects` it counts the messages of each that matches. */
  async state(stream: string, limit: Limit, subjects?: string): Promise<StreamState | null> {
    const body = subjects === undefined ? {} : { subjects_filter: subjects };
    const reply = await this.#unless(JETSTREAM.noStream, this.#ask("STREAM.INFO", stream, body, limit));
    if (reply === null) return null;
    const { created, ts } = reply;
    const state = reply["state"] as Readonly<Record<string, unknown>> | undefined;
    if (typeof created !== "string" || state === undefined) throw this.#strange("STREAM.INFO");
    const counts = (state["subjects"] ?? {}) as Readonly<Record<string, number>>;
    return {
      created,
      first: Number(state["first_seq"]),
      last: Number(state["last_seq"]),
      now: typeof ts === "string" ? millisOf(ts) : null,
      subjects: new Map(Object.entries(counts)),
    };
  }

  /** By the stream's leader, not by a copy. Null if there is no such message; with `noStream` also if there is no such stream. */
  async get(
    stream: string,
    which: { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj?: string },
    limit: Limit,
  ): Promise<Stored | null> {
    const asked = this.#ask("STREAM.MSG.GET", stream, which, limit);
    const reply = await this.#unless(JETSTREAM.noMessage, asked);
    if (reply === null) return null;
    const message = reply["message"] as Readonly<Record<string, unknown>> | undefined;
    const { subject, seq, time, data, hdrs } = message ?? {};
    if (typeof subject !== "string" || typeof seq !== "number" || typeof time !== "string")
      throw this.#strange("STREAM.MSG.GET");
    return {
      subject,
      seq,
      time: millisOf(time),
      data: typeof data === "string" ? Buffer.from(data, "base64") : new Uint8Array(),
      headers: typeof hdrs === "string" ? Buffer.from(hdrs, "base64").toString("utf8") : "",
    };
  }

  /** Removes the subject's messages before that number. */
  async purge(stream: string, filter: string, before: number, limit: Limit): Promise<void> {
    await this.#ask("STREAM.PURGE", stream, { filter, seq: before }, limit);
  }

  /**
   * Stores a message, and answers its number. Makes the stream if it is not there, and waits for its leader if it has none; each
   * `Nats-Msg-Id` is stored once. Where no answer came, it may have been stored all the same.
   */
  async store(
    layout: StreamLayout,
    subject: string,
    data: Uint8Array | string,
    headers: Readonly<Record<string, string>>,
    limit: Limit,
  ): Promise<number> {
    const whole = { "Nats-Expected-Stream": layout.name, ...headers };
    for (let made = false; ; made = true) {
      try {
        const part = made ? limit : limit.atMost(PATIENCE_MS);
        const reply = replyOf((await this.link.request(subject, data, part, whole)).string(), this.link.name);
        if (typeof reply["seq"] !== "number") throw this.#strange(subject);
        return reply["seq"];
      } catch (error) {
        const isSilent = error instanceof SilentError;
        if (!isSilent && !(error instanceof NobodyError)) throw error;
        if (made && (isSilent || !(await limit.pause(RETRY_MS)))) throw error;
        if (!made) await this.#makeIfMissing(layout, isSilent, limit);
      }
    }
  }

  /** Where nobody answered it is not known that it is missing, and those that may not make it try once more. */
  async #makeIfMissing(layout: StreamLayout, isSilent: boolean, limit: Limit): Promise<void> {
    try {
      await this.make(layout, limit);
    } catch (error) {
      if (!isSilent || !(error instanceof EngineError) || error.failure !== "forbidden") throw error;
    }
  }

  async #ask(
    call: string,
    stream: string,
    body: Readonly<Record<string, unknown>>,
    limit: Limit,
  ): Promise<Readonly<Record<string, unknown>>> {
    const message = await this.link.request(`$JS.API.${call}.${stream}`, JSON.stringify(body), limit);
    return replyOf(message.string(), this.link.name);
  }

  async #unless<T>(code: number, asked: Promise<T>): Promise<T | null> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof JetStreamError && error.code === code) return null;
      throw error;
    }
  }

  #strange(what: string): EngineError {
    return new EngineError("failed", `${this.link.name}: an answer of ${what} is not as it should be`);
  }
}

/** RFC 3339 with up to nine digits of a second, as Go writes it. */
function millisOf(time: string): number {
  const fraction = /\.(\d+)/u.exec(time)?.[1] ?? "";
  return Date.parse(time.replace(/\.\d+/u, "")) + Number(`0.${fraction}0`) * 1_000;
}
