/** A CA as it is held in this room, and never given to anyone outside of it. */
import type { KeyObject } from "node:crypto";
import type { Millis } from "../core/clock.js";

export const DAY: Millis = 86_400_000;
export const CA_LIFE: Millis = 2 * 365 * DAY;
export const LEAF_LIFE: Millis = 45 * DAY;
/** Certificates begin before they are made, as the clocks of bots are slow at times; the CA's before all of its own. */
export const BACKDATED: Millis = DAY;

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface CA {
  /** DER. The first one signs; the others lead from it to the root. */
  readonly chain: readonly [Buffer, ...Buffer[]];
  readonly key: KeyObject;
}

/** What a CA is made of. */
export interface NewCA {
  readonly name: string;
  /** As of `constraintOf`. */
  readonly constraints: readonly string[];
  readonly pair: KeyPair;
  /** Milliseconds since 1970. */
  readonly now: Millis;
}
