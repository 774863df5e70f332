/**
 * The operator's verbs, without HTTP: profiles, activations, proxies and their own faults, reload.
 * Each either happens whole or throws a SquallError and changes nothing; none waits for a connection.
 */
import { randomInt } from "node:crypto";
import { mergeProfile } from "./config/extends.js";
import type { Library, ProfileFile } from "./config/library.js";
import { toPlain, type Located } from "./config/located.js";
import { Problems } from "./config/problems.js";
import { paramInfo, type ParamInfo } from "./config/profile.js";
import { SquallError, type Problem } from "./core/errors.js";
import type { Facts } from "./core/events.js";
import { suggest } from "./core/suggest.js";
import { formatDuration } from "./core/units.js";
import type { AnyFaultType } from "./faults/contract.js";
import { oneOf } from "./faults/params.js";
import type { EngineChoice } from "./plan/arsenal.js";
import { compileFaults, compileProfile } from "./plan/compile.js";
import { engineRefused, NOT_REPRODUCIBLE } from "./plan/engine.js";
import { explainProfile } from "./plan/explain.js";
import { actsOn, needsExchanges } from "./plan/subjects.js";
import type { ActivationRequest, EarlierLife } from "./plan/activation.js";
import type { LivePlan } from "./plan/live.js";
import { INLINE, type CompiledFault, type CompiledProfile } from "./plan/value.js";
import {
  sameSpec,
  type FileProxy,
  type Fleet,
  type Member,
  type Owner,
  type ProxyChange,
} from "./proxy/fleet.js";
import type { Protocol, ProxySpec, TcpProxySpec } from "./proxy/spec.js";

/** What the files want. */
export interface Desired {
  readonly proxies: readonly FileProxy[];
  readonly files: readonly ProfileFile[];
  /** What changed but only counts from the next start. */
  readonly restartNeeded: readonly string[];
}

export interface ActivationInput {
  /** The name of a profile, or faults of its own. */
  readonly what: { readonly profile: string } | { readonly faults: Located };
  readonly params?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Milliseconds. */
  readonly ttl?: number;
  readonly proxies?: readonly string[];
  readonly mode?: "inject" | "observe";
}

export interface ActivationView {
  readonly id: string;
  readonly profile: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly mode: "inject" | "observe";
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
  readonly again: string;
}

export interface ActiveView {
  readonly revision: number;
  readonly activations: readonly ActivationView[];
}

export interface ProfileSummary {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly params: readonly ParamInfo[];
  readonly source: string;
  readonly origin: "file" | "memory";
  readonly shadows: boolean;
  readonly active: boolean;
}

export interface ProfileDetail extends ProfileSummary {
  readonly text: string;
  /** One sentence for each fault; null while a param must be given first. */
  readonly explanation: readonly string[] | null;
}

export interface ProxyView {
  readonly name: string;
  readonly protocol: Protocol;
  readonly listen: string;
  readonly upstream: string;
  readonly owner: "file" | "api";
  /** False for one that its owner has switched off; a fault may keep an enabled one closed. */
  readonly enabled: boolean;
  readonly state: string;
  readonly connections: { readonly active: number; readonly total: number };
  readonly faults: readonly {
    readonly fault: string;
    readonly type: string;
    readonly profile: string;
    /** Of faults that the kernel can act for: who does. */
    readonly engine?: "kernel" | "model" | undefined;
  }[];
}

/** A proxy in the words in which it was defined, for whoever gives definitions back. */
export interface ProxyDefinition {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  /** Its own, in order. */
  readonly faults: readonly CompiledFault[];
}

export interface ReloadResult {
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
}

export type ProxyDefaults = Omit<TcpProxySpec, "name" | "listen" | "upstream" | "given">;

const PROXY_DEFAULTS: ProxyDefaults = {
  dialTimeout: 10_000,
  connections: Infinity,
  proxyProtocol: "off",
  except: [],
};

export const ACTIVATIONS_MAX = 100;
export const TOXICS_MAX = 100;

export class Control {
  readonly #plan: LivePlan;
  readonly #fleet: Fleet;
  readonly #library: Library;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #facts: Facts;
  readonly #load: () => Promise<Desired>;
  readonly #seed: number | null;
  readonly #kernel: () => string | null;
  readonly proxyDefaults: ProxyDefaults;
  #reloading: Promise<ReloadResult> | null = null;
  /** Whether what is on is what the configuration switched on, as far as its time has not run out. */
  activeOwner: Owner = "file";
  /** How many times all that was on was replaced or healed. */
  switches = 0;
  /** Called after changes that the plan does not tell: of profiles, and of which proxies there are. */
  changed: () => void = () => undefined;
  lastReload: { readonly ok: boolean; readonly at: string } | null = null;

  constructor(parts: {
    readonly plan: LivePlan;
    readonly fleet: Fleet;
    readonly library: Library;
    readonly types: ReadonlyMap<string, AnyFaultType>;
    /** Why the kernel can act for no fault here; null if it can. */
    readonly kernel?: () => string | null;
    readonly facts: Facts;
    readonly load: () => Promise<Desired>;
    /** Of activations that bring none; drawn for each if null. */
    readonly seed?: number | null;
    /** What a proxy gets of which its maker says nothing but its addresses. */
    readonly proxyDefaults?: ProxyDefaults;
  }) {
    this.#plan = parts.plan;
    this.#fleet = parts.fleet;
    this.#library = parts.library;
    this.#types = parts.types;
    this.#kernel = parts.kernel ?? (() => "nobody is there to ask the kernel");
    this.#facts = parts.facts;
    this.#load = parts.load;
    this.#seed = parts.seed ?? null;
    this.proxyDefaults = { ...PROXY_DEFAULTS, ...parts.proxyDefaults };
  }

  // -- profiles -----------------------------------------------------------------------------------

  profiles(): ProfileSummary[] {
    const active = new Set(this.#plan.value.activations.map((activation) => activation.profile));
    return this.#library.entries.map(({ source, layer, shadows }) => ({
      name: source.name,
      summary: source.summary,
      tags: source.tags,
      // Those of its parents too: whoever switches it on must know what to give.
      params: [...mergeProfile(source, this.#library, new Problems()).params.values()].map(paramInfo),
      source: source.file,
      origin: layer,
      shadows,
      active: active.has(source.name),
    }));
  }

  profile(name: string): ProfileDetail {
    const { text } = this.#library.find(name);
    const summary = this.profiles().find((profile) => profile.name === name);
    if (summary === undefined)
      throw new SquallError("SQ_PROFILE_NOT_FOUND", `no profile is called ${JSON.stringify(name)}`);
    const needs = summary.params.some((param) => param.required);
    const explanation = needs
      ? null
      : explainProfile(compileProfile(name, this.#library, {}, this.#types), this.#types);
    return { ...summary, text, explanation };
  }

  /** Adds or replaces a profile in memory; where it is on, it goes on with the new text. */
  putProfile(name: string, text: string): ProfileDetail {
    this.#changeLibrary((library) => {
      library.put(text, name);
    });
    return this.profile(name);
  }

  deleteProfile(name: string): void {
    this.#changeLibrary((library) => {
      library.delete(name);
    });
  }

  /** Tries a change on a copy, with all that is on, before anything changes. */
  #changeLibrary(change: (library: Library) => void): void {
    const candidate = this.#library.fork();
    change(candidate);
    const recompiled = this.#recompiled(candidate);
    this.#library.adopt(candidate);
    this.#plan.end(
      ({ profile }) => profile !== INLINE && this.#library.get(profile) === undefined,
      "profile deleted",
    );
    this.#plan.recompile(({ id }) => recompiled.get(id) ?? null);
    this.changed();
  }

  #recompiled(library: Library): Map<string, CompiledProfile> {
    const result = new Map<string, CompiledProfile>();
    for (const { id, profile, given, proxies, mode } of this.#plan.value.activations) {
      if (profile === INLINE || library.get(profile) === undefined) continue;
      const compiled = compileProfile(profile, library, given, this.#types);
      this.#checkEngines(compiled, proxies, mode);
      result.set(id, compiled);
    }
    return result;
  }

  // -- activations --------------------------------------------------------------------------------

  active(): ActiveView {
    return {
      revision: this.#plan.revision,
      activations: this.#plan.states().map(({ value, phase, pass, remaining, engines }) => ({
        id: value.id,
        profile: value.profile,
        params: value.compiled.params,
        seed: value.seed,
        mode: value.mode,
        proxies: value.proxies,
        phase,
        pass,
        since: new Date(value.startedAt).toISOString(),
        remaining: remaining === null ? null : formatDuration(Math.round(remaining)),
        remaining_seconds: remaining === null ? null : Math.round(remaining) / 1000,
        ...reproducibility(engines),
        engines,
        again: this.#plan.again(value),
      })),
    };
  }

  /** Switches these on: in place of all that is on, or beside it. */
  activate(inputs: readonly ActivationInput[], how: "replace" | "add"): ActiveView {
    const already = how === "add" ? this.#plan.value.activations.length : 0;
    if (inputs.length + already > ACTIVATIONS_MAX) {
      throw new SquallError("SQ_TOO_MANY", `at most ${ACTIVATIONS_MAX} activations can be on at once`);
    }
    const requests = inputs.map((input) => {
      const request = this.#request(input);
      for (const name of input.proxies ?? []) this.#known(name, "proxies");
      this.#checkTargets(request.compiled);
      return request;
    });
    const names = requests.map((request) => request.profile).filter((name) => name !== INLINE);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw new SquallError(
        "SQ_INVALID_ACTIVATION",
        `the profile ${JSON.stringify(twice)} is asked for twice`,
      );
    }
    this.#activeChanged(how === "replace");
    if (how === "replace") this.#plan.replace(requests);
    else this.#plan.add(requests);
    return this.active();
  }

  /**
   * Switches one on again that was on in an earlier life of the daemon, though its proxies may be gone: had they been deleted
   * while it was on, it would be on still. Answers why not, if its time was over meanwhile.
   */
  resume(input: ActivationInput, life: EarlierLife): "expired" | "finished" | null {
    return this.#plan.resume({ ...this.#request(input), seeded: life.seeded }, life);
  }

  #activeChanged(whole: boolean): void {
    this.activeOwner = "api";
    if (whole) this.switches++;
  }

  #request({ what, params = {}, seed, ttl, proxies, mode = "inject" }: ActivationInput): ActivationRequest {
    const compiled =
      "profile" in what
        ? compileProfile(what.profile, this.#library, params, this.#types)
        : compileFaults(what.faults, this.#types).compiled;
    this.#checkEngines(compiled, proxies ?? null, mode);
    return {
      profile: compiled.profile,
      compiled,
      written: "faults" in what ? asList(toPlain(what.faults)) : null,
      given: params,
      seed: seed ?? this.#seed ?? randomInt(2 ** 32),
      seeded: (seed ?? this.#seed) !== null,
      proxies: proxies === undefined || proxies.length === 0 ? null : proxies,
      mode,
      ttl: ttl ?? null,
    };
  }

  #known(name: string, path: string): void {
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
  #checkTargets({ faults, phases }: CompiledProfile): void {
    const members = this.#fleet.list();
    for (const fault of [...faults, ...phases.flatMap((phase) => phase.faults)]) {
      for (const name of fault.proxies ?? []) this.#known(name, `${fault.name}.proxy`);
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
  #checkEngines(
    { faults, phases }: Pick<CompiledProfile, "faults" | "phases">,
    proxies: readonly string[] | null,
    mode: "inject" | "observe",
  ): void {
    const circumstances = { seeded: false, observe: mode === "observe", unavailable: this.#kernel };
    for (const fault of [...faults, ...phases.flatMap((phase) => phase.faults)]) {
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

  end(id: string): number {
    const ended = this.#plan.end((activation) => activation.id === id, "healed");
    if (ended > 0) {
      this.#activeChanged(false);
      return ended;
    }
    const near = suggest(
      id,
      this.#plan.value.activations.map((activation) => activation.id),
    );
    throw new SquallError("SQ_ACTIVATION_NOT_FOUND", `no activation has the id ${JSON.stringify(id)}`, {
      ...(near === undefined ? {} : { hint: `did you mean ${JSON.stringify(near)}?` }),
    });
  }

  /** Ends all activations; connections are kept. Answers how many there were. */
  heal(): number {
    this.#activeChanged(true);
    return this.#plan.end(() => true, "healed");
  }

  /** Calls back after each change of what is on, phases included. */
  onChange(listener: () => void): () => void {
    return this.#plan.onChange(listener);
  }

  get revision(): number {
    return this.#plan.revision;
  }

  // -- proxies ------------------------------------------------------------------------------------

  proxies(): ProxyView[] {
    return this.#fleet.list().map(({ proxy, owner }) => {
      const { host, port } = proxy.address;
      const { connectionsActive, connectionsTotal } = proxy.stats;
      return {
        name: proxy.name,
        protocol: proxy.protocol,
        listen: `${host.includes(":") ? `[${host}]` : host}:${port}`,
        upstream: proxy.upstreamText,
        owner,
        enabled: proxy.enabled,
        state: proxy.state,
        connections: { active: connectionsActive, total: connectionsTotal },
        faults: proxy.faults.map(({ origin, engine }) => ({
          fault: origin.fault,
          type: origin.type,
          profile: origin.profile,
          ...(engine === null ? {} : { engine: engine.kernel === null ? "model" : "kernel" }),
        })),
      };
    });
  }

  hasProxy(name: string): boolean {
    return this.#fleet.has(name);
  }

  definition(name: string): ProxyDefinition {
    return this.#definitionOf(this.#fleet.find(name));
  }

  definitions(): ProxyDefinition[] {
    return this.#fleet.list().map((member) => this.#definitionOf(member));
  }

  #definitionOf({ proxy }: Member): ProxyDefinition {
    return {
      name: proxy.name,
      listen: proxy.listenText,
      upstream: proxy.upstreamGiven,
      enabled: proxy.enabled,
      faults: this.#plan.toxicsOf(proxy.name),
    };
  }

  async addProxy(spec: ProxySpec, enabled = true, life: Pick<Member, "passing"> = {}): Promise<void> {
    await this.#fleet.add({ ...spec, enabled }, "api", life);
    this.changed();
  }

  /** See `Fleet.update`: faults stay, connections do not where an address changes. */
  async updateProxy(name: string, change: ProxyChange): Promise<void> {
    await this.#fleet.update(name, change);
  }

  /** See `Fleet.populate`: what is like this already is left as it is. */
  async populateProxy(spec: TcpProxySpec, enabled: boolean): Promise<void> {
    await this.#fleet.populate(spec, enabled);
  }

  /** At once, whatever else is under way for it. */
  removeProxy(name: string): void {
    this.#fleet.remove(name);
    this.changed();
  }

  /** After whatever is under way for it. */
  async deleteProxy(name: string): Promise<void> {
    await this.#fleet.removeInTurn(name);
  }

  /**
   * Takes the own faults of all proxies away and switches all of them on; activations stay. Does as much
   * as it can, and then throws the first SQ_LISTEN_FAILED there was.
   */
  async reset(): Promise<void> {
    this.resetFaults();
    const failures: unknown[] = [];
    for (const { proxy } of this.#fleet.list()) {
      await this.#fleet.enable(proxy.name).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** False until the daemon has opened its proxies. */
  starting = false;

  get ready(): boolean {
    return !this.starting && this.#fleet.ready;
  }

  // -- faults of a proxy itself, beside what profiles do ------------------------------------------

  faults(proxy: string): readonly CompiledFault[] {
    this.#fleet.find(proxy);
    return this.#plan.toxicsOf(proxy);
  }

  fault(proxy: string, name: string): CompiledFault {
    const fault = this.faults(proxy).find((one) => one.name === name);
    if (fault !== undefined) return fault;
    throw new SquallError("SQ_FAULT_NOT_FOUND", `${proxy} has no fault called ${JSON.stringify(name)}`);
  }

  /** Adds one behind the others. */
  addFault(proxy: string, fault: CompiledFault): void {
    const faults = this.faults(proxy);
    if (faults.some((other) => other.name === fault.name)) {
      throw new SquallError(
        "SQ_FAULT_EXISTS",
        `${proxy} has a fault called ${JSON.stringify(fault.name)} already`,
      );
    }
    this.#checkTarget(proxy, fault);
    if (faults.length >= TOXICS_MAX)
      throw new SquallError("SQ_TOO_MANY", `${proxy} has ${TOXICS_MAX} faults already`);
    this.#plan.setToxics(proxy, [...faults, fault]);
  }

  #checkTarget(name: string, fault: CompiledFault): void {
    const { proxy } = this.#fleet.find(name);
    const type = this.#types.get(fault.type);
    if (type === undefined || actsOn(fault, type, proxy.seams)) {
      this.#checkEngines({ faults: [fault], phases: [] }, [name], "inject");
      return;
    }
    throw new SquallError("SQ_INVALID_PROFILE", cannotAct(fault, type, name), { path: fault.name });
  }

  /** Gives one other parameters; live connections see them at once, held bytes included. */
  updateFault(proxy: string, fault: CompiledFault): void {
    this.fault(proxy, fault.name);
    this.#checkTarget(proxy, fault);
    this.#plan.setToxics(
      proxy,
      this.faults(proxy).map((other) => (other.name === fault.name ? fault : other)),
    );
  }

  removeFault(proxy: string, name: string): void {
    this.fault(proxy, name);
    this.#plan.setToxics(
      proxy,
      this.faults(proxy).filter((other) => other.name !== name),
    );
  }

  /** Takes the faults of all proxies themselves away; activations stay. */
  resetFaults(): void {
    this.#plan.clearToxics();
  }

  // -- the rest -----------------------------------------------------------------------------------

  mark(text: string): void {
    this.#facts.tell({ kind: "mark", text });
  }

  /** Reads the files again. Whole or not at all; reloads asked for meanwhile share one more. */
  async reload(): Promise<ReloadResult> {
    while (this.#reloading !== null) await this.#reloading.catch(() => undefined);
    this.#reloading = this.#reloadOnce();
    try {
      return await this.#reloading;
    } finally {
      this.#reloading = null;
    }
  }

  async #reloadOnce(): Promise<ReloadResult> {
    try {
      const result = await this.#applyFiles(await this.#load());
      this.#tellReload(true, [], result.changed);
      return result;
    } catch (error) {
      const problems: readonly Problem[] =
        error instanceof SquallError && error.details !== undefined
          ? error.details
          : [
              {
                file: "",
                line: 0,
                column: 0,
                path: "",
                message: error instanceof Error ? error.message : String(error),
              },
            ];
      this.#tellReload(false, problems, []);
      throw error;
    }
  }

  #tellReload(ok: boolean, problems: readonly Problem[], changed: readonly string[]): void {
    this.lastReload = { ok, at: new Date().toISOString() };
    this.#facts.tell({ kind: "reload", ok, problems, changed });
  }

  async #applyFiles({ proxies, files, restartNeeded }: Desired): Promise<ReloadResult> {
    const before = new Map(this.#library.entries.map(({ source }) => [source.name, source.text]));
    const candidate = this.#library.fork();
    candidate.replaceFiles(files);
    const recompiled = this.#recompiled(candidate);
    const changed = await this.#applyProxies(proxies);
    this.#library.adopt(candidate);
    this.#plan.end(
      ({ profile }) => profile !== INLINE && this.#library.get(profile) === undefined,
      "profile deleted",
    );
    this.#plan.recompile(({ id }) => recompiled.get(id) ?? null);
    const after = new Map(this.#library.entries.map(({ source }) => [source.name, source.text]));
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      if (before.get(name) !== after.get(name)) changed.push(`profile ${name}`);
    }
    return {
      changed,
      warnings: restartNeeded.map((what) => `${what} counts from the next start`),
    };
  }

  /** New addresses are bound first; only when all of them could be is anything taken away. */
  async #applyProxies(files: readonly FileProxy[]): Promise<string[]> {
    const wanted = new Map(files.map((file) => [file.name, file]));
    const changed: string[] = [];
    const undo: (() => void | Promise<void>)[] = [];
    // Those that are switched off come last, as that closes connections, which no undoing brings back.
    const inOrder = files.toSorted((a, b) => Number(a.enabled === false) - Number(b.enabled === false));
    try {
      for (const file of inOrder) {
        const member = this.#fleet.list().find(({ proxy }) => proxy.name === file.name);
        if (member === undefined) {
          await this.#fleet.add(file, "file");
          undo.push(() => {
            this.#fleet.remove(file.name);
          });
          changed.push(`proxy ${file.name} added`);
        } else if (member.filed !== null && !sameSpec(member.filed, file)) {
          undo.push(await this.#fleet.refile(file));
          changed.push(`proxy ${file.name} changed`);
        }
      }
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
    for (const { proxy, owner } of this.#fleet.list()) {
      if (owner !== "file" || wanted.has(proxy.name)) continue;
      this.#fleet.remove(proxy.name);
      changed.push(`proxy ${proxy.name} removed`);
    }
    this.#fleet.filed = wanted;
    return changed;
  }
}

function cannotAct(fault: CompiledFault, type: AnyFaultType, where: string): string {
  const need = needsExchanges(fault, type)
    ? ": it is about HTTP exchanges, which only http proxies know"
    : "";
  return `${fault.type} cannot act on ${where}${need}`;
}

function reproducibility(
  engines: readonly EngineChoice[],
): Pick<ActivationView, "reproducible" | "irreproducible"> {
  const byKernel = engines.filter(({ engine }) => engine === "kernel");
  if (byKernel.length === 0) return { reproducible: true, irreproducible: null };
  const names = [...new Set(byKernel.map(({ fault }) => fault))].join(", ");
  return { reproducible: false, irreproducible: `${names}: ${NOT_REPRODUCIBLE}` };
}

function asList(faults: unknown): readonly unknown[] {
  return Array.isArray(faults) ? faults : [faults];
}
