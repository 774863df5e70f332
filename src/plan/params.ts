/** The live view of a fault's parameters: ramps are worked out at the moment they are read. */
import type { Ramp } from "../config/ramp.js";
import type { Millis } from "../core/clock.js";
import { quantityOf } from "../faults/params.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { CompiledFault } from "./value.js";

export interface RampSpan {
  readonly startsAt: Millis;
  readonly endsAt: Millis;
  readonly now: () => Millis;
}

export function liveParams(
  fault: CompiledFault,
  type: AnyFaultType,
  span: RampSpan,
): Record<string, unknown> {
  const params: Record<string, unknown> = { ...fault.params };
  for (const [name, ramp] of Object.entries(fault.ramps)) {
    const schema = type.params.shape[name];
    const whole = schema !== undefined && quantityOf(schema)?.kind === "size";
    Object.defineProperty(params, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = rampAt(ramp, span);
        return whole ? Math.round(value) : value;
      },
    });
  }
  return params;
}

export function rampAt(ramp: Ramp, { startsAt, endsAt, now }: RampSpan): number {
  const share = endsAt > startsAt ? (now() - startsAt) / (endsAt - startsAt) : 1;
  return ramp.from + (ramp.to - ramp.from) * Math.min(1, Math.max(0, share));
}
