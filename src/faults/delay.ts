/**
 * How long a drawn delay is: the distributions that `latency` and `accept_delay` share.
 *
 * Every draw is made from one standard normal z, so that correlation can be put on z (which keeps its
 * variance, unlike averaging uniforms) and each distribution costs the same number of draws.
 */
import type { z } from "zod";
import type { Random } from "../core/random.js";
import { formatDuration, formatRatio } from "../core/units.js";
import { hold, type Detail, type Hold, type Scope } from "./contract/index.js";
import { inJournal } from "./kit.js";
import { choice, duration, ratio } from "./params.js";

export const DISTRIBUTIONS = ["uniform", "normal", "lognormal", "pareto", "paretonormal"] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

export interface DelayParams {
  readonly delay: number;
  readonly jitter: number;
  readonly distribution: Distribution;
  readonly correlation: number;
}

/** The parameters of a drawn delay, to be spread into a type's schema. */
export const delayParams = {
  delay: duration().describe("how long to wait; the median, for pareto the least"),
  jitter: duration()
    .prefault("0ms")
    .describe(
      "spread: uniform within +-jitter; normal with that standard deviation; lognormal with its 99th percentile at delay + jitter; pareto (shape 3) with a mean of delay + jitter / 2; paretonormal three quarters of that and a quarter of normal",
    ),
  distribution: choice(DISTRIBUTIONS)
    .default("uniform")
    .describe("shape of the spread; lognormal, pareto and paretonormal have long tails that are not clipped"),
  correlation: ratio({ max: 0.9999 })
    .prefault("0%")
    .describe(
      "how much a delay resembles the one before it, of the same connection's bytes or of the same bot; the spread stays the same",
    ),
} satisfies Record<string, z.ZodType>;

/** 99 % of a standard normal lies below this. */
const Z_99 = 2.326347874040841;
const PARETO_SHAPE = 3;

/** Draws delays one after the other for one subject; remembers the last one for `correlation`. */
export class DelayDraw {
  #last: number | null = null;

  /** A standard normal that resembles the last one as far as `correlation` says. */
  luck(from: { readonly random: Random }, params: DelayParams): number {
    if (params.jitter === 0) return 0;
    const fresh = from.random.normal();
    const rho = params.correlation;
    const luck =
      this.#last === null || rho === 0 ? fresh : rho * this.#last + Math.sqrt(1 - rho * rho) * fresh;
    this.#last = luck;
    return luck;
  }
}

/** Who books that a delay was drawn, which is given as it stands in the journal. */
export interface Teller {
  drawn(detail: { readonly delay_ms: number }): void;
}

/** The delay of a subject that is held once: asked again after an update, it answers for the same luck. */
export class DrawnOnce {
  #luck: number | null = null;

  /** Of milliseconds. `teller` hears, at the first asking, what was drawn. */
  of(
    scope: Pick<Scope<DelayParams, string, unknown>, "params" | "alike" | "delayed">,
    teller: Teller,
  ): number {
    const { params } = scope;
    if (this.#luck !== null) return delayOf(this.#luck, params);
    // Each is a subject of its own: what it resembles is the bot's one before it.
    this.#luck = params.jitter === 0 ? 0 : scope.alike(params.correlation);
    const delay = delayOf(this.#luck, params);
    teller.drawn({ delay_ms: inJournal(delay) });
    scope.delayed(delay);
    return delay;
  }
}

/** What is kept waiting once for a drawn delay, and books that as `delayed`. */
export abstract class HeldOnce implements Teller {
  readonly #drawn = new DrawnOnce();

  constructor(protected readonly scope: Scope<DelayParams, "delayed", undefined>) {}

  protected hold(): Hold {
    return hold(this.#drawn.of(this.scope, this));
  }

  drawn(detail: Detail): void {
    this.scope.count("delayed", 1, detail);
  }
}

/** Milliseconds for a given luck; never negative. */
export function delayOf(luck: number, { delay, jitter, distribution }: DelayParams): number {
  if (jitter === 0) return delay;
  switch (distribution) {
    case "uniform":
      return Math.max(0, delay + jitter * (2 * normalCdf(luck) - 1));
    case "normal":
      return Math.max(0, delay + jitter * luck);
    case "lognormal":
      // A median of zero has no lognormal around it; the spread then falls on the upper side alone.
      return delay === 0
        ? jitter * Math.max(0, luck / Z_99)
        : delay * Math.exp((Math.log1p(jitter / delay) / Z_99) * luck);
    case "pareto":
      return delay + jitter * paretoExcess(luck);
    case "paretonormal":
      // The mixture that netem took over from NIST Net, quantile by quantile, so that one draw is enough.
      return Math.max(0, delay + jitter * (0.25 * luck + 0.75 * paretoExcess(luck)));
  }
}

/** How far a Pareto variable of scale 1 lies above its least value, at the quantile of this luck. Mean 1/2, variance 3/4. */
function paretoExcess(luck: number): number {
  return Math.pow(normalCdf(-luck), -1 / PARETO_SHAPE) - 1;
}

/** The share of a standard normal below z. Abramowitz and Stegun 26.2.17; the error is below 7.5e-8. */
export function normalCdf(z: number): number {
  const x = Math.abs(z);
  const t = 1 / (1 + 0.2316419 * x);
  const tail =
    (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}

export function explainDelay({ delay, jitter, distribution, correlation }: DelayParams): string {
  if (jitter === 0) return formatDuration(delay);
  const spread =
    distribution === "uniform"
      ? `${formatDuration(delay)} give or take ${formatDuration(jitter)}`
      : `${formatDuration(delay)} with ${formatDuration(jitter)} of ${distribution} jitter`;
  return correlation === 0 ? spread : `${spread} (correlation ${formatRatio(correlation)})`;
}
