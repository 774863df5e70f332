/**
 * The live plan: keeps the plan's value, moves it through time, and tells each proxy which faults are
 * in force. Every change happens whole, within one turn of the event loop, and waits for nobody.
 */
import type { MatchEntry } from "../config/match.js";
import type { Clock, Timer } from "../core/clock.js";
import type { Fact, Facts } from "../core/events.js";
import { formatDuration } from "../core/units.js";
import type { Ledger } from "../core/ledger.js";
import type { AnyFaultType, Seam } from "../faults/contract.js";
import type { ArmedFault } from "../pipeline/armed.js";
import { Arsenal, type ArsenalParts, type EngineChoice, type Wanted } from "./arsenal.js";
import { actsOn } from "./subjects.js";
import { positionAt, windowOf, type Position } from "./timeline.js";
import {
  INLINE,
  TOXICS,
  type ActivationValue,
  type CompiledFault,
  type CompiledProfile,
  type PlanValue,
} from "./value.js";

/** A proxy as the plan sees it. */
export interface PlanTarget {
  readonly name: string;
  readonly seams: ReadonlySet<Seam>;
  /** Subjects that are never faulted here. */
  readonly except: readonly MatchEntry[];
  /** Its clients are named by a header: their packets do not bear those addresses. */
  readonly named?: boolean;
  /** The faults in force from now on, in order; `assigned` are those with new parameters. */
  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void;
}

export interface ActivationRequest {
  readonly profile: string;
  readonly compiled: CompiledProfile;
  readonly written: readonly unknown[] | null;
  readonly given: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Somebody gave that seed; otherwise it was drawn. */
  readonly seeded?: boolean;
  readonly proxies: readonly string[] | null;
  readonly mode: "inject" | "observe";
  readonly ttl: number | null;
}

/** What an activation brings along from an earlier life of the daemon. */
export interface EarlierLife {
  readonly id: string;
  /** On the wall clock, which went on while nobody was there. */
  readonly startedAt: number;
  readonly seeded: boolean;
}

type EndReason = Extract<Fact, { kind: "activation_ended" }>["why"];

interface Running {
  value: ActivationValue;
  /** The start on the monotonic clock, which no clock jump moves. */
  readonly startedAt: number;
  position: Position | null;
  readonly arsenal: Arsenal;
}

export interface ActivationState {
  readonly value: ActivationValue;
  readonly phase: string | null;
  readonly pass: number;
  /** Milliseconds until it ends by itself; null for never. */
  readonly remaining: number | null;
  readonly phaseRemaining: number | null;
  readonly engines: readonly EngineChoice[];
}

export class LivePlan {
  readonly #clock: Clock;
  readonly #facts: Facts;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #ledger: Ledger;
  readonly #version: string;
  readonly #kernel: () => string | null;
  readonly #targets = new Map<string, PlanTarget>();
  readonly #toxicArsenal: Arsenal;
  readonly #listeners = new Set<() => void>();
  #running: Running[] = [];
  #value: PlanValue = { revision: 0, toxics: {}, activations: [] };
  #timer: Timer | null = null;

  constructor(parts: {
    readonly clock: Clock;
    readonly facts: Facts;
    readonly ledger: Ledger;
    readonly types: ReadonlyMap<string, AnyFaultType>;
    /** Of this program, for the line that starts a run again. */
    readonly version: string;
    /** Toxics have no activation, so their draws hang on the daemon's own seed. */
    readonly seed: number;
    /** Somebody gave that seed. */
    readonly seeded?: boolean;
    /** Why the kernel can act for no fault here; null if it can. Without it, there is none to ask. */
    readonly kernel?: () => string | null;
  }) {
    this.#clock = parts.clock;
    this.#facts = parts.facts;
    this.#types = parts.types;
    this.#ledger = parts.ledger;
    this.#version = parts.version;
    this.#kernel = parts.kernel ?? (() => "nobody is there to ask the kernel");
    this.#toxicArsenal = this.#arsenal({
      activation: TOXICS,
      profile: TOXICS,
      seed: parts.seed,
      seeded: parts.seeded ?? false,
      observe: false,
    });
  }

  get value(): PlanValue {
    return this.#value;
  }

  get revision(): number {
    return this.#value.revision;
  }

  /** The line that starts the same run again. */
  again(activation: ActivationValue): string {
    return runAgain(activation, this.#version);
  }

  states(): ActivationState[] {
    const now = this.#clock.now();
    return this.#running.map((running) => stateOf(running, now));
  }

  /** Called after every change and every phase; answers how to stop being called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // -- proxies ------------------------------------------------------------------------------------

  attach(target: PlanTarget): void {
    this.#targets.set(target.name, target);
    this.#advance();
  }

  /** Forgets the proxy; its toxics go with it unless it is only being restarted. */
  detach(name: string, keepToxics: boolean): void {
    this.#targets.delete(name);
    this.#toxicArsenal.forget(name);
    for (const running of this.#running) running.arsenal.forget(name);
    if (!keepToxics && this.toxicsOf(name).length > 0) this.setToxics(name, []);
  }

  // -- changes ------------------------------------------------------------------------------------

  /** Puts these activations in place of all others, at once. */
  replace(requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    const old = this.#running;
    this.#running = [];
    for (const running of old) this.#tellEnd(running, "replaced");
    return this.#start(requests);
  }

  /** Adds activations; one of the same id starts anew. */
  add(requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    for (const { profile } of requests) {
      if (profile === INLINE) continue;
      const same = this.#running.find((running) => running.value.id === profile);
      if (same) {
        this.#running = this.#running.filter((running) => running !== same);
        this.#tellEnd(same, "replaced");
      }
    }
    return this.#start(requests);
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
    if (request.ttl !== null && now >= start + request.ttl) return "expired";
    if (positionAt(request.compiled, start, now) === "finished") return "finished";
    const running = this.#run(request, id, { wall, now: start });
    this.#running.push(running);
    this.#tellStart("activation_resumed", running.value);
    this.#commit({ activations: this.#running.map(({ value }) => value) });
    return null;
  }

  /** Ends those that the test picks; answers how many. */
  end(pick: (activation: ActivationValue) => boolean, why: EndReason): number {
    const ending = this.#running.filter((running) => pick(running.value));
    if (ending.length === 0) return 0;
    this.#running = this.#running.filter((running) => !ending.includes(running));
    this.#commit({ activations: this.#running.map((running) => running.value) });
    for (const running of ending) this.#tellEnd(running, why);
    return ending.length;
  }

  /** Gives running activations new text; they keep their start. `null` leaves one as it is. */
  recompile(compile: (activation: ActivationValue) => CompiledProfile | null): void {
    let changed = false;
    for (const running of this.#running) {
      const compiled = compile(running.value);
      if (compiled === null || JSON.stringify(compiled) === JSON.stringify(running.value.compiled)) continue;
      running.value = { ...running.value, compiled };
      changed = true;
    }
    if (changed) this.#commit({ activations: this.#running.map((running) => running.value) });
  }

  /** A proxy's own faults. Any name may be asked for, those that every object has among them. */
  toxicsOf(proxy: string): readonly CompiledFault[] {
    const { toxics } = this.#value;
    return Object.hasOwn(toxics, proxy) ? (toxics[proxy] ?? []) : [];
  }

  /** Takes the own faults of all proxies away. */
  clearToxics(): void {
    if (Object.keys(this.#value.toxics).length > 0) this.#commit({ toxics: {} });
  }

  /** Sets a proxy's own faults, in order. Those that stay keep their state. */
  setToxics(proxy: string, faults: readonly CompiledFault[]): void {
    const toxics = { ...this.#value.toxics, [proxy]: faults };
    this.#commit({
      toxics: Object.fromEntries(Object.entries(toxics).filter(([, list]) => list.length > 0)),
    });
  }

  /** Decides anew who carries faults out: the kernel can do less, or more, than it could. */
  reconsider(): void {
    this.#advance();
    this.#tellListeners();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#listeners.clear();
  }

  // -- inside -------------------------------------------------------------------------------------

  #start(requests: readonly ActivationRequest[]): readonly ActivationValue[] {
    const at = { wall: this.#clock.wallTime(), now: this.#clock.now() };
    const started = requests.map((request): Running => {
      const running = this.#run(request, this.#idFor(request.profile), at);
      this.#running.push(running);
      return running;
    });
    for (const { value } of started) this.#tellStart("activation_started", value);
    this.#commit({ activations: this.#running.map((running) => running.value) });
    return started.map((running) => running.value);
  }

  #run(request: ActivationRequest, id: string, at: { readonly wall: number; readonly now: number }): Running {
    const { profile, seed, mode, seeded = false } = request;
    const value: ActivationValue = {
      id,
      generation: this.revision + 1,
      profile,
      compiled: request.compiled,
      written: request.written,
      given: request.given,
      seed,
      seeded,
      proxies: request.proxies,
      mode,
      startedAt: at.wall,
      ttl: request.ttl,
    };
    const observe = mode === "observe";
    const arsenal = this.#arsenal({ activation: id, profile, seed, seeded, observe });
    return { value, startedAt: at.now, position: null, arsenal };
  }

  #tellStart(kind: "activation_started" | "activation_resumed", value: ActivationValue): void {
    const { id: activation, profile, seed, mode } = value;
    const fact = { activation, profile, seed, params: value.compiled.params, mode, again: this.again(value) };
    if (kind === "activation_started") this.#facts.tell({ kind, ...fact });
    else this.#facts.tell({ kind, ...fact, since: new Date(value.startedAt).toISOString() });
  }

  #idFor(profile: string): string {
    if (profile !== INLINE) return profile;
    const taken = new Set(this.#running.map((running) => running.value.id));
    let id = INLINE;
    for (let n = 2; taken.has(id); n++) id = `${INLINE}-${n}`;
    return id;
  }

  #arsenal(of: Pick<ArsenalParts, "activation" | "profile" | "seed" | "seeded" | "observe">): Arsenal {
    return new Arsenal({
      ...of,
      clock: this.#clock,
      facts: this.#facts,
      ledger: this.#ledger,
      types: this.#types,
      kernel: this.#kernel,
    });
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
    const finished: (readonly [Running, EndReason])[] = [];
    for (const running of this.#running) {
      const { value, startedAt } = running;
      const position = positionAt(value.compiled, startedAt, now);
      const expiresAt = value.ttl === null ? Infinity : startedAt + value.ttl;
      if (now >= expiresAt) {
        finished.push([running, "expired"]);
        continue;
      }
      if (position === "finished") {
        finished.push([running, "finished"]);
        continue;
      }
      next = Math.min(next, expiresAt, this.#enter(running, position, now));
    }
    if (finished.length > 0) {
      const gone = new Set(finished.map(([running]) => running));
      this.#running = this.#running.filter((running) => !gone.has(running));
      const activations = this.#running.map((running) => running.value);
      this.#value = { ...this.#value, activations, revision: this.revision + 1 };
    }
    const assigned = new Set<ArmedFault>();
    this.#toxicArsenal.want(this.#wantedToxics(), assigned);
    for (const running of this.#running) running.arsenal.commit(assigned);
    for (const target of this.#targets.values()) this.#publish(target, assigned);
    for (const [running, why] of finished) this.#tellEnd(running, why);
    this.#timer?.cancel();
    this.#timer = next === Infinity ? null : this.#clock.at(next, this.#due);
  }

  readonly #due = (): void => {
    this.#timer = null;
    const before = this.revision;
    this.#advance();
    if (this.revision !== before) this.#facts.tell({ kind: "plan_changed", revision: this.revision });
    this.#tellListeners();
  };

  /** Notes what a running activation wants armed now; answers when that changes next. */
  #enter(running: Running, position: Position | null, now: number): number {
    const { value, startedAt } = running;
    const phase = position === null ? undefined : value.compiled.phases[position.index];
    const before = running.position;
    if (
      position !== null &&
      phase !== undefined &&
      (before?.startsAt !== position.startsAt || before.index !== position.index)
    ) {
      this.#facts.tell({
        kind: "phase_entered",
        activation: value.id,
        profile: value.profile,
        phase: phase.phase,
        pass: position.pass + 1,
      });
    }
    running.position = position;
    let next = position?.endsAt ?? Infinity;
    const wanted: Wanted[] = [];
    const note = (
      fault: CompiledFault,
      place: Pick<Wanted, "phase" | "pass" | "startsAt" | "endsAt">,
    ): void => {
      const window = windowOf(fault, place.startsAt, now);
      next = Math.min(next, window.changesAt);
      if (!window.open) return;
      for (const proxy of this.#proxiesOf(fault, value.proxies)) wanted.push({ ...place, fault, proxy });
    };
    for (const fault of value.compiled.faults) {
      note(fault, { phase: "", pass: 0, startsAt: startedAt, endsAt: Infinity });
    }
    if (position !== null && phase !== undefined) {
      const { pass, startsAt, endsAt } = position;
      for (const fault of phase.faults) note(fault, { phase: phase.phase, pass, startsAt, endsAt });
    }
    running.arsenal.propose(wanted);
    return next;
  }

  #wantedToxics(): Wanted[] {
    return Object.entries(this.#value.toxics).flatMap(([name, faults]) => {
      const proxy = this.#targets.get(name);
      if (proxy === undefined) return [];
      return faults.map((fault) => ({ fault, proxy, phase: "", pass: 0, startsAt: 0, endsAt: Infinity }));
    });
  }

  #proxiesOf(fault: CompiledFault, restricted: readonly string[] | null): PlanTarget[] {
    const type = this.#types.get(fault.type);
    if (type === undefined) return [];
    return [...this.#targets.values()].filter(
      (target) =>
        (fault.proxies === null || fault.proxies.includes(target.name)) &&
        (restricted === null || restricted.includes(target.name)) &&
        actsOn(fault, type, target.seams),
    );
  }

  #publish(target: PlanTarget, assigned: ReadonlySet<ArmedFault>): void {
    const faults = [
      ...this.#toxicArsenal.on(target.name),
      ...this.#running.flatMap((running) => running.arsenal.on(target.name)),
    ];
    target.apply(faults, assigned);
  }

  #tellEnd(running: Running, why: EndReason): void {
    const { value } = running;
    const faults = running.arsenal.report();
    const untouched = running.arsenal.untouched(value.compiled, why);
    this.#facts.tell({
      kind: "activation_ended",
      activation: value.id,
      profile: value.profile,
      why,
      faults,
      warnings: untouched,
    });
  }

  #tellListeners(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function stateOf(running: Running, now: number): ActivationState {
  const { value, position, startedAt } = running;
  const { phases, repeat } = value.compiled;
  const cycle = phases.reduce((sum, phase) => sum + (phase.for ?? Infinity), 0);
  const finishesAt = phases.length === 0 || repeat === "forever" ? Infinity : startedAt + cycle * repeat;
  const endsAt = Math.min(finishesAt, value.ttl === null ? Infinity : startedAt + value.ttl);
  const phaseEndsAt = position?.endsAt ?? Infinity;
  return {
    value,
    phase: position === null ? null : (phases[position.index]?.phase ?? null),
    pass: position === null ? 1 : position.pass + 1,
    remaining: Number.isFinite(endsAt) ? Math.max(0, endsAt - now) : null,
    phaseRemaining: Number.isFinite(phaseEndsAt) ? Math.max(0, phaseEndsAt - now) : null,
    engines: running.arsenal.engines(),
  };
}

/** The line that starts the same run again: printed, logged, and in GET /active. */
export function runAgain(
  value: Pick<ActivationValue, "profile" | "seed" | "mode" | "proxies" | "compiled" | "written" | "ttl">,
  version: string,
): string {
  const words = value.written === null ? useAgain(value) : putAgain(value, value.written);
  const line = words.map((word) =>
    /^[\w./=:%@+-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
  );
  return `${line.join(" ")}  # squall ${version}`;
}

function useAgain({
  profile,
  seed,
  mode,
  proxies,
  compiled,
  ttl,
}: Pick<ActivationValue, "profile" | "seed" | "mode" | "proxies" | "compiled" | "ttl">): string[] {
  const words = ["squall", "use", profile, "--seed", String(seed)];
  for (const [name, param] of Object.entries(compiled.params))
    words.push("--param", `${name}=${String(param)}`);
  if (ttl !== null) words.push("--ttl", formatDuration(ttl));
  if (proxies !== null) words.push("--proxy", ...proxies);
  if (mode === "observe") words.push("--observe");
  return words;
}

/** Faults without a profile go the way they came. */
function putAgain(
  { seed, mode, proxies, ttl }: Pick<ActivationValue, "seed" | "mode" | "proxies" | "ttl">,
  faults: readonly unknown[],
): string[] {
  const body = {
    faults,
    seed,
    ...(ttl === null ? {} : { ttl: formatDuration(ttl) }),
    ...(proxies === null ? {} : { proxies }),
    ...(mode === "observe" ? { mode } : {}),
  };
  return ["curl", "-X", "PUT", "localhost:8474/active", "-d", JSON.stringify(body)];
}
