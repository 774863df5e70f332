/**
 * A daemon as a member of its fleet: it reads the plan, puts under it what is meant for this daemon, and says so. Whatever happens to the
 * engine, the network or whoever writes plans, it errs on the side of fewer faults: what it cannot carry out whole it does not carry
 * out, and all that it has on ends in time by the monotonic clock.
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import type { Facts } from "../../core/events.js";
import type { EngineError, FleetEngine, PlanRead } from "../contract/engine.js";
import type { Ground, MemberView } from "../contract/member.js";
import type { FleetPlan } from "../contract/plan.js";
import type { MemberState, Presence } from "../contract/presence.js";
import { EngineClock } from "../engine-clock.js";
import { lotOf } from "../targets.js";
import { Announcer } from "./announcer.js";
import { follow, isSame, type Current } from "./current.js";
import { Holding, type Outcome } from "./holding.js";
import { Namesakes } from "./namesakes.js";
import type { Meant } from "./judge.js";
import { Poller } from "./poller.js";
import { Texts } from "./texts.js";

/** How long a plan waits for its texts, or for the engine's time, before it is refused. */
export const WAIT_FOR_PARTS: Millis = 5_000;
/** How often they are asked for meanwhile. */
const ASK_AGAIN: Millis = 1_000;
/** How long a daemon that has just started waits for the engine before it is ready without faults. */
export const WAIT_TO_JOIN: Millis = 5_000;

export interface MemberParts {
  /** Stays open when the member is closed: whoever opened it closes it. */
  readonly engine: FleetEngine;
  readonly clock: Clock;
  readonly ground: Ground;
  readonly facts: Facts;
  /** The daemon's, unique in its fleet. */
  readonly name: string;
  /** Drawn at the start of the process. */
  readonly life: string;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where its admin API answers others, as an URL, as soon as it does. */
  readonly admin: () => string | null;
  /** Names of profiles, or patterns with `*`, that the fleet may switch on here; null for all. */
  readonly accept: readonly string[] | null;
  /** How long an activation of the fleet may last here. */
  readonly maxTtl: Millis;
  /** How long after it was read the plan is read again, at the latest. */
  readonly poll: Millis;
  /** The newest entry of its journal that the engine has. */
  readonly journalSeq?: () => number;
  /** In [0, 1), for what is to happen on no two daemons together. */
  readonly random?: () => number;
}

interface Standing {
  readonly serial: number;
  readonly state: MemberState;
  readonly why: string | null;
}

export class Member {
  /** The engine's clock, for all who have to do with its moments. */
  readonly time = new EngineClock();
  readonly #parts: MemberParts;
  readonly #texts: Texts;
  readonly #holding: Holding;
  readonly #poller: Poller;
  readonly #announcer: Announcer;
  readonly #namesakes: Namesakes;
  readonly #listeners = new Set<() => void>();
  #current: Current | null = null;
  #standing: Standing = { serial: 0, state: "idle", why: null };
  #connected = false;
  #readProblem: string | null = null;
  #sayProblem: string | null = null;
  #readAt: Millis | null = null;
  #joined = false;
  #joining: Timer | null = null;
  /** The next of its activations begins or ends. */
  #turn: Timer | null = null;
  #patience: Timer | null = null;
  #closed = false;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    const { engine, clock } = parts;
    let asked = 0;
    const { random = () => lotOf(String(asked++), parts.life) } = parts;
    this.#texts = new Texts(engine);
    this.#namesakes = new Namesakes(parts);
    this.#holding = new Holding({
      ground: parts.ground,
      clock,
      time: this.time,
      policy: { daemon: parts.name, labels: parts.labels, accept: parts.accept, maxTtl: parts.maxTtl },
      text: (name) => this.#texts.get(name),
    });
    this.#poller = new Poller({
      engine,
      clock,
      every: parts.poll,
      random,
      heard: (read) => this.#heard(read),
      failed: (error) => {
        this.#readFailed(error);
      },
      turned: (connected) => {
        this.#turned(connected);
      },
    });
    this.#announcer = new Announcer({
      engine,
      clock,
      time: this.time,
      presence: () => this.view().presence,
      heard: ({ over }) => {
        this.#sayAgain(this.#namesakes.heard(over));
      },
      timed: () => {
        this.#timed();
      },
      trouble: (error) => {
        this.#sayFailed(error);
      },
    });
    parts.ground.onHealedHere(() => {
      this.#healedHere();
    });
  }

  start(): void {
    const { clock } = this.#parts;
    this.#joining = clock.at(clock.now() + WAIT_TO_JOIN, () => {
      this.#join();
    });
    this.#announcer.now();
    this.#poller.start();
  }

  /** Ends what the fleet has on here, and leaves. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.close();
    for (const timer of [this.#joining, this.#turn, this.#patience]) timer?.cancel();
    this.#listeners.clear();
    this.#holding.drop();
    await this.#announcer.close();
    // What the engine has by this name tells of the others as well, and they put theirs in its place.
    if (this.#namesakes.list(this.#parts.clock.now()).length > 0) return;
    // Whoever cannot say so is gone for the others when he has not been heard for a while.
    await this.#parts.engine.leave(this.#parts.name, this.#parts.life).catch(() => undefined);
  }

  /** Called after each change of what `view` answers, but for ages and counts; answers how to stop being called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  view(): MemberView {
    const { clock } = this.#parts;
    const now = clock.now();
    return {
      presence: this.#presence(now),
      connected: this.#connected,
      problem: this.#readProblem ?? this.#sayProblem,
      plan: this.#current?.plan ?? null,
      planAge: this.#readAt === null ? Infinity : now - this.#readAt,
      joined: this.#joined,
    };
  }

  #presence(now: Millis): Presence {
    const { name, life, version, labels, admin, clock, ground, journalSeq = () => 0 } = this.#parts;
    const known = this.time.offset(now);
    return {
      daemon: name,
      life,
      version,
      labels,
      admin: admin(),
      ...this.#standing,
      offset_ms: known === null ? null : known.offset + now - clock.wallTime(),
      error_ms: known?.error ?? null,
      hits: ground.hits(),
      ends_at: this.#holding.endsAt(now),
      journal_seq: journalSeq(),
      namesakes: this.#namesakes.list(now),
    };
  }

  // -- the engine ---------------------------------------------------------------------------------

  async #heard(read: PlanRead): Promise<void> {
    this.#readAt = this.#parts.clock.now();
    this.#readProblem = null;
    this.#connect();
    const before = this.#current;
    if (before !== null && isSame(before, read)) {
      if (this.#isUndecided(before)) await this.#attempt(before);
      return;
    }
    const current = follow(before, read);
    this.#current = current;
    if (current.rewound && before !== null)
      this.#parts.facts.tell({ kind: "fleet_rewound", serial: current.serial, was: before.serial });
    await this.#attempt(current);
  }

  /** Something may be otherwise by now: a text has come, or the proxy that it lacked is there. */
  #isUndecided(current: Current): boolean {
    return current.waiting !== null || this.#standing.state === "refused";
  }

  #readFailed(error: EngineError): void {
    this.#readProblem = error.message;
    if (error.failure === "away") this.#disconnect(error.message);
    this.#changed();
  }

  #sayFailed(error: EngineError | null): void {
    const problem = error?.message ?? null;
    if (problem === this.#sayProblem) return;
    this.#sayProblem = problem;
    this.#changed();
  }

  /** Others are to know at once who else goes by this name: what he said himself is what was just overwritten. */
  #sayAgain(isNews: boolean): void {
    if (!isNews) return;
    this.#announcer.now();
    this.#changed();
  }

  #turned(connected: boolean): void {
    if (!connected) this.#disconnect("the connection was lost");
    else this.#announcer.now();
  }

  #connect(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#parts.facts.tell({ kind: "fleet_connected", engine: this.#parts.engine.name });
    this.#announcer.now();
    this.#changed();
  }

  #disconnect(why: string): void {
    this.#readProblem = why;
    if (!this.#connected) return;
    this.#connected = false;
    this.#parts.facts.tell({ kind: "fleet_disconnected", engine: this.#parts.engine.name, why });
    this.#changed();
  }

  /** The engine's clock is known better. */
  #timed(): void {
    if (this.#current !== null && this.#isUndecided(this.#current)) this.#poller.now();
    if (this.#holding.of !== null && !this.#holding.isEmpty) this.#settle(this.#holding.of);
  }

  // -- a plan -------------------------------------------------------------------------------------

  /** Takes it over, refuses it, or waits for what is missing; until then all is as it was under the plan before. */
  async #attempt(current: Current): Promise<void> {
    const { plan, problem } = current;
    if (plan === null) {
      this.#refuse(current, problem ?? "it cannot be understood");
      return;
    }
    const meant = this.#judged(current, plan);
    if (meant === "refused") return;
    if (meant === null) {
      this.#wait(current, "the engine's time is not known");
      return;
    }
    // What was on already has its texts.
    const missing = current.rewound ? [] : await this.#fetched(current, meant);
    if (missing === "refused" || this.#closed) return;
    const [first] = missing;
    if (first !== undefined) this.#wait(current, `the text of ${first} is not there`);
    else this.#settle(current);
  }

  #judged(current: Current, plan: FleetPlan): readonly Meant[] | null | "refused" {
    try {
      return this.#holding.meant(plan);
    } catch (error) {
      this.#refuse(current, this.#reasonOf(error));
      return "refused";
    }
  }

  /** The profiles whose texts are missing. */
  async #fetched(current: Current, meant: readonly Meant[]): Promise<readonly string[] | "refused"> {
    try {
      const missing = new Set(await this.#texts.fetch(meant.map(({ activation }) => activation.text)));
      return meant.flatMap(({ activation }) => (missing.has(activation.text) ? [activation.profile] : []));
    } catch (error) {
      if (!(error instanceof SquallError)) return meant.map(({ activation }) => activation.profile);
      if (!this.#closed) this.#refuse(current, error.message);
      return "refused";
    }
  }

  #wait(current: Current, why: string): void {
    const { clock } = this.#parts;
    const now = clock.now();
    current.waiting ??= now;
    const until = current.waiting + WAIT_FOR_PARTS;
    if (now >= until) {
      this.#refuse(current, `${why}, ${WAIT_FOR_PARTS / 1_000} s after the plan`);
      return;
    }
    this.#patience?.cancel();
    this.#patience = clock.at(Math.min(until, now + ASK_AGAIN), () => {
      if (this.#current !== current) return;
      if (clock.now() < until) this.#poller.now();
      // The engine may be gone meanwhile, and then nothing is read.
      this.#wait(current, why);
    });
  }

  /** Called again whenever one of its activations begins or ends. */
  #settle(current: Current): void {
    const { plan } = current;
    if (plan === null) return;
    try {
      const outcome = this.#holding.settle(current, plan);
      if (outcome === "went back")
        this.#refuse(current, "the engine went back to it, and not all of it was on here");
      else if (outcome !== null) this.#take(current, outcome);
    } catch (error) {
      this.#refuse(current, this.#reasonOf(error));
    }
  }

  #take(current: Current, { state, isNew, activations, turnsAt, next }: Outcome): void {
    const { clock, facts } = this.#parts;
    this.#decided(current);
    this.#turn?.cancel();
    this.#turn =
      turnsAt === Infinity
        ? null
        : clock.at(turnsAt, () => {
            this.#turnOf(current);
          });
    this.#stand({ serial: current.serial, state, why: null });
    if (isNew)
      facts.tell({
        kind: "fleet_applied",
        serial: current.serial,
        by: current.plan?.by ?? "",
        reason: current.plan?.why ?? null,
        activations: activations.map(({ id }) => id),
        starts_at: next?.starts_at ?? null,
      });
    this.#join();
  }

  #turnOf(current: Current): void {
    this.#turn = null;
    if (!this.#closed && this.#holding.of === current) this.#settle(current);
  }

  /** Ends all that the fleet has on here: in a daemon that cannot do what it is told, no fault is the safe state. */
  #refuse(current: Current, why: string): void {
    this.#turn?.cancel();
    this.#decided(current);
    this.#holding.drop();
    const { state, serial, why: before } = this.#standing;
    const isKnown = state === "refused" && serial === current.serial && before === why;
    this.#stand({ serial: current.serial, state: "refused", why });
    if (!isKnown) this.#parts.facts.tell({ kind: "fleet_refused", serial: current.serial, why });
    this.#join();
  }

  /** It waits no more; a newer one may. */
  #decided(current: Current): void {
    current.waiting = null;
    if (current === this.#current) this.#patience?.cancel();
  }

  #healedHere(): void {
    const { state, serial } = this.#standing;
    if (this.#closed || (state !== "applied" && state !== "prepared")) return;
    this.#holding.forget();
    this.#turn?.cancel();
    this.#stand({ serial, state: "healed_here", why: null });
    this.#parts.facts.tell({ kind: "fleet_healed_here", serial });
  }

  #reasonOf(error: unknown): string {
    if (error instanceof SquallError) return error.message;
    this.#parts.facts.tell({ kind: "mistake", where: "a plan of the fleet", error });
    return "a mistake of Squall itself; its log has it";
  }

  // -- what is told -------------------------------------------------------------------------------

  #join(): void {
    this.#joining?.cancel();
    if (this.#joined || this.#closed) return;
    this.#joined = true;
    this.#changed();
  }

  #stand(standing: Standing): void {
    const { serial, state, why } = this.#standing;
    this.#standing = standing;
    if (serial === standing.serial && state === standing.state && why === standing.why) return;
    this.#announcer.now();
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
