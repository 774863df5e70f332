/**
 * An armed fault: one configured fault in force on one proxy. It decides which subjects it acts on,
 * keeps what they share, and books what it does to each.
 */
import type { Clock, Millis } from "../core/clock.js";
import type { Facts, FaultOrigin } from "../core/events.js";
import type { Book } from "../core/ledger.js";
import { BoundedMap } from "../core/lru.js";
import {
  LANE,
  Random,
  admissionDraw,
  drawKey,
  type DrawKey,
  type DrawName,
  type Lane,
} from "../core/random.js";
import type { AnyFaultType, Detail, Direction, ListenerFault, Scope } from "../faults/contract.js";
import { acts } from "../faults/kit.js";

/** What there is to know about a subject when it begins. */
export interface SubjectInfo {
  readonly bot: string;
  readonly connection: number;
  readonly client: string;
  /** Of HTTP exchanges, and of nothing else. */
  readonly exchange?: ExchangeKeys;
}

/** What an exchange can be matched on. */
export interface ExchangeKeys {
  readonly id: number;
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  /** Without the port, in lower case; empty if there is none. */
  readonly host: string;
  readonly upstream: string;
  /** The upstream's own; null until its head has come. */
  readonly status: number | null;
  /** The values of all fields of that name, in order. */
  headers(name: string): readonly string[];
  /** The values of all parameters of that name, decoded, in order. */
  queries(name: string): readonly string[];
}

/** The `match`, `except` and `when` of a fault, with the counters that belong to it. */
export interface Admission {
  /** Whether it can only be known when the upstream has answered. */
  readonly needsStatus: boolean;
  /** Method and the pattern that the path was matched by, or the path: what `per: route` counts by. */
  routeOf(subject: SubjectInfo): string;
  matches(subject: SubjectInfo): boolean;
  /** Asked once for each matching subject; `draw` is its one draw for `probability`. */
  fires(subject: SubjectInfo, draw: () => number): boolean;
  readonly evicted: number;
}

export interface ArmedParts {
  /** Equal for the same fault of the same activation, phase and pass; tells a live change what stays. */
  readonly key: string;
  readonly type: AnyFaultType;
  readonly params: Record<string, unknown>;
  readonly directions: Direction | "both" | null;
  /** Where it acts, of a type that knows several places; empty otherwise. */
  readonly at: string;
  readonly draws: Omit<DrawName, "bot">;
  readonly origin: Pick<FaultOrigin, "proxy" | "activation" | "profile" | "phase" | "fault" | "type">;
  readonly admission: Admission;
  readonly observe: boolean;
  readonly book: Book;
  readonly facts: Facts;
  readonly clock: Clock;
}

interface Bot {
  key: DrawKey | null;
  ordinals: number;
}

/** How many bots a fault remembers the ordinals of; beyond it the longest unused one starts anew. */
export const BOTS_REMEMBERED = 10_000;

export class ArmedFault {
  readonly key: string;
  readonly type: AnyFaultType;
  readonly origin: ArmedParts["origin"];
  readonly observe: boolean;
  readonly book: Book;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly shared: unknown;
  readonly listener: ListenerFault | null;
  readonly params: Record<string, unknown>;
  readonly at: string;
  readonly #draws: Omit<DrawName, "bot">;
  readonly #bots: BoundedMap<string, Bot>;
  #directions: Direction | "both" | null;
  #admission: Admission;

  constructor(parts: ArmedParts) {
    this.key = parts.key;
    this.type = parts.type;
    this.origin = parts.origin;
    this.observe = parts.observe;
    this.book = parts.book;
    this.facts = parts.facts;
    this.clock = parts.clock;
    this.params = parts.params;
    this.at = parts.at;
    this.#directions = parts.directions;
    this.#draws = parts.draws;
    this.#admission = parts.admission;
    this.#bots = new BoundedMap(BOTS_REMEMBERED, () => {
      this.book.evicted++;
    });
    const scope = {
      params: this.params,
      at: this.at,
      now: () => this.clock.now(),
      evicted: () => {
        this.book.evicted++;
      },
    };
    this.shared = this.type.shared?.(scope);
    this.listener = this.observe ? null : (this.type.listener?.(scope) ?? null);
  }

  /** New parameters behind the same fault: live stages see them at their next look. */
  assign(params: Record<string, unknown>, directions: Direction | "both" | null, admission: Admission): void {
    // What is not given any more must go, or an optional parameter could never be taken back.
    for (const name of Object.keys(this.params))
      if (!(name in params)) Reflect.deleteProperty(this.params, name);
    Object.defineProperties(this.params, Object.getOwnPropertyDescriptors(params));
    this.#directions = directions;
    this.#admission = admission;
  }

  /** Whether subjects can only be told apart by what the upstream answered. */
  get needsStatus(): boolean {
    return this.#admission.needsStatus;
  }

  routeOf(subject: SubjectInfo): string {
    return this.#admission.routeOf(subject);
  }

  /** Whether this subject is hit, decided once when it begins. Null lets it be. */
  admit(subject: SubjectInfo): Subject | null {
    this.book.subjects++;
    if (!this.#admission.matches(subject)) return null;
    this.book.matched++;
    const bot = this.#bot(subject.bot);
    const ordinal = bot.ordinals++;
    if (!this.#admission.fires(subject, () => admissionDraw(this.#keyOf(bot, subject.bot), ordinal)))
      return null;
    const admitted = new Subject(this, subject, this.#keyOf(bot, subject.bot), ordinal);
    if (!this.observe) return admitted;
    admitted.observed();
    return null;
  }

  actsOn(direction: Direction): boolean {
    return acts(this.#directions, direction);
  }

  #bot(name: string): Bot {
    const known = this.#bots.get(name);
    if (known) return known;
    const bot: Bot = { key: null, ordinals: 0 };
    this.#bots.set(name, bot);
    return bot;
  }

  #keyOf(bot: Bot, name: string): DrawKey {
    bot.key ??= drawKey({ ...this.#draws, bot: name });
    return bot.key;
  }
}

/** One fault on one subject: the scope that the fault's code is given. */
export class Subject implements Scope<Record<string, unknown>, string, unknown> {
  readonly armed: ArmedFault;
  readonly params: Record<string, unknown>;
  readonly shared: unknown;
  readonly at: string;
  readonly #info: SubjectInfo;
  readonly #key: DrawKey;
  readonly #ordinal: number;
  #random: Random | null = null;
  #effects: Record<string, number> | null = null;
  #firstAmount = 0;
  /** How many of its hits have their own entry. */
  #told = 0;

  constructor(armed: ArmedFault, info: SubjectInfo, key: DrawKey, ordinal: number) {
    this.armed = armed;
    this.params = armed.params;
    this.shared = armed.shared;
    this.at = armed.at;
    this.#info = info;
    this.#key = key;
    this.#ordinal = ordinal;
  }

  get random(): Random {
    this.#random ??= new Random(this.#key, this.#ordinal, LANE.subject);
    return this.#random;
  }

  acts(direction: Direction): boolean {
    return this.armed.actsOn(direction);
  }

  now(): Millis {
    return this.armed.clock.now();
  }

  wallTime(): number {
    return this.armed.clock.wallTime();
  }

  /** It has done something to this subject. */
  get touched(): boolean {
    return this.#effects !== null;
  }

  count(effect: string, amount = 1, detail?: Detail): void {
    const { armed } = this;
    armed.book.add(effect, amount);
    if (this.#effects === null) {
      this.#effects = { [effect]: amount };
      this.#firstAmount = amount;
      armed.book.hits++;
      this.#tellHit(effect, amount, detail);
      return;
    }
    const known = this.#effects[effect];
    if (known === undefined) {
      this.#effects[effect] = amount;
      this.#tellHit(effect, amount, detail);
    } else {
      this.#effects[effect] = known + amount;
      if (detail !== undefined && this.#told < (armed.type.entries ?? 0))
        this.#tellHit(effect, amount, detail);
    }
  }

  delayed(by: Millis): void {
    this.armed.book.delayed(by);
  }

  /** In observe mode: it would have been hit, and is not. */
  observed(): void {
    this.armed.book.hits++;
    this.armed.facts.tell({
      kind: "fault_hit",
      ...this.#origin(),
      effect: "observed",
      amount: 1,
      observed: true,
    });
  }

  /** The subject is over: tells the total where it says more than the first entry did. */
  finished(): void {
    if (this.#effects === null) return;
    const amounts = Object.values(this.#effects);
    if (amounts.length === 1 && amounts[0] === this.#firstAmount) return;
    this.armed.facts.tell({ kind: "fault_total", ...this.#origin(), effects: this.#effects });
  }

  /** The same scope for the bytes of one direction, whose draws must not depend on the other's. */
  forDirection(direction: Direction): Scope<Record<string, unknown>, string, unknown> {
    return new DirectedScope(this, new Random(this.#key, this.#ordinal, LANE[direction] satisfies Lane));
  }

  #tellHit(effect: string, amount: number, detail: Detail | undefined): void {
    this.#told++;
    this.armed.facts.tell({
      kind: "fault_hit",
      ...this.#origin(),
      effect,
      amount,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #origin(): FaultOrigin {
    const { bot, connection, exchange } = this.#info;
    const origin = { ...this.armed.origin, bot, connection };
    if (exchange === undefined) return origin;
    const { id, method, path } = exchange;
    return { ...origin, exchange: { id, method, path } };
  }
}

class DirectedScope implements Scope<Record<string, unknown>, string, unknown> {
  readonly params: Record<string, unknown>;
  readonly shared: unknown;
  readonly at: string;
  readonly random: Random;
  readonly #subject: Subject;

  constructor(subject: Subject, random: Random) {
    this.#subject = subject;
    this.params = subject.params;
    this.shared = subject.shared;
    this.at = subject.at;
    this.random = random;
  }

  acts(direction: Direction): boolean {
    return this.#subject.acts(direction);
  }

  now(): Millis {
    return this.#subject.now();
  }

  wallTime(): number {
    return this.#subject.wallTime();
  }

  count(effect: string, amount?: number, detail?: Detail): void {
    this.#subject.count(effect, amount, detail);
  }

  delayed(by: Millis): void {
    this.#subject.delayed(by);
  }
}
