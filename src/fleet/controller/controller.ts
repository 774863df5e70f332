/**
 * Switches a fleet: writes the plan that the engine keeps, and waits until its daemons have said what became of it. It decides nothing for
 * them. It knows the engine and a clock and nothing else, so that a model can drive it.
 */
import { randomBytes, randomInt } from "node:crypto";
import type { Clock, Millis } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import { hintFor } from "../../config/validate.js";
import { EngineError, type FleetEngine, type PlanRead } from "../contract/engine.js";
import type { FleetController, FleetOrder, FleetOutcome } from "../contract/member.js";
import type { FleetActivation, FleetPlan } from "../contract/plan.js";
import type { Heard } from "../contract/presence.js";
import { livesOf } from "../contract/lives.js";
import { readPlan, writePlan } from "../plan-format.js";
import { hashOf, writeText } from "../text-format.js";
import {
  activationsOf,
  checkOrder,
  planOf,
  stillOn,
  withoutOurs,
  withOrder,
  type Prepared,
  type Signed,
} from "./order.js";
import { Table, type Look, type Question } from "./table.js";

/** How often a plan is read again when somebody else wrote first. */
const ATTEMPTS = 6;
/** How often the daemons are looked at while nobody says that something has changed. */
const LOOK_EVERY: Millis = 250;
/** What has to be taken back before it begins is taken back so long before. */
const CANCEL_BEFORE: Millis = 200;
/** How long a heal, and what puts a plan back, is tried again while the engine is away. */
const RETRY_FOR: Millis = 10_000;
const RETRY_FIRST: Millis = 100;
const RETRY_MAX: Millis = 1_000;

export interface ControllerParts {
  readonly engine: FleetEngine;
  readonly clock: Clock;
  /** The engine's clock, in milliseconds since 1970; null before it is known. */
  readonly engineTime: () => Millis | null;
  /** The longest that an activation may take. */
  readonly maxTtl: Millis;
  /** Of activations that bring no seed. */
  readonly drawSeed?: () => number;
  readonly drawEpoch?: () => string;
}

interface Written {
  readonly serial: number;
  readonly plan: FleetPlan;
  /** What it was made from; null where there was none that could be understood. */
  readonly before: FleetPlan | null;
}

export class Controller implements FleetController {
  readonly #engine: FleetEngine;
  readonly #clock: Clock;
  readonly #engineTime: () => Millis | null;
  readonly #maxTtl: Millis;
  readonly #drawSeed: () => number;
  readonly #drawEpoch: () => string;

  constructor(parts: ControllerParts) {
    this.#engine = parts.engine;
    this.#clock = parts.clock;
    this.#engineTime = parts.engineTime;
    this.#maxTtl = parts.maxTtl;
    this.#drawSeed = parts.drawSeed ?? (() => randomInt(2 ** 32));
    this.#drawEpoch = parts.drawEpoch ?? (() => randomBytes(8).toString("hex"));
  }

  async members(): Promise<readonly Heard[]> {
    return livesOf(await this.#engine.members());
  }

  // -- on ------------------------------------------------------------------------------------------

  async activate(order: FleetOrder): Promise<FleetOutcome> {
    checkOrder(order, this.#maxTtl);
    const prepared = await this.#prepare(order);
    const asked = this.#whoIsThere();
    let ours: readonly FleetActivation[] = [];
    const { serial, before, plan } = await this.#write((known) => {
      const now = this.#now();
      ours = activationsOf(prepared, now);
      const on = stillOn(known?.activations ?? [], now);
      return planOf(known, withOrder(on, ours, order.how), order, this.#drawEpoch);
    });
    const question: Question = {
      goal: order.startsIn > 0 ? "prepared" : "applied",
      serial,
      activations: ours,
    };
    const table = await this.#watch(question, await asked, order.require, this.#until(order, ours));
    const met = table.isMet(order.require);
    const daemons = table.rows;
    if (met || !order.orHeal) return { serial, met, healed: false, daemons, activations: ours };
    const last = await this.#putBack({ serial, before, plan }, ours, order).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      throw stillThere(error, serial, ours);
    });
    return { serial: last, met, healed: true, daemons, activations: ours };
  }

  async #prepare(order: FleetOrder): Promise<Prepared> {
    const texts: string[] = [];
    for (const { text } of order.activations) {
      const bytes = writeText(text);
      const hash = hashOf(bytes);
      await this.#engine.putText(hash, bytes);
      texts.push(`sha256:${hash}`);
    }
    return { order, texts, seeds: order.activations.map(({ seed }) => seed ?? this.#drawSeed()) };
  }

  #now(): Millis {
    const now = this.#engineTime();
    if (now !== null) return now;
    throw new EngineError("away", `the clock of ${this.#engine.name} is not known yet`);
  }

  /** When nobody is waited for any more: what is to be taken back before it begins cannot wait as long as it likes. */
  #until({ wait, startsIn, orHeal }: FleetOrder, [first]: readonly FleetActivation[]): Millis {
    const now = this.#clock.now();
    if (startsIn === 0 || !orHeal || first === undefined) return now + wait;
    return now + Math.min(wait, Date.parse(first.starts_at) - this.#now() - CANCEL_BEFORE);
  }

  /** Whoever cannot be asked before is asked while one waits. */
  async #whoIsThere(): Promise<Look> {
    const asked = this.#clock.now();
    const members = await this.#engine.members().catch((error: unknown): readonly Heard[] => {
      if (error instanceof EngineError) return [];
      throw error;
    });
    return { members, asked, answered: this.#clock.now() };
  }

  // -- writing -------------------------------------------------------------------------------------

  /** Reads, changes and puts, and begins again if somebody else was faster. Rejects with `conflict`, saying who, at the last. */
  async #write(change: (before: FleetPlan | null) => FleetPlan): Promise<Written> {
    for (let attempt = 1; ; attempt++) {
      const read = await this.#engine.read();
      const before = understood(read);
      if (before === null && read.bytes !== null) throw foreign(read);
      const plan = change(before);
      const bytes = writePlan(plan);
      try {
        return { serial: await this.#engine.put(bytes, read.serial), plan, before };
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        const found = await this.#stored(bytes, error);
        if (found === "unknown") throw unsure(error);
        if (found !== null) return { serial: found, plan, before };
        if (error.failure !== "conflict") throw error;
        if (attempt >= ATTEMPTS) throw await this.#conflict(error);
      }
    }
  }

  /**
   * The serial of these bytes if they are the plan after all: an answer that got lost does not say what was done, and the next attempt
   * would run into one's own plan. No two plans are the same, as each has moments of its own, or nothing to do.
   */
  async #stored(bytes: Uint8Array, { failure }: EngineError): Promise<number | "unknown" | null> {
    if (failure !== "away" && failure !== "conflict") return null;
    const read = await this.#engine.read().catch(() => null);
    if (read === null) return failure === "away" ? "unknown" : null;
    return read.bytes !== null && Buffer.compare(read.bytes, bytes) === 0 ? read.serial : null;
  }

  async #conflict(error: EngineError): Promise<EngineError> {
    const read = await this.#engine.read().catch(() => null);
    const theirs = read === null ? null : understood(read);
    const who =
      read === null || theirs === null
        ? ""
        : `: the last was ${theirs.by}${theirs.why === null ? "" : ` (${theirs.why})`}, plan ${read.serial}`;
    return new EngineError("conflict", `others changed the plan ${ATTEMPTS} times meanwhile${who}`, {
      cause: error,
    });
  }

  // -- off -----------------------------------------------------------------------------------------

  async heal(order: Signed & { readonly id?: string; readonly wait: number }): Promise<FleetOutcome> {
    const asked = this.#whoIsThere();
    const { serial, plan } =
      order.id === undefined ? await this.#healAll(order) : await this.#healOne(order.id, order);
    const question: Question = { goal: "ended", serial, activations: null };
    const table = await this.#watch(question, await asked, "all", this.#clock.now() + order.wait);
    const met = table.count.silent === 0;
    return { serial, met, healed: true, daemons: table.rows, activations: plan.activations };
  }

  /** Whatever the plan is, and whoever writes it meanwhile. */
  async #healAll(order: Signed): Promise<Pick<Written, "serial" | "plan">> {
    return this.#insist(async () => {
      const plan = planOf(understood(await this.#engine.read()), [], order, this.#drawEpoch);
      return { serial: await this.#engine.put(writePlan(plan), "any"), plan };
    });
  }

  async #healOne(id: string, order: Signed): Promise<Pick<Written, "serial" | "plan">> {
    return this.#write((before) => {
      const on = stillOn(before?.activations ?? [], this.#engineTime() ?? -Infinity);
      if (!on.some((one) => one.id === id)) throw noSuch(id, on);
      const left = on.filter((one) => one.id !== id);
      return planOf(before, left, order, this.#drawEpoch);
    });
  }

  /** What was on before is on again, unless somebody else has written meanwhile: then only what is ours goes. */
  async #putBack(written: Written, ours: readonly FleetActivation[], order: FleetOrder): Promise<number> {
    const why = `put back, as ${order.require} was required of ${ours.map(({ id }) => id).join(", ")}`;
    return this.#insist(async () => {
      for (let attempt = 1; ; attempt++) {
        const read = await this.#engine.read();
        const now = this.#now();
        const known = understood(read);
        const on = known?.activations ?? [];
        const isOurs = read.serial === written.serial;
        const back = isOurs ? (written.before?.activations ?? []) : withoutOurs(on, ours);
        if (!isOurs && back.length === on.length) return read.serial;
        const plan = planOf(known, stillOn(back, now), { by: order.by, why }, this.#drawEpoch);
        try {
          return await this.#engine.put(writePlan(plan), read.serial);
        } catch (error) {
          if (!(error instanceof EngineError) || error.failure !== "conflict" || attempt >= ATTEMPTS)
            throw error;
        }
      }
    });
  }

  /** Again and again while the engine is away, for a while. What is written twice does no harm. */
  async #insist<T>(write: () => Promise<T>): Promise<T> {
    const until = this.#clock.now() + RETRY_FOR;
    for (let pause = RETRY_FIRST; ; pause = Math.min(2 * pause, RETRY_MAX)) {
      try {
        return await write();
      } catch (error) {
        const away = error instanceof EngineError && error.failure === "away";
        if (!away || this.#clock.now() + pause > until) throw error;
      }
      await this.#after(pause);
    }
  }

  // -- waiting -------------------------------------------------------------------------------------

  async #watch(
    question: Question,
    before: Look,
    require: FleetOrder["require"],
    until: Millis,
  ): Promise<Table> {
    const table = new Table(question, before);
    const changed = new Signal();
    const stop = this.#engine.onHint(
      (what) => {
        if (what === "members" || what === "connected") changed.raise();
      },
      { members: true },
    );
    try {
      for (;;) {
        // It was written, whatever becomes of the wish to hear of it.
        const asked = this.#clock.now();
        const members = await this.#engine.members().catch(() => null);
        const now = this.#clock.now();
        if (members !== null) table.hear({ members, asked, answered: now });
        if (table.isOver(require) || now >= until) return table;
        await changed.raisedWithin(this.#clock, Math.min(LOOK_EVERY, until - now));
      }
    } finally {
      stop();
    }
  }

  #after(time: Millis): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.at(this.#clock.now() + time, resolve);
    });
  }
}

/** Something that may happen while nobody listens. */
class Signal {
  #isRaised = false;
  #wake: (() => void) | null = null;

  raise(): void {
    this.#isRaised = true;
    this.#wake?.();
  }

  /** Resolves when it is raised, or was since the last time; or when so much time has passed. */
  async raisedWithin(clock: Clock, time: Millis): Promise<void> {
    if (!this.#isRaised)
      await new Promise<void>((resolve) => {
        const timer = clock.at(clock.now() + time, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
    this.#isRaised = false;
    this.#wake = null;
  }
}

/** Null for none, and for one that this Squall does not understand. */
function understood({ bytes }: PlanRead): FleetPlan | null {
  if (bytes === null) return null;
  try {
    return readPlan(bytes);
  } catch {
    return null;
  }
}

/** A newer Squall has written it: what it holds must not get lost. */
function foreign({ bytes, serial }: PlanRead): EngineError {
  try {
    readPlan(bytes ?? new Uint8Array());
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return new EngineError("failed", `the plan ${serial} cannot be understood: ${why}; healing replaces it`);
  }
  return new EngineError("failed", `the plan ${serial} cannot be understood`);
}

/** It may be on after all, and whoever asked must look when he can. */
function unsure(cause: EngineError): EngineError {
  const text = `${cause.message}; whether the plan was written is not known: squall status --fleet tells when the engine answers`;
  return new EngineError("away", text, { cause });
}

/** It was to be taken back, and that failed: whoever asked must know that it is on. */
function stillThere(cause: EngineError, serial: number, ours: readonly FleetActivation[]): EngineError {
  const ends = ours.reduce((last, { ends_at: end }) => (end > last ? end : last), "");
  const text = `plan ${serial} is written and could not be taken back (${cause.message}); what it has on ends at ${ends}`;
  return new EngineError(cause.failure, text, { cause });
}

function noSuch(id: string, on: readonly FleetActivation[]): SquallError {
  const ids = on.map((one) => one.id);
  const hint = ids.length === 0 ? "the fleet has nothing on" : hintFor(id, ids);
  return new SquallError(
    "SQ_ACTIVATION_NOT_FOUND",
    `the fleet has no activation with the id ${JSON.stringify(id)}`,
    {
      ...(hint === undefined ? {} : { hint }),
    },
  );
}
