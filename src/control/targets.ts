/** Whether the proxies that there are can have the faults that somebody wants on them. */
import { unknownProxy } from "../config/proxy.js";
import { SquallError, type Problem } from "../core/errors.js";
import type { AnyFaultType, RuntimeNeed } from "../faults/contract/index.js";
import { engineRefused } from "../plan/engine.js";
import {
  actsElsewhere,
  allOf,
  cannotAct,
  placeIn,
  placeOfNeed,
  reachedBy,
  type Faults,
  type Reachable,
} from "../plan/reach.js";
import { actsOn, needOfRuntime } from "../plan/subjects.js";
import type { CompiledFault } from "../plan/value.js";
import type { ProxySet } from "../proxy/proxy-set.js";

/** Faults in force at once, on each proxy counted by itself: each takes some KiB, and some microseconds whenever the plan changes. */
export const ARMED_MAX = 5_000;

/** What is to be on: faults, and the proxies that they are kept to; null for all. */
export interface Planned {
  readonly compiled: Faults;
  readonly proxies: readonly string[] | null;
}

/** What this machine and this runtime have to carry faults out. */
export interface Means {
  /** Why the kernel can act for no fault here; null if it can. */
  readonly kernel: () => string | null;
  /** Why the runtime cannot do this; null if it can, or if nobody has asked it yet. */
  readonly lacks: (need: RuntimeNeed) => string | null;
}

export class Targets {
  readonly #proxySet: ProxySet;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #kernel: () => string | null;
  readonly #lacks: (need: RuntimeNeed) => string | null;

  constructor(proxySet: ProxySet, types: ReadonlyMap<string, AnyFaultType>, { kernel, lacks }: Means) {
    this.#proxySet = proxySet;
    this.#types = types;
    this.#kernel = kernel;
    this.#lacks = lacks;
  }

  /** Throws SQ_INVALID_ACTIVATION, which has `path` for where the name was given, and its place if a fault gave it. */
  checkName(name: string, path: string, by: CompiledFault | null = null): void {
    if (this.#proxySet.has(name)) return;
    const names = this.#proxySet.list().map(({ proxy }) => proxy.name);
    const { message, hint } = unknownProxy(name, names);
    const place = by === null ? undefined : placeIn(by, ["proxy"], message, hint);
    throw new SquallError("SQ_INVALID_ACTIVATION", message, {
      path,
      ...(hint === undefined ? {} : { hint }),
      ...placed(place),
    });
  }

  /**
   * A fault must have a proxy that it can act on; one without `proxy:` acts wherever its seam is. Where all are kept to some proxies,
   * one of the faults must have one among these: the others of a profile may be for other proxies.
   */
  checkSeams(profile: Faults, kept: readonly string[] | null): void {
    const proxies = this.#proxies();
    const faults = allOf(profile);
    const reached = faults.flatMap((fault) => {
      for (const name of fault.proxies ?? []) this.checkName(name, `${fault.name}.proxy`, fault);
      const type = this.#types.get(fault.type);
      if (type === undefined || proxies.length === 0) return proxies;
      const found = reachedBy(fault, type, proxies);
      if (found.length > 0) return found;
      const message = cannotAct(fault, type, "any of the proxies there are");
      const place = placeOfNeed(fault, type, message);
      throw new SquallError("SQ_INVALID_ACTIVATION", message, { path: fault.name, ...placed(place) });
    });
    const [first] = faults;
    const type = this.#types.get(first?.type ?? "");
    if (kept === null || first === undefined || type === undefined || proxies.length === 0) return;
    const among = new Set(kept);
    if (reached.some(({ name }) => among.has(name))) return;
    const here = proxies.filter(({ name }) => among.has(name));
    throw new SquallError("SQ_INVALID_ACTIVATION", actsElsewhere(first, type, here), { path: "proxies" });
  }

  #proxies(): readonly Reachable[] {
    return this.#proxySet.list().map(({ proxy }) => proxy);
  }

  /** All that is to be on together, in its largest phases, stays within what may be in force. Throws SQ_TOO_MANY. */
  checkArmed(planned: readonly Planned[], already: number): void {
    let armed = already;
    for (const { compiled, proxies } of planned) {
      const kept = proxies === null ? null : new Set(proxies);
      const count = (faults: readonly CompiledFault[]): number => {
        let sum = 0;
        for (const fault of faults) {
          sum += this.#proxiesOf(fault, kept);
          if (armed + sum > ARMED_MAX) throw tooManyArmed();
        }
        return sum;
      };
      armed += count(compiled.faults);
      armed += Math.max(0, ...compiled.phases.map((phase) => count(phase.faults)));
    }
  }

  #proxiesOf(fault: CompiledFault, kept: ReadonlySet<string> | null): number {
    const type = this.#types.get(fault.type);
    if (type === undefined) return 0;
    const own = fault.proxies === null ? null : new Set(fault.proxies);
    return this.#proxySet
      .list()
      .filter(
        ({ proxy }) =>
          (own === null || own.has(proxy.name)) &&
          (kept === null || kept.has(proxy.name)) &&
          actsOn(fault, type, proxy.seams),
      ).length;
  }

  /** A fault that insists on the kernel has it on all of its proxies, and what it needs of the runtime, or is not switched on. */
  checkEngines(profile: Faults, proxies: readonly string[] | null, mode: "inject" | "observe"): void {
    const circumstances = { seeded: false, observe: mode === "observe", unavailable: this.#kernel };
    for (const fault of allOf(profile)) {
      const type = this.#types.get(fault.type);
      if (type?.runtime !== undefined && mode === "inject") this.#checkRuntime(fault, type, proxies);
      if (type?.kernel === undefined) continue;
      for (const { proxy } of this.#proxySet.list()) {
        if (!(fault.proxies ?? [proxy.name]).includes(proxy.name)) continue;
        if (!(proxies ?? [proxy.name]).includes(proxy.name) || !actsOn(fault, type, proxy.seams)) continue;
        const why = engineRefused(fault, type, proxy, circumstances);
        if (why === null) continue;
        const message = `${fault.name} cannot have the engine kernel on ${proxy.name}: ${why}`;
        const hint = "engine: auto takes the model where the kernel cannot be had";
        const place = placeIn(fault, ["engine"], message, hint);
        throw new SquallError("SQ_ENGINE_UNAVAILABLE", message, {
          path: `${fault.name}.engine`,
          hint,
          ...placed(place),
        });
      }
    }
  }

  #checkRuntime(fault: CompiledFault, type: AnyFaultType, kept: readonly string[] | null): void {
    const need = needOfRuntime(fault, type);
    const why = need === null ? null : this.#lacks(need);
    if (why === null) return;
    const [reached] = reachedBy(fault, type, this.#proxies()).filter(
      ({ name }) => kept?.includes(name) ?? true,
    );
    if (reached === undefined) return;
    const message = `${fault.name} cannot be had on ${reached.name}: ${why}`;
    const place = placeIn(fault, ["type"], message);
    throw new SquallError("SQ_ENGINE_UNAVAILABLE", message, { path: `${fault.name}.type`, ...placed(place) });
  }

  /** A fault that one proxy is to have of its own acts there, with the engine that it insists on. */
  checkOwn(name: string, fault: CompiledFault): void {
    const { proxy } = this.#proxySet.find(name);
    const type = this.#types.get(fault.type);
    if (type !== undefined && !actsOn(fault, type, proxy.seams))
      throw new SquallError("SQ_INVALID_PROFILE", cannotAct({ ...fault, proxies: null }, type, name), {
        path: fault.name,
      });
    this.checkEngines({ faults: [fault], phases: [] }, [name], "inject");
  }
}

export function tooManyArmed(): SquallError {
  return new SquallError(
    "SQ_TOO_MANY",
    `there would be more than ${ARMED_MAX} faults in force, on each proxy counted by itself`,
    { hint: "keep them to some proxies, or take fewer faults" },
  );
}

function placed(place: Problem | undefined): { readonly details?: readonly Problem[] } {
  return place === undefined ? {} : { details: [place] };
}
