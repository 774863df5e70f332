/**
 * An armed fault: one configured fault in force on one proxy. It decides which subjects it acts on,
 * keeps what they share, and books what it does to each.
 */
import type { Clock } from "../core/clock.js";
import type { Facts, FaultOrigin } from "../core/events.js";
import type { Book } from "../core/ledger.js";
import { Likeness } from "../core/likeness.js";
import { BoundedMap } from "../core/lru.js";
import { admissionDraw, drawKey, type DrawKey, type DrawName } from "../core/random.js";
import type { AnyFaultType, Direction, ListenerFault } from "../faults/contract/index.js";
import { acts } from "../faults/kit.js";
import type { Engine, KernelLoss } from "../faults/kernel-loss.js";
import { fateOf } from "./fate.js";
import { observed } from "./observed.js";
import { CheckSubject as CheckOf, FlowSubject as FlowOf, Subject as SubjectOf } from "./subject.js";
import type { DrawnBy, DrawReason, MatchReason, WhenReason } from "../core/verdict-reasons.js";
import { KeyedDraws, type DrawBy, type KeyedLot } from "./keyed-draws.js";
import type { Judgement, Sight } from "./sight.js";
import type { SubjectInfo } from "./subject-info.js";

/** A subject of an armed fault. */
export type Subject = SubjectOf<ArmedFault>;
export type FlowSubject = FlowOf<ArmedFault>;
export type CheckSubject = CheckOf<ArmedFault>;

/** The `match`, `except` and `when` of a fault, with the counters that belong to it. */
export interface Admission {
  /** Whether it can only be known when the upstream has answered. */
  readonly needsStatus: boolean;
  /** Whether it matches but for what is not the subject's own: its upstream's name, and what that answers. */
  mayMatch(subject: SubjectInfo): boolean;
  /** The patterns of paths that it asks for. */
  readonly paths: readonly string[];
  /** Method and the pattern that the path was matched by, or the path: what `per: route` counts by. */
  routeOf(subject: SubjectInfo): string;
  matches(subject: SubjectInfo): boolean;
  /** Told of each that does not match, for as long as nobody has matched: so that it can be said why. */
  missed(subject: SubjectInfo): void;
  /** Asked once for each matching subject; `draw` is its one draw for `probability`. */
  fires(subject: SubjectInfo, draw: () => number): boolean;
  /**
   * Whether a subject of this draw is hit as it stands now. Null where the draw alone does not decide: then what was
   * decided when the subject began stays so.
   */
  weighs(draw: () => number): boolean | null;
  readonly evicted: number;
  /** By what its subjects are drawn, where that is not their number. */
  readonly drawBy?: DrawBy | null;
  /** Why a subject does not match: asked while somebody watches. */
  mismatch(subject: SubjectInfo): Mismatch;
  /** What decided about a subject that matches, asked right behind `fires`, with what that said. */
  decision(subject: SubjectInfo, fired: boolean, draw: () => number): Decision;
}

export interface Mismatch {
  /** `except` has spared it. */
  readonly excepted: boolean;
  readonly match: MatchReason | null;
}

export interface Decision {
  readonly judgement: Extract<Judgement, "hit" | "not_due" | "not_drawn" | "spent">;
  readonly when: WhenReason | null;
  readonly draw: DrawReason | null;
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
  /** Who carries it out, of a type that the kernel can act for. */
  readonly engine?: Engine | null;
  readonly book: Book;
  readonly facts: Facts;
  readonly clock: Clock;
}

/** The highest draw. */
const NEVER = (): number => 1;
const NOBODY: SubjectInfo = { bot: "", connection: 0, client: "" };

/** A subject that was counted before it is decided about. */
interface Counted {
  readonly ordinal: number;
  readonly lot: KeyedLot | null;
}

interface Bot {
  key: DrawKey | null;
  ordinals: number;
  flows: number;
  /** Made where something is to resemble what was before it. */
  likeness: Likeness | null;
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
  /** Of subjects that wait for their status. */
  readonly #numbers = new WeakMap<SubjectInfo, Counted>();
  /** Made when one is drawn by its key. */
  #keyed: KeyedDraws | null = null;
  /** Of the datagram that was asked about last; null where it is drawn by its number. */
  datagramLot: KeyedLot | null = null;
  #directions: Direction | "both" | null;
  #admission: Admission;
  #engine: Engine | null;
  /** Of the subject that is being admitted. */
  #drawnKey: DrawKey | null = null;
  #drawnOrdinal = 0;

  constructor(parts: ArmedParts) {
    this.key = parts.key;
    this.type = parts.observe ? observed(parts.type) : parts.type;
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
    this.#engine = parts.engine ?? null;
    this.#bots = new BoundedMap(BOTS_REMEMBERED, () => {
      this.book.gaveUp();
    });
    const scope = {
      params: this.params,
      at: this.at,
      now: () => this.clock.now(),
      evicted: () => {
        this.book.gaveUp();
      },
    };
    this.shared = this.type.shared?.(scope);
    this.listener = this.type.listener?.(scope) ?? null;
  }

  /** New parameters behind the same fault: live stages see them at their next look. */
  assign(
    params: Record<string, unknown>,
    directions: Direction | "both" | null,
    admission: Admission,
    engine: Engine | null = null,
  ): void {
    this.#engine = engine;
    // What is not given any more must go, or an optional parameter could never be taken back.
    for (const name of Object.keys(this.params))
      if (!(name in params)) Reflect.deleteProperty(this.params, name);
    Object.defineProperties(this.params, Object.getOwnPropertyDescriptors(params));
    this.#directions = directions;
    this.#admission = admission;
  }

  get engine(): Engine | null {
    return this.#engine;
  }

  /** What the kernel does in its place; null if nothing. */
  get kernel(): KernelLoss | null {
    return this.#engine?.kernel ?? null;
  }

  /** Whether subjects can only be told apart by what the upstream answered. */
  get needsStatus(): boolean {
    return this.#admission.needsStatus;
  }

  get paths(): readonly string[] {
    return this.#admission.paths;
  }

  routeOf(subject: SubjectInfo): string {
    return this.#admission.routeOf(subject);
  }

  /**
   * Which of its bot's subjects this is: counted when it begins and before any verdict falls, whatever is asked of its
   * answer later. Null if it cannot match. The same again for the same subject, where it matters when it is asked.
   */
  number(subject: SubjectInfo): number | null {
    const known = this.needsStatus ? this.#numbers.get(subject) : undefined;
    if (known !== undefined) return known.ordinal;
    if (!this.#admission.mayMatch(subject)) return null;
    const ordinal = this.#bot(subject.bot).ordinals++;
    // Its key is looked for now: of its body nothing is known any more when its status is.
    if (this.needsStatus) this.#numbers.set(subject, { ordinal, lot: this.#find(subject, null) });
    return ordinal;
  }

  /** Whether its subjects are drawn by something of their own, and not by their numbers. */
  get drawsByKey(): boolean {
    return (this.#admission.drawBy ?? null) !== null;
  }

  #find(subject: SubjectInfo, payload: Buffer | null): KeyedLot | null {
    const { drawBy = null } = this.#admission;
    if (drawBy === null) return null;
    this.#keyed ??= new KeyedDraws(this.#draws, () => {
      this.book.gaveUp();
    });
    return this.#keyed.lotOf(drawBy, subject, payload);
  }

  /** What the draws of a subject are named by; undefined where that is its number, as with most faults. */
  #named(lot: KeyedLot | null): DrawnBy | undefined {
    if (lot !== null) return lot.by;
    const { drawBy = null } = this.#admission;
    return drawBy === null ? undefined : { by: drawBy.by, key: null };
  }

  /**
   * Whether this subject is hit, decided once when it begins. Null lets it be; `spare` is told of one that its draw alone
   * has spared, as the fault may become more likely while the subject lives.
   */
  admit(subject: SubjectInfo, spare?: (subject: Subject) => void): Subject | null {
    // The kernel knows segments, and nothing of whose they are.
    const { sight = null } = subject;
    if (this.kernel !== null) {
      sight?.judged(this.origin, this.observe, "kernel");
      return null;
    }
    // An answer that another fault would have kept back has no status.
    if (this.observe && this.needsStatus && fateOf(subject).over) return null;
    // Those of health checks are nobody's.
    const counted = subject.healthCheck === undefined;
    if (counted) this.book.came();
    const ordinal = this.number(subject);
    if (ordinal === null || !this.#admission.matches(subject)) {
      if (counted) this.#missed(subject);
      if (sight !== null) this.#sawMiss(subject, sight);
      return null;
    }
    if (counted) this.book.meant();
    const lot = this.drawsByKey ? this.#lotOf(subject, counted) : null;
    const key = lot === null ? this.#keyOf(this.#bot(subject.bot), subject.bot) : lot.key;
    const n = lot === null ? ordinal : lot.n;
    const fires = this.#fires(subject, key, n);
    if (sight !== null) this.#saw(subject, sight, fires, lot);
    if (!fires && (spare === undefined || this.#admission.weighs(NEVER) === null)) return null;
    const made = counted ? new SubjectOf(this, subject, key, n) : new CheckOf(this, subject, key, n);
    made.keyed = lot;
    made.drawnBy = this.#named(lot);
    if (fires) return made;
    spare?.(made);
    return null;
  }

  #lotOf(subject: SubjectInfo, counted: boolean): KeyedLot | null {
    const known = this.needsStatus ? this.#numbers.get(subject) : undefined;
    const lot = known === undefined ? this.#find(subject, null) : known.lot;
    if (lot === null && counted) this.book.lackedKey();
    return lot;
  }

  /** Whether the number drawn for a subject hits it under the probability that is in force now; null: as before. */
  weighs(subject: Subject): boolean | null {
    return this.#admission.weighs(() => subject.lot);
  }

  /**
   * Somebody meets a fault of the pool: nothing is decided or drawn about him, since its draws are the proxy's, but he is a
   * subject of his own.
   */
  meet(party: SubjectInfo): Subject {
    this.book.came();
    this.book.meant();
    party.sight?.judged(this.origin, this.observe, "asked");
    return new SubjectOf(this, party, this.#keyOf(this.#bot(""), ""), 0);
  }

  /** The proxy itself is hit, and no one of its clients. */
  itself(): Subject {
    this.book.came();
    this.book.meant();
    return new SubjectOf(this, NOBODY, this.#keyOf(this.#bot(""), ""), 0);
  }

  /** The same of a health check, which is no subject. */
  meetCheck(upstream: string): CheckSubject {
    const check = { ...NOBODY, healthCheck: upstream };
    return new CheckOf(this, check, this.#keyOf(this.#bot(""), ""), 0);
  }

  /** The same of one datagram: each is a subject, and the flow that it belongs to has what acts on them. */
  admitDatagram(flow: SubjectInfo, payload: Buffer): boolean {
    this.book.came();
    const { sight = null } = flow;
    if (!this.#admission.matches(flow)) {
      this.#missed(flow);
      if (sight !== null) this.#sawMiss(flow, sight);
      return false;
    }
    this.book.meant();
    const bot = this.#bot(flow.bot);
    const ordinal = bot.ordinals++;
    const lot = (this.datagramLot = this.#find(flow, payload));
    const fires =
      lot === null
        ? this.#fires(flow, this.#keyOf(bot, flow.bot), ordinal)
        : this.#fires(flow, lot.key, lot.n);
    if (sight !== null) this.#saw(flow, sight, fires, lot);
    return fires;
  }

  #sawMiss(subject: SubjectInfo, sight: Sight): void {
    const { excepted, match } = this.#admission.mismatch(subject);
    sight.judged(this.origin, this.observe, excepted ? "excepted" : "no_match", { match });
  }

  #saw(subject: SubjectInfo, sight: Sight, fires: boolean, lot: KeyedLot | null): void {
    const { judgement, when, draw } = this.#admission.decision(subject, fires, this.#draw);
    const by = this.#named(lot);
    const drawn = draw === null || by === undefined ? draw : { ...draw, by };
    sight.judged(this.origin, this.observe, judgement, { when, draw: drawn });
  }

  #missed(subject: SubjectInfo): void {
    if (this.book.matched === 0) this.#admission.missed(subject);
  }

  /** The draw is made where it is asked for, at once or not at all: one function serves all subjects. */
  #fires(subject: SubjectInfo, key: DrawKey, ordinal: number): boolean {
    this.#drawnKey = key;
    this.#drawnOrdinal = ordinal;
    return this.#admission.fires(subject, this.#draw);
  }

  readonly #draw = (): number => {
    const key = this.#drawnKey;
    return key === null ? 0 : admissionDraw(key, this.#drawnOrdinal);
  };

  /** What acts on the datagrams of a flow. Its draws are those of the bot's first flow, its second, and so on. */
  flow(flow: SubjectInfo): FlowSubject {
    const bot = this.#bot(flow.bot);
    return new FlowOf(this, flow, this.#keyOf(bot, flow.bot), bot.flows++);
  }

  /** What a bot's subjects have in common. */
  likeness(bot: string, key: DrawKey): Likeness {
    return (this.#bot(bot).likeness ??= new Likeness(key));
  }

  actsOn(direction: Direction): boolean {
    return acts(this.#directions, direction);
  }

  #bot(name: string): Bot {
    const known = this.#bots.get(name);
    if (known) return known;
    const bot: Bot = { key: null, ordinals: 0, flows: 0, likeness: null };
    this.#bots.set(name, bot);
    return bot;
  }

  #keyOf(bot: Bot, name: string): DrawKey {
    bot.key ??= drawKey({ ...this.#draws, bot: name });
    return bot.key;
  }
}
