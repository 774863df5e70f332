/**
 * Verdicts: what should happen, as data. Faults are asked in order; holds add up, and the first final verdict wins, after the
 * holds before it. "Wait 2 s, then reset" is two faults, not a third type.
 */
import type { Millis } from "../../core/clock.js";

export type Pass = { readonly do: "pass" };
/** Wait that long, then go on with the next fault; or, with `again`, ask this one again: what it says counts from each asking. */
export type Hold = { readonly do: "hold"; readonly for: Millis; readonly again?: true };
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
