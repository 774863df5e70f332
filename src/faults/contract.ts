/**
 * The fault contract: with core/, ./kit and ./params the only module that a file in kinds/ imports.
 *
 * A fault is pure. It opens no socket, arms no timer, awaits nothing and reads no global clock or
 * generator: it is told what happened and says what should happen. Whatever touches the world -
 * reading, writing, waiting, counting - is done in one place for each seam, by pipeline/ and proxy/.
 *
 * How the seams beyond connections and bytes came to look as they do is told in docs/decisions/0003-later-seams.md.
 */
import type { z } from "zod";
import type { Millis } from "../core/clock.js";
import type { Random } from "../core/random.js";

/** "upstream" carries the client's bytes to the server, "downstream" carries its answers back. */
export type Direction = "upstream" | "downstream";
export const DIRECTIONS: readonly Direction[] = ["upstream", "downstream"];

// ------------------------------------------------------------------------------------------------
// Verdicts: what should happen, as data. Faults are asked in order; holds add up, and the first
// final verdict wins, after the holds before it. "Wait 2 s, then reset" is two faults, not a third type.

export type Pass = { readonly do: "pass" };
/** Wait that long, then go on with the next fault. */
export type Hold = { readonly do: "hold"; readonly for: Millis };
/** Wait until the fault asks for attention, then ask it again. */
export type Wait = { readonly do: "wait" };
/** An RST to both sides, or a FIN. */
export type Sever = { readonly do: "reset" } | { readonly do: "close" };
/** Stay open and silent for as long as the fault is there. */
export type Hang = { readonly do: "hang" };
/** What may be answered before bytes flow. */
export type GateVerdict = Pass | Hold | Wait | Hang | Sever;

export const pass: Pass = { do: "pass" };
export const wait: Wait = { do: "wait" };
export const hang: Hang = { do: "hang" };
export const reset: Sever = { do: "reset" };
export const close: Sever = { do: "close" };
export const hold = (millis: Millis): Hold => ({ do: "hold", for: millis });

// ------------------------------------------------------------------------------------------------
// What a fault is given.

/** What a journal entry says about one effect: the delay drawn, the byte at which it was cut. */
export type Detail = Readonly<Record<string, string | number | boolean>>;

/** For one subject: a connection now, an exchange, a datagram or a query on later planes. */
export interface Scope<P, E extends string, S> {
  /** A live view: ramps move and updates arrive behind it. Read when needed; do not copy out. */
  readonly params: Readonly<P>;
  /** This subject's own draws: same seed, names, bot and ordinal, same draws. */
  readonly random: Random;
  /**
   * A standard normal that resembles that of the same bot's subject before this one: their correlation is that much. It is
   * made of what `random.normal()` would draw first, and takes nothing from `random`.
   */
  alike(correlation: number): number;
  /** What `shared` made for this fault on this proxy. */
  readonly shared: S;
  /** The place it was told to act in, one of the type's `at`; empty for types that know one place only. */
  readonly at: string;
  /** Whether it acts in that direction; false of types whose `directions` are null. */
  acts(direction: Direction): boolean;
  now(): Millis;
  /** Milliseconds since 1970: for what is written into messages, never for reckoning with. */
  wallTime(): number;
  /**
   * Books an effect. The subject's first goes to the journal, with the detail, and more of them if the type says so
   * (`entries`); the total follows at its end.
   */
  count(effect: E, amount?: number, detail?: Detail): void;
  /** Books a delay that was drawn, for the histogram of injected delays. */
  delayed(by: Millis): void;
}

/** For what all subjects of one fault on one proxy have in common. */
export interface SharedScope<P> {
  readonly params: Readonly<P>;
  readonly at: string;
  now(): Millis;
  /** Something was given up for want of room: a key of a bounded map that was longest unused. */
  evicted(): void;
}

// ------------------------------------------------------------------------------------------------
// Listeners.

export interface ListenerFault {
  /**
   * Counted each time that the port is closed or falls silent. Whom that turns away only the kernel knows, so it is the proxy
   * itself that is hit.
   */
  readonly effect: string;
  /** Whether the proxy should listen at the moment; asked when the fault takes hold and when it is updated. */
  listening(): boolean;
  /** Whether attempts to connect are to go unanswered meanwhile, where they would be refused otherwise. */
  silent?(): boolean;
}

// ------------------------------------------------------------------------------------------------
// Connections.

export interface ConnectionInfo {
  /** Counts this proxy's connections, from 1. */
  readonly id: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly bot: string;
  readonly acceptedAt: Millis;
  /** True if it was open already when the fault took hold. */
  readonly live: boolean;
  /** Asks the runner to call `wake` (or to ask a waiting gate again), soon and not from within this call. */
  attend(): void;
}

/**
 * One fault on one connection. New connections go through `accepted`, `connected` and `opened`;
 * live ones begin with `opened`. `released` is called once, however it ends.
 */
export interface ConnectionFault {
  /** A client is connected; nothing is dialled yet. Asked again after `wait`. */
  accepted?(): GateVerdict;
  /** The upstream is connected; no byte has moved. */
  connected?(): GateVerdict;
  /** Bytes may flow, or were flowing already. */
  opened?(): Pass | Sever;
  /** A stage for one direction, made once for each before bytes flow. */
  stream?(direction: Direction): StreamStage | null;
  /** When `wake` should be called next; Infinity for never. Read after each call into the fault. */
  readonly wakeAt: Millis;
  /** Time has come, or parameters have changed, or a timer was early: check, do not assume. */
  wake?(): Pass | Sever;
  /** The connection is over, or the fault is taken from it: give back what was taken. */
  released?(): void;
}

// ------------------------------------------------------------------------------------------------
// Bytes: one interface for TCP streams and for HTTP bodies, in either direction.

export interface StreamInfo {
  readonly direction: Direction;
  /** What is pushed: all bytes of a connection, or only the heads or the payload of its HTTP messages. */
  readonly carries: "wire" | "head" | "body";
}

/**
 * A stage is handed each chunk in order and owns it until it emits, drops or releases it.
 *
 * The pump checks after each call that bytes in + inserted = bytes out + dropped + held. A stage
 * that forgets a byte fails its first test, not its first user.
 */
export interface StreamStage {
  push(chunk: Buffer, out: Outlet): void;
  /** The source has finished. Default: `out.end()`, at once. Held bytes must go first. */
  end?(out: Outlet): void;
  /** `wakeAt` has come, or a timer was early: check, do not assume. */
  wake?(out: Outlet): void;
  /** Parameters were assigned anew (not: a ramp moved on). Default: `wake`. */
  assigned?(out: Outlet): void;
  /** When to call `wake`; Infinity when idle. The pump owns the only timer. */
  readonly wakeAt: Millis;
  /** Bytes kept back. While they number `capacity` or more the pump does not read from the source. */
  readonly held: number;
  readonly capacity: number;
  /** In how many pieces they are kept, where that may be many: each takes up memory beside its bytes. */
  readonly pieces?: number;
  /**
   * The stage is being taken out of a live stream: hand over each held byte, in order, now.
   * An end that was held back is passed on by the pump.
   */
  release(out: Outlet): void;
}

export interface Outlet {
  readonly now: Millis;
  emit(chunk: Buffer): void;
  /** Bytes that were pushed and will never be emitted. */
  drop(bytes: number): void;
  /** Bytes that were never pushed: duplicates, garbage. */
  insert(chunk: Buffer): void;
  /** The end of the stream (FIN or RST, as it came) to the next stage. Emitting afterwards is a bug. */
  end(): void;
  sever(how: Sever): void;
}

// ------------------------------------------------------------------------------------------------
// HTTP exchanges: a request and what comes back.

/** Field lines in the order in which they stand, names in the case in which they were written. */
export type FieldList = readonly (readonly [name: string, value: string])[];

/** A request's head, to be looked at: strings are made when they are asked for. */
export interface RequestInfo {
  readonly method: string;
  /** As it was sent, query included. */
  readonly target: string;
  /** The target's path without its query. */
  readonly path: string;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minor: number;
  /** The value of the first field of that name, in any case; undefined if there is none. */
  header(name: string): string | undefined;
  fields(): FieldList;
}

/** An answer's head, to be looked at while it is there. */
export interface ResponseInfo {
  readonly status: number;
  readonly reason: string;
  header(name: string): string | undefined;
  fields(): FieldList;
}

/** Why there is no answer of the upstream's: a word of CONNECTION_FAILURES, such as upstream_refused. */
export interface UpstreamFailure {
  readonly failed: string;
}

/** A head as it is to be sent. Fields that frame the message are the runner's: what is said of them here is not heeded. */
export interface RequestParts {
  readonly method: string;
  readonly target: string;
  readonly fields: FieldList;
}
export interface ResponseParts {
  readonly status: number;
  readonly reason: string;
  readonly fields: FieldList;
}

/** Answered here; if the upstream was asked, its own answer is thrown away. The runner frames the body. */
export interface Answer {
  readonly do: "answer";
  readonly head: ResponseParts;
  readonly body: Buffer;
  /** Close the connection behind it, and say so in the head. */
  readonly close?: boolean;
}
/** These bytes in place of an answer, whatever they are, and then a FIN. */
export interface RawAnswer {
  readonly do: "raw";
  readonly bytes: Buffer;
}
export type ExchangeVerdict = GateVerdict | Answer | RawAnswer;

/** How a request is sent on; without one, once, and for as long as the client is there. */
export interface Dispatch {
  /** How often it is sent besides the first time; their answers go to nobody. */
  readonly copies: number;
  /** From one to the next. */
  readonly gap: Millis;
  readonly connection: "same" | "another";
  /** The upstream's work goes on although the client has left, and its answer is read to the end. */
  readonly detached: boolean;
  /** A request of more bytes than this is not copied, and `tooLarge` is called. */
  readonly limit: number;
  /** One more copy has been sent. */
  copied?(): void;
  tooLarge?(): void;
}

export interface BodyInfo {
  readonly direction: Direction;
  /** What the head says about its length in bytes; null for chunked bodies and those that end with the connection. */
  readonly length: number | null;
  readonly framing: "length" | "chunked" | "close";
  /** The Content-Type, without its parameters, in lower case; empty if there is none. */
  readonly mediaType: string;
}

/**
 * What becomes of a body, in bytes of payload. `cut` lets `after` bytes by: `short` claims the whole length and
 * closes, `honest` is well-formed and merely incomplete, `unterminated` leaves out the end of a chunked body and
 * closes. `whole` holds up to `limit` bytes, with the head, and sends what `change` makes of them. `record` copies up
 * to `limit` bytes beside the stream and hands them over when the body is complete. `measure` hears how many bytes
 * have passed, beginning with none, and whether the body came to its end.
 */
export type BodyChange =
  | {
      readonly do: "cut";
      readonly after: number;
      readonly framing: "short" | "honest" | "unterminated";
      /** It was longer than that, and has been cut. */
      cut(at: number): void;
    }
  | {
      readonly do: "whole";
      readonly limit: number;
      change(body: Buffer): Buffer;
      /** It is longer than that, or than there is room for, and passes as it is. */
      tooLarge(): void;
      /** It has taken too long to come to its end, and passes as it is. */
      late(): void;
    }
  | {
      readonly do: "record";
      readonly limit: number;
      recorded(body: Buffer): void;
      /** It is longer than that, or never came to its end. */
      lost(): void;
    }
  | {
      readonly do: "measure";
      passed(bytes: number): void;
      ended(whole: boolean): void;
    };

/** What is known of an exchange when it begins. */
export interface ExchangeInfo {
  /** Counts this proxy's exchanges, from 1. */
  readonly id: number;
  readonly connection: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly bot: string;
  /** The name of the upstream that it goes to. */
  readonly upstream: string;
  readonly request: RequestInfo;
  /** The method and the pattern that `match` knows the path by, or else the path. */
  readonly route: string;
  readonly startedAt: Millis;
  /** How long the connection had been idle when it began; null for a connection's first. */
  readonly idle: Millis | null;
  /** Asks the runner to ask a waiting or holding fault again, soon and not from within this call. */
  attend(): void;
}

/** One fault on one exchange. `released` is called once, however it ends. */
export interface ExchangeFault {
  /** The request's head is here; nothing has been forwarded. Asked again after `wait`. */
  request?(): ExchangeVerdict;
  rewriteRequest?(head: RequestParts): RequestParts;
  dispatch?(): Dispatch | null;
  /**
   * The head of the answer is here, or there will be none; the client has seen nothing of it. A final verdict takes
   * its place. Interim answers (1xx) pass by unasked.
   */
  response?(answer: ResponseInfo | UpstreamFailure): ExchangeVerdict;
  rewriteResponse?(head: ResponseParts): ResponseParts;
  /** Asked once for each body that there is, when its head is about to be sent. */
  body?(body: BodyInfo): BodyChange | null;
  /**
   * Asked of the answer to a HEAD, which has no body: how long what `body` makes of the one to a GET would be said to be
   * (RFC 9110, section 9.3.2). Null if nobody can know; `length` as it is if it would be left alone.
   */
  headLength?(body: BodyInfo): number | null;
  released?(): void;
}

// ------------------------------------------------------------------------------------------------
// Datagrams. One fault for each flow, since bursts of loss have memory.

/** The datagrams between one client's address and port and the upstream. */
export interface FlowInfo {
  /** Counts this proxy's flows, from 1. */
  readonly id: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly bot: string;
  /** Asks the runner to ask those that this fault holds how long they have left: soon, and not from within this call. */
  attend(): void;
}

/** It never arrives. */
export type Drop = { readonly do: "drop" };
/** It arrives, and again so many times, so far apart. The copies go their own way from here on. */
export type Repeat = { readonly do: "repeat"; readonly copies: number; readonly gap: Millis };
/** Held ones overtake one another where their times say so: a network orders nothing. */
export interface DatagramHold extends Hold {
  /** Not before those that this fault holds already in this direction. */
  readonly inOrder?: boolean;
  /** How much longer from now: asked when parameters were assigned anew, and when the fault asks for attention. */
  left?(): Millis;
  /** `left` is asked as well when its time has come: it was a guess. */
  readonly guessed?: boolean;
}
export type DatagramVerdict = Pass | DatagramHold | Drop | Repeat;

export const drop: Drop = { do: "drop" };

/** Faults are asked in order, each when the holds of those before it are over. */
export interface DatagramFault {
  /** Asked once for each datagram that `when` and `match` let it act on, and each copy is one. */
  datagram(payload: Buffer, direction: Direction): DatagramVerdict;
  /** What it becomes, if it was not dropped. The payload is somebody else's too: change a copy. */
  rewrite?(payload: Buffer, direction: Direction): Buffer;
  released?(): void;
}

// ------------------------------------------------------------------------------------------------
// Queries: those of a dns proxy's clients, and those for the names of a proxy's own upstreams.

export interface Question {
  /** In lower case, without the last dot. */
  readonly name: string;
  /** `A`, `AAAA`, `TYPE65`. */
  readonly type: string;
  /** `internal` asks for an upstream's name, and has no client. */
  readonly transport: "udp" | "tcp" | "internal";
  readonly bot: string;
}
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** As in a zone file: `10.0.0.1`, `other.example`. */
  readonly data: string;
}
export interface DnsReply {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, `FORMERR`, `NOTIMP`. */
  readonly rcode: string;
  /** The TC bit: the client is to ask again over TCP. */
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
}
/** Over TCP a dropped question is one that nobody answers, and a sever ends the connection. */
export type QueryVerdict = Pass | Hold | Drop | Sever | { readonly do: "reply"; readonly reply: DnsReply };

export interface QueryFault {
  /** Before anybody is asked. */
  query?(): QueryVerdict;
  reply?(reply: DnsReply): QueryVerdict;
  rewrite?(reply: DnsReply): DnsReply;
  /** The reply as it is on the wire: cut short, under a wrong id, or garbled. Not for `internal` questions. */
  garble?(message: Buffer): Buffer;
  /** Of `internal` questions: the name was not resolved, and this is what the client gets that waits for it. */
  unresolved?(): Pass | Hang | Sever | Answer;
  released?(): void;
}

// ------------------------------------------------------------------------------------------------
// Upstreams. One fault for each proxy, so that its rhythm goes on across connections. What it counts while it is asked
// about somebody is told of him, and what it counts in `wake` of the proxy.

export interface Upstream {
  readonly name: string;
}
/** Who is to be sent to one of them. */
export interface Asker {
  readonly bot: string;
  readonly client: string;
}
/** What becomes of an attempt to reach the one that was chosen. An `answer` is given on HTTP proxies only. */
export type ReachVerdict = Pass | Hold | Hang | Sever | { readonly do: "refuse" } | Answer;

export interface UpstreamsFault {
  /**
   * Those that the balancer may choose among; empty when nobody is up, and one alone leaves it no choice. Called for
   * each choice, with those that health checks and the faults before have left.
   */
  candidates(pool: readonly Upstream[], asker: Asker): readonly Upstream[];
  /** For balancers that have not noticed yet: what reaching this one gives. */
  reach?(upstream: Upstream): ReachVerdict;
  /** What becomes of connections to this one that are open; asked after each `wake`. `drain` lets exchanges finish. */
  existing?(upstream: Upstream): Pass | Sever | { readonly do: "drain" };
  /** One of them is being ended, as `existing` said. */
  ended?(upstream: Upstream): void;
  readonly wakeAt: Millis;
  wake?(): void;
  released?(): void;
}

// ------------------------------------------------------------------------------------------------
// The kernel: what a type would leave to it, if it can have it so.

/** Whose segments: those between clients and the proxy, or those between the proxy and its upstreams. */
export type Leg = "client" | "upstream";

export interface KernelWish {
  /** Real segments are to be dropped: if that can be done, or in any case, or not at all. */
  readonly engine: "auto" | "kernel" | "model";
  readonly loss: number;
  readonly leg: Leg;
  /** What the kernel cannot do among what the parameters ask for: `rtt`, `burst`. */
  readonly unfit: readonly string[];
}

// ------------------------------------------------------------------------------------------------
// The descriptor: everything the daemon knows about a type of fault, as one value.

export type ParamsSchema = z.ZodObject;

/** The reserved keys of a fault that a type may want to judge: `down` refuses some of them. */
export interface FaultUse<P> {
  readonly params: Readonly<P>;
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

  /** Set by types that the kernel can act for; where it does, the seams are not asked. */
  readonly kernel?: (params: Readonly<P>) => KernelWish;

  // The seams. A type has one or several; one that is absent costs nothing at run time.
  readonly listener?: (scope: SharedScope<P>) => ListenerFault;
  readonly connection?: (scope: Scope<P, E, S>, connection: ConnectionInfo) => ConnectionFault;
  readonly stream?: (scope: Scope<P, E, S>, stream: StreamInfo) => StreamStage;
  readonly exchange?: (scope: Scope<P, E, S>, exchange: ExchangeInfo) => ExchangeFault;
  readonly datagram?: (scope: Scope<P, E, S>, flow: FlowInfo) => DatagramFault;
  readonly query?: (scope: Scope<P, E, S>, question: Question) => QueryFault;
  /** `pool` has all of them, in the order of the configuration; the scope's draws belong to the proxy. */
  readonly upstreams?: (scope: Scope<P, E, S>, pool: readonly Upstream[]) => UpstreamsFault;
}

/** `query` is also the seam by which proxies of other protocols look up their upstreams' names. */
export type Seam = "listener" | "connection" | "stream" | "exchange" | "datagram" | "query" | "upstreams";
export const SEAMS: readonly Seam[] = [
  "listener",
  "connection",
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
