/**
 * The live plan: keeps the plan's value, moves it through time, and tells each proxy which faults are
 * in force. Every change happens whole, within one turn of the event loop, and waits for nobody.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";
import type { Facts } from "../core/events.js";
import type { Ledger } from "../core/ledger.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { ArmedFault } from "../pipeline/armed.js";
import { Overdue } from "../pipeline/overdue.js";
import {
  Activation,
  type ActivationPlace,
  type ActivationRequest,
  type ActivationMoments,
  type ActivationState,
  type ArsenalSupplies,
  type EarlierLife,
  type EndReason,
} from "./activation.js";
import { Arsenal, type Wanted } from "./arsenal.js";
import type { SoFar } from "./so-far.js";
import { runAgain, type Repeater } from "./run-again.js";
import { isSameProfile } from "./fault-text.js";
import { fleetChange, type FleetRequest } from "./fleet.js";
import { Targets, type PlanTarget } from "./targets.js";
import { differencesOf, toldOf, type OwnFault } from "./own-faults.js";
import {
  INLINE,
  TOXICS,
  type ActivationValue,
  type CompiledFault,
  type CompiledProfile,
  type PlanValue,
} from "./value.js";

/** As the journal and the metrics call what no profile owns. */
const OWN = { activation: TOXICS, profile: TOXICS } as const;

/** How long after a mistake of ours the plan is looked at again. */
const AFTER_MISTAKE: Millis = 1_000;

export class LivePlan {
  readonly #clock: Clock;
  readonly #facts: Facts;
  readonly #supplies: ArsenalSupplies;
  readonly #repeater: () => Repeater;
  readonly #overdue: Overdue;
  readonly #kernelSettled: () => Promise<void>;
  readonly #targets: Targets;
  readonly #toxicArsenal: Arsenal;
  readonly #listeners = new Set<() => void>();
  #running: Activation[] = [];
  #value: PlanValue = { revision: 0, toxics: {}, activations: [] };
  #timer: Timer | null = null;

  constructor(parts: {
    readonly clock: Clock;
    readonly facts: Facts;
    readonly ledger: Ledger;
    readonly types: ReadonlyMap<string, AnyFaultType>;
    /** Of this program, for the line that starts a run again. */
    readonly version: string;
    /** Where it is asked for, for the same line; nowhere if not given. */
    readonly admin?: () => Omit<Repeater, "version">;
    /** Looked at by the planes, so that a late timer makes no change late. */
    readonly overdue?: Overdue;
    /** Resolves when the kernel has said what it did for faults that are off by now. */
    readonly kernelSettled?: () => Promise<void>;
    /** Toxics have no activation, so their draws hang on the daemon's own seed. */
    readonly seed: number;
    /** Somebody gave that seed. */
    readonly seeded?: boolean;
    /** Why the kernel can act for no fault here; null if it can. Without it, there is none to ask. */
    readonly kernel?: () => string | null;
  }) {
    const { clock, facts, ledger, types, version, seed, seeded = false } = parts;
    const { kernel = () => "nobody is there to ask the kernel" } = parts;
    this.#clock = clock;
    this.#facts = facts;
    this.#supplies = { clock, facts, ledger, types, kernel };
    const { admin = () => ({ admin: null, guarded: false, ca: null }) } = parts;
    this.#repeater = () => ({ version, ...admin() });
    this.#overdue = parts.overdue ?? new Overdue(clock);
    this.#kernelSettled = parts.kernelSettled ?? (() => Promise.resolve());
    this.#targets = new Targets(types);
    this.#toxicArsenal = new Arsenal({
      activation: TOXICS,
      profile: TOXICS,
      seed,
      seeded,
      observe: false,
      ...this.#supplies,
    });
  }

  get value(): PlanValue {
    return this.#value;
  }

  get revision(): number {
    return this.#value.revision;
  }

  /** Faults in force, on each proxy counted by itself. */
  get armed(): number {
    return this.#running.reduce((sum, running) => sum + running.armed, this.armedToxics);
  }

  /** The same without what the fleet has on. */
  get armedHere(): number {
    return this.#running
      .filter(({ value }) => value.fleet === undefined)
      .reduce((sum, running) => sum + running.armed, this.armedToxics);
  }

  get armedToxics(): number {
    return this.#toxicArsenal.size;
  }

  /** The line that starts the same run again. */
  again(activation: ActivationValue): string {
    return runAgain(activation, this.#repeater(), this.#isBeside);
  }

  /** More than one is on. */
  get #isBeside(): boolean {
    return this.#running.length > 1;
  }

  /** How much each fault of an activation has hit. */
  soFar(id: string): SoFar[] {
    return this.#running.find(({ value }) => value.id === id)?.soFar() ?? [];
  }

  /** The same of the faults that proxies have of their own. */
  toxicsSoFar(): SoFar[] {
    return this.#toxicArsenal.soFar();
  }

  moments(): ActivationMoments[] {
    return this.#running.map((running) => running.moments());
  }

  states(): ActivationState[] {
    const now = this.#clock.now();
    return this.#running.map((running) => running.state(now));
  }

  /** Called after every change and every phase; answers how to stop being called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // -- proxies ------------------------------------------------------------------------------------

  attach(target: PlanTarget): void {
    this.#targets.add(target);
    this.#advance();
  }

  /** Forgets the proxy; its toxics go with it unless it is only being restarted. */
  detach(name: string, keepToxics: boolean): void {
    this.#targets.remove(name);
    this.#toxicArsenal.forget(name);
    for (const running of this.#running) running.forget(name);
    if (!keepToxics && this.toxicsOf(name).length > 0) this.setToxics(name, []);
  }

  // -- changes ------------------------------------------------------------------------------------

  /** Puts these activations in place of all others, at once. */
  replace(requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    const old = this.#running;
    this.#running = [];
    return this.#inPlaceOf(old, requests);
  }

  /** Adds activations; one of the same id starts anew. */
  add(requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    const names = new Set(requests.map(({ profile }) => profile).filter((profile) => profile !== INLINE));
    const same = this.#running.filter(({ value }) => names.has(value.id));
    this.#running = this.#running.filter((running) => !same.includes(running));
    return this.#inPlaceOf(same, requests);
  }

  /** The end of those that go is told before the beginning of those that come, although both happen at once. */
  #inPlaceOf(old: readonly Activation[], requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    const [later, now] = [old.filter(({ usedKernel }) => usedKernel), old.filter((one) => !one.usedKernel)];
    for (const running of now) running.tellEnd("replaced");
    const started = this.#start(requests);
    for (const running of later) this.#tellEnd(running, "replaced");
    return started;
  }

  /** What the kernel did for it is known when it has been asked for the last time. */
  #tellEnd(running: Activation, why: EndReason): void {
    if (!running.usedKernel) running.tellEnd(why);
    else
      void this.#kernelSettled().then(() => {
        running.tellEnd(why);
      });
  }

  /**
   * Goes on with an activation of an earlier life of the daemon as if there had always been somebody to carry it out: its
   * phases and its time to live are where they would be by now. Answers why not, if it would be over.
   */
  resume(request: ActivationRequest, { id, startedAt }: EarlierLife): "expired" | "finished" | null {
    const now = this.#clock.now();
    // A clock that was set back makes nothing begin in the future.
    const wall = Math.min(startedAt, this.#clock.wallTime());
    const start = now - (this.#clock.wallTime() - wall);
    const activation = this.#made(request, id, { wall, now: start });
    const standing = activation.standing(now);
    if (standing === "expired" || standing === "finished") return standing;
    this.#running.push(activation);
    activation.tellStart("activation_resumed", this.#isBeside);
    this.#commit({ activations: this.#values() });
    return null;
  }

  /**
   * Makes these all that the fleet has on, at once: what is the same goes on, with the end that it has now. What the daemon's own
   * operator switched on stays, but for one of the same id.
   */
  fleet(wanted: readonly FleetRequest[]): void {
    const now = this.#clock.now();
    const { staying, going, moved, coming } = fleetChange(this.#running, wanted);
    for (const { activation, endsAt } of moved) activation.endBy(endsAt);
    const begun = coming.flatMap((one) => this.#madeForFleet(one, now) ?? []);
    if (going.length + moved.length + begun.length === 0) return;
    if (begun.length > 0 || staying.length === 0) this.#beginAnew();
    this.#running = [...staying, ...begun];
    const ends = going.map((running) => [running, this.#whyGone(running, begun, now)] as const);
    for (const [running, why] of ends) if (!running.usedKernel) running.tellEnd(why);
    for (const running of begun) running.tellStart("activation_started", this.#isBeside);
    this.#commit({ activations: this.#values() });
    for (const [running, why] of ends) if (running.usedKernel) this.#tellEnd(running, why);
  }

  /** Null if it would be over by now. */
  #madeForFleet({ id, request, mark, startsAt, endsAt }: FleetRequest, now: Millis): Activation | null {
    const at = { wall: this.#clock.wallTime() - (now - startsAt), now: startsAt };
    const activation = this.#made({ ...request, ttl: endsAt - startsAt, fleet: mark }, id, at);
    const standing = activation.standing(now);
    return standing === "expired" || standing === "finished" ? null : activation;
  }

  /** Its end may have passed while nobody looked. */
  #whyGone(running: Activation, begun: readonly Activation[], now: Millis): EndReason {
    const standing = running.standing(now);
    if (standing === "expired" || standing === "finished") return standing;
    return begun.length > 0 ? "replaced" : "healed";
  }

  /** Ends those that the test picks; answers how many. */
  end(pick: (activation: ActivationValue) => boolean, why: EndReason): number {
    const ending = this.#running.filter((running) => pick(running.value));
    if (ending.length === this.#running.length) this.#beginAnew();
    if (ending.length === 0) return 0;
    this.#running = this.#running.filter((running) => !ending.includes(running));
    this.#commit({ activations: this.#values() });
    for (const running of ending) this.#tellEnd(running, why);
    return ending.length;
  }

  /** Gives running activations new text; they keep their start. `null` leaves one as it is. */
  recompile(compile: (activation: ActivationValue) => CompiledProfile | null): void {
    let changed = false;
    for (const running of this.#running) {
      const compiled = compile(running.value);
      if (compiled === null || compiled === running.value.compiled) continue;
      if (isSameProfile(compiled, running.value.compiled)) continue;
      running.recompile(compiled);
      changed = true;
    }
    if (changed) this.#commit({ activations: this.#values() });
  }

  /** A proxy's own faults. Any name may be asked for, those that every object has among them. */
  toxicsOf(proxy: string): readonly CompiledFault[] {
    const { toxics } = this.#value;
    return Object.hasOwn(toxics, proxy) ? (toxics[proxy] ?? []) : [];
  }

  /** Takes the own faults of all proxies away. */
  clearToxics(): void {
    if (Object.keys(this.#value.toxics).length > 0) this.#commitToxics({});
  }

  /** Sets a proxy's own faults, in order. Those that stay keep their state. */
  setToxics(proxy: string, faults: readonly CompiledFault[]): void {
    const toxics = { ...this.#value.toxics, [proxy]: faults };
    this.#commitToxics(Object.fromEntries(Object.entries(toxics).filter(([, list]) => list.length > 0)));
  }

  #commitToxics(toxics: PlanValue["toxics"]): void {
    const { set, changed, removed } = differencesOf(this.#value.toxics, toxics);
    const tell = (kind: "fault_set" | "fault_changed", { proxy, fault }: OwnFault): void => {
      this.#facts.tell({ kind, proxy, ...OWN, ...toldOf(fault) });
    };
    for (const one of set) tell("fault_set", one);
    for (const one of changed) tell("fault_changed", one);
    this.#commit({ toxics });
    for (const { proxy, fault } of removed) {
      const { name, type } = fault;
      const { subjects, matched, hits, effects } = this.#toxicArsenal.settle(proxy, fault);
      const did = { subjects, matched, hits, effects };
      this.#facts.tell({ kind: "fault_removed", proxy, ...OWN, fault: name, type, ...did });
    }
  }

  /** Decides anew who carries faults out: the kernel can do less, or more, than it could. */
  reconsider(): void {
    this.#advance();
    this.#tellListeners();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#overdue.set(Infinity, this.#unseen);
    this.#listeners.clear();
  }

  // -- inside -------------------------------------------------------------------------------------

  #start(requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    this.#beginAnew();
    const at = { wall: this.#clock.wallTime(), now: this.#clock.now() };
    const started = requests.map((request): Activation => {
      const activation = this.#made(request, this.#idFor(request.profile), at);
      this.#running.push(activation);
      return activation;
    });
    for (const activation of started) activation.tellStart("activation_started", this.#isBeside);
    this.#commit({ activations: this.#values() });
    return started.map(({ value }) => value);
  }

  #beginAnew(): void {
    for (const target of this.#targets.all()) target.beginsAnew?.();
  }

  #made(request: ActivationRequest, id: string, at: Pick<ActivationPlace, "wall" | "now">): Activation {
    const place = { id, generation: this.revision + 1, ...at };
    return new Activation(request, place, this.#supplies, this.#repeater);
  }

  #values(): readonly ActivationValue[] {
    return this.#running.map(({ value }) => value);
  }

  #idFor(profile: string): string {
    if (profile !== INLINE) return profile;
    const taken = new Set(this.#running.map((running) => running.value.id));
    let id = INLINE;
    for (let n = 2; taken.has(id); n++) id = `${INLINE}-${n}`;
    return id;
  }

  #commit(change: Partial<Omit<PlanValue, "revision">>): void {
    this.#value = { ...this.#value, ...change, revision: this.revision + 1 };
    this.#advance();
    this.#facts.tell({ kind: "plan_changed", revision: this.revision });
    this.#tellListeners();
  }

  /** Works out where every activation stands, arms what belongs there, and sets the timer for the next change. */
  #advance(): void {
    const now = this.#clock.now();
    let next = Infinity;
    const finished: (readonly [Activation, EndReason])[] = [];
    for (const running of this.#running) {
      const standing = running.standing(now);
      if (standing === "expired" || standing === "finished") finished.push([running, standing]);
      else next = Math.min(next, running.enter(standing, now, this.#targets));
    }
    if (finished.length > 0) {
      const gone = new Set(finished.map(([running]) => running));
      this.#running = this.#running.filter((running) => !gone.has(running));
      this.#value = { ...this.#value, activations: this.#values(), revision: this.revision + 1 };
    }
    const assigned = new Set<ArmedFault>();
    this.#toxicArsenal.want(this.#wantedToxics(), assigned);
    for (const running of this.#running) running.arm(assigned);
    for (const target of this.#targets.all()) this.#publish(target, assigned);
    for (const [running, why] of finished) this.#tellEnd(running, why);
    this.#timer?.cancel();
    this.#timer = next === Infinity ? null : this.#clock.at(next, this.#due);
    this.#overdue.set(next, this.#unseen);
  }

  /** Its timer is late, and somebody has come meanwhile, who is not to pay for a mistake of ours. */
  readonly #unseen = (): void => {
    try {
      this.#due();
    } catch (error) {
      this.#facts.tell({ kind: "mistake", where: "a late change of the plan", error });
    }
  };

  readonly #due = (): void => {
    this.#timer?.cancel();
    this.#timer = null;
    const before = this.revision;
    try {
      this.#advance();
    } catch (error) {
      // A mistake of ours is told by whoever called back. Without another timer no phase would ever follow, and nothing would end.
      this.#timer ??= this.#clock.at(this.#clock.now() + AFTER_MISTAKE, this.#due);
      throw error;
    }
    if (this.revision !== before) this.#facts.tell({ kind: "plan_changed", revision: this.revision });
    this.#tellListeners();
  };

  #wantedToxics(): Wanted[] {
    return Object.entries(this.#value.toxics).flatMap(([name, faults]) => {
      const proxy = this.#targets.get(name);
      if (proxy === undefined) return [];
      return faults.map((fault) => ({ fault, proxy, phase: "", pass: 0, startsAt: 0, endsAt: Infinity }));
    });
  }

  #publish(target: PlanTarget, assigned: ReadonlySet<ArmedFault>): void {
    const faults = [
      ...this.#toxicArsenal.on(target.name),
      ...this.#running.flatMap((running) => running.on(target.name)),
    ];
    target.apply(faults, assigned);
  }

  #tellListeners(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
