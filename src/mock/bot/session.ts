/**
 * A bot's standing with the server: it registers, keeps its token fresh, and makes its calls under it until
 * they get through. Whatever happens to the server or the network, a session never gives up by itself.
 */
import { z } from "zod";
import type { Clock, Millis } from "../../core/clock.js";
import { lookedAt } from "../looked-at.js";
import type { Report } from "./events.js";
import type { Exchanger } from "./exchange.js";
import type { Flaws } from "./flaws.js";
import { Id } from "./identifier.js";
import { unless, type BackOff } from "./patience.js";
import { Retrier, type Errand } from "./retry.js";
import { Refused, Trouble } from "./trouble.js";

export interface SessionOptions {
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly exchanger: Exchanger;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly report: Report;
  readonly requestTimeout: Millis;
  readonly backOff: BackOff;
  readonly flaws: Flaws;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

type Headers = Readonly<Record<string, string>>;

/** A call of JSON, answered by JSON. */
export interface Call<T> extends Errand {
  readonly path: string;
  readonly body: unknown;
  readonly answer: z.ZodType<T>;
  readonly timeout?: Millis;
  /** Of each attempt. */
  readonly headers?: () => Headers;
}

export interface Answer<T> {
  readonly value: T;
  /** When the request left that was answered in the end. */
  readonly sent: Millis;
}

interface Token {
  readonly bot: string;
  readonly text: string;
  readonly freshUntil: Millis;
}

const Registration = z.object({
  bot_id: Id,
  // Only what a header can carry: an answer that was corrupted on the way must not throw later.
  token: z.string().regex(/^[\x21-\x7e]+$/u),
  expires_in: z.number().positive(),
});

/** The share of its life after which a token is refreshed, before it can expire under way. */
const FRESH = 0.8;

export class Session {
  readonly #options: SessionOptions;
  readonly #retrier: Retrier;
  #token: Token | null = null;
  /** Tokens that the server answered with 401. */
  #distrusted: Token | null = null;
  /** One for all calls that need it at the same time. */
  #renewal: Promise<Token> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#retrier = new Retrier({ ...options, reconnect: () => this.#renewOnce() });
  }

  get exchanger(): Exchanger {
    return this.#options.exchanger;
  }

  /** Makes a call under the bot's token, again and again. Throws Refused, or the reason of an aborted signal. */
  call<T>(call: Call<T>): Promise<Answer<T>> {
    return this.errand(call, (authorization) => this.#ask(call, { ...call.headers?.(), authorization }));
  }

  /** Has something done under the bot's token, again and again; each attempt is given the header for it. */
  errand<T>(errand: Errand, attemptOnce: (authorization: string) => Promise<T>): Promise<T> {
    return this.#retrier.persist(errand, async (attempt) => {
      const token = await unless(errand.signal, this.#tokenFor(errand));
      try {
        return await attemptOnce(`Bearer ${token.text}`);
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 401) throw error;
        if (this.#keepsToken(errand)) throw error;
        this.#distrusted = token;
        // The first 401 is how expiry shows; a second one, to a new token, is a difficulty like others.
        if (attempt > 1) throw new Trouble(error.message);
        return "again";
      }
    });
  }

  #tokenFor(errand: Errand): Promise<Token> {
    const token = this.#token;
    if (token && this.#keepsToken(errand)) return Promise.resolve(token);
    const fresh = token && token !== this.#distrusted && this.#options.clock.now() < token.freshUntil;
    return fresh ? Promise.resolve(token) : this.#renewOnce();
  }

  /** flaw no-refresh: the token is looked after between jobs only, however long a job takes. */
  #keepsToken({ name }: Errand): boolean {
    return this.#options.flaws.has("no-refresh") && name !== "lease";
  }

  #renewOnce(): Promise<Token> {
    this.#renewal ??= this.#renew(this.#token).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(old: Token | null): Promise<Token> {
    if (old) {
      try {
        const path = `v1/bots/${encodeURIComponent(old.bot)}/token`;
        return await this.#obtain("refresh", path, {}, { authorization: `Bearer ${old.text}` });
      } catch (error) {
        // The server does not know us, most likely since it started anew: so we introduce ourselves.
        if (!(error instanceof Refused)) throw error;
      }
    }
    const { name, capabilities } = this.#options;
    return this.#obtain("register", "v1/bots", { name, capabilities }, {});
  }

  async #obtain(name: "register" | "refresh", path: string, body: unknown, headers: Headers): Promise<Token> {
    const { signal, report } = this.#options;
    const call = { name, path, body, answer: Registration, signal, insist: name === "register" };
    const { value, sent } = await this.#retrier.persist(call, () => this.#ask(call, headers));
    const { bot_id, token, expires_in } = value;
    report({ event: name === "register" ? "registered" : "refreshed", bot_id, expires_in });
    this.#token = { bot: bot_id, text: token, freshUntil: sent + expires_in * 1000 * FRESH };
    return this.#token;
  }

  async #ask<T>(call: Call<T>, headers: Headers): Promise<Answer<T>> {
    const { exchanger, clock, requestTimeout } = this.#options;
    const sent = clock.now();
    const { path, body, signal, timeout = requestTimeout } = call;
    const json = await exchanger.post({ path, body, headers, timeout, signal });
    const checked = lookedAt(call.answer, json);
    if (checked.success) return { value: checked.data, sent };
    const field = checked.issues[0]?.path.join(".") ?? "";
    throw new Trouble(`the answer is not one of the job protocol${field === "" ? "" : ` (${field})`}`);
  }
}
