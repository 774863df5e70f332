/** When nothing moves: no byte through any proxy, and no processor time of the program. Longer than ever without faults is a hang. */

import { parseDuration } from "../../core/units.js";
import type { FaultInput } from "../contract/run.js";

/** Shorter pauses are no hang, whatever the fault-free runs had. */
export const SILENCE_MIN_MS = 30_000;
export const SILENCE_FACTOR = 5;

/** How long nothing may move, after fault-free runs whose longest pauses these were. */
export function silenceLimit(pauses: readonly number[]): number {
  return Math.max(SILENCE_MIN_MS, SILENCE_FACTOR * Math.max(0, ...pauses));
}

/** `auto`: three times the slowest fault-free run, and at least 30 s more than that. */
export function timeoutFor(times: readonly number[]): number {
  const slowest = Math.max(0, ...times);
  return Math.max(3 * slowest, slowest + 30_000);
}

/** Parameters of faults that are times for which something is held up. */
const HELD = ["hold", "delay", "retry_after"] as const;
/** Waits that double are as long again as the outage that they outlast. */
const BACK_OFF = 2;

/** What faults take of the time that a command has, in milliseconds: to have been held up is no hang. */
export function heldUpBy(faults: readonly FaultInput[]): number {
  return faults.reduce((sum, fault) => {
    const held = HELD.reduce((most, key) => Math.max(most, timeIn(fault[key])), 0);
    const { when } = fault;
    const { lasts, for: whole } =
      typeof when === "object" && when !== null ? (when as Readonly<Record<string, unknown>>) : {};
    return sum + held + BACK_OFF * Math.max(timeIn(lasts), timeIn(whole));
  }, 0);
}

const timeIn = (value: unknown): number => (typeof value === "string" ? (parseDuration(value) ?? 0) : 0);

export class Stillness {
  #movedAt: number;
  #bytes = NaN;
  #work: string | null = null;
  /** The longest pause so far, in milliseconds. */
  longest = 0;

  constructor(now: number) {
    this.#movedAt = now;
  }

  /** `work` changes whenever the program has computed. It is asked for only if no byte has moved, since it is dear. */
  look(now: number, bytes: number, work: () => string | null): number {
    const moved = bytes !== this.#bytes;
    this.#bytes = bytes;
    const worked = moved ? null : work();
    // Not known since the last movement of bytes: it counts as one.
    const still = !moved && worked !== null && worked === this.#work;
    this.#work = worked;
    if (!still) this.#movedAt = now;
    const pause = now - this.#movedAt;
    this.longest = Math.max(this.longest, pause);
    return pause;
  }
}
