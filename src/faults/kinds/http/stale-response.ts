/** An earlier answer to the same request, from a cache that should not have kept it: but never somebody else's. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type BodyChange,
  type BodyInfo,
  type ExchangeFault,
  type ExchangeInfo,
  type ExchangeVerdict,
  type FieldList,
  type ResponseInfo,
  type Scope,
  type SharedScope,
} from "../../contract/index.js";
import { FRAMING_FIELDS, failed, withField } from "../../messages.js";
import { duration, size } from "../../params.js";

const params = z.object({
  age: duration()
    .prefault("30s")
    .describe(
      "how old a response must be before it is sent again; the newest that is old enough is taken. While there is none, the upstream responds, and its response is kept",
    ),
  limit: size().prefault("1MiB").describe("responses with a larger payload are not kept"),
  memory: size({ max: 2 ** 30 })
    .prefault("16MiB")
    .describe("payload kept in all; beyond it, the responses that were least recently requested are dropped"),
});
type Params = z.infer<typeof params>;
type Effect = "stale" | "not_kept";

const REQUESTS_MAX = 1_000;
/** An answer is kept at most so often while one grows old, so a steady client gets what is between `age` and 1.25 x `age` old. */
const KEPT_PER_AGE = 4;
/** What a head is reckoned to weigh, so that many empty bodies are not free. */
const HEAD_BYTES = 1024;

/** What says who asks, whatever else bots are told apart by: several may share an address, or a name. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

interface Kept {
  readonly at: Millis;
  readonly status: number;
  readonly reason: string;
  readonly fields: FieldList;
  /** What the request said in the fields that the answer varies by. */
  readonly vary: FieldList;
  readonly body: Buffer;
}

const weightOf = (kept: Kept): number => HEAD_BYTES + kept.body.length;

/** Answers by request, each list from old to new; requests from long unused to just used. */
class Cache {
  readonly #lists = new Map<string, Kept[]>();
  #bytes = 0;

  constructor(private readonly scope: SharedScope<Params>) {}

  /** The newest that is old enough, if it is for such a request; older ones are of no more use. */
  find(key: string, exchange: ExchangeInfo): Kept | undefined {
    const list = this.#lists.get(key);
    if (list === undefined) return undefined;
    const ripe = list.findLastIndex(({ at }) => this.scope.now() - at >= this.scope.params.age);
    if (ripe > 0) for (const old of list.splice(0, ripe)) this.#bytes -= weightOf(old);
    this.#lists.delete(key);
    this.#lists.set(key, list);
    const found = ripe < 0 ? undefined : list[0];
    return found?.vary.every(([name, value]) => asked(exchange, name) === value) === true ? found : undefined;
  }

  wants(key: string): boolean {
    const newest = this.#lists.get(key)?.at(-1);
    return newest === undefined || this.scope.now() - newest.at >= this.scope.params.age / KEPT_PER_AGE;
  }

  keep(key: string, kept: Kept): void {
    const list = this.#lists.get(key) ?? [];
    this.#lists.delete(key);
    this.#lists.set(key, list);
    list.push(kept);
    this.#bytes += weightOf(kept);
    for (const [oldest, answers] of this.#lists) {
      if (this.#lists.size <= REQUESTS_MAX && this.#bytes <= this.scope.params.memory) return;
      for (const answer of answers) this.#bytes -= weightOf(answer);
      this.#lists.delete(oldest);
      this.scope.evicted();
    }
  }
}

class StaleResponse implements ExchangeFault {
  #found: Kept | null = null;
  #head: Omit<Kept, "body"> | null = null;
  #keyMade: string | null = null;

  constructor(
    private readonly scope: Scope<Params, Effect, Cache>,
    private readonly exchange: ExchangeInfo,
  ) {}

  get #key(): string {
    this.#keyMade ??= `${this.exchange.bot}\n${whoAsks(this.exchange)}\n${this.exchange.request.target}`;
    return this.#keyMade;
  }

  request(): ExchangeVerdict {
    const { method } = this.exchange.request;
    if (method !== "GET" && method !== "HEAD") return pass;
    const age = (kept: Kept): number => this.scope.now() - kept.at;
    if (this.#found === null) {
      this.#found = this.scope.shared.find(this.#key, this.exchange) ?? null;
      if (this.#found === null) return pass;
      this.scope.count("stale", 1, { age_ms: Math.round(age(this.#found)), status: this.#found.status });
    }
    const { status, reason, fields, body } = this.#found;
    const seconds = String(Math.floor(age(this.#found) / 1000));
    return { do: "answer", head: { status, reason, fields: withField(fields, "age", seconds) }, body };
  }

  /** What a GET brought serves HEAD as well, RFC 9111 4. */
  response(answer: Parameters<NonNullable<ExchangeFault["response"]>>[0]): ExchangeVerdict {
    if (failed(answer) || this.exchange.request.method !== "GET" || answer.status !== 200) return pass;
    if (this.#head !== null || !this.scope.shared.wants(this.#key)) return pass;
    const vary = varied(answer, this.exchange);
    // A session that is handed out is one client's, and RFC 9111 4.1 matches no request to `Vary: *`.
    if (vary === null || answer.header("set-cookie") !== undefined) {
      this.scope.count("not_kept");
      return pass;
    }
    this.#head = headOf(answer, this.scope.now(), vary);
    if (answer.header("content-length") === "0") this.#keep(Buffer.alloc(0));
    return pass;
  }

  body({ direction }: BodyInfo): BodyChange | null {
    if (direction !== "downstream" || this.#head === null) return null;
    return {
      do: "record",
      limit: Math.min(this.scope.params.limit, this.scope.params.memory),
      recorded: (body) => {
        this.#keep(body);
      },
      lost: () => {
        this.scope.count("not_kept");
      },
    };
  }

  #keep(body: Buffer): void {
    if (this.#head !== null) this.scope.shared.keep(this.#key, { ...this.#head, body });
    this.#head = null;
  }
}

function headOf(answer: ResponseInfo, now: Millis, vary: FieldList): Omit<Kept, "body"> {
  const fields = answer.fields().filter(([name]) => !FRAMING_FIELDS.has(name.toLowerCase()));
  return { at: now, status: answer.status, reason: answer.reason, fields, vary };
}

/** All values of that field of the request, as one. */
function asked({ request }: ExchangeInfo, name: string): string {
  return request
    .fields()
    .flatMap(([field, value]) => (field.toLowerCase() === name ? [value] : []))
    .join("\n");
}

/** What a request says of who sent it; a digest, since a cache is no place for secrets. */
function whoAsks(exchange: ExchangeInfo): string {
  const said = CREDENTIALS.map((name) => asked(exchange, name));
  if (said.every((value) => value === "")) return "";
  return createHash("sha256").update(JSON.stringify(said)).digest("base64");
}

/** What else the request must say alike, by the answer's Vary (RFC 9111 4.1); null if no other request can. */
function varied(answer: ResponseInfo, exchange: ExchangeInfo): FieldList | null {
  const names = answer
    .fields()
    .flatMap(([name, value]) => (name.toLowerCase() === "vary" ? value.toLowerCase().split(",") : []))
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.includes("*")) return null;
  return names.map((name) => [name, asked(exchange, name)] as const);
}

export default defineFault({
  type: "stale_response",
  summary:
    "Responds to a GET or HEAD with an earlier response to the same request of the same bot with the same credentials.",
  params,
  example: { type: "stale_response", age: "1m" },
  effects: {
    stale: "requests that got an earlier response",
    not_kept:
      "responses not kept, since they were too large, never came to their end, set a cookie or vary by everything",
  },
  spares: ["not_kept"],
  directions: "downstream",
  explain: ({ age }) =>
    `sends the same bot an earlier response again that is at least ${formatDuration(age)} old`,
  shared: (scope: SharedScope<Params>) => new Cache(scope),
  exchange: (scope, exchange) => new StaleResponse(scope, exchange),
});
