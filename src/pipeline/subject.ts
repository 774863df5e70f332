/** One fault on one subject: the scope that the fault's code is given, and what is booked and told of it. */
import type { Clock, Millis } from "../core/clock.js";
import type { ExchangeName, Facts, FaultOrigin, QueryName } from "../core/events.js";
import type { Book } from "../core/ledger.js";
import type { Likeness } from "../core/likeness.js";
import { admissionDraw, LANE, Random, type DrawKey, type Lane } from "../core/random.js";
import type { DrawnBy } from "../core/verdict-reasons.js";
import type { KeyedLot } from "./keyed-draws.js";
import type { AnyFaultType, Detail, Direction, Scope } from "../faults/contract/index.js";
import type { Bearer, SubjectInfo } from "./subject-info.js";
import { fateOf, type Fate } from "./fate.js";
import type { Side } from "./sight.js";

/** What a subject has to know of the fault that acts on it, and whose books it writes into: an armed fault. */
export interface Actor {
  readonly type: AnyFaultType;
  readonly origin: Pick<FaultOrigin, "proxy" | "activation" | "profile" | "phase" | "fault" | "type">;
  readonly params: Record<string, unknown>;
  readonly at: string;
  readonly shared: unknown;
  readonly observe: boolean;
  readonly book: Book;
  readonly facts: Facts;
  readonly clock: Clock;
  likeness(bot: string, key: DrawKey): Likeness;
  actsOn(direction: Direction): boolean;
}

const NO_REASONS: readonly never[] = [];

/** The effect that counts what any fault did to health checks. */
export const HEALTH_CHECK = "health_check";

/** A connection, an exchange, a query. */
export class Subject<A extends Actor = Actor> implements Scope<Record<string, unknown>, string, unknown> {
  readonly armed: A;
  readonly #info: SubjectInfo;
  readonly #key: DrawKey;
  readonly #ordinal: number;
  #random: Random | null = null;
  /** Its draws, where a key names them. */
  keyed: KeyedLot | null = null;
  /** By what they are named, of a fault with `draw`: also of a subject without a key. */
  drawnBy: DrawnBy | undefined = undefined;
  /** What was done to it first, how much of it in all, and by its first entry. Null while nothing was. */
  #effect: string | null = null;
  #amount = 0;
  #firstAmount = 0;
  /** What else was: few do more than one thing to anybody. */
  #others: Record<string, number> | null = null;
  /** How many of its hits have their own entry. */
  #told = 0;
  /** Whether it is among the hits already. */
  #hit = false;
  #borneBy: Bearer | null = null;
  /** Why it was let be, as far as that is told. */
  #reasons: readonly string[] = NO_REASONS;

  constructor(armed: A, info: SubjectInfo, key: DrawKey, ordinal: number) {
    this.armed = armed;
    this.#info = info;
    this.#key = key;
    this.#ordinal = ordinal;
  }

  get params(): Record<string, unknown> {
    return this.armed.params;
  }

  get shared(): unknown {
    return this.armed.shared;
  }

  get at(): string {
    return this.armed.at;
  }

  get random(): Random {
    this.#random ??= new Random(this.#key, this.#ordinal, LANE.subject);
    return this.#random;
  }

  /** The number that was drawn for it and is compared with the fault's probability. */
  get lot(): number {
    return admissionDraw(this.#key, this.#ordinal);
  }

  alike(correlation: number): number {
    // By a key it resembles none that came before: its normal is its own.
    if (this.drawnBy !== undefined) return new Random(this.#key, this.#ordinal, LANE.subject).normal();
    return this.armed.likeness(this.#info.bot, this.#key).at(this.#ordinal, correlation);
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
    return this.#effect !== null;
  }

  count(effect: string, amount = 1, detail?: Detail): void {
    const spared = this.armed.type.spares?.includes(effect) === true;
    const { sight } = this.#info;
    if (sight !== null && sight !== undefined)
      sight.acted(this.armed.origin, effect, amount, detail, spared, this.armed.observe);
    if (this.armed.observe) {
      if (!spared) this.wouldBe(effect, detail);
      return;
    }
    if (spared) {
      this.#spared(effect, amount, detail);
      return;
    }
    this.booked(effect, amount);
    this.#info.struck?.(this.armed.origin.fault);
    if (this.#effect === null) {
      this.#effect = effect;
      this.#amount = this.#firstAmount = amount;
      this.#tellHit(effect, amount, detail);
      return;
    }
    if (!this.#more(effect, amount) || (detail !== undefined && this.#told < this.entries))
      this.#tellHit(effect, amount, detail);
  }

  /** Adds it; false if nothing of the kind was done before. */
  #more(effect: string, amount: number): boolean {
    if (effect === this.#effect) {
      this.#amount += amount;
      return true;
    }
    const others = (this.#others ??= {});
    const known = others[effect];
    others[effect] = (known ?? 0) + amount;
    return known !== undefined;
  }

  #spared(effect: string, amount: number, detail: Detail | undefined): void {
    this.armed.book.add(effect, amount);
    if (this.#reasons.includes(effect)) return;
    this.#reasons = [...this.#reasons, effect];
    this.armed.facts.tell({
      kind: "fault_spared",
      ...this.#origin(),
      effect,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** Into the books, among the hits if it is the first of this subject. */
  protected booked(effect: string, amount: number): void {
    const { book } = this.armed;
    book.add(effect, amount);
    if (this.#hit) return;
    this.#hit = true;
    book.hit();
  }

  delayed(by: Millis): void {
    if (!this.armed.observe) this.armed.book.delayed(by);
  }

  /** The same of its bytes in one direction, which nobody else sees waiting. */
  delayedBytes(by: Millis, direction: Direction): void {
    this.delayed(by);
    const { sight } = this.#info;
    if (sight === null || sight === undefined || this.armed.observe) return;
    sight.delayed(this.armed.origin, direction === "upstream" ? "request" : "answer", by);
  }

  /** It holds its subject at a gate from now on, or lets it go on. */
  holds(side: Side | null): void {
    const { sight } = this.#info;
    if (sight === null || sight === undefined) return;
    if (side === null) sight.released(this.armed.origin);
    else sight.held(this.armed.origin, side);
  }

  /** What would become of it, where faults are only observed. */
  get fate(): Fate {
    return fateOf(this.#info);
  }

  /** How many hits have their own entry, if they have a detail. */
  protected get entries(): number {
    return this.armed.type.entries ?? 0;
  }

  /** What follows happens to another of those that it stands for. */
  protected again(): void {
    this.#hit = false;
  }

  /** It would have been hit, and is not. */
  protected wouldBe(effect: string, detail: Detail | undefined): void {
    if (this.#hit) return;
    this.#hit = true;
    this.armed.book.hit();
    if (this.#told > 0) return;
    this.#told++;
    this.armed.facts.tell({
      kind: "fault_hit",
      ...this.#origin(),
      effect: "observed",
      amount: 1,
      detail: { would: effect, ...detail },
      draw: this.drawnBy,
      observed: true,
    });
  }

  /** The subject is over: tells the total where it says more than the first entry did. */
  finished(): void {
    if (this.#effect === null) return;
    if (this.#others === null && this.#amount === this.#firstAmount) return;
    this.#tellTotal({ [this.#effect]: this.#amount, ...this.#others });
  }

  /** The fault lets it go though it lives on, and may take hold of it again: what is told then begins anew. */
  rested(): void {
    this.#effect = null;
    this.#others = null;
  }

  /** The same scope for the bytes of one direction, whose draws must not depend on the other's. */
  forDirection(direction: Direction): Scope<Record<string, unknown>, string, unknown> {
    return new DirectedScope(this, direction);
  }

  /** The draws for the bytes of one direction. */
  drawsFor(direction: Direction): Random {
    return new Random(this.#key, this.#ordinal, LANE[direction] satisfies Lane);
  }

  /** Thousands of times a second: one literal, since objects that are spread are copied property by property. */
  #tellHit(effect: string, amount: number, detail: Detail | undefined): void {
    this.#told++;
    const { proxy, activation, profile, phase, fault, type } = this.armed.origin;
    const { query, healthCheck } = this.#info;
    const { bot, connection, exchange } = this.#bearer;
    this.armed.facts.tell({
      kind: "fault_hit",
      proxy,
      activation,
      profile,
      phase,
      fault,
      type,
      bot,
      connection,
      exchange: exchange === undefined ? undefined : nameOf(exchange),
      query: query === undefined ? undefined : questionOf(query),
      health_check: healthCheck,
      effect,
      amount,
      detail,
      draw: this.drawnBy,
    });
  }

  /** As often as hits, where a fault acts on each chunk. */
  #tellTotal(effects: Readonly<Record<string, number>>): void {
    const { proxy, activation, profile, phase, fault, type } = this.armed.origin;
    const { query, healthCheck } = this.#info;
    const { bot, connection, exchange } = this.#bearer;
    this.armed.facts.tell({
      kind: "fault_total",
      proxy,
      activation,
      profile,
      phase,
      fault,
      type,
      bot,
      connection,
      exchange: exchange === undefined ? undefined : nameOf(exchange),
      query: query === undefined ? undefined : questionOf(query),
      health_check: healthCheck,
      effects,
    });
  }

  #origin(): FaultOrigin {
    const { query, healthCheck } = this.#info;
    const { bot, connection, exchange } = this.#bearer;
    return {
      ...this.armed.origin,
      bot,
      connection,
      ...(exchange === undefined ? {} : { exchange: nameOf(exchange) }),
      ...(query === undefined ? {} : { query: questionOf(query) }),
      ...(healthCheck === undefined ? {} : { health_check: healthCheck }),
    };
  }

  /** At the end it is who it was at the first hit: other exchanges may be under way by then. */
  get #bearer(): Bearer {
    this.#borneBy ??= this.#info.bearer ?? this.#info;
    return this.#borneBy;
  }
}

/** Of an exchange, or of whatever else knows its name. */
export function nameOf({ id, method, path, site, nth }: ExchangeName): ExchangeName {
  return site === undefined ? { id, method, path } : { id, method, path, site, nth };
}

function questionOf({ name, type, transport }: QueryName): QueryName {
  return { name, type, transport };
}

/** One fault on a flow of datagrams: each of them is a hit of its own, and the flow has one entry for all. */
export class FlowSubject<A extends Actor = Actor> extends Subject<A> {
  /** Another datagram of the flow. */
  next(keyed: KeyedLot | null): void {
    this.again();
    this.keyed = keyed;
    this.drawnBy = keyed?.by;
  }

  protected override get entries(): number {
    return 0;
  }
}

/** A health check, which meets what clients meet and is none: what was done to it is counted apart. */
export class CheckSubject<A extends Actor = Actor> extends Subject<A> {
  protected override booked(_effect: string, amount: number): void {
    this.armed.book.add(HEALTH_CHECK, amount);
  }

  protected override wouldBe(): void {
    // Of no interest.
  }
}

class DirectedScope implements Scope<Record<string, unknown>, string, unknown> {
  readonly #subject: Subject;
  readonly #direction: Direction;
  #random: Random | null = null;

  constructor(subject: Subject, direction: Direction) {
    this.#subject = subject;
    this.#direction = direction;
  }

  get params(): Record<string, unknown> {
    return this.#subject.params;
  }

  get shared(): unknown {
    return this.#subject.shared;
  }

  get at(): string {
    return this.#subject.at;
  }

  get random(): Random {
    this.#random ??= this.#subject.drawsFor(this.#direction);
    return this.#random;
  }

  get keyed(): KeyedLot | null {
    return this.#subject.keyed;
  }

  alike(correlation: number): number {
    return this.#subject.alike(correlation);
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
    this.#subject.delayedBytes(by, this.#direction);
  }

  get fate(): Fate {
    return this.#subject.fate;
  }
}
