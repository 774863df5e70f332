/** The faults of proxies themselves, beside what profiles do: Toxiproxy's toxics. */
import { SquallError } from "../core/errors.js";
import type { LivePlan } from "../plan/live.js";
import type { CompiledFault } from "../plan/value.js";
import type { ProxySet } from "../proxy/proxy-set.js";
import type { Targets } from "./targets.js";

export const TOXICS_MAX = 100;

export class Toxics {
  readonly #plan: LivePlan;
  readonly #proxySet: ProxySet;
  readonly #targets: Targets;

  constructor(plan: LivePlan, proxySet: ProxySet, targets: Targets) {
    this.#plan = plan;
    this.#proxySet = proxySet;
    this.#targets = targets;
  }

  /** Those of one proxy, in order. Throws SQ_PROXY_NOT_FOUND, as every verb about one proxy does. */
  of(proxy: string): readonly CompiledFault[] {
    this.#proxySet.find(proxy);
    return this.#plan.toxicsOf(proxy);
  }

  /** Throws SQ_FAULT_NOT_FOUND. */
  find(proxy: string, name: string): CompiledFault {
    const fault = this.of(proxy).find((one) => one.name === name);
    if (fault !== undefined) return fault;
    throw new SquallError("SQ_FAULT_NOT_FOUND", `${proxy} has no fault called ${JSON.stringify(name)}`);
  }

  /** Adds one behind the others. */
  add(proxy: string, fault: CompiledFault): void {
    const faults = this.of(proxy);
    if (faults.some((other) => other.name === fault.name)) {
      throw new SquallError(
        "SQ_FAULT_EXISTS",
        `${proxy} has a fault called ${JSON.stringify(fault.name)} already`,
      );
    }
    this.#targets.checkOwn(proxy, fault);
    if (faults.length >= TOXICS_MAX)
      throw new SquallError("SQ_TOO_MANY", `${proxy} has ${TOXICS_MAX} faults already`);
    this.#plan.setToxics(proxy, [...faults, fault]);
  }

  /** Gives one other parameters; live connections see them at once, held bytes included. */
  update(proxy: string, fault: CompiledFault): void {
    this.find(proxy, fault.name);
    this.#targets.checkOwn(proxy, fault);
    this.#plan.setToxics(
      proxy,
      this.of(proxy).map((other) => (other.name === fault.name ? fault : other)),
    );
  }

  remove(proxy: string, name: string): void {
    this.find(proxy, name);
    this.#plan.setToxics(
      proxy,
      this.of(proxy).filter((other) => other.name !== name),
    );
  }

  /** Takes those of all proxies away; activations stay. */
  clear(): void {
    this.#plan.clearToxics();
  }
}
