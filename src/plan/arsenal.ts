/** The armed faults of one activation: makes those that are wanted, keeps those that stay, and reports at the end. */
import type { MatchEntry } from "../config/match.js";
import type { Clock } from "../core/clock.js";
import type { Facts, FaultReport } from "../core/events.js";
import { Book, type BookLabels, type Ledger } from "../core/ledger.js";
import type { AnyFaultType, Seam } from "../faults/contract/index.js";
import type { Engine } from "../faults/kernel-loss.js";
import { ArmedFault } from "../pipeline/armed.js";
import { engineOf, type EnginePlace } from "./engine.js";
import { rulesOfFault, textOfFault } from "./fault-text.js";
import { keylessWarnings } from "./keyless.js";
import { Misses } from "./misses.js";
import { Ordinals, ordinalsInWords } from "./ordinals.js";
import { liveParams, rampAt, type RampSpan } from "./params.js";
import { soFar, type SoFar } from "./so-far.js";
import { subjectsOn, type Subjects } from "./subjects.js";
import { WhenAdmission } from "./when.js";
import type { CompiledFault, CompiledProfile } from "./value.js";

interface Target extends EnginePlace {
  readonly name: string;
  readonly seams: ReadonlySet<Seam>;
  readonly except: readonly MatchEntry[];
}

/** One fault that should be in force on one proxy, with the span that its ramps run over. */
export interface Wanted {
  readonly fault: CompiledFault;
  readonly proxy: Target;
  readonly phase: string;
  readonly pass: number;
  readonly startsAt: number;
  readonly endsAt: number;
}

interface Weapon {
  readonly armed: ArmedFault;
  admission: WhenAdmission;
  madeFrom: Origin;
}

interface Account {
  readonly book: Book;
  readonly subjects: Subjects;
  /** Null where its rules were not the same all the time: then nobody can say why nothing matched. */
  misses: Misses | null;
  /** Of a fault with `only`. */
  ordinals: Ordinals | null;
}

export interface EngineChoice {
  readonly proxy: string;
  readonly fault: string;
  readonly engine: "kernel" | "model";
  readonly why: string;
}

export interface ArsenalParts {
  readonly activation: string;
  readonly profile: string;
  readonly seed: number;
  readonly observe: boolean;
  /** Somebody gave that seed. */
  readonly seeded: boolean;
  /** Why the kernel can act for no fault here; null if it can. */
  readonly kernel: () => string | null;
  readonly clock: Clock;
  readonly facts: Facts;
  readonly ledger: Ledger;
  readonly types: ReadonlyMap<string, AnyFaultType>;
}

export class Arsenal {
  readonly #parts: ArsenalParts;
  /** Its own, by proxy, fault and type: another activation may have faults of the same names. */
  readonly #accounts = new Map<string, Account>();
  #weapons = new Map<string, Weapon>();
  #byProxy = new Map<string, ArmedFault[]>();
  #proposed: readonly Wanted[] = [];
  /** Whether the kernel acts, or acted, for one of them. */
  usedKernel = false;

  constructor(parts: ArsenalParts) {
    this.#parts = parts;
  }

  on(proxy: string): readonly ArmedFault[] {
    return this.#byProxy.get(proxy) ?? [];
  }

  forget(proxy: string): void {
    this.#byProxy.delete(proxy);
    for (const [key, weapon] of this.#weapons) {
      if (weapon.armed.origin.proxy === proxy) this.#weapons.delete(key);
    }
  }

  get size(): number {
    return this.#weapons.size;
  }

  propose(wanted: readonly Wanted[]): void {
    this.#proposed = wanted;
  }

  commit(assigned: Set<ArmedFault>): void {
    this.want(this.#proposed, assigned);
  }

  /** Makes exactly these the faults in force. Those whose text changed are added to `assigned`. */
  want(wanted: readonly Wanted[], assigned: Set<ArmedFault>): void {
    const weapons = new Map<string, Weapon>();
    const byProxy = new Map<string, ArmedFault[]>();
    for (const one of wanted) {
      const key = JSON.stringify([
        one.proxy.name,
        one.phase,
        one.pass,
        one.startsAt,
        one.fault.name,
        one.fault.type,
        // Elsewhere it is another fault: what it has in its hands cannot be moved there.
        one.fault.at,
      ]);
      const engine = this.#engineOf(one);
      const weapon = this.#keep(key, one, engine, assigned) ?? this.#make(key, one, engine);
      if (weapon === null) continue;
      weapons.set(key, weapon);
      const list = byProxy.get(one.proxy.name);
      if (list) list.push(weapon.armed);
      else byProxy.set(one.proxy.name, [weapon.armed]);
    }
    this.#weapons = weapons;
    this.#byProxy = byProxy;
  }

  #engineOf({ fault, proxy }: Wanted): Engine | null {
    const { types, observe, seeded, kernel } = this.#parts;
    const type = types.get(fault.type);
    if (type?.kernel === undefined) return null;
    return engineOf(fault, type, proxy, { observe, seeded, unavailable: kernel });
  }

  #keep(key: string, wanted: Wanted, engine: Engine | null, assigned: Set<ArmedFault>): Weapon | null {
    const weapon = this.#weapons.get(key);
    if (weapon === undefined) return null;
    // What the kernel has begun the model cannot go on with, and the other way round.
    if ((weapon.armed.kernel === null) !== ((engine?.kernel ?? null) === null)) return null;
    const origin = originOf(wanted);
    if (isSame(weapon.madeFrom, origin)) return weapon;
    const span = this.#span(wanted);
    weapon.madeFrom = origin;
    weapon.admission = weapon.admission.replacedBy(
      wanted.fault,
      wanted.proxy.except,
      probability(wanted.fault, span),
      this.#missesOf(wanted),
      this.#ordinalsOf(wanted),
    );
    weapon.armed.assign(
      liveParams(wanted.fault, weapon.armed.type, span),
      wanted.fault.directions,
      weapon.admission,
      engine,
    );
    assigned.add(weapon.armed);
    return weapon;
  }

  #make(key: string, wanted: Wanted, engine: Engine | null): Weapon | null {
    const { fault, proxy, phase, pass } = wanted;
    const { activation, profile, seed, observe, clock, facts, ledger, types } = this.#parts;
    const type = types.get(fault.type);
    if (type === undefined) return null;
    const span = this.#span(wanted);
    const labels = { proxy: proxy.name, profile, fault: fault.name, type: fault.type };
    const effects = Object.keys(type.effects);
    const account = this.#accounts.get(accountKey(labels)) ?? {
      book: new Book(labels, effects, ledger.open(labels, effects)),
      subjects: subjectsOn(type, proxy.seams, fault.at),
      misses: newMisses(wanted),
      ordinals: null,
    };
    this.#accounts.set(accountKey(labels), account);
    const { book } = account;
    const admission = new WhenAdmission(
      fault,
      proxy.except,
      probability(fault, span),
      this.#missesOf(wanted),
      this.#ordinalsOf(wanted),
      () => clock.now(),
    );
    const armed = new ArmedFault({
      key,
      type,
      params: liveParams(fault, type, span),
      directions: fault.directions,
      at: fault.at,
      draws: { seed, activation, phase, pass, fault: fault.name, proxy: proxy.name },
      origin: { proxy: proxy.name, activation, profile, phase, fault: fault.name, type: fault.type },
      admission,
      observe,
      engine,
      book,
      facts,
      clock,
    });
    if (engine !== null && engine.kernel !== null) this.usedKernel = true;
    if (engine !== null)
      facts.tell({
        kind: "engine_chosen",
        ...armed.origin,
        engine: engine.kernel === null ? "model" : "kernel",
        why: engine.why,
      });
    return { armed, admission, madeFrom: originOf(wanted) };
  }

  /** Those of its account, for as long as its rules stay what they are. */
  #missesOf(wanted: Wanted): Misses | null {
    const { fault, proxy } = wanted;
    const account = this.#accounts.get(
      accountKey({ proxy: proxy.name, fault: fault.name, type: fault.type }),
    );
    if (account === undefined) return null;
    if (account.misses !== null && account.misses.text !== rulesOf(wanted)) account.misses = null;
    return account.misses;
  }

  #ordinalsOf({ fault, proxy }: Wanted): Ordinals | null {
    const account = this.#accounts.get(
      accountKey({ proxy: proxy.name, fault: fault.name, type: fault.type }),
    );
    const { only } = fault.when;
    if (account === undefined || only === undefined) return null;
    account.ordinals ??= new Ordinals(only);
    account.ordinals.changed(only);
    return account.ordinals;
  }

  #span({ startsAt, endsAt }: Wanted): RampSpan {
    return { startsAt, endsAt, now: () => this.#parts.clock.now() };
  }

  /** Who carries out what, of those in force that the kernel can act for. */
  engines(): EngineChoice[] {
    return [...this.#weapons.values()].flatMap(({ armed: { engine, origin } }) =>
      engine === null
        ? []
        : [
            {
              proxy: origin.proxy,
              fault: origin.fault,
              engine: engine.kernel === null ? "model" : "kernel",
              why: engine.why,
            },
          ],
    );
  }

  /** What was done since the activation began, by fault and proxy. */
  report(): FaultReport[] {
    return [...this.#accounts.values()].map(reportOf);
  }

  /** The same while it goes on. */
  soFar(): SoFar[] {
    const byKernel = new Set(
      this.engines().flatMap(({ proxy, fault, engine }) =>
        engine === "kernel" ? [JSON.stringify([proxy, fault])] : [],
      ),
    );
    return [...this.#accounts.values()].map((account) => {
      const report = reportOf(account);
      return soFar({
        report,
        of: account.subjects,
        why: account.misses?.why() ?? null,
        byKernel: byKernel.has(JSON.stringify([report.proxy, report.fault])),
        observe: this.#parts.observe,
      });
    });
  }

  /** What one fault did on one proxy since it was set there, which is forgotten with it. */
  settle(proxy: string, { name: fault, type }: CompiledFault): FaultReport {
    const key = accountKey({ proxy, fault, type });
    const account = this.#accounts.get(key);
    this.#accounts.delete(key);
    return account === undefined
      ? { proxy, fault, type, subjects: 0, matched: 0, hits: 0, effects: {} }
      : reportOf(account);
  }

  /** What the operator should look at. */
  warnings(profile: CompiledProfile, why: string): string[] {
    const books = [...this.#accounts.values()].map(({ book }) => book);
    return [
      ...this.#findings(),
      ...keylessWarnings(faultsOf(profile), books),
      ...this.#untouched(profile, why),
    ];
  }

  /** What faults have found out about those that they hit. */
  #findings(): string[] {
    const sums = new Map<string, number>();
    for (const account of this.#accounts.values()) {
      const { fault, type, effects } = reportOf(account);
      for (const [effect, words] of Object.entries(this.#parts.types.get(type)?.findings ?? {})) {
        const count = effects[effect] ?? 0;
        if (words === undefined || count === 0) continue;
        const key = JSON.stringify([fault, words]);
        sums.set(key, (sums.get(key) ?? 0) + count);
      }
    }
    return [...sums].map(([key, count]) => {
      const [fault, words] = JSON.parse(key) as [string, string];
      return `${fault}: ${words}: ${count}`;
    });
  }

  /** A warning for each fault that hit nothing: most often a typing mistake in `match`. */
  #untouched(profile: CompiledProfile, why: string): string[] {
    const byFault = new Map<string, Sum>();
    for (const account of this.#accounts.values()) {
      const { fault, subjects, matched, hits, not_reached = null } = reportOf(account);
      const sum = byFault.get(fault) ?? {
        subjects: 0,
        matched: 0,
        hits: 0,
        nouns: new Set(),
        whys: new Set(),
        notReached: not_reached,
      };
      byFault.set(fault, {
        subjects: sum.subjects + subjects,
        matched: sum.matched + matched,
        hits: sum.hits + hits,
        nouns: sum.nouns.add(account.subjects),
        whys: sum.whys.add(account.misses?.why() ?? null),
        // On another proxy there may have been more.
        notReached: sum.notReached?.filter((n) => not_reached?.includes(n) === true) ?? null,
      });
    }
    // The same name may stand in several phases; it is one fault to whoever reads the report.
    const warnings = new Set<string>();
    for (const fault of faultsOf(profile)) {
      const sum = byFault.get(fault.name);
      if (sum === undefined) {
        if (why === "finished") warnings.add(`${fault.name} was never in force`);
      } else if (this.engines().some((one) => one.fault === fault.name && one.engine === "kernel")) {
        // Where it dropped nothing there was nothing to drop.
      } else if (sum.subjects === 0 && this.#parts.types.get(fault.type)?.listener !== undefined) {
        // Nobody got in to be hit, which is just what it is for.
      } else if (sum.matched === 0) {
        warnings.add(`${fault.name} matched 0 of ${sum.subjects} ${nouns(sum)}${whyOf(sum)}`);
      } else if (sum.hits === 0) {
        const why = isEmpty(sum.notReached) ? "" : `: ${notReachedIn(sum)}`;
        warnings.add(`${fault.name} hit 0 of ${sum.matched} matching ${nouns(sum)}${why}`);
      } else if (!isEmpty(sum.notReached)) {
        warnings.add(
          `${fault.name} hit ${sum.hits} of ${sum.matched} matching ${nouns(sum)}: ${notReachedIn(sum)}`,
        );
      }
    }
    return [...warnings];
  }
}

function faultsOf({ faults, phases }: CompiledProfile): readonly CompiledFault[] {
  return [...faults, ...phases.flatMap((phase) => phase.faults)];
}

/** What a fault in force was made from; where it differs there is something to assign. */
interface Origin {
  readonly fault: CompiledFault;
  readonly endsAt: number;
  /** Of its proxy, at that time. */
  readonly except: string;
}

function originOf({ fault, endsAt, proxy }: Wanted): Origin {
  return { fault, endsAt, except: JSON.stringify(proxy.except) };
}

function isSame(one: Origin, other: Origin): boolean {
  const sameFault = one.fault === other.fault || textOfFault(one.fault) === textOfFault(other.fault);
  return sameFault && one.endsAt === other.endsAt && one.except === other.except;
}

interface Sum {
  readonly subjects: number;
  readonly matched: number;
  readonly hits: number;
  /** A fault on proxies of both protocols has subjects of both kinds. */
  readonly nouns: Set<Subjects>;
  /** Why nothing matched, on each proxy. */
  readonly whys: Set<string | null>;
  /** Ordinals of `only` for which nobody came on any proxy; null without `only`. */
  readonly notReached: readonly number[] | null;
}

function isEmpty(ordinals: readonly number[] | null): boolean {
  return ordinals === null || ordinals.length === 0;
}

function notReachedIn({ notReached }: Sum): string {
  const ordinals = notReached ?? [];
  return `${ordinalsInWords(ordinals)} ${ordinals.length === 1 ? "was" : "were"} not reached`;
}

function nouns(sum: Sum): string {
  return [...sum.nouns].sort().join(" and ");
}

/** Where nobody came by there is nothing to explain, and where proxies differ no one sentence does. */
function whyOf({ subjects, whys }: Sum): string {
  const [why = null] = whys;
  return subjects === 0 || whys.size > 1 || why === null ? "" : `: ${why}`;
}

function newMisses(wanted: Wanted): Misses {
  return new Misses(wanted.fault.match, rulesOf(wanted));
}

/** Whom it is about. */
function rulesOf({ fault, proxy }: Wanted): string {
  return `${rulesOfFault(fault)} ${JSON.stringify(proxy.except)}`;
}

function reportOf({ book, ordinals }: Account): FaultReport {
  const { proxy, fault, type } = book.labels;
  const report = { proxy, fault, type, ...book.tally() };
  return ordinals === null ? report : { ...report, not_reached: ordinals.notReached };
}

function accountKey({ proxy, fault, type }: Pick<BookLabels, "proxy" | "fault" | "type">): string {
  return JSON.stringify([proxy, fault, type]);
}

function probability(fault: CompiledFault, span: RampSpan): () => number {
  const { probability: value = 1 } = fault.when;
  return typeof value === "number" ? () => value : () => rampAt(value, span);
}
