/** The seam of datagrams. There is one fault for each flow, since bursts of loss have memory. */
import type { Millis } from "../../core/clock.js";
import type { Direction } from "./scope.js";
import type { Hold, Pass } from "./verdicts.js";

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
