/**
 * The operator's verbs, without HTTP: activations and proxies here, `profiles` and `toxics` beside them, reload.
 * Each either happens whole or throws a SquallError and changes nothing; none waits for a connection.
 */
import type { Library } from "./config/library.js";
import { activeView, type ActiveView } from "./control/active-view.js";
import { Profiles } from "./control/profiles.js";
import { FleetControl } from "./control/fleet.js";
import { proxyDefinition, proxyView, type ProxyDefinition, type ProxyView } from "./control/proxy-view.js";
import { Reload, type Desired, type ReloadResult } from "./control/reload.js";
import { ACTIVATIONS_MAX, Requests, type ActivationInput } from "./control/requests.js";
import { ARMED_MAX, Targets, tooManyArmed } from "./control/targets.js";
import { Toxics } from "./control/toxics.js";
import { hintFor } from "./config/validate.js";
import { SquallError } from "./core/errors.js";
import type { Facts } from "./core/events.js";
import type { AnyFaultType, RuntimeNeed } from "./faults/contract/index.js";
import type { EarlierLife } from "./plan/activation.js";
import type { LivePlan } from "./plan/live.js";
import type { ProxySet, Member, Owner, ProxyChange } from "./proxy/proxy-set.js";
import type { HttpProxySpec } from "./proxy/http/spec.js";
import type { ProxySpec } from "./proxy/spec.js";
import type { TcpProxySpec } from "./proxy/spec-base.js";

export { ACTIVATIONS_MAX };

type Addressed = "name" | "listen" | "upstream" | "given";

/** Of a tcp proxy, and all of an http proxy. */
export type ProxyDefaults = Omit<TcpProxySpec, Addressed> & {
  readonly http?: Omit<HttpProxySpec, Addressed | "tls">;
};

const PROXY_DEFAULTS: ProxyDefaults = {
  dialTimeout: 10_000,
  connections: Infinity,
  proxyProtocol: "off",
  except: [],
};

export class Control {
  readonly profiles: Profiles;
  readonly toxics: Toxics;
  readonly #plan: LivePlan;
  readonly #proxySet: ProxySet;
  readonly #facts: Facts;
  readonly #requests: Requests;
  readonly #targets: Targets;
  readonly #reload: Reload;
  readonly proxyDefaults: ProxyDefaults;
  /** Whether what is on is what the configuration switched on, as far as its time has not run out. */
  activeOwner: Owner = "file";
  /** How many times all that was on was replaced or healed. */
  switches = 0;
  /** Called after changes that the plan does not tell: of profiles, and of which proxies there are. */
  changed: () => void = () => undefined;

  constructor(parts: {
    readonly plan: LivePlan;
    readonly proxySet: ProxySet;
    readonly library: Library;
    readonly types: ReadonlyMap<string, AnyFaultType>;
    /** Why the kernel can act for no fault here; null if it can. */
    readonly kernel?: () => string | null;
    /** Why the runtime cannot do what a fault needs; null if it can. */
    readonly lacks?: (need: RuntimeNeed) => string | null;
    readonly facts: Facts;
    readonly load: () => Promise<Desired>;
    /** Of activations that bring none; drawn for each if null. */
    readonly seed?: number | null;
    /** What a proxy gets of which its maker says nothing but its addresses. */
    readonly proxyDefaults?: ProxyDefaults;
  }) {
    const { plan, proxySet, library, types, facts, load } = parts;
    const targets = new Targets(proxySet, types, {
      kernel: parts.kernel ?? (() => "nobody is there to ask the kernel"),
      lacks: parts.lacks ?? (() => null),
    });
    this.#targets = targets;
    this.#plan = plan;
    this.#proxySet = proxySet;
    this.#facts = facts;
    this.#requests = new Requests({ library, types, targets, seed: parts.seed ?? null });
    this.fleet = new FleetControl({ plan, requests: this.#requests, targets });
    this.profiles = new Profiles({
      library,
      plan,
      types,
      targets,
      changed: () => {
        this.changed();
      },
    });
    this.toxics = new Toxics(plan, proxySet, targets);
    this.#reload = new Reload({ load, profiles: this.profiles, proxySet, facts });
    this.proxyDefaults = { ...PROXY_DEFAULTS, ...parts.proxyDefaults };
  }

  // -- activations --------------------------------------------------------------------------------

  active(): ActiveView {
    return activeView(this.#plan);
  }

  /** Throws what `activate` would for these, in place of all that is on, and switches nothing on. */
  checkActivations(inputs: readonly ActivationInput[]): void {
    if (inputs.length > ACTIVATIONS_MAX)
      throw new SquallError("SQ_TOO_MANY", `at most ${ACTIVATIONS_MAX} activations can be on at once`);
    this.#requests.fresh(inputs);
  }

  /** Switches these on: in place of all that is on, or beside it. */
  activate(inputs: readonly ActivationInput[], how: "replace" | "add"): ActiveView {
    const already = how === "add" ? this.#plan.value.activations.length : 0;
    if (inputs.length + already > ACTIVATIONS_MAX) {
      throw new SquallError("SQ_TOO_MANY", `at most ${ACTIVATIONS_MAX} activations can be on at once`);
    }
    const requests = this.#requests.fresh(inputs);
    const toxics = this.#plan.armedToxics;
    // One of the same profile is replaced, but it may count twice: what is full is full.
    this.#targets.checkArmed(requests, how === "add" ? this.#plan.armed : toxics);
    this.#activeChanged(how === "replace");
    const told = this.fleet.watch();
    if (how === "replace") this.#plan.replace(requests);
    else this.#plan.add(requests);
    told(how === "replace");
    return this.active();
  }

  /**
   * Switches one on again that was on in an earlier life of the daemon, though its proxies may be gone: had they been deleted
   * while it was on, it would be on still. Answers why not, if its time was over meanwhile.
   */
  resume(input: ActivationInput, life: EarlierLife): "expired" | "finished" | null {
    return this.#plan.resume({ ...this.#requests.compiled(input), seeded: life.seeded }, life);
  }

  /** What the fleet has on here, beside what is switched on by the verbs above. */
  readonly fleet: FleetControl;

  end(id: string): number {
    const told = this.fleet.watch();
    const ended = this.#plan.end((activation) => activation.id === id, "healed");
    told(false);
    if (ended > 0) {
      this.#activeChanged(false);
      return ended;
    }
    const ids = this.#plan.value.activations.map((activation) => activation.id);
    const hint = ids.length === 0 ? "nothing is on" : hintFor(id, ids);
    throw new SquallError("SQ_ACTIVATION_NOT_FOUND", `no activation has the id ${JSON.stringify(id)}`, {
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** Ends all activations; connections are kept. With `own` the faults that proxies have of their own go as well. */
  heal(own = false): { readonly ended: number; readonly removed: number } {
    this.#activeChanged(true);
    const removed = own ? this.active().proxy_faults.length : 0;
    if (own) this.toxics.clear();
    const told = this.fleet.watch();
    const ended = this.#plan.end(() => true, "healed");
    told(true);
    return { ended, removed };
  }

  #activeChanged(whole: boolean): void {
    this.activeOwner = "api";
    if (whole) this.switches++;
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
    return this.#proxySet.list().map(proxyView);
  }

  hasProxy(name: string): boolean {
    return this.#proxySet.has(name);
  }

  definition(name: string): ProxyDefinition {
    return this.#definitionOf(this.#proxySet.find(name));
  }

  definitions(): ProxyDefinition[] {
    return this.#proxySet.list().map((member) => this.#definitionOf(member));
  }

  #definitionOf(member: Member): ProxyDefinition {
    return proxyDefinition(member, this.#plan.toxicsOf(member.proxy.name));
  }

  /** Throws SQ_TOO_MANY if there is no room for all of them, before any is made. */
  checkRoomFor(names: readonly string[]): void {
    this.#proxySet.checkRoomFor(names);
  }

  async addProxy(spec: ProxySpec, enabled = true, life: Pick<Member, "passing"> = {}): Promise<void> {
    this.#roomForProxy();
    await this.#proxySet.add({ ...spec, enabled }, "api", life);
    this.changed();
  }

  /** Each new proxy has what is on for all of them. */
  #roomForProxy(): void {
    if (this.#plan.armed >= ARMED_MAX) throw tooManyArmed();
  }

  /** See `ProxySet.update`: faults stay, connections do not where an address changes. */
  async updateProxy(name: string, change: ProxyChange): Promise<void> {
    await this.#proxySet.update(name, change);
  }

  /** See `ProxySet.populate`: what is like this already is left as it is. */
  async populateProxy(spec: ProxySpec, enabled: boolean): Promise<void> {
    if (!this.#proxySet.has(spec.name)) this.#roomForProxy();
    await this.#proxySet.populate(spec, enabled);
  }

  /** At once, whatever else is under way for it. */
  removeProxy(name: string): void {
    this.#proxySet.remove(name);
    this.changed();
  }

  /** After whatever is under way for it. */
  async deleteProxy(name: string): Promise<void> {
    await this.#proxySet.removeInTurn(name);
  }

  /**
   * Takes the own faults of all proxies away and switches all of them on; activations stay. Does as much
   * as it can, and then throws the first SQ_LISTEN_FAILED there was.
   */
  async reset(): Promise<void> {
    this.toxics.clear();
    const failures: unknown[] = [];
    for (const { proxy } of this.#proxySet.list()) {
      await this.#proxySet.enable(proxy.name).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** False until the daemon has opened its proxies. */
  starting = false;

  get ready(): boolean {
    return !this.starting && this.#proxySet.ready;
  }

  // -- the rest -----------------------------------------------------------------------------------

  mark(text: string): void {
    this.#facts.tell({ kind: "mark", text });
  }

  /** Reads the files again, whole or not at all. */
  async reload(): Promise<ReloadResult> {
    return this.#reload.run();
  }

  get lastReload(): Reload["last"] {
    return this.#reload.last;
  }
}
