/** A fleet in one test: a server, members on machines of their own, and somebody who writes plans. All of it on one virtual clock. */
import { VirtualClock, type Millis } from "../../../src/core/clock.js";
import { SquallError } from "../../../src/core/errors.js";
import type { Ground, Wanted } from "../../../src/fleet/contract/member.js";
import type { FleetActivation, FleetPlan } from "../../../src/fleet/contract/plan.js";
import { identityOf } from "../../../src/fleet/identity.js";
import { Member, type MemberParts } from "../../../src/fleet/member/member.js";
import { writePlan } from "../../../src/fleet/plan-format.js";
import { hashIn, nameOfText, writeText } from "../../../src/fleet/text-format.js";
import { FactBook } from "../lab.js";
import { MachineClock } from "./clocks.js";
import { MemoryEngine } from "./memory-engine.js";
import { MemoryServer } from "./memory-server.js";

/** When the engine's clock began. */
export const ENGINE_EPOCH = Date.parse("2026-03-01T14:00:00.000Z");

/** What a daemon would have on: nothing but the decisions of its member. An end is looked at when somebody asks, as the daemon does. */
export class BareGround implements Ground {
  on: readonly Wanted[] = [];
  /** Proxies that it does not have. */
  readonly lacking = new Set<string>();
  /** What was ever handed to it, in its order. */
  readonly applied: string[] = [];
  /** The end that it was told last, of each that it ever had. */
  readonly ever = new Map<string, Millis>();
  #healed: () => void = () => undefined;

  check(wanted: readonly Wanted[]): void {
    for (const { activation } of wanted) {
      const name = activation.proxies?.find((one) => this.lacking.has(one));
      if (name !== undefined) throw new SquallError("SQ_INVALID_ACTIVATION", `no proxy is called "${name}"`);
    }
  }

  apply(wanted: readonly Wanted[]): void {
    this.check(wanted);
    const before = new Map(this.on.map((one) => [identityOf(one.activation), one]));
    // What goes on has begun when it began.
    this.on = wanted.map((one) => ({
      ...one,
      startsAt: before.get(identityOf(one.activation))?.startsAt ?? one.startsAt,
    }));
    for (const { activation, endsAt } of wanted) this.ever.set(identityOf(activation), endsAt);
    this.applied.push(wanted.map(({ activation }) => activation.id).join(" ") || "-");
  }

  hits(): number {
    return 0;
  }

  onHealedHere(hear: () => void): void {
    this.#healed = hear;
  }

  /** Those of which an exchange that begins now would be hit: what a daemon is handed begins at once. */
  hitting(now: Millis): readonly Wanted[] {
    return this.on.filter(({ endsAt }) => now < endsAt);
  }

  healHere(): void {
    this.on = [];
    this.#healed();
  }
}

export interface MachineOptions extends Partial<
  Pick<MemberParts, "labels" | "accept" | "maxTtl" | "poll" | "random">
> {
  /** Of its monotonic clock. */
  readonly uptime?: Millis;
}

export class Machine {
  readonly clock: MachineClock;
  readonly engine: MemoryEngine;
  readonly ground = new BareGround();
  readonly facts = new FactBook();
  readonly member: Member;

  constructor(
    readonly name: string,
    world: World,
    { labels = {}, accept = null, maxTtl = 3_600_000, poll = 5_000, uptime = 0, random }: MachineOptions = {},
  ) {
    this.clock = new MachineClock(world.time, uptime);
    this.engine = new MemoryEngine(world.server, this.clock);
    const { clock, engine, ground, facts } = this;
    this.member = new Member({
      ...{ engine, clock, ground, facts, name, labels, accept, maxTtl, poll },
      ...{ life: `${name}-${world.lives++}`, version: "1.0.0", admin: () => null },
      ...(random === undefined ? {} : { random }),
    });
  }

  get state(): string {
    const { state, serial } = this.member.view().presence;
    return `${state} ${serial}`;
  }

  get why(): string | null {
    return this.member.view().presence.why;
  }

  /** Ids of what an exchange that begins now would be hit by. */
  get hitting(): string {
    return this.ground
      .hitting(this.clock.now())
      .map(({ activation }) => activation.id)
      .join(" ");
  }
}

export class World {
  readonly time = new VirtualClock(1_000);
  /** Of the engine's clock. */
  engineStep: Millis = 0;
  server = new MemoryServer(() => ENGINE_EPOCH + this.time.now() + this.engineStep);
  readonly machines: Machine[] = [];
  epoch = "one";
  lives = 0;

  machine(name: string, options: MachineOptions = {}): Machine {
    const machine = new Machine(name, this, options);
    this.machines.push(machine);
    return machine;
  }

  /** One that has joined. */
  async joined(name: string, options: MachineOptions = {}): Promise<Machine> {
    const machine = this.machine(name, options);
    machine.member.start();
    await settled();
    return machine;
  }

  /** Lets time pass, with all that happens in it. */
  async pass(by: Millis): Promise<void> {
    const until = this.time.now() + by;
    await settled();
    while (this.time.next <= until) {
      this.time.advance(Math.max(0, this.time.next - this.time.now()));
      await settled();
    }
    this.time.advance(until - this.time.now());
  }

  activation(
    id: string,
    rest: Partial<FleetActivation> = {},
    from: Millis = 0,
    lasts: Millis = 60_000,
  ): FleetActivation {
    const bytes = textOf(id);
    const start = this.server.now() + from;
    return {
      id,
      profile: id,
      text: nameOfText(bytes),
      params: {},
      seed: 7,
      mode: "inject",
      proxies: null,
      targets: { daemons: [], labels: {}, percent: 100 },
      starts_at: new Date(start).toISOString(),
      ends_at: new Date(start + lasts).toISOString(),
      ...rest,
    };
  }

  plan(activations: readonly FleetActivation[], rest: Partial<FleetPlan> = {}): FleetPlan {
    return { format: "squall-fleet/1", epoch: this.epoch, by: "test", why: null, activations, ...rest };
  }

  /** Writes the texts, and then the plan, past all that may be wrong with links. */
  put(activations: readonly FleetActivation[], rest: Partial<FleetPlan> = {}): number {
    for (const { id, text } of activations) this.server.putText(hashIn(text), textOf(id));
    return this.server.put(writePlan(this.plan(activations, rest)), "any");
  }
}

export function textOf(id: string): Uint8Array {
  const yaml = `profile: ${id}\nfaults: [{ type: latency, delay: 1s }]\n`;
  return writeText({ format: "squall-profile/1", profile: id, files: { [id]: yaml } });
}

/** Everything has happened that can happen without time passing. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
