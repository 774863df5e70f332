/**
 * A fleet of real members and a real controller on a real engine that dies, comes back with its data or without, or is cut off by Squall
 * itself. What must hold in each: no fault outlives its end, and all are under the same plan soon after the engine is back.
 */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../../src/core/system-clock.js";
import { EngineError, type FleetEngine } from "../../../src/fleet/contract/engine.js";
import type { FleetOutcome } from "../../../src/fleet/contract/member.js";
import type { FleetActivation } from "../../../src/fleet/contract/plan.js";
import { Controller } from "../../../src/fleet/controller/controller.js";
import { Member } from "../../../src/fleet/member/member.js";
import { readPlan } from "../../../src/fleet/plan-format.js";
import { startSquall, type FaultInput, type Squall } from "../../../src/index.js";
import { BareGround } from "../../support/fleet/world.js";
import { FactBook } from "../../support/lab.js";
import { until } from "./conformance.js";

export interface Server {
  readonly port: number;
  kill(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  loseData(): void;
  close(): Promise<void>;
}

export interface OutageBench {
  readonly start: () => Promise<Server>;
  readonly open: (port: number, fleet: string, client: string) => Promise<FleetEngine>;
}

const clock = new SystemClock();
const MEMBERS = 3;
const TTL = 8_000;
/** The promise is five seconds; the rest is for a machine that is busy with something else. */
const CONVERGED_MAX = 5_000 + 3_000;
const DETECTED_MAX = 15_000 + 2_000;
/** How often somebody looks whether a fault outlived its end. */
const LOOK_EVERY = 20;

const STEPS = ["putText", "put", "announce"] as const;
type Step = `${"before" | "while" | "after"} ${(typeof STEPS)[number]}`;
const WHENS = STEPS.flatMap((step): Step[] => [`before ${step}`, `while ${step}`, `after ${step}`]);

/** The engine, with somebody who does something at one step of those who use it, once. */
function tripped(engine: FleetEngine, when: Step, trip: () => Promise<unknown>): FleetEngine {
  let isSet = true;
  const [moment, step] = when.split(" ") as ["before" | "while" | "after", (typeof STEPS)[number]];
  return new Proxy(engine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const call = (...words: unknown[]): unknown => Reflect.apply(value, target, words);
      if (name !== step) return call;
      return async (...words: unknown[]) => {
        const now = isSet;
        isSet = false;
        if (now && moment === "before") await trip();
        const answer = call(...words);
        if (now && moment === "while")
          await Promise.all([trip(), Promise.resolve(answer).catch(() => undefined)]);
        const got = await answer;
        if (now && moment === "after") await trip();
        return got;
      };
    },
  });
}

class Fleet {
  readonly name = `t-${randomUUID()}`;
  readonly machines: {
    readonly member: Member;
    readonly ground: BareGround;
    readonly engine: FleetEngine;
  }[] = [];
  readonly engines: FleetEngine[] = [];
  /** What was hit after its end, with how long after. */
  readonly tooLong: string[] = [];
  readonly #open: (client: string, port?: number) => Promise<FleetEngine>;
  readonly #watch: NodeJS.Timeout;

  constructor(bench: OutageBench, port: number) {
    this.#open = async (client, through = port) => {
      const engine = await bench.open(through, this.name, client);
      this.engines.push(engine);
      return engine;
    };
    this.#watch = setInterval(() => {
      for (const { ground, member } of this.machines)
        for (const { activation } of ground.hitting(clock.now())) {
          const late = Date.now() - Date.parse(activation.ends_at);
          if (late > 1_000)
            this.tooLong.push(
              `${member.view().presence.daemon} is under ${activation.id} ${late} ms after its end`,
            );
        }
    }, LOOK_EVERY);
  }

  async join(
    through?: number,
    wrap: (engine: FleetEngine) => FleetEngine = (engine) => engine,
  ): Promise<void> {
    const at = this.machines.length;
    const name = `node-${at + 1}`;
    const engine = wrap(await this.#open(name, through));
    const ground = new BareGround();
    const member = new Member({
      ...{
        engine,
        clock,
        ground,
        name,
        facts: new FactBook(),
        labels: {},
        accept: null,
        maxTtl: 3_600_000,
        poll: 5_000,
      },
      ...{ life: `${name}-1`, version: "1.0.0", admin: () => null },
    });
    this.machines.push({ member, ground, engine });
    member.start();
    await until(() => member.view().joined && member.time.engineTime(clock.now()) !== null);
  }

  async controller(wrap: (engine: FleetEngine) => FleetEngine = (engine) => engine): Promise<Controller> {
    const engine = wrap(await this.#open("ops"));
    return new Controller({ engine, clock, engineTime: () => Date.now(), maxTtl: 3_600_000 });
  }

  /**
   * Whether each member is under what the engine's plan has on. After it was made anew, nothing else is enough: what was written into it
   * before a member saw that is not begun there, and the next plan is.
   */
  async agrees(engine: FleetEngine, isAnew = false): Promise<boolean> {
    const found = await engine.read().catch(() => null);
    if (found === null) return false;
    const plan = found.bytes === null ? null : readPlan(found.bytes);
    const isOn = ({ ends_at }: FleetActivation): boolean => Date.parse(ends_at) > Date.now() + 50;
    const namesOf = (list: readonly FleetActivation[]): string[] =>
      list.filter(isOn).map(({ id, seed }) => `${id} ${seed}`);
    const wanted = namesOf(plan?.activations ?? []);
    return this.machines.every(({ ground, member }) => {
      const under = namesOf(ground.hitting(clock.now()).map(({ activation }) => activation));
      const isWhole = isAnew || under.length === wanted.length;
      return isWhole && under.every((name) => wanted.includes(name)) && member.view().connected;
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.all(this.machines.map(({ member }) => member.close()));
    await Promise.all(this.engines.map((engine) => engine.close()));
  }
}

const activate = (controller: Controller, profile: string, wait = 3_000): Promise<FleetOutcome> =>
  controller.activate({
    activations: [
      {
        profile,
        text: {
          format: "squall-profile/1",
          profile,
          files: { [profile]: `profile: ${profile}\nfaults: [{ type: latency, delay: 1s }]\n` },
        },
        params: {},
        targets: { daemons: [], labels: {}, percent: 100 },
        ttl: TTL,
      },
    ],
    ...{ how: "replace", startsIn: 0, require: "all", wait, orHeal: false, by: "test", why: null },
  });

/** What became of it: never both, and never something else. */
const outcomeOf = async (order: Promise<FleetOutcome>): Promise<string> =>
  order.then(
    ({ met, daemons }) =>
      met
        ? "met"
        : `not met: ${daemons.map(({ daemon, state, why }) => `${daemon} ${state} ${why ?? ""}`).join()}`,
    (error: unknown) => {
      if (error instanceof EngineError) return error.failure;
      throw error;
    },
  );

export function outlasts(name: string, bench: OutageBench): void {
  const open: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(one: T): T => {
    open.push(one);
    return one;
  };
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  describe(`${name}, killed at a step of activate`, () => {
    const scene = async (when: Step, keepsData: boolean): Promise<{ story: string; converged: number }> => {
      const server = keep(await bench.start());
      const fleet = keep(new Fleet(bench, server.port));
      const kill = (): Promise<void> => server.kill("SIGKILL");
      const isHeartbeat = when.endsWith("announce");
      let isArmed = false;
      const trip = async (): Promise<void> => {
        if (isArmed) await kill();
      };
      for (let at = 0; at < MEMBERS; at++)
        await fleet.join(undefined, (engine) =>
          isHeartbeat && at === 0 ? lateTrip(engine, when, () => isArmed, trip) : engine,
        );
      const controller = await fleet.controller((engine) =>
        isHeartbeat ? engine : lateTrip(engine, when, () => isArmed, trip),
      );
      expect(await outcomeOf(activate(controller, "before", 10_000))).toBe("met");
      isArmed = true;
      const outcome = outcomeOf(activate(controller, "during"));
      await new Promise((done) => setTimeout(done, 1_500));
      // Where the step has not come yet, it is too late for it.
      isArmed = false;
      await kill();
      if (!keepsData) server.loseData();
      await server.start();
      const back = performance.now();
      const probe = keep(await bench.open(server.port, fleet.name, "probe"));
      await until(() => fleet.agrees(probe, !keepsData));
      const converged = performance.now() - back;
      expect(converged).toBeLessThan(CONVERGED_MAX);
      const said = await outcome;
      expect(said).toMatch(/^(?:met|not met.*|away|failed)$/u);
      // The fleet can be switched as before.
      const again = await fleet.controller();
      await until(async () => (await outcomeOf(activate(again, "after", 10_000))) === "met");
      await until(() => fleet.machines.every(({ ground }) => ground.hitting(clock.now()).length === 0));
      expect(fleet.tooLong).toEqual([]);
      return { story: `${when}: ${said}, ${Math.round(converged)} ms`, converged };
    };

    for (const keepsData of [true, false])
      it(`comes back ${keepsData ? "with its data" : "empty"}: one plan for all within five seconds, and no fault after its end`, async () => {
        const stories: { story: string; converged: number }[] = [];
        for (const step of STEPS) {
          const whens = WHENS.filter((when) => when.endsWith(` ${step}`));
          stories.push(...(await Promise.all(whens.map((when) => scene(when, keepsData)))));
        }
        const slowest = Math.max(...stories.map(({ converged }) => converged));
        console.log(
          `${name}, ${keepsData ? "with" : "without"} data: converged ${Math.round(slowest)} ms after its return at the latest; ${stories.map(({ story }) => story).join("; ")}`,
        );
      });
  });

  describe(`${name}, cut off by Squall`, () => {
    const cut = async (squall: Squall, faults: readonly FaultInput[]): Promise<void> =>
      void (await squall.activate(faults, { proxies: ["engine"] }));
    const CUTS: readonly (readonly [string, readonly FaultInput[], boolean])[] = [
      ["swallowing everything", [{ type: "blackhole" }], false],
      ["resetting everything", [{ type: "reset" }], false],
      ["refusing connections", [{ type: "down" }], false],
      ["keeping the end of a connection to itself", [{ type: "half_open" }], true],
    ];
    it("is noticed within 15 seconds, however it is done, ends faults in time, and is over five seconds after it", async () => {
      const lines = await Promise.all(
        CUTS.map(async ([how, faults, needsDeath]) => {
          const server = keep(await bench.start());
          const fleet = keep(new Fleet(bench, server.port));
          const squall = await startSquall({
            proxies: { engine: { upstream: `tcp://127.0.0.1:${server.port}` } },
          });
          keep({ close: () => squall.stop() });
          const through = squall.proxies.get("engine").port;
          await fleet.join(through);
          await fleet.join();
          const controller = await fleet.controller();
          expect(await outcomeOf(activate(controller, "before", 10_000))).toBe("met");
          await cut(squall, faults);
          if (needsDeath) {
            await server.kill("SIGKILL");
            await server.start();
          }
          const begun = performance.now();
          const [far, near] = fleet.machines;
          await until(() => far?.engine.connected === false);
          const noticed = performance.now() - begun;
          expect(noticed).toBeLessThan(DETECTED_MAX);
          // The others go on, and the one that is cut off is told as silent.
          if (!needsDeath) {
            await until(async () => {
              const outcome = await activate(controller, "during", 2_000).catch(() => null);
              const states = new Map(outcome?.daemons.map(({ daemon, state }) => [daemon, state]));
              return states.get("node-2") === "applied" && states.get("node-1") !== "applied";
            });
            expect(near?.ground.hitting(clock.now()).map(({ activation }) => activation.id)).toEqual([
              "during",
            ]);
          }
          await squall.heal();
          const healed = performance.now();
          const probe = keep(await bench.open(server.port, fleet.name, "probe"));
          await until(() => fleet.agrees(probe));
          const converged = performance.now() - healed;
          expect(converged).toBeLessThan(CONVERGED_MAX);
          await until(() => fleet.machines.every(({ ground }) => ground.hitting(clock.now()).length === 0));
          expect(fleet.tooLong).toEqual([]);
          return `${how}: noticed after ${Math.round(noticed)} ms, converged ${Math.round(converged)} ms after its end`;
        }),
      );
      console.log(`${name}: ${lines.join("; ")}`);
    });
  });
}

/** As `tripped`, armed later: what happens before does not count as the first time. */
function lateTrip(
  engine: FleetEngine,
  when: Step,
  isArmed: () => boolean,
  trip: () => Promise<void>,
): FleetEngine {
  const armed = tripped(engine, when, trip);
  return new Proxy(engine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...words: unknown[]): unknown => {
        const from = isArmed() ? armed : target;
        return Reflect.apply(Reflect.get(from, name) as () => unknown, from, words);
      };
    },
  });
}
