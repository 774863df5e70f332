/**
 * The seams of the planes that are still to come, and three of their types, written against the contract as it
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
  StreamStage,
} from "../../src/faults/contract.js";
import { close, hang, hold, pass, reset } from "../../src/faults/contract.js";
import { DelayLine } from "../../src/faults/kit.js";
import { choice, count, duration, ratio } from "../../src/faults/params.js";

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
export type DialVerdict = Pass | Hold | Hang | Sever | { readonly do: "refuse" };

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
export const LATER_TYPES = [packetLoss, dnsDrop, flap] as const;
