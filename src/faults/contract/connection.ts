/** The seam of connections: one fault on one connection, from when it is accepted to its end. */
import type { Millis } from "../../core/clock.js";
import type { Direction } from "./scope.js";
import type { StreamStage } from "./stream.js";
import type { GateVerdict, Pass, Sever } from "./verdicts.js";

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
