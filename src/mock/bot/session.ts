/**
 * A bot's standing with the server: it registers, keeps its token fresh, and repeats calls until they
 * get through. Whatever happens to the server or the network, a session never gives up by itself.
 */
import { z } from "zod";
import type { Clock, Millis } from "../../core/clock.js";
import type { CallName, Report } from "./events.js";
import type { Exchanger } from "./exchange.js";
import { backOff, sleep, unless, type BackOff } from "./patience.js";
import { Id } from "./identifier.js";
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
  /** Ends everything. */
  readonly signal: AbortSignal;
}

export interface Call<T> {
  readonly name: CallName;
  readonly path: string;
  readonly body: unknown;
  readonly answer: z.ZodType<T>;
  readonly signal: AbortSignal;
  readonly timeout?: Millis;
  readonly backOffMax?: Millis;
  readonly headers?: Readonly<Record<string, string>>;
  /** Calls that must get through one day take a refusal for one more difficulty. */
  readonly insist?: boolean;
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
  #token: Token | null = null;
  /** Tokens that the server answered with 401. */
  #distrusted: Token | null = null;
  /** One for all calls that need it at the same time. */
  #renewal: Promise<Token> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Makes a call under the bot's token, again and again. Throws Refused, or the reason of an aborted signal. */
  call<T>(call: Call<T>): Promise<Answer<T>> {
    return this.#persist(call, async (attempt) => {
      const token = await unless(call.signal, this.#freshToken());
      try {
        return await this.#ask(call, { ...call.headers, authorization: `Bearer ${token.text}` });
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 401) throw error;
        this.#distrusted = token;
        // The first 401 is how expiry shows; a second one, to a new token, is a difficulty like others.
        if (attempt > 1) throw new Trouble(error.message);
        return "again";
      }
    });
  }

  #freshToken(): Promise<Token> {
    const token = this.#token;
    const fresh = token && token !== this.#distrusted && this.#options.clock.now() < token.freshUntil;
    if (fresh) return Promise.resolve(token);
    this.#renewal ??= this.#renew(token).finally(() => {
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

  async #obtain(
    name: "register" | "refresh",
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<Token> {
    const { signal, report } = this.#options;
    const call = { name, path, body, answer: Registration, signal, insist: name === "register" };
    const { value, sent } = await this.#persist(call, () => this.#ask(call, headers));
    const { bot_id, token, expires_in } = value;
    report({ event: name === "register" ? "registered" : "refreshed", bot_id, expires_in });
    this.#token = { bot: bot_id, text: token, freshUntil: sent + expires_in * 1000 * FRESH };
    return this.#token;
  }

  async #ask<T>(call: Call<T>, headers: Readonly<Record<string, string>>): Promise<Answer<T>> {
    const { exchanger, clock, requestTimeout } = this.#options;
    const sent = clock.now();
    const { path, body, signal, timeout = requestTimeout } = call;
    const json = await exchanger.post({ path, body, headers, timeout, signal });
    const checked = call.answer.safeParse(json);
    if (checked.success) return { value: checked.data, sent };
    const field = checked.error.issues[0]?.path.join(".") ?? "";
    throw new Trouble(`the answer is not one of the job protocol${field === "" ? "" : ` (${field})`}`);
  }

  /** Tries until there is an answer, waiting longer each time. */
  async #persist<T>(
    call: Call<T>,
    attemptOnce: (attempt: number) => Promise<Answer<T> | "again">,
  ): Promise<Answer<T>> {
    const { clock, random, report } = this.#options;
    const since = clock.now();
    const pace = { ...this.#options.backOff, ...(call.backOffMax !== undefined && { max: call.backOffMax }) };
    let waits = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await attemptOnce(attempt);
        if (answer === "again") continue;
        const after = Math.round(clock.now() - since);
        if (waits > 0) report({ event: "recovered", call: call.name, attempts: attempt, after });
        return answer;
      } catch (error) {
        const retriable = error instanceof Trouble || (error instanceof Refused && call.insist === true);
        if (!retriable) throw error;
        const retryAfter = error instanceof Trouble ? error.retryAfter : 0;
        const wait = backOff(pace, ++waits, retryAfter, random());
        report({ event: "retrying", call: call.name, why: error.message, attempt, wait });
        await sleep(clock, wait, call.signal);
      }
    }
  }
}
