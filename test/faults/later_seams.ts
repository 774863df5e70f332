/**
 * The seams of the planes that are still to come, and six of their types, written against the contract as it
 * is: compiled with everything else, never run. What did not fit showed here before a plane was built on it;
 * docs/decisions/0003-later-seams.md tells what was learnt.
 */
import { z } from "zod";
import type { Millis } from "../../src/core/clock.js";
import type { Random } from "../../src/core/random.js";
import type {
  Direction,
  FaultType,
  Hang,
  Hold,
  Outlet,
  ParamsSchema,
  Pass,
  Scope,
  Sever,
  StreamInfo,
  StreamStage,
} from "../../src/faults/contract.js";
import { close, hang, hold, pass, reset } from "../../src/faults/contract.js";
import { DelayLine } from "../../src/faults/kit.js";
import { choice, count, duration, ratio, size } from "../../src/faults/params.js";

// ------------------------------------------------------------------------------------------------
// Exchanges.

export type Headers = readonly (readonly [name: string, value: string])[];
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
}
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
}
/** The upstream gave no answer: refused, unresolved, reset before its head. */
export interface UpstreamFailure {
  readonly failed: string;
}

/** Answered here and now; the upstream, if it was asked, answers to nobody. */
export type Answer = { readonly do: "answer"; readonly head: ResponseHead; readonly body: Buffer };
export type ExchangeVerdict = Pass | Hold | Hang | Sever | Answer;

/** How a request is sent on; without one, once and for as long as the client is there. */
export interface Dispatch {
  readonly times: number;
  readonly gap: Millis;
  readonly connection: "same" | "another";
  /** The upstream's work goes on although the client has left, and its answer is read to the end. */
  readonly detached: boolean;
}

/** A body's stage knows what the head said about the length. */
export interface BodyInfo extends StreamInfo {
  readonly length: number | null;
}

export interface ExchangeFault {
  /** The head of the request is here; nothing has been forwarded. */
  request?(): ExchangeVerdict;
  /** The head as it is forwarded. Framing belongs to the runner: `body` below is what changes it. */
  rewriteRequest?(head: RequestHead): RequestHead;
  dispatch?(): Dispatch;
  /**
   * The head of the answer is here, or will never be; the client has seen nothing. Whatever is final here
   * takes the answer's place; the answer itself is read to its end and thrown away.
   */
  response?(answer: ResponseHead | UpstreamFailure): ExchangeVerdict;
  rewriteResponse?(head: ResponseHead): ResponseHead;
  /** What the head must say once the stage below has done its work; asked before the head is sent. */
  framing?(body: BodyInfo): Framing;
  body?(body: BodyInfo): StreamStage | null;
  readonly wakeAt: Millis;
  wake?(): Pass | Sever;
  released?(): void;
}

/** `kept`: as the sender said. `exact`: this many bytes, and the message is well-formed. */
export type Framing = { readonly is: "kept" } | { readonly is: "exact"; readonly length: number };

// ------------------------------------------------------------------------------------------------
// Datagrams. One fault for each flow (a client's address and port), since bursts have memory.

export interface FlowInfo {
  readonly client: { readonly address: string; readonly port: number };
  readonly bot: string;
}
export interface Datagram {
  readonly direction: Direction;
  readonly payload: Buffer;
}
export type Drop = { readonly do: "drop" };
/** Held ones overtake one another where their times say so: a network orders nothing. */
export type DatagramVerdict =
  Pass | Hold | Drop | { readonly do: "repeat"; readonly times: number; readonly gap: Millis };

export interface DatagramFault {
  datagram(datagram: Datagram): DatagramVerdict;
  rewrite?(datagram: Datagram): Buffer;
  released?(): void;
}

// ------------------------------------------------------------------------------------------------
// Queries: those of a dns proxy's clients, and those for the names of a proxy's own upstreams.

export interface Question {
  readonly name: string;
  readonly type: string;
  readonly transport: "udp" | "tcp" | "internal";
}
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: string;
}
export interface DnsReply {
  readonly rcode: string;
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
}
export type QueryVerdict = Pass | Hold | Drop | Sever | { readonly do: "reply"; readonly reply: DnsReply };

export interface QueryFault {
  query?(): QueryVerdict;
  reply?(reply: DnsReply): QueryVerdict;
  rewrite?(reply: DnsReply): DnsReply;
  /** The reply as it is on the wire: cut short, under a wrong id, or garbled. */
  garble?(message: Buffer): Buffer;
}

// ------------------------------------------------------------------------------------------------
// Upstreams. One fault for each proxy, so that its rhythm goes on across connections.

export interface Upstream {
  readonly name: string;
}
/** What becomes of an attempt to reach one that was chosen. */
export type DialVerdict = Pass | Hold | Hang | Sever | { readonly do: "refuse" } | Answer;

export interface UpstreamsFault {
  /** Those that may be chosen, best first; empty when nobody is up. */
  candidates(pool: readonly Upstream[]): readonly Upstream[];
  /** For balancers that have not noticed yet: what dialling this one gives. */
  dial?(upstream: Upstream): DialVerdict;
  /** What becomes of connections to this one that are open; asked after each `wake`. */
  existing?(upstream: Upstream): Pass | Sever;
  readonly wakeAt: Millis;
  wake?(): void;
  released?(): void;
}

// ------------------------------------------------------------------------------------------------

/** FaultType as it will be: nothing taken back, four seams more. */
export interface LaterFaultType<
  Params extends ParamsSchema = ParamsSchema,
  E extends string = string,
  S = unknown,
  P = z.infer<Params>,
> extends FaultType<Params, E, S, P> {
  readonly exchange?: (scope: Scope<P, E, S>, request: RequestHead) => ExchangeFault;
  readonly datagram?: (scope: Scope<P, E, S>, flow: FlowInfo) => DatagramFault;
  readonly query?: (scope: Scope<P, E, S>, question: Question) => QueryFault;
  readonly upstreams?: (scope: Scope<P, E, S>, pool: readonly Upstream[]) => UpstreamsFault;
}

export function defineLater<Params extends ParamsSchema, E extends string, S = undefined>(
  type: LaterFaultType<Params, E, S>,
): LaterFaultType<Params, E, S> {
  return Object.freeze(type);
}

// ------------------------------------------------------------------------------------------------
// lost_response: carried out, but nobody hears of it.

const BAD_GATEWAY: Answer = {
  do: "answer",
  head: { status: 502, reason: "Bad Gateway", headers: [["content-length", "0"]] },
  body: Buffer.alloc(0),
};

export const lostResponse = defineLater({
  type: "lost_response",
  summary: "The request is carried out, and its answer never arrives.",
  params: z.object({
    then: choice(["reset", "close", "hang", "status"])
      .default("reset")
      .describe("what the client sees instead"),
  }),
  example: { type: "lost_response", then: "reset" },
  effects: { lost: "answers that were swallowed" },
  directions: null,
  explain: () => "lets the upstream do its work and swallows the answer",
  exchange: (scope) => ({
    dispatch: () => ({ times: 1, gap: 0, connection: "same", detached: true }),
    response: (answer) => {
      // A request that never got there was not carried out: that is somebody else's failure.
      if ("failed" in answer) return pass;
      scope.count("lost", 1, { true_status: answer.status });
      const { then } = scope.params;
      return then === "status" ? BAD_GATEWAY : then === "hang" ? hang : then === "close" ? close : reset;
    },
    wakeAt: Infinity,
  }),
});

// ------------------------------------------------------------------------------------------------
// http_truncate: a body that ends early, in one of three ways.

/** Cuts at the exact byte; then the end, which is in order (`honest`) or is none. */
class BodyCut implements StreamStage {
  #passed = 0;
  #over = false;

  constructor(
    private readonly limit: number,
    private readonly orderly: boolean,
    private readonly cut: (at: number) => void,
  ) {}

  push(chunk: Buffer, out: Outlet): void {
    const passing = this.#over ? 0 : Math.min(chunk.length, this.limit - this.#passed);
    this.#passed += passing;
    if (passing > 0) out.emit(chunk.subarray(0, passing));
    if (passing < chunk.length) out.drop(chunk.length - passing);
    if (!this.#over && this.#passed >= this.limit) {
      this.#over = true;
      this.cut(this.#passed);
      // The rest of the body is still read and dropped, so that a keep-alive connection lives on.
      if (this.orderly) out.end();
      else out.sever(close);
    }
  }

  end(out: Outlet): void {
    if (!this.#over) out.end();
  }

  release(): void {
    // Nothing is ever held here.
  }

  readonly wakeAt = Infinity;
  readonly held = 0;
  readonly capacity = Infinity;
}

export const httpTruncate = defineLater({
  type: "http_truncate",
  summary: "Cuts a body short, with framing that is honest about it or is not.",
  params: z.object({
    after: size().optional().describe("body bytes that still arrive"),
    share: ratio().optional().describe("share of the body that still arrives"),
    framing: choice(["short", "honest", "unterminated"]).default("short").describe("what the framing claims"),
  }),
  example: { type: "http_truncate", share: "50%", framing: "honest" },
  effects: {
    truncated: "bodies cut short",
    unknown_length: "bodies let by, since a share of no known length is nothing",
  },
  directions: "downstream",
  destroys: "reset",
  explain: ({ framing }) => `cuts bodies short, with ${framing} framing`,
  check: ({ params: { after, share } }) =>
    (after === undefined) === (share === undefined)
      ? { path: "after", message: "give either after or share" }
      : undefined,
  exchange: (scope) => {
    const limitOf = ({ length }: BodyInfo): number | null => {
      const { after, share } = scope.params;
      const limit = after ?? (length === null || share === undefined ? null : Math.floor(length * share));
      return limit === null || (length !== null && limit >= length) ? null : limit;
    };
    return {
      framing: (body) => {
        const limit = limitOf(body);
        return limit === null || scope.params.framing !== "honest"
          ? { is: "kept" }
          : { is: "exact", length: limit };
      },
      body: (body) => {
        const limit = limitOf(body);
        if (limit === null) {
          if (body.length === null) scope.count("unknown_length");
          return null;
        }
        return new BodyCut(limit, scope.params.framing === "honest", (at) => {
          scope.count("truncated", 1, { at_byte: at });
        });
      },
      wakeAt: Infinity,
    };
  },
});

// ------------------------------------------------------------------------------------------------
// duplicate_request: the upstream gets it again, the bot sees the first answer.

export const duplicateRequest = defineLater({
  type: "duplicate_request",
  summary: "Sends a request to the upstream more than once; the bot sees the first answer.",
  params: z.object({
    times: count({ min: 2, max: 10 }).default(2).describe("how often the upstream gets it"),
    gap: duration().prefault("0ms").describe("time between two of them"),
    same_connection: z.boolean().default(false).describe("whether all go over one connection"),
  }),
  example: { type: "duplicate_request", times: 2, gap: "100ms" },
  effects: { duplicated: "requests that were sent again" },
  directions: null,
  explain: ({ times }) => `sends each request ${times} times`,
  exchange: (scope) => ({
    dispatch: () => {
      const { times, gap, same_connection } = scope.params;
      scope.count("duplicated", times - 1);
      return { times, gap, connection: same_connection ? "same" : "another", detached: true };
    },
    wakeAt: Infinity,
  }),
});

// ------------------------------------------------------------------------------------------------
// packet_loss: late bytes on a stream, missing datagrams on a flow.

const lossParams = z.object({
  loss: ratio().describe("share of the segments or datagrams that are lost"),
  burst: count({ min: 1 }).default(1).describe("mean number lost in a row"),
  rtt: duration().prefault("50ms").describe("round trip time that a retransmission is reckoned with"),
});
type Loss = z.infer<typeof lossParams>;

/** Losses in a row: a chain of two states with the mean burst length that was asked for. */
class Bursts {
  #bad = false;

  constructor(
    private readonly random: Random,
    private readonly params: () => Readonly<Loss>,
  ) {}

  lost(): boolean {
    const { loss, burst } = this.params();
    const stay = 1 - 1 / burst;
    const enter = loss >= 1 ? 1 : Math.min(1, (loss * (1 - stay)) / (1 - loss));
    this.#bad = this.random.unit() < (this.#bad ? stay : enter);
    return this.#bad;
  }
}

/** A lost segment comes a timeout later, and everything behind it waits. */
class LostSegments implements StreamStage {
  readonly #line = new DelayLine<null>();

  constructor(
    private readonly scope: Scope<Loss, "lost", undefined>,
    private readonly bursts: Bursts,
  ) {}

  push(chunk: Buffer, out: Outlet): void {
    let late = 0;
    for (let timeout = this.scope.params.rtt + 200; this.bursts.lost() && timeout < 120_000; timeout *= 2)
      late += timeout;
    if (late > 0) {
      this.scope.count("lost", 1, { late_ms: late });
      this.scope.delayed(late);
    }
    this.#line.add(chunk, out.now + late, null);
    this.wake(out);
  }

  end(out: Outlet): void {
    this.#line.add(null, out.now, null);
    this.wake(out);
  }

  wake(out: Outlet): void {
    this.#line.flush(out, out.now);
  }

  release(out: Outlet): void {
    this.#line.flush(out, Infinity);
  }

  get wakeAt(): Millis {
    return this.#line.due;
  }

  get held(): number {
    return this.#line.held;
  }

  readonly capacity = 1024 * 1024;
}

export const packetLoss = defineLater({
  type: "packet_loss",
  summary: "Does to a stream what lost segments do, and really loses datagrams.",
  params: lossParams,
  example: { type: "packet_loss", loss: "5%" },
  effects: { lost: "segments that came late, or datagrams that never came" },
  directions: "both",
  explain: ({ loss }) => `loses ${loss * 100}% of the packets`,
  stream: (scope) => new LostSegments(scope, new Bursts(scope.random, () => scope.params)),
  datagram: (scope) => {
    const bursts = new Bursts(scope.random, () => scope.params);
    return {
      datagram: () => {
        if (!bursts.lost()) return pass;
        scope.count("lost");
        return { do: "drop" };
      },
    };
  },
});

// ------------------------------------------------------------------------------------------------
// dns_drop: no reply at all, or one that is cut.

export const dnsDrop = defineLater({
  type: "dns_drop",
  summary: "Leaves a question without an answer, or cuts the answer short.",
  params: z.object({
    what: choice(["question", "reply", "rest"])
      .default("question")
      .describe("what is dropped; rest cuts the reply in half"),
    after: duration().prefault("0ms").describe("how long a reply is kept before it is dropped"),
  }),
  example: { type: "dns_drop" },
  effects: { dropped: "questions that got no answer", cut: "replies cut short" },
  directions: null,
  explain: ({ what }) => `drops the ${what} of DNS exchanges`,
  query: (scope, question) => ({
    query: () => {
      // A resolver of ours that is asked for an upstream's name would wait for ever: it gets a failure instead.
      if (scope.params.what !== "question") return pass;
      scope.count("dropped", 1, { name: question.name });
      return question.transport === "tcp" ? close : { do: "drop" };
    },
    reply: () => {
      if (scope.params.what !== "reply") return pass;
      scope.count("dropped");
      return scope.params.after > 0 ? hold(scope.params.after) : { do: "drop" };
    },
    rewrite: (reply) => (scope.params.what === "rest" ? { ...reply, truncated: true, answers: [] } : reply),
    garble: (message) => {
      if (scope.params.what !== "rest") return message;
      scope.count("cut");
      return message.subarray(0, message.length >> 1);
    },
  }),
});

// ------------------------------------------------------------------------------------------------
// flap: upstreams go down and come back, in a rhythm.

const flapParams = z.object({
  targets: z.array(z.string()).optional().describe("names of the upstreams that flap; by default all"),
  period: duration({ positive: true }).describe("time from one going down to the next"),
  duty: ratio().prefault("50%").describe("share of the period that it is up"),
  phase: choice(["same", "staggered"]).default("same").describe("whether all go down together"),
  down: choice(["refuse", "reset", "blackhole", "hidden"])
    .default("refuse")
    .describe("what dialling one that is down gives"),
  existing: choice(["keep", "cut"]).default("keep").describe("what becomes of open connections to it"),
});

/** Up or down is a function of time alone: whoever looks, and how often, changes nothing. */
class Rhythm implements UpstreamsFault {
  readonly #names: readonly string[];

  constructor(
    private readonly scope: Scope<z.infer<typeof flapParams>, "down" | "cut", { readonly startedAt: Millis }>,
    pool: readonly Upstream[],
  ) {
    const { targets } = scope.params;
    this.#names = pool
      .map(({ name }) => name)
      .filter((name) => targets === undefined || targets.includes(name));
  }

  #intoPeriod(name: string, at: Millis): Millis {
    const { period, phase } = this.scope.params;
    const index = this.#names.indexOf(name);
    const shift = phase === "staggered" ? (index * period) / this.#names.length : 0;
    return (at - this.scope.shared.startedAt + shift) % period;
  }

  #isDown(name: string): boolean {
    const { period, duty } = this.scope.params;
    return this.#names.includes(name) && this.#intoPeriod(name, this.scope.now()) >= period * duty;
  }

  candidates(pool: readonly Upstream[]): readonly Upstream[] {
    return this.scope.params.down === "hidden" ? pool.filter(({ name }) => !this.#isDown(name)) : pool;
  }

  dial({ name }: Upstream): DialVerdict {
    if (!this.#isDown(name)) return pass;
    this.scope.count("down", 1, { upstream: name });
    const { down } = this.scope.params;
    return down === "blackhole" ? hang : down === "reset" ? reset : { do: "refuse" };
  }

  existing({ name }: Upstream): Pass | Sever {
    if (this.scope.params.existing === "keep" || !this.#isDown(name)) return pass;
    this.scope.count("cut");
    return reset;
  }

  /** The next edge of any of them. */
  get wakeAt(): Millis {
    const { period, duty } = this.scope.params;
    const now = this.scope.now();
    const edges = this.#names.map((name) => {
      const into = this.#intoPeriod(name, now);
      return now + (into < period * duty ? period * duty : period) - into;
    });
    return Math.min(Infinity, ...edges);
  }
}

export const flap = defineLater({
  type: "flap",
  summary: "Upstreams go down and come back, in a rhythm.",
  params: flapParams,
  example: { type: "flap", period: "10s", duty: "70%" },
  effects: { down: "attempts to reach one that was down", cut: "connections cut when one went down" },
  directions: null,
  explain: ({ duty }) => `lets upstreams come and go, up for ${duty * 100}% of the time`,
  shared: (scope) => ({ startedAt: scope.now() }),
  upstreams: (scope, pool) => new Rhythm(scope, pool),
});

/** As a registry would keep them, next to those that exist. */
export const LATER_TYPES = [lostResponse, httpTruncate, duplicateRequest, packetLoss, dnsDrop, flap] as const;
