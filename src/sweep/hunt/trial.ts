/**
 * What a trial of a hunt does: several faults at a time, all drawn by name from the seed and the number of the trial, so that the same
 * trial of the same sites is the same faults on any machine, whichever worker runs it.
 *
 * A trial that changes a kept one is named by both: `317.212` is trial 212, changed by the draws of 317, and `317+98.212` is half of trial 212
 * and half of trial 98. So its name alone is enough.
 */
import { drawKey, LANE, Random } from "../../core/random.js";
import { parseSize } from "../../core/units.js";
import type { FaultInput } from "../contract/run.js";
import type { Site } from "../contract/site.js";
import type { AnyKind, KindOptions } from "../kinds/kind.js";
import { kindsAt } from "../kinds/kinds.js";
import { timeOf, withTime } from "../shrink/simpler.js";

/** Numbers of trials, its own first; behind it those that it was made of. A negative one is that of which the one before it has half. */
export type TrialName = readonly [number, ...number[]];

export interface Ground {
  readonly seed: number;
  readonly sites: readonly Site[];
  /** Names of the kinds that may be drawn; null for all. */
  readonly kinds: ReadonlySet<string> | null;
  readonly options: KindOptions;
  /** The longest fault-free run, in milliseconds. */
  readonly length: number;
}

const RULE = "squall-hunt/1";
const FAULTS_MAX = 6;
/** Of a geometric distribution whose mean is 2.5. */
const ENOUGH = 0.4;
const OTHER_TIMES = [10, 1_000] as const;
const OF_OWN = [0.5, 0.9, 1.1, 3] as const;

/** A draw for each question; who asks another one does not change it. */
class Draws {
  readonly #seed: number;
  readonly #trial: number;

  constructor(seed: number, trial: number) {
    this.#seed = seed;
    this.#trial = trial;
  }

  of(question: string): Random {
    const name = {
      seed: this.#seed,
      activation: RULE,
      phase: String(this.#trial),
      pass: 0,
      fault: question,
      proxy: "",
      bot: "",
    };
    return new Random(drawKey(name), 0, LANE.subject);
  }

  pick<T>(question: string, list: readonly T[]): T | undefined {
    return list[this.of(question).integer(list.length)];
  }
}

export function trialText([own, ...others]: TrialName): string {
  return others.reduce<string>((text, one) => `${text}${one < 0 ? "+" : "."}${Math.abs(one)}`, String(own));
}

/** Null for what is no name of a trial. */
export function parseTrial(text: string): TrialName | null {
  if (!/^\d{1,9}(?:\+\d{1,9})?(?:\.\d{1,9}(?:\+\d{1,9})?){0,30}$/u.test(text)) return null;
  const [own = 0, ...others] = text
    .split(/(?=[.+])/u)
    .map((part) => Number(part.replace(/^\+/u, "-").replace(/^\./u, "")));
  return [own, ...others];
}

/** Its faults, with names of their own; none where no kind of the draw makes sense at any site. */
export function faultsOfTrial([own, ...others]: TrialName, ground: Ground): FaultInput[] {
  const draws = new Draws(ground.seed, own);
  const [next, ...rest] = others;
  const partner = next !== undefined && next < 0 ? -next : null;
  const [parent, ...before] = partner === null ? others : rest;
  if (parent === undefined) return named(fresh(draws, ground));
  const changing = faultsOfTrial([parent, ...before], ground);
  return named(
    partner === null ? changed(changing, draws, ground) : spliced(changing, faultsOfTrial([partner], ground)),
  );
}

/** Whether a trial of this number changes a kept one, and which of so many. */
export function parentOf(number: number, seed: number, kept: number): number | null {
  const draws = new Draws(seed, number);
  return kept > 0 && draws.of("changes").chance(0.3) ? draws.of("parent").integer(kept) : null;
}

/** Whether one that changes another takes half of a third as well, and of which of so many that change none. */
export function partnerOf(number: number, seed: number, kept: number): number | null {
  const draws = new Draws(seed, number);
  return kept > 0 && draws.of("splice").chance(1 / CHANGES) ? draws.of("partner").integer(kept) : null;
}

function fresh(draws: Draws, ground: Ground): FaultInput[] {
  let count = 1;
  while (count < FAULTS_MAX && !draws.of(`enough ${count}`).chance(ENOUGH)) count++;
  return Array.from({ length: count }, (_, index) => oneFault(draws, ground, String(index))).flat();
}

/** Swarm: each kind is in a trial or not, so that what is always there cannot hide what is not. */
function isIn(draws: Draws, { name }: AnyKind): boolean {
  return draws.of(`kind ${name}`).chance(0.5);
}

function oneFault(draws: Draws, { sites, kinds, options, length }: Ground, what: string): FaultInput[] {
  const choices = sites
    .map((site) => {
      const own = kindsAt(site, "all", kinds ?? undefined);
      const some = own.filter((kind) => isIn(draws, kind));
      return { site, kinds: some };
    })
    .filter((choice) => choice.kinds.length > 0);
  const place = draws.pick(`where ${what}`, choices);
  const kind = place && draws.pick(`what ${what}`, place.kinds);
  const ordinal = place && kind && draws.pick(`nth ${what}`, kind.ordinals(place.site, true));
  if (place === undefined || kind === undefined || ordinal === undefined) return [];
  const faults = kind.faults(place.site, ordinal, options);
  const timed = faults.map((fault) => howMuch(draws, fault, what));
  // A sequence of blows, and what is done to all calls, have no other moment than their own.
  return timed.length === 1 && kind.to !== "all"
    ? timed.map((fault) => when(draws, fault, length, what))
    : timed;
}

function when(draws: Draws, fault: FaultInput, length: number, what: string): FaultInput {
  const { per, only: _only, ...rest } = (fault["when"] ?? {}) as Readonly<Record<string, unknown>>;
  const kept = per === undefined ? rest : { ...rest, per };
  const form = draws.of(`when ${what}`).unit();
  if (form < 0.5) return fault;
  if (form < 0.7) return { ...fault, when: { ...kept, every: 2 + draws.of(`every ${what}`).integer(3) } };
  if (form < 0.9) {
    const share = 5 + draws.of(`share ${what}`).integer(26);
    return { ...fault, when: { ...rest, probability: `${share}%` } };
  }
  const after = Math.round(draws.of(`after ${what}`).unit() * length);
  const lasts = Math.max(1, Math.round(draws.of(`for ${what}`).unit() * length * 0.5));
  return { ...fault, when: { after: `${after}ms`, for: `${lasts}ms` } };
}

/** Delays matter near the time that the client waits itself, and cuts at the ends of what is sent; the kind has a value for both. */
function howMuch(draws: Draws, fault: FaultInput, what: string): FaultInput {
  const cut = sizeOf(fault);
  if (cut !== null) {
    const after = draws.pick(`size ${what}`, [0, 1, cut, Math.max(1, 2 * cut - 1)]);
    return after === undefined ? fault : { ...fault, after: `${after}B` };
  }
  const own = timeOf(fault);
  if (own === null) return fault;
  const time = draws.pick(`time ${what}`, [...OF_OWN.map((factor) => factor * own.value), ...OTHER_TIMES]);
  return time === undefined ? fault : withTime(fault, time);
}

/** Bytes after which it cuts, where that is in the middle; null for none. */
function sizeOf({ after }: FaultInput): number | null {
  const bytes = typeof after === "string" ? parseSize(after) : null;
  return bytes === null || bytes === 0 ? null : bytes;
}

/** Ways to change a trial, of which one is to take half of another. */
const CHANGES = 6;

/** One of: less, more, another in its place, another call, or half of it and half of a new one. */
function changed(before: readonly FaultInput[], draws: Draws, ground: Ground): FaultInput[] {
  const at = draws.of("change at").integer(Math.max(1, before.length));
  const less = before.filter((_, index) => index !== at);
  switch (draws.of("change").integer(CHANGES - 1)) {
    case 0:
      return less.length > 0 ? less : [...before];
    case 1:
      return [...before, ...oneFault(draws, ground, "more")];
    case 2:
      return [...less, ...oneFault(draws, ground, "instead")];
    case 3:
      return before.map((fault, index) => (index === at ? moved(fault, draws) : fault));
    default:
      return spliced(before, fresh(draws, ground));
  }
}

function spliced(one: readonly FaultInput[], other: readonly FaultInput[]): FaultInput[] {
  return [...one.slice(0, Math.ceil(one.length / 2)), ...other].slice(0, FAULTS_MAX);
}

/** To a call nearby; what is not aimed at one call stays as it is. */
function moved(fault: FaultInput, draws: Draws): FaultInput {
  const when = fault["when"] as { readonly only?: unknown } | undefined;
  const [nth, more] = Array.isArray(when?.only) ? (when.only as readonly unknown[]) : [];
  if (typeof nth !== "number" || more !== undefined) return fault;
  const by = draws.pick("move", [-1, 1, 2]) ?? 1;
  return { ...fault, when: { ...when, only: [Math.max(1, nth + by)] } };
}

function named(faults: readonly FaultInput[]): FaultInput[] {
  return faults.map((fault, index) => ({ ...fault, name: `f${index + 1}` }));
}
