/**
 * The fault contract: with core/, ./kit and ./params the only module that a file in kinds/ imports.
 *
 * A fault is pure. It opens no socket, arms no timer, awaits nothing and reads no global clock or
 * generator: it is told what happened and says what should happen. Whatever touches the world -
 * reading, writing, waiting, counting - is done in one place for each seam, by pipeline/ and proxy/.
 *
 * The seams of exchanges, datagrams, queries and upstreams are worked out against this contract in
 * docs/decisions/0003-later-seams.md and compiled in test/faults/later_seams.ts.
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
  /** What `shared` made for this fault on this proxy. */
  readonly shared: S;
  now(): Millis;
  /** Books an effect. The subject's first goes to the journal, with the detail; the total follows at its end. */
  count(effect: E, amount?: number, detail?: Detail): void;
  /** Books a delay that was drawn, for the histogram of injected delays. */
  delayed(by: Millis): void;
}

/** For what all subjects of one fault on one proxy have in common. */
export interface SharedScope<P> {
  readonly params: Readonly<P>;
  now(): Millis;
}

// ------------------------------------------------------------------------------------------------
// Listeners.

export interface ListenerFault {
  /** Whether the proxy should listen at the moment; asked when the fault takes hold and when it is updated. */
  listening(): boolean;
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
  readonly carries: "tcp" | "request-body" | "response-body";
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
  /** The directions it acts in when none is given; null where a direction has no meaning. */
  readonly directions: Direction | "both" | null;
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

  // The seams. A type has one or several; one that is absent costs nothing at run time.
  readonly listener?: (scope: SharedScope<P>) => ListenerFault;
  readonly connection?: (scope: Scope<P, E, S>, connection: ConnectionInfo) => ConnectionFault;
  readonly stream?: (scope: Scope<P, E, S>, stream: StreamInfo) => StreamStage;
}

export type Seam = "listener" | "connection" | "stream";
export const SEAMS: readonly Seam[] = ["listener", "connection", "stream"];

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
