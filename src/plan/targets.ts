/** The proxies that the plan acts on, and which of them a fault is for. */
import type { MatchEntry } from "../config/match.js";
import type { AnyFaultType, Seam } from "../faults/contract/index.js";
import type { ArmedFault } from "../pipeline/armed.js";
import { actsOn } from "./subjects.js";
import type { CompiledFault } from "./value.js";

/** A proxy as the plan sees it. */
export interface PlanTarget {
  readonly name: string;
  readonly seams: ReadonlySet<Seam>;
  /** Subjects that are never faulted here. */
  readonly except: readonly MatchEntry[];
  /** Its clients are named by a header: their packets do not bear those addresses. */
  readonly named?: boolean;
  /** An activation is about to begin, or all were healed: what is counted since then is counted anew. */
  beginsAnew?(): void;
  /** The faults in force from now on, in order; `assigned` are those with new parameters. */
  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void;
}

export class Targets {
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #targets = new Map<string, PlanTarget>();

  constructor(types: ReadonlyMap<string, AnyFaultType>) {
    this.#types = types;
  }

  add(target: PlanTarget): void {
    this.#targets.set(target.name, target);
  }

  remove(name: string): void {
    this.#targets.delete(name);
  }

  get(name: string): PlanTarget | undefined {
    return this.#targets.get(name);
  }

  all(): Iterable<PlanTarget> {
    return this.#targets.values();
  }

  /** Those that the fault acts on, of the ones that its activation is kept to; null for all. */
  of(fault: CompiledFault, restricted: readonly string[] | null): PlanTarget[] {
    const type = this.#types.get(fault.type);
    if (type === undefined) return [];
    // Sets, since a list may name as many as there are.
    const own = fault.proxies === null ? null : new Set(fault.proxies);
    const kept = restricted === null ? null : new Set(restricted);
    return [...this.#targets.values()].filter(
      ({ name, seams }) =>
        (own === null || own.has(name)) && (kept === null || kept.has(name)) && actsOn(fault, type, seams),
    );
  }
}
