/**
 * A fleet under everything that can happen to it, in any order, on virtual clocks: what is done is data, so that fast-check can make it up
 * and shrink it; what must hold is looked at after each step, and the ends of faults at each moment at which anything happens.
 */
import fc from "fast-check";
import { EngineError } from "../../../src/fleet/contract/engine.js";
import type { FleetActivation, FleetPlan } from "../../../src/fleet/contract/plan.js";
import { identityOf } from "../../../src/fleet/identity.js";
import { writePlan } from "../../../src/fleet/plan-format.js";
import { isMeant } from "../../../src/fleet/targets.js";
import { hashIn } from "../../../src/fleet/text-format.js";
import { ENGINE_EPOCH, settled, textOf, World, type Machine } from "./world.js";

const IDS = ["wan", "lan", "web"] as const;
const NAMES = ["node-1", "node-2", "node-3"] as const;
const TARGETS = [
  { daemons: [], labels: {}, percent: 100 },
  { daemons: ["node-1", "*-3"], labels: {}, percent: 100 },
  { daemons: [], labels: { zone: "eu-1" }, percent: 100 },
  { daemons: [], labels: {}, percent: 50 },
] as const;

/** How far off a member may be about a moment: the links of the model take 400 ms there and back at most. */
const SKEW = 250;
/** What is promised of an end. */
const LATE = 50;

const which = fc.nat({ max: NAMES.length - 1 });
const part = fc.record({
  id: fc.constantFrom(...IDS),
  seed: fc.nat({ max: 1 }),
  from: fc.constantFrom(0, 0, 2_000, -5_000),
  lasts: fc.constantFrom(3_000, 20_000, 60_000),
  targets: fc.nat({ max: TARGETS.length - 1 }),
  proxies: fc.constantFrom(null, null, ["jobs"]),
});

export const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("activate"), parts: fc.array(part, { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("activate without text"), part }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("heal") }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("garble", "newer format", "remake", "split", "join up") }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rewind"), plans: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("read", "write what was read"), writer: fc.nat({ max: 1 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          "cut",
          "cut",
          "mend",
          "mend",
          "lose link",
          "find link",
          "slow",
          "quick",
          "lose answers",
          "lose hints",
        ] as const),
        ...([
          "pause",
          "resume",
          "heal here",
          "leave",
          "crash",
          "join",
          "join",
          "lack",
          "have",
          "jump",
          "false hint",
        ] as const),
      ),
      who: which,
      by: fc.nat({ max: 200 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("pass"),
      time: fc.constantFrom(0, 50, 1_000, 5_000, 15_000, 40_000),
    }),
  },
);

export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Part = typeof part extends fc.Arbitrary<infer P> ? P : never;

/** What does not hold, in a sentence that says where. */
export class Broken extends Error {}

export class Model {
  readonly world = new World();
  readonly #written: { readonly serial: number; readonly plan: FleetPlan | null }[] = [];
  readonly #live = new Map<string, Machine>();
  readonly #main = this.world.server;
  readonly #read = new Map<number, number>();
  #applied = new Map<Machine, number>();

  async run(steps: readonly Step[]): Promise<void> {
    for (const name of NAMES.slice(0, 2)) this.#join(name);
    await settled();
    for (const one of steps) {
      await this.#take(one);
      await settled();
      this.#look(`after ${JSON.stringify(one)}`);
    }
    await this.#end();
  }

  // -- what is done -------------------------------------------------------------------------------

  async #take(one: Step): Promise<void> {
    switch (one.do) {
      case "activate":
        this.#put(this.#plan("parts" in one ? one.parts : []), true);
        return;
      case "activate without text":
        if ("part" in one) this.#put(this.#plan([one.part]), false);
        return;
      case "heal":
        this.#put(this.#plan([]), true);
        return;
      case "garble":
        this.#written.push({ serial: this.world.server.put(Buffer.from("{"), "any"), plan: null });
        return;
      case "newer format": {
        const bytes = Buffer.from(JSON.stringify({ format: "squall-fleet/2" }));
        this.#written.push({ serial: this.world.server.put(bytes, "any"), plan: null });
        return;
      }
      case "rewind":
        this.world.server.rewind("plans" in one ? one.plans : 1);
        return;
      case "remake":
        this.world.server.remake();
        this.world.epoch += "'";
        return;
      case "split": {
        if (this.world.server !== this.#main) return;
        const other = this.#main.fork();
        // Who writes, and all but the first daemon, are on the other side.
        for (const { engine } of [...this.#live.values()].slice(1)) engine.moveTo(other);
        this.world.server = other;
        return;
      }
      case "join up":
        for (const { engine } of this.#live.values()) engine.moveTo(this.#main);
        this.world.server = this.#main;
        return;
      case "read":
        if ("writer" in one) this.#read.set(one.writer, this.world.server.serial);
        return;
      case "write what was read":
        if ("writer" in one) this.#writeAt(one.writer);
        return;
      case "pass":
        await this.#pass("time" in one ? one.time : 0);
        return;
      default:
        if ("who" in one) this.#happen(one.do, NAMES[one.who] ?? NAMES[0], one.by);
    }
  }

  #happen(what: string, name: string, by: number): void {
    const machine = this.#live.get(name);
    if (machine === undefined) {
      if (what === "join") this.#join(name);
      return;
    }
    const { engine, ground, clock, member } = machine;
    switch (what) {
      case "cut":
        engine.link.isCut = true;
        return;
      case "mend":
        engine.link.isCut = false;
        return;
      case "lose link":
        if (!clock.paused) engine.notice(false);
        return;
      case "find link":
        if (!clock.paused) engine.notice(true);
        return;
      case "slow":
        engine.link.there = by;
        engine.link.back = 200 - by;
        return;
      case "quick":
        engine.link.there = engine.link.back = 0;
        return;
      case "lose answers":
        engine.link.losesAnswers = 2;
        return;
      case "lose hints":
        engine.link.losesHints = 5;
        return;
      case "false hint":
        if (!clock.paused) engine.hint("plan");
        return;
      case "pause":
        clock.pause();
        return;
      case "resume":
        clock.resume();
        return;
      case "heal here":
        if (!clock.paused) ground.healHere();
        return;
      case "lack":
        ground.lacking.add("jobs");
        return;
      case "have":
        ground.lacking.delete("jobs");
        return;
      case "jump":
        clock.wallOffset += (by - 100) * 36_000;
        return;
      case "leave":
        if (clock.paused) return;
        this.#live.delete(name);
        void member.close();
        if (ground.on.length > 0) throw new Broken(`${name} has left, and its faults have not`);
        return;
      case "crash":
        // Its faults die with it.
        this.#live.delete(name);
        clock.pause();
        void engine.close();
        return;
      default:
    }
  }

  #join(name: string): void {
    const machine = this.world.machine(name, {
      labels: { zone: name === "node-2" ? "eu-2" : "eu-1" },
      uptime: 1_000 * NAMES.indexOf(name as (typeof NAMES)[number]),
    });
    this.#live.set(name, machine);
    machine.member.start();
  }

  #plan(parts: readonly Part[]): FleetPlan {
    const byId = new Map(parts.map((one) => [one.id, one]));
    const activations = [...byId.values()].map(({ id, seed, from, lasts, targets, proxies }) =>
      this.world.activation(id, { seed, proxies, targets: TARGETS[targets] ?? TARGETS[0] }, from, lasts),
    );
    return this.world.plan(activations);
  }

  #put(plan: FleetPlan, withTexts: boolean): void {
    const { server } = this.world;
    if (withTexts) for (const { id, text } of plan.activations) server.putText(hashIn(text), textOf(id));
    this.#written.push({ serial: server.put(writePlan(plan), "any"), plan });
  }

  /** Of two who read the same, one is the first: the other is told so, and nothing of his is there. */
  #writeAt(writer: number): void {
    const read = this.#read.get(writer);
    if (read === undefined) return;
    const { server } = this.world;
    const { serial: before } = server;
    const plan = this.#plan([]);
    try {
      const serial = server.put(writePlan(plan), read);
      if (read !== before || serial !== before + 1)
        throw new Broken(`${writer} wrote over ${before} what it read at ${read}`);
      this.#written.push({ serial, plan });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (read === before || server.serial !== before)
        throw new Broken(`${writer} was refused at ${before}, which it had read`);
    }
  }

  async #pass(by: number): Promise<void> {
    const { time } = this.world;
    const until = time.now() + by;
    await settled();
    while (time.next <= until) {
      time.advance(Math.max(0, time.next - time.now()));
      await settled();
      this.#lookAtEnds();
    }
    time.advance(until - time.now());
  }

  // -- what must hold -----------------------------------------------------------------------------

  #look(when: string): void {
    this.#lookAtEnds();
    for (const machine of this.#live.values()) {
      this.#lookAtOrder(machine, when);
      if (!machine.clock.paused) this.#lookAtPlan(machine, when);
    }
  }

  /** No fault after its end, whatever fails. */
  #lookAtEnds(): void {
    const now = this.world.time.now();
    for (const { name, clock, ground } of this.#live.values()) {
      for (const { activation } of ground.hitting(clock.now())) {
        const end = Date.parse(activation.ends_at) - ENGINE_EPOCH;
        if (now > end + LATE)
          throw new Broken(`${name} is under ${activation.id} ${now - end} ms after its end`);
      }
    }
  }

  /** Plans in their order, unless it was told that the engine went back. */
  #lookAtOrder(machine: Machine, when: string): void {
    let last = 0;
    for (const fact of machine.facts.all) {
      if (fact.kind === "fleet_rewound") last = 0;
      if (fact.kind !== "fleet_applied") continue;
      if (fact.serial < last) throw new Broken(`${machine.name} went from ${last} to ${fact.serial} ${when}`);
      last = fact.serial;
    }
    this.#applied.set(machine, last);
  }

  /** A whole plan, or nothing. */
  #lookAtPlan(machine: Machine, when: string): void {
    const { state, serial } = machine.member.view().presence;
    const on = machine.ground.hitting(machine.clock.now()).map(({ activation }) => activation);
    if (state !== "applied" && on.length > 0)
      throw new Broken(`${machine.name} says ${state}, and is under ${machine.hitting} ${when}`);
    if (state === "refused" || state === "healed_here" || serial === 0) return;
    const plans = this.#written.flatMap((one) =>
      one.serial === serial && one.plan !== null ? [one.plan] : [],
    );
    const faults = plans.map((plan) => this.#differs(machine, plan, on));
    if (!faults.includes(null))
      throw new Broken(
        `${machine.name} says ${state} ${serial}, and ${faults.join("; ") || "nobody wrote that"} ${when}`,
      );
  }

  #differs(machine: Machine, plan: FleetPlan, on: readonly FleetActivation[]): string | null {
    const now = this.world.time.now();
    const who = { daemon: machine.name, labels: { zone: machine.name === "node-2" ? "eu-2" : "eu-1" } };
    const meant = plan.activations.filter(({ id, targets }) => isMeant(targets, id, who));
    const has = new Set(on.map(identityOf));
    const wants = new Set(meant.map(identityOf));
    const more = on.find((one) => !wants.has(identityOf(one)));
    if (more !== undefined) return `it is under ${more.id}, which is not in it`;
    const told = new Map(machine.ground.ever);
    const missing = meant.find((one) => {
      const [start, end] = [one.starts_at, one.ends_at].map((moment) => Date.parse(moment) - ENGINE_EPOCH);
      const isDue = (start ?? 0) + SKEW <= now && now < (end ?? 0) - 2 * SKEW;
      // One that the engine went back to may have ended before.
      return (
        isDue &&
        !has.has(identityOf(one)) &&
        !((told.get(identityOf(one)) ?? Infinity) <= machine.clock.now())
      );
    });
    return missing === undefined ? null : `${missing.id} of it is not on`;
  }

  /** All that was wrong is over: soon all have the plan, or say why not. */
  async #end(): Promise<void> {
    await this.#take({ do: "join up" } as Step);
    for (const { engine, clock } of this.#live.values()) {
      Object.assign(engine.link, { isCut: false, there: 0, back: 0, losesAnswers: 0, losesHints: 0 });
      if (clock.paused) clock.resume();
      engine.notice(true);
    }
    await this.#pass(30_000);
    this.#look("at the end");
    const heard = new Map(this.#main.members().map(({ presence }) => [presence.daemon, presence]));
    for (const machine of this.#live.values()) {
      const { presence, connected, joined, planAge } = machine.member.view();
      const is = `${machine.name} is ${presence.state} ${presence.serial} (${presence.why ?? ""})`;
      if (!connected || !joined || planAge > 5_000) throw new Broken(`${is}, and has not found back`);
      if (presence.serial !== this.#main.serial)
        throw new Broken(`${is}, and the plan is ${this.#main.serial}`);
      const said = heard.get(machine.name);
      if (said?.state !== presence.state || said.serial !== presence.serial)
        throw new Broken(`${is}, and says something else`);
      if (presence.state === "refused") this.#lookAtRefusal(machine, presence.why ?? "", is);
    }
  }

  #lookAtRefusal({ ground, facts }: Machine, why: string, is: string): void {
    const isRight =
      (why.includes("no proxy") && ground.lacking.size > 0) ||
      (why.includes("went back") && facts.all.some(({ kind }) => kind === "fleet_rewound")) ||
      (why.includes("is not there") && this.#written.length > 0) ||
      (/expected a plan as JSON|format squall-fleet\/2/u.test(why) &&
        this.#written.some(({ plan }) => plan === null));
    if (!isRight) throw new Broken(`${is}, for no reason`);
  }
}

/** Sequences of steps, each of which leaves all promises kept; what fails is shrunk by fast-check. */
export async function holdsFor(sequences: number, steps: number, seed?: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: steps, size: "max" }), (list) => new Model().run(list)),
    { numRuns: sequences, ...(seed === undefined ? {} : { seed }) },
  );
}
