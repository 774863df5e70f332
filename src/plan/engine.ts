/** Who carries out a fault that the kernel can act for: the kernel itself, or the model of it. */
import type { MatchEntry } from "../config/match.js";
import { DIRECTIONS, type AnyFaultType, type Leg, type Seam } from "../faults/contract/index.js";
import type { Engine } from "../faults/kernel-loss.js";
import { acts } from "../faults/kit.js";
import { oneOf } from "../faults/params.js";
import type { CompiledFault } from "./value.js";

export interface EnginePlace {
  readonly seams: ReadonlySet<Seam>;
  readonly except: readonly MatchEntry[];
  /** Clients are named by a header, so that their segments do not bear their addresses. */
  readonly named?: boolean;
}

export interface EngineCircumstances {
  /** Somebody gave a seed, and expects the same run from it. */
  readonly seeded: boolean;
  readonly observe: boolean;
  /** Why the kernel is out of the question here; null if it is not. Asked only if all else speaks for it. */
  readonly unavailable: () => string | null;
}

export const NOT_REPRODUCIBLE = "real segments are dropped at random, and no seed repeats that";

/** null for types that know no engines. */
export function engineOf(
  fault: CompiledFault,
  type: AnyFaultType,
  place: EnginePlace,
  { seeded, observe, unavailable }: EngineCircumstances,
): Engine | null {
  const wish = type.kernel?.(fault.params);
  if (wish === undefined || !place.seams.has("connection")) return null;
  if (wish.engine === "model") return model("it was asked for");
  if (observe) return model("it only observes");
  const unfit = [...wish.unfit, ...unfitKeys(fault, wish.leg, place)];
  if (unfit.length > 0) return model(`the kernel knows no ${oneOf(unfit)}`);
  if (wish.engine === "auto") {
    if (seeded) return model("a seed was given, and the kernel takes none");
    const why = unavailable();
    if (why !== null) return model(why);
  }
  const clients = fault.match.flatMap(({ client = [] }) => client);
  const directions = DIRECTIONS.filter((direction) => acts(fault.directions, direction));
  const { loss, leg } = wish;
  return {
    kernel: { loss, leg, directions, clients: fault.match.length === 0 ? null : clients },
    why: NOT_REPRODUCIBLE,
  };
}

/** Why a fault that insists on the kernel cannot have it on this proxy; null if it can, or does not insist. */
export function engineRefused(
  fault: CompiledFault,
  type: AnyFaultType,
  place: EnginePlace,
  circumstances: EngineCircumstances,
): string | null {
  if (type.kernel?.(fault.params).engine !== "kernel" || circumstances.observe) return null;
  if (!place.seams.has("connection")) return "it has no TCP connections";
  const engine = engineOf(fault, type, place, circumstances);
  return engine?.kernel === null ? engine.why : circumstances.unavailable();
}

function model(why: string): Engine {
  return { kernel: null, why };
}

/** The reserved keys by which it would act on some connections only. */
function unfitKeys({ ramps, match, except, when }: CompiledFault, leg: Leg, place: EnginePlace): string[] {
  const { after: _after, for: _for, ...chances } = when;
  // Only the segments of clients themselves bear their addresses.
  const nameless = place.named === true || leg === "upstream";
  const others = match.flatMap((entry) => Object.keys(entry)).filter((key) => key !== "client" || nameless);
  return [
    ...Object.keys(ramps).map((name) => `ramp of ${name}`),
    ...new Set(others.map((key) => `match on ${key}`)),
    ...(except.length + place.except.length > 0 ? ["except"] : []),
    ...Object.keys(chances).filter((key) => key !== "probability" || chances.probability !== 1),
  ];
}
