/** Whether the proxies that there are can have the faults that somebody wants on them. */
import { SquallError } from "../core/errors.js";
import { suggest } from "../core/suggest.js";
import type { AnyFaultType } from "../faults/contract.js";
import { oneOf } from "../faults/params.js";
import { engineRefused } from "../plan/engine.js";
import { actsOn, needsExchanges } from "../plan/subjects.js";
import type { CompiledFault, CompiledProfile } from "../plan/value.js";
import type { Fleet } from "../proxy/fleet.js";

type Faults = Pick<CompiledProfile, "faults" | "phases">;

export class Targets {
  readonly #fleet: Fleet;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #kernel: () => string | null;

  /** `kernel` says why the kernel can act for no fault here; null if it can. */
  constructor(fleet: Fleet, types: ReadonlyMap<string, AnyFaultType>, kernel: () => string | null) {
    this.#fleet = fleet;
    this.#types = types;
    this.#kernel = kernel;
  }

  /** Throws SQ_INVALID_ACTIVATION, which has `path` for where the name was given. */
  checkName(name: string, path: string): void {
    if (this.#fleet.has(name)) return;
    const near = suggest(
      name,
      this.#fleet.list().map(({ proxy }) => proxy.name),
    );
    throw new SquallError("SQ_INVALID_ACTIVATION", `no proxy is called ${JSON.stringify(name)}`, {
      path,
      ...(near === undefined ? {} : { hint: `did you mean ${JSON.stringify(near)}?` }),
    });
  }

  /** A fault must have a proxy that it can act on; one without `proxy:` acts wherever its seam is. */
  checkSeams(profile: Faults): void {
    const members = this.#fleet.list();
    for (const fault of allOf(profile)) {
      for (const name of fault.proxies ?? []) this.checkName(name, `${fault.name}.proxy`);
      const type = this.#types.get(fault.type);
      if (type === undefined || members.length === 0) continue;
      const named =
        fault.proxies === null ? members : members.filter(({ proxy }) => fault.proxies?.includes(proxy.name));
      if (named.some(({ proxy }) => actsOn(fault, type, proxy.seams))) continue;
      const where = fault.proxies === null ? "any of the proxies there are" : oneOf(fault.proxies);
      throw new SquallError("SQ_INVALID_ACTIVATION", cannotAct(fault, type, where), { path: fault.name });
    }
  }

  /** A fault that insists on the kernel has it on all of its proxies, or is not switched on. */
  checkEngines(profile: Faults, proxies: readonly string[] | null, mode: "inject" | "observe"): void {
    const circumstances = { seeded: false, observe: mode === "observe", unavailable: this.#kernel };
    for (const fault of allOf(profile)) {
      const type = this.#types.get(fault.type);
      if (type?.kernel === undefined) continue;
      for (const { proxy } of this.#fleet.list()) {
        if (!(fault.proxies ?? [proxy.name]).includes(proxy.name)) continue;
        if (!(proxies ?? [proxy.name]).includes(proxy.name) || !actsOn(fault, type, proxy.seams)) continue;
        const why = engineRefused(fault, type, proxy, circumstances);
        if (why === null) continue;
        throw new SquallError(
          "SQ_ENGINE_UNAVAILABLE",
          `${fault.name} cannot have the engine kernel on ${proxy.name}: ${why}`,
          {
            path: `${fault.name}.engine`,
            hint: "engine: auto takes the model where the kernel cannot be had",
          },
        );
      }
    }
  }

  /** A fault that one proxy is to have of its own acts there, with the engine that it insists on. */
  checkOwn(name: string, fault: CompiledFault): void {
    const { proxy } = this.#fleet.find(name);
    const type = this.#types.get(fault.type);
    if (type !== undefined && !actsOn(fault, type, proxy.seams))
      throw new SquallError("SQ_INVALID_PROFILE", cannotAct(fault, type, name), { path: fault.name });
    this.checkEngines({ faults: [fault], phases: [] }, [name], "inject");
  }
}

function allOf({ faults, phases }: Faults): readonly CompiledFault[] {
  return [...faults, ...phases.flatMap((phase) => phase.faults)];
}

function cannotAct(fault: CompiledFault, type: AnyFaultType, where: string): string {
  const need = needsExchanges(fault, type)
    ? ": it is about HTTP exchanges, which only http proxies know"
    : "";
  return `${fault.type} cannot act on ${where}${need}`;
}
