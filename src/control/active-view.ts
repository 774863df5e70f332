/** What is on, as operators see it. */
import type { Millis } from "../core/clock.js";
import { formatDuration } from "../core/units.js";
import type { ActivationState } from "../plan/activation.js";
import type { EngineChoice } from "../plan/arsenal.js";
import { NOT_REPRODUCIBLE } from "../plan/engine.js";
import type { LivePlan } from "../plan/live.js";
import type { SoFar } from "../plan/so-far.js";

export interface ActivationView {
  readonly id: string;
  readonly profile: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly mode: "inject" | "observe";
  /** The fleet switched it on, and not this daemon's own operator. */
  readonly fleet: boolean;
  readonly proxies: readonly string[] | null;
  readonly phase: string | null;
  readonly pass: number;
  readonly since: string;
  readonly remaining: string | null;
  readonly remaining_seconds: number | null;
  /** False where the kernel drops real segments. */
  readonly reproducible: boolean;
  /** Why it is not, and null if it is. */
  readonly irreproducible: string | null;
  /** Who carries out what, of the faults in force that the kernel can act for. */
  readonly engines: readonly EngineChoice[];
  /** How much each fault has hit, on each proxy on which it was in force. */
  readonly so_far: readonly SoFar[];
  readonly again: string;
}

/** A fault that a proxy has of its own, beside what profiles do. */
export interface OwnFaultView {
  readonly proxy: string;
  readonly fault: string;
  readonly type: string;
  /** What Toxiproxy's API calls it, of one that was set there. */
  readonly toxic: string | null;
  /** How much it has hit since it was set. */
  readonly so_far: SoFar | null;
}

export interface ActiveView {
  readonly revision: number;
  readonly activations: readonly ActivationView[];
  /** Healing leaves them. */
  readonly proxy_faults: readonly OwnFaultView[];
}

export function activeView(plan: LivePlan): ActiveView {
  const own = new Map(plan.toxicsSoFar().map((one) => [keyOf(one), one]));
  return {
    revision: plan.revision,
    activations: plan.states().map((state) => activationView(state, plan)),
    proxy_faults: Object.entries(plan.value.toxics).flatMap(([proxy, faults]) =>
      faults.map(({ name, type, toxic }) => ({
        proxy,
        fault: name,
        type,
        toxic: toxic?.type ?? null,
        so_far: own.get(keyOf({ proxy, fault: name, type })) ?? null,
      })),
    ),
  };
}

function keyOf({ proxy, fault, type }: Pick<SoFar, "proxy" | "fault" | "type">): string {
  return JSON.stringify([proxy, fault, type]);
}

function activationView(
  { value, phase, pass, remaining, engines }: ActivationState,
  plan: LivePlan,
): ActivationView {
  return {
    id: value.id,
    profile: value.profile,
    params: value.compiled.params,
    seed: value.seed,
    mode: value.mode,
    fleet: value.fleet !== undefined,
    proxies: value.proxies,
    phase,
    pass,
    since: new Date(value.startedAt).toISOString(),
    remaining: remaining === null ? null : remainingText(remaining, value.ttl ?? Infinity),
    remaining_seconds: remaining === null ? null : Math.round(remaining) / 1000,
    ...reproducibility(engines),
    engines,
    so_far: plan.soFar(value.id),
    again: plan.again(value),
  };
}

/** Rounded up, as people count down: what was asked to last 1m a moment ago still has 1m, and nobody reads thousandths of a minute. */
function remainingText(remaining: Millis, whole: Millis): string {
  const step = remaining > 10_000 ? 1_000 : remaining > 1_000 ? 100 : remaining > 100 ? 10 : 1;
  return formatDuration(Math.min(Math.ceil(remaining / step) * step, whole));
}

function reproducibility(
  engines: readonly EngineChoice[],
): Pick<ActivationView, "reproducible" | "irreproducible"> {
  const byKernel = engines.filter(({ engine }) => engine === "kernel");
  if (byKernel.length === 0) return { reproducible: true, irreproducible: null };
  const names = [...new Set(byKernel.map(({ fault }) => fault))].join(", ");
  return { reproducible: false, irreproducible: `${names}: ${NOT_REPRODUCIBLE}` };
}

/** What healing has left, and how it is taken away; null if nothing is left. */
export function leftBy({ proxy_faults: own }: ActiveView): string | null {
  const [first] = own;
  if (first === undefined) return null;
  const what =
    own.length === 1
      ? `${first.fault} on ${first.proxy} is still in force, a fault of the proxy's own`
      : `${own.length} faults that proxies have of their own are still in force`;
  return `${what}: squall heal --own, or DELETE /active?own=true, takes ${own.length === 1 ? "it" : "them"} away`;
}
