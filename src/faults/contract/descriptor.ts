/** The descriptor: everything the daemon knows about a type of fault, as one value. */
import type { z } from "zod";
import type { ConnectionFault, ConnectionInfo } from "./connection.js";
import type { DatagramFault, FlowInfo } from "./datagram.js";
import type { ExchangeFault, ExchangeInfo } from "./exchange.js";
import type { HandshakeFault, HandshakeInfo } from "./handshake.js";
import type { KernelWish } from "./kernel.js";
import type { ListenerFault } from "./listener.js";
import type { QueryFault, Question } from "./query.js";
import type { RuntimeNeed } from "./runtime.js";
import type { Direction, Scope, SharedScope } from "./scope.js";
import type { StreamInfo, StreamStage } from "./stream.js";
import type { Upstream, UpstreamsFault } from "./upstreams.js";
import type { Sever } from "./verdicts.js";

export type ParamsSchema = z.ZodObject;

/** The reserved keys of a fault that a type may want to judge: `down` refuses some of them. */
export interface FaultUse<P> {
  readonly params: Readonly<P>;
  /** The place that it acts in, of types that know several. */
  readonly at?: string;
  readonly narrowed: boolean;
}

export interface FaultType<
  Params extends ParamsSchema = ParamsSchema,
  E extends string = string,
  S = unknown,
  P = z.infer<Params>,
> {
  /** YAML `type:`, metric label, docs anchor, and the name of the file it lives in. */
  readonly type: string;
  /** One sentence. docs/faults.md and `squall explain` are made from it and from `params`. */
  readonly summary: string;
  readonly params: Params;
  /** A fault that must parse; shown in the docs and run by the conformance test. */
  readonly example: Readonly<Record<string, unknown>>;
  /** What it can do to traffic: name -> help. Each becomes a label value and a journal effect. */
  readonly effects: Readonly<Record<E, string>>;
  /**
   * Effects that say why a fault let somebody be whom it would have acted on, or what it noticed: they are counted and told as
   * such, and make nobody a hit.
   */
  readonly spares?: readonly NoInfer<E>[];
  /**
   * Effects that say what is wrong with a client or a server, and not what was done to it: effect -> the rest of a sentence about
   * how many, such as "clients took a certificate that had expired". The report of an activation warns of them.
   */
  readonly findings?: Readonly<Partial<Record<NoInfer<E>, string>>>;
  /** How many hits on one subject have their own journal entry, if they have a detail. By default, the first of each effect. */
  readonly entries?: number;
  /** The directions it acts in when none is given; null where a direction has no meaning. */
  readonly directions: Direction | "both" | null;
  /**
   * The places it can act in, the first by default; absent for types that know one place only. Of a `stream` on an
   * HTTP proxy: `wire` is everything, `head` and `body` are the heads and the payload of messages.
   */
  readonly at?: readonly [string, ...string[]];
  /** Set by `stream` types that are about connections, not about what goes over them: also on HTTP proxies. */
  readonly subject?: "connection";
  /** Of types that act on whole connections: what does the like to one exchange, said to whoever matches on those. */
  readonly perExchange?: string;
  /**
   * Set by types that destroy bytes: what becomes of a connection that lost some when the fault is
   * taken away, since going on would hand out a corrupt stream.
   */
  readonly destroys?: Sever["do"];
  /** Set by types whose removal always ends the connections they were on, even if no byte was lost yet. */
  readonly onRemoval?: Sever["do"];
  /** What this configured fault does, as the rest of a sentence: "delays … by 200ms". */
  explain(params: Readonly<P>): string;
  /** Judges combinations that a schema cannot; answers the mistake, or undefined. */
  check?(use: FaultUse<P>): { readonly path: string; readonly message: string } | undefined;
  /** Made once for each fault and proxy; lives until the fault goes. */
  shared?(scope: SharedScope<P>): S;

  /** What this use of it needs of the runtime; where that lacks it, it cannot be switched on. By default nothing. */
  readonly runtime?: (params: Readonly<P>, at: string) => RuntimeNeed | null;

  /** Set by types that the kernel can act for; where it does, the seams are not asked. */
  readonly kernel?: (params: Readonly<P>) => KernelWish;

  /**
   * Set by types that act on handshakes: whether this use of it takes a proxy that ends TLS itself. By default it can do with one
   * that only reads the ClientHello.
   */
  readonly termination?: (params: Readonly<P>, at: string) => boolean;

  // The seams. A type has one or several; one that is absent costs nothing at run time.
  readonly listener?: (scope: SharedScope<P>) => ListenerFault;
  readonly connection?: (scope: Scope<P, E, S>, connection: ConnectionInfo) => ConnectionFault;
  readonly handshake?: (scope: Scope<P, E, S>, handshake: HandshakeInfo) => HandshakeFault;
  readonly stream?: (scope: Scope<P, E, S>, stream: StreamInfo) => StreamStage;
  readonly exchange?: (scope: Scope<P, E, S>, exchange: ExchangeInfo) => ExchangeFault;
  readonly datagram?: (scope: Scope<P, E, S>, flow: FlowInfo) => DatagramFault;
  readonly query?: (scope: Scope<P, E, S>, question: Question) => QueryFault;
  /** `pool` has all of them, in the order of the configuration; the scope's draws belong to the proxy. */
  readonly upstreams?: (scope: Scope<P, E, S>, pool: readonly Upstream[]) => UpstreamsFault;
}

/**
 * What proxies offer. `termination` is no seam of its own: it says that handshakes can be acted on beyond the ClientHello. `query` is also the seam
 * by which proxies of other protocols look up their upstreams' names.
 */
export type Seam =
  | "listener"
  | "connection"
  | "handshake"
  | "termination"
  | "stream"
  | "exchange"
  | "datagram"
  | "query"
  | "upstreams";
export const SEAMS: readonly Seam[] = [
  "listener",
  "connection",
  "handshake",
  "stream",
  "exchange",
  "datagram",
  "query",
  "upstreams",
];

/**
 * A type with its parameters forgotten, as registries keep it. The daemon hands back to a type only
 * values that its own schema made, so the erasure is sound; it is done here and nowhere else.
 */
export type AnyFaultType = FaultType<ParamsSchema, string, unknown, Record<string, unknown>>;

/** Adds inference to a descriptor and freezes it; kinds/index.ts lists the results. */
export function defineFault<Params extends ParamsSchema, E extends string, S = undefined>(
  type: FaultType<Params, E, S>,
): AnyFaultType {
  return Object.freeze(type) as unknown as AnyFaultType;
}
