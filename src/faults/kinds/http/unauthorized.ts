/** The bot's token goes bad: the proxy says so, or spoils it on the way so that the server itself refuses it. RFC 6750. */
import { createHash } from "node:crypto";
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
  type RequestParts,
  type Scope,
} from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { httpDate, fieldOf, withField, withoutField } from "../../messages.js";
import { choice, duration, statusCode, text } from "../../params.js";
import { reasonOf } from "../../personas.js";

const params = z.object({
  mode: choice(["expired", "invalid", "revoked", "missing"])
    .default("expired")
    .describe("what is wrong with the token in Authorization; a request without one is left alone"),
  after: duration()
    .prefault("0ms")
    .describe("how long a token is good, from its first use on; a new token begins anew"),
  how: choice(["answer", "spoil"])
    .default("answer")
    .describe(
      "answer refuses here; spoil sends the request on with other characters in the token, or with mode missing without it",
    ),
  status: statusCode({ min: 400, max: 499 })
    .default(401)
    .describe("with answer: the status, 401 or 403 as a rule"),
  body: text().optional().describe("with answer: the body; by default a JSON object with the error"),
});
type Params = z.infer<typeof params>;

/** Beyond it the token that was unused for longest is new again. */
const TOKENS_MAX = 10_000;

/** First uses, by hashes: no token is kept. */
type Tokens = BoundedMap<string, Millis>;

class Unauthorized implements ExchangeFault {
  /** How old the token is if it is bad by now; undefined before that was looked at. */
  #age: Millis | null | undefined;
  #answer: Answer | null = null;

  constructor(
    private readonly scope: Scope<Params, "refused" | "spoilt", Tokens>,
    private readonly exchange: ExchangeInfo,
  ) {}

  request(): ExchangeVerdict {
    const age = this.#badSince();
    if (age === null || this.scope.params.how === "spoil") return pass;
    if (this.#answer === null) {
      const { mode, status } = this.scope.params;
      this.scope.count("refused", 1, { mode, status, token_age_ms: inJournal(age) });
      const scheme = /^basic /iu.test(this.exchange.request.header("authorization") ?? "")
        ? "Basic"
        : "Bearer";
      this.#answer = refusal(this.scope.params, scheme, this.scope.wallTime());
    }
    return this.#answer;
  }

  rewriteRequest(head: RequestParts): RequestParts {
    const { how, mode } = this.scope.params;
    const age = how === "spoil" ? this.#badSince() : null;
    const token = fieldOf(head.fields, "authorization");
    if (age === null || token === undefined) return head;
    this.scope.count("spoilt", 1, { mode, token_age_ms: inJournal(age) });
    return {
      ...head,
      fields:
        mode === "missing"
          ? withoutField(head.fields, "authorization")
          : withField(head.fields, nameOf(head), spoilt(token)),
    };
  }

  #badSince(): Millis | null {
    if (this.#age === undefined) {
      const token = this.exchange.request.header("authorization");
      const age = token === undefined ? null : this.#ageOf(token);
      this.#age = age === null || age < this.scope.params.after ? null : age;
    }
    return this.#age;
  }

  #ageOf(token: string): Millis {
    const hash = createHash("sha256").update(token).digest("base64");
    const now = this.scope.now();
    const first = this.scope.shared.get(hash);
    if (first === undefined) this.scope.shared.set(hash, now);
    return now - (first ?? now);
  }
}

const nameOf = (head: RequestParts): string =>
  head.fields.find(([name]) => name.toLowerCase() === "authorization")?.[0] ?? "authorization";

/** As long as before and made of the same kind of characters, but each of the last sixteen letters and digits is another. */
function spoilt(value: string): string {
  const scheme = /^\S+ +/u.exec(value)?.[0] ?? "";
  const token = value.slice(scheme.length);
  const kept = Math.max(0, token.length - 16);
  const tail = token.slice(kept).replace(/[a-zA-Z0-9]/gu, another);
  const changed = token.slice(0, kept) + tail;
  return scheme + (changed === token ? `${token}x` : changed);
}

/** Half the alphabet on, or five digits. */
function another(character: string): string {
  if (/\d/u.test(character)) return String((Number(character) + 5) % 10);
  const base = /[a-z]/u.test(character) ? "a".charCodeAt(0) : "A".charCodeAt(0);
  return String.fromCharCode(base + ((character.charCodeAt(0) - base + 13) % 26));
}

const DESCRIPTIONS = {
  expired: "The access token expired",
  invalid: "The access token is invalid",
  revoked: "The access token was revoked",
  missing: "No access token was given",
} as const;

/** RFC 6750 3: `insufficient_scope` goes with 403, and whoever gave no token is told of no error. */
function refusal({ mode, status, body }: Readonly<Params>, scheme: "Basic" | "Bearer", now: number): Answer {
  const error = mode === "missing" ? undefined : status === 403 ? "insufficient_scope" : "invalid_token";
  const told =
    error === undefined || scheme === "Basic"
      ? ""
      : `, error="${error}", error_description="${DESCRIPTIONS[mode]}"`;
  const payload = Buffer.from(
    body ?? JSON.stringify({ error: error ?? "unauthorized", error_description: DESCRIPTIONS[mode] }),
  );
  return {
    do: "answer",
    head: {
      status,
      reason: reasonOf(status),
      fields: [
        ["date", httpDate(now)],
        ["www-authenticate", `${scheme} realm="api"${told}`],
        ["cache-control", "no-store"],
        [
          "content-type",
          body === undefined || /^\s*[[{]/u.test(body) ? "application/json" : "text/plain; charset=utf-8",
        ],
        ["content-length", String(payload.length)],
      ],
    },
    body: payload,
  };
}

export default defineFault({
  type: "unauthorized",
  summary:
    "Refuses a bot's token from some time after its first use on, or spoils it on the way to the upstream.",
  params,
  example: { type: "unauthorized", mode: "expired", after: "5m" },
  effects: {
    refused: "requests refused for their token",
    spoilt: "requests sent on with a token that is none",
  },
  directions: null,
  explain: ({ mode, after, how, status }) =>
    (how === "answer"
      ? `responds with ${status}, token ${mode},`
      : `${mode === "missing" ? "takes the token out of" : "spoils the token of"} requests`) +
    (after === 0
      ? " from a token's first use on"
      : ` from ${formatDuration(after)} after a token's first use on`),
  check: ({ params: { mode, how, body } }) => {
    if (how === "answer") return undefined;
    if (mode === "expired" || mode === "revoked")
      return {
        path: "mode",
        message: `must be invalid or missing to spoil a token: nobody but its issuer can make it ${mode}`,
      };
    return body === undefined
      ? undefined
      : {
          path: "body",
          message: "means something with `how: answer` only: the upstream refuses in its own words",
        };
  },
  shared: ({ evicted }): Tokens => new BoundedMap(TOKENS_MAX, evicted),
  exchange: (scope, exchange) => new Unauthorized(scope, exchange),
});
