/** A quota of requests: a token bucket for each client, bot or route, 429 beyond it, and a Retry-After that holds. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { BoundedMap } from "../../../core/lru.js";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type Answer,
  type ExchangeFault,
  type ExchangeInfo,
  type ExchangeVerdict,
  type FieldList,
  type ResponseParts,
  type Scope,
} from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { httpDate, wholeSeconds, withField } from "../../messages.js";
import { choice, count, duration, statusCode } from "../../params.js";
import { personaAnswer } from "../../personas.js";

const params = z.object({
  limit: count({ min: 1, max: 1_000_000_000 }).describe("requests that a window allows"),
  window: duration({ positive: true }).describe(
    "the time in which so many are allowed; they come back evenly over it",
  ),
  burst: count({ min: 1, max: 1_000_000_000 })
    .optional()
    .describe("requests that may come at once after a pause; by default `limit`"),
  per: choice(["bot", "client", "route", "proxy"])
    .default("bot")
    .describe(
      "who has a quota of its own: each bot, client address or route, or all of a proxy one together",
    ),
  status: statusCode({ min: 400 }).default(429).describe("the status of the refusal"),
  retry_after: choice(["seconds", "date", "none"])
    .default("seconds")
    .describe("how the refusal says when to come back: whoever comes then, and alone, is served"),
  headers: choice(["none", "draft-ietf-ratelimit", "x-ratelimit"])
    .default("none")
    .describe("fields on every response that tell what is left of the quota"),
});
type Params = z.infer<typeof params>;
type Effect = "limited" | "early";

/** Beyond it the key that was unused for longest starts anew. */
const KEYS_MAX = 10_000;
/** Timers of clients fire this much early at times; whoever waited as told is served all the same. */
const GRACE: Millis = 1;
/** And never more than this share of a request, so that a fast quota is exact. */
const GRACE_TOKENS = 0.01;

/** What is left, and since when it is that much. */
interface Quota {
  tokens: number;
  at: Millis;
}

interface Shared {
  readonly quotas: BoundedMap<string, Quota>;
  /** Until when a bot was told to stay away. */
  readonly told: BoundedMap<string, Millis>;
}

class RateLimit implements ExchangeFault {
  #quota: Quota | null = null;
  #refusal: Answer | null = null;

  constructor(
    private readonly scope: Scope<Params, Effect, Shared>,
    private readonly exchange: ExchangeInfo,
  ) {}

  request(): ExchangeVerdict {
    // Asked again, it has decided already.
    if (this.#quota !== null) return this.#refusal ?? pass;
    const quota = this.#filled();
    this.#quota = quota;
    this.#noteEarly();
    const { limit, window } = this.scope.params;
    if (quota.tokens + Math.min(GRACE_TOKENS, (GRACE * limit) / window) >= 1) {
      quota.tokens -= 1;
      return pass;
    }
    this.#refusal = this.#refused(((1 - quota.tokens) * window) / limit);
    return this.#refusal;
  }

  rewriteResponse(head: ResponseParts): ResponseParts {
    const fields = this.#withQuota(head.fields);
    return fields === head.fields ? head : { ...head, fields };
  }

  get #key(): string {
    const { exchange } = this;
    switch (this.scope.params.per) {
      case "bot":
        return exchange.bot;
      case "client":
        return exchange.client.address;
      case "route":
        return exchange.route;
      case "proxy":
        return "";
    }
  }

  get #ear(): string {
    return `${this.#key}\n${this.exchange.bot}`;
  }

  /** The quota of this key with what has come back since it was last looked at. */
  #filled(): Quota {
    const { limit, window, burst = limit } = this.scope.params;
    const now = this.scope.now();
    const known = this.scope.shared.quotas.get(this.#key);
    if (known === undefined) {
      const fresh = { tokens: burst, at: now };
      this.scope.shared.quotas.set(this.#key, fresh);
      return fresh;
    }
    known.tokens = Math.min(burst, known.tokens + ((now - known.at) * limit) / window);
    known.at = now;
    return known;
  }

  #noteEarly(): void {
    const until = this.scope.shared.told.get(this.#ear);
    if (until === undefined) return;
    const early = until - this.scope.now();
    if (early > GRACE) this.scope.count("early", 1, { early_ms: inJournal(early) });
  }

  #refused(missing: Millis): Answer {
    const { status, retry_after } = this.scope.params;
    const wallTime = this.scope.wallTime();
    // Whole seconds, of time or of the day, so that waiting as told is always long enough.
    const wait =
      retry_after === "date"
        ? Math.ceil((wallTime + missing) / 1000) * 1000 - wallTime
        : 1000 * Math.max(1, wholeSeconds(missing));
    this.scope.count("limited", 1, { free_in_ms: inJournal(missing) });
    const answer = personaAnswer("plain", status, {
      now: wallTime,
      retryAfter: retry_after === "seconds" ? wait : undefined,
    });
    let { fields } = answer.head;
    if (retry_after !== "none") this.scope.shared.told.set(this.#ear, this.scope.now() + wait);
    if (retry_after === "date") fields = withField(fields, "retry-after", httpDate(wallTime + wait));
    return { ...answer, head: { ...answer.head, fields: this.#withQuota(fields) } };
  }

  #withQuota(fields: FieldList): FieldList {
    const { headers, limit, window, burst = limit } = this.scope.params;
    if (headers === "none" || this.#quota === null) return fields;
    const left = Math.max(0, Math.floor(this.#quota.tokens));
    const full = wholeSeconds(((burst - this.#quota.tokens) * window) / limit);
    const lines: FieldList =
      headers === "x-ratelimit"
        ? [
            ["X-RateLimit-Limit", String(limit)],
            ["X-RateLimit-Remaining", String(left)],
            ["X-RateLimit-Reset", String(Math.ceil(this.scope.wallTime() / 1000) + full)],
          ]
        : [
            ["RateLimit-Policy", `"default";q=${limit};w=${wholeSeconds(window)}`],
            ["RateLimit", `"default";r=${left};t=${full}`],
          ];
    return lines.reduce((all, [name, value]) => withField(all, name, value), fields);
  }
}

const WHO = { bot: "each bot", client: "each client", route: "each route", proxy: "all together" } as const;

export default defineFault({
  type: "rate_limit",
  summary: "Allows so many requests in a time, and refuses the others before the upstream sees them.",
  params,
  example: { type: "rate_limit", limit: 10, window: "1s", burst: 20 },
  effects: {
    limited: "requests refused since there were too many",
    early: "requests that came before the time that a refusal had told",
  },
  spares: ["early"],
  directions: null,
  explain: ({ limit, window, per, status }) =>
    `allows ${WHO[per]} ${limit} request${limit === 1 ? "" : "s"} in ${formatDuration(window)} and responds to more with ${status}`,
  shared: ({ evicted }): Shared => ({
    quotas: new BoundedMap(KEYS_MAX, evicted),
    told: new BoundedMap(KEYS_MAX, evicted),
  }),
  exchange: (scope, exchange) => new RateLimit(scope, exchange),
});
