/** Who switches a fleet: what is written, who is waited for, and what happens when others, the engine or the daemons will not. No real time. */
import { beforeEach, describe, expect, it } from "vitest";
import { WAIT_DEFAULT_MS } from "../../src/admin/fleet-body.js";
import { SquallError } from "../../src/core/errors.js";
import { Controller } from "../../src/fleet/controller/controller.js";
import { EngineError } from "../../src/fleet/contract/engine.js";
import type { FleetOrder, FleetOutcome } from "../../src/fleet/contract/member.js";
import type { FleetPlan } from "../../src/fleet/contract/plan.js";
import { readPlan, writePlan } from "../../src/fleet/plan-format.js";
import { seeded } from "../support/http-script.js";
import { World, type Machine } from "../support/fleet/world.js";

let world: World;
let one: Machine;
let two: Machine;
let three: Machine;

beforeEach(async () => {
  world = new World();
  one = await world.joined("node-1", { labels: { zone: "eu" } });
  two = await world.joined("node-2", { labels: { zone: "eu" } });
  three = await world.joined("node-3", { labels: { zone: "us" } });
});

/** `ahead`: so much its idea of the engine's clock is ahead of that of the daemons. */
function controllerAt({ engine, clock, member }: Machine, ahead = 0): Controller {
  let seed = 100;
  return new Controller({
    engine,
    clock,
    engineTime: () => {
      const time = member.time.engineTime(clock.now());
      return time === null ? null : time + ahead;
    },
    maxTtl: 3_600_000,
    drawSeed: () => seed++,
    drawEpoch: () => "drawn",
  });
}

type Wish = FleetOrder["activations"][number];

function wish(profile: string, rest: Partial<Wish> = {}): Wish {
  const yaml = `profile: ${profile}\nfaults: [{ type: latency, delay: 1s }]\n`;
  return {
    profile,
    text: { format: "squall-profile/1", profile, files: { [profile]: yaml } },
    params: {},
    targets: { daemons: [], labels: {}, percent: 100 },
    ttl: 60_000,
    ...rest,
  };
}

const order = (activations: readonly Wish[], rest: Partial<FleetOrder> = {}): FleetOrder => ({
  activations,
  how: "replace",
  startsIn: 0,
  require: "all",
  wait: 5_000,
  orHeal: false,
  by: "ci@build",
  why: null,
  ...rest,
});

/** Lets time pass until it is settled. */
async function done<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  promise.then(
    () => (over = true),
    () => (over = true),
  );
  for (let turns = 0; !over && turns < 10_000; turns++) await world.pass(over ? 0 : 10);
  return promise;
}

const activate = (wishes: readonly Wish[], rest: Partial<FleetOrder> = {}, at = one): Promise<FleetOutcome> =>
  done(controllerAt(at).activate(order(wishes, rest)));

async function failureOf(promise: Promise<unknown>): Promise<EngineError | SquallError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof EngineError || error instanceof SquallError) return error;
  throw new Error(`expected a refusal, got ${String(error)}`);
}

const table = ({ daemons }: FleetOutcome): readonly string[] =>
  daemons.map(({ daemon, state, why }) => `${daemon} ${state}${why === null ? "" : `: ${why}`}`);

function plan(): FleetPlan {
  const { bytes } = world.server.read();
  if (bytes === null) throw new Error("nobody has written");
  return readPlan(bytes);
}

const on = (): readonly string[] => plan().activations.map(({ id, seed }) => `${id} ${seed}`);
const hitting = (): readonly string[] => [one, two, three].map((machine) => machine.hitting);

describe("switching on", () => {
  it("writes one plan with a drawn seed, and answers when all have applied it", async () => {
    const began = world.time.now();
    const outcome = await activate([wish("wan", { params: { by: "10ms" } })], { why: "nightly" });
    expect(outcome).toMatchObject({ serial: 1, met: true, healed: false });
    expect(table(outcome)).toEqual(["node-1 applied", "node-2 applied", "node-3 applied"]);
    expect(outcome.activations).toEqual(plan().activations);
    expect(plan()).toMatchObject({ epoch: "drawn", by: "ci@build", why: "nightly" });
    expect(plan().activations).toMatchObject([
      { id: "wan", seed: 100, params: { by: "10ms" }, mode: "inject", proxies: null },
    ]);
    expect(hitting()).toEqual(["wan", "wan", "wan"]);
    // It does not wait any longer than it must.
    expect(world.time.now() - began).toBeLessThan(300);
  });

  it("waits for daemons whose clock is behind, which have prepared for a moment what begins at once", async () => {
    const outcome = await done(controllerAt(one, 40).activate(order([wish("wan")])));
    expect(table(outcome)).toEqual(["node-1 applied", "node-2 applied", "node-3 applied"]);
    expect(outcome.met).toBe(true);
    const began = world.time.now();
    const late = await done(controllerAt(one, 10_000).activate(order([wish("slow")], { wait: 1_000 })));
    expect([late.met, ...table(late)]).toEqual([
      false,
      "node-1 prepared",
      "node-2 prepared",
      "node-3 prepared",
    ]);
    expect(world.time.now() - began).toBeGreaterThanOrEqual(1_000);
  });

  it("waits by default for one that no message reaches, and that has just read the plan before", async () => {
    const far = world.machine("node-4", { random: () => 0.999 });
    Object.assign(far.engine.link, { there: 150, back: 150 });
    far.member.start();
    await world.pass(310);
    far.engine.link.losesHints = 1;
    const outcome = await activate([wish("wan")], { wait: WAIT_DEFAULT_MS });
    expect([outcome.met, table(outcome).at(-1)]).toEqual([true, "node-4 applied"]);
  });

  it("hears a daemon that said something else a moment before it applied the plan, however long answers took before", async () => {
    const silent: string[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      world = new World();
      const desk = await world.joined("node-1");
      const random = seeded(seed);
      // The engine was busy, and is not any more.
      const until = world.time.now() + 50;
      Object.defineProperty(desk.engine.link, "back", {
        get: () => (world.time.now() < until ? 100 : 5) * random(),
      });
      const asked = controllerAt(desk).activate(order([wish("wan")]));
      await world.pass(100 * random());
      await world.joined("node-2");
      const outcome = await done(asked);
      if (!outcome.met) silent.push(`seed ${seed}: ${table(outcome).join(", ")}`);
    }
    expect(silent).toEqual([]);
  });

  it("takes the place of what is on, or stands beside it, and leaves away what is over", async () => {
    await activate([wish("wan", { ttl: 1_000 })]);
    await activate([wish("slow", { seed: 9 })], { how: "add" });
    expect(on()).toEqual(["wan 100", "slow 9"]);
    await activate([wish("slow", { seed: 10 })], { how: "add" });
    expect(on()).toEqual(["wan 100", "slow 10"]);
    await world.pass(2_000);
    await activate([wish("late")], { how: "add" });
    expect(on()).toEqual(["slow 10", "late 100"]);
    await activate([wish("wan")]);
    expect(on()).toEqual(["wan 100"]);
    expect(hitting()).toEqual(["wan", "wan", "wan"]);
  });

  it("waits for those who are meant, and for nobody else", async () => {
    three.engine.link.isCut = true;
    const eu = await activate([
      wish("wan", { targets: { daemons: [], labels: { zone: "eu" }, percent: 100 } }),
    ]);
    expect([eu.met, table(eu)]).toEqual([true, ["node-1 applied", "node-2 applied"]]);
    const named = await activate([wish("wan", { targets: { daemons: ["*-2"], labels: {}, percent: 100 } })]);
    expect(table(named)).toEqual(["node-2 applied"]);
    expect([one.hitting, two.hitting]).toEqual(["", "wan"]);
  });

  it("is not met where nobody is meant, after the whole wait", async () => {
    const began = world.time.now();
    const outcome = await activate([wish("wan", { targets: { daemons: ["x"], labels: {}, percent: 100 } })], {
      wait: 1_000,
    });
    expect([outcome.met, outcome.daemons]).toEqual([false, []]);
    expect(world.time.now() - began).toBeGreaterThanOrEqual(1_000);
  });
});

describe("what is required", () => {
  it.each([
    ["all", false],
    ["quorum", true],
    ["any", true],
    ["none", true],
  ] as const)("%s, of three of whom one refuses: met is %s", async (require, met) => {
    two.ground.lacking.add("jobs");
    const outcome = await activate([wish("wan", { proxies: ["jobs"] })], { require });
    expect([outcome.met, outcome.healed]).toEqual([met, false]);
    if (require === "all")
      expect(table(outcome)).toEqual([
        "node-1 applied",
        'node-2 refused: no proxy is called "jobs"',
        "node-3 applied",
      ]);
    await world.pass(0);
    expect(hitting()).toEqual(["wan", "", "wan"]);
  });

  it("does not wait for what cannot come any more", async () => {
    for (const machine of [one, two, three]) machine.ground.lacking.add("jobs");
    const began = world.time.now();
    const outcome = await activate([wish("wan", { proxies: ["jobs"] })], { require: "any", wait: 60_000 });
    expect(outcome.met).toBe(false);
    expect(world.time.now() - began).toBeLessThan(1_000);
  });

  it("tells who is silent: one that is cut off, and one that has gone", async () => {
    three.engine.link.isCut = true;
    two.engine.link.isCut = true;
    const asked = controllerAt(one).activate(order([wish("wan")], { wait: 2_000 }));
    await world.pass(500);
    world.server.leave("node-3");
    const outcome = await done(asked);
    expect(outcome.met).toBe(false);
    expect(table(outcome)).toEqual([
      "node-1 applied",
      "node-2 silent: it has read no plan yet",
      "node-3 silent: it has gone",
    ]);
  });
});

describe("--or-heal", () => {
  it("puts back what was on before, as it was", async () => {
    await activate([wish("calm")]);
    const [before] = plan().activations;
    two.ground.lacking.add("jobs");
    await world.pass(3_000);
    const outcome = await activate([wish("wan", { proxies: ["jobs"] })], { orHeal: true });
    expect(outcome).toMatchObject({ serial: 3, met: false, healed: true });
    expect(table(outcome)[1]).toContain("refused");
    expect(plan().activations).toEqual([before]);
    expect(plan().why).toBe("put back, as all was required of wan");
    await world.pass(0);
    expect(hitting()).toEqual(["calm", "calm", "calm"]);
  });

  it("takes back nothing but its own where somebody else has written meanwhile", async () => {
    three.engine.link.isCut = true;
    const asked = controllerAt(one).activate(order([wish("wan")], { orHeal: true, wait: 2_000 }));
    await world.pass(500);
    await activate([wish("theirs")], { how: "add", wait: 0 }, two);
    const outcome = await done(asked);
    expect(outcome).toMatchObject({ met: false, healed: true });
    expect(on()).toEqual(["theirs 100"]);
  });

  it("leaves alone what has taken its place", async () => {
    three.engine.link.isCut = true;
    const asked = controllerAt(one).activate(order([wish("wan")], { orHeal: true, wait: 2_000 }));
    await world.pass(500);
    await activate([wish("wan", { seed: 9 })], { wait: 0 }, two);
    const { serial } = world.server;
    expect(await done(asked)).toMatchObject({ healed: true, serial });
    expect(on()).toEqual(["wan 9"]);
  });

  it("is tried again while the engine is away", async () => {
    three.engine.link.isCut = true;
    const asked = controllerAt(one).activate(order([wish("wan")], { orHeal: true, wait: 1_000 }));
    await world.pass(900);
    one.engine.notice(false);
    await world.pass(3_000);
    one.engine.notice(true);
    expect(await done(asked)).toMatchObject({ healed: true });
    expect(on()).toEqual([]);
  });
});

describe("--or-heal without an engine", () => {
  it("says that it is on, and until when", async () => {
    three.engine.link.isCut = true;
    const asked = controllerAt(one).activate(order([wish("wan")], { orHeal: true, wait: 1_000 }));
    await world.pass(900);
    one.engine.notice(false);
    const error = await failureOf(done(asked));
    const [ends] = plan().activations.map(({ ends_at: end }) => end);
    expect(error).toMatchObject({ failure: "away" });
    expect(error.message).toBe(
      `plan 1 is written and could not be taken back (nobody is connected); what it has on ends at ${ends}`,
    );
  });
});

describe("together", () => {
  it("begins at one moment of the engine's clock, and is prepared before", async () => {
    const outcome = await activate([wish("wan"), wish("slow")], { startsIn: 2_000 });
    expect(table(outcome)).toEqual(["node-1 prepared", "node-2 prepared", "node-3 prepared"]);
    expect(outcome.met).toBe(true);
    const [first, second] = outcome.activations;
    expect(first?.starts_at).toBe(second?.starts_at);
    expect(hitting()).toEqual(["", "", ""]);
    await world.pass(2_000);
    expect(hitting()).toEqual(["wan slow", "wan slow", "wan slow"]);
  });

  it("is taken back before it begins, unless all have prepared it", async () => {
    three.engine.link.isCut = true;
    const began = world.time.now();
    const outcome = await activate([wish("wan")], { startsIn: 2_000, orHeal: true });
    expect(outcome).toMatchObject({ met: false, healed: true });
    expect(table(outcome)).toEqual([
      "node-1 prepared",
      "node-2 prepared",
      "node-3 silent: it has read no plan yet",
    ]);
    expect(world.time.now() - began).toBeLessThan(2_000);
    await world.pass(5_000);
    expect(
      one.ground.applied.concat(two.ground.applied).filter((ids) => ids === "wan" && one.hitting !== ""),
    ).toEqual([]);
    expect(hitting()).toEqual(["", "", ""]);
  });
});

describe("others who write", () => {
  /** Somebody else is faster, so many times. */
  function rival(times: number): void {
    const put = world.server.put.bind(world.server);
    let left = times;
    world.server.put = (bytes, serial) => {
      if (left > 0 && serial !== "any") {
        left--;
        put(
          writePlan(world.plan([world.activation(`theirs-${left}`)], { by: "ci-42", why: "nightly" })),
          "any",
        );
      }
      return put(bytes, serial);
    };
  }

  it("are waited out five times, and what they wrote is kept", async () => {
    rival(5);
    const outcome = await activate([wish("wan")], { how: "add" });
    expect(outcome.serial).toBe(6);
    expect(on()).toEqual(["theirs-0 7", "wan 100"]);
  });

  it("are named when they were faster six times; then nothing was done", async () => {
    rival(6);
    const error = await failureOf(activate([wish("wan")], { how: "add" }));
    expect(error).toMatchObject({ failure: "conflict" });
    expect(error.message).toBe(
      "others changed the plan 6 times meanwhile: the last was ci-42 (nightly), plan 6",
    );
    expect(on()).toEqual(["theirs-0 7"]);
  });

  it("cannot keep anybody from healing", async () => {
    await activate([wish("wan")]);
    rival(100);
    const outcome = await done(controllerAt(two).heal({ by: "ci", why: "over", wait: 5_000 }));
    expect([outcome.met, on()]).toEqual([true, []]);
  });
});

describe("the engine", () => {
  it("may lose the answer to what was written: it is found, and nothing is written twice", async () => {
    const read = world.server.read.bind(world.server);
    let first = true;
    world.server.read = () => {
      if (first) one.engine.link.losesAnswers = 1;
      first = false;
      return read();
    };
    const outcome = await activate([wish("wan")]);
    expect(outcome).toMatchObject({ serial: 1, met: true });
    expect(world.server.serial).toBe(1);
  });

  it.each([
    [
      "away",
      (): void => {
        one.engine.notice(false);
      },
    ],
    [
      "forbidden",
      (): void => {
        one.engine.link.forbids = "plan";
      },
    ],
  ] as const)("says no, and nothing is written: %s", async (failure, happen) => {
    happen();
    expect(await failureOf(activate([wish("wan")]))).toMatchObject({ failure });
    expect(world.server.serial).toBe(0);
  });

  it("says that nobody knows whether it was written, where the engine went away with the answer", async () => {
    const put = world.server.put.bind(world.server);
    world.server.put = (bytes, serial) => {
      const written = put(bytes, serial);
      one.engine.notice(false);
      return written;
    };
    const error = await failureOf(activate([wish("wan")]));
    expect(error).toMatchObject({ failure: "away" });
    expect(error.message).toContain("whether the plan was written is not known: squall status --fleet tells");
    expect(on()).toEqual(["wan 100"]);
  });

  it("may have a plan of a newer Squall: it is not written over, but healed", async () => {
    world.server.put(new TextEncoder().encode('{"format":"squall-fleet/2","activations":[]}'), "any");
    const error = await failureOf(activate([wish("wan")], { how: "add" }));
    expect(error).toMatchObject({ failure: "failed" });
    expect(error.message).toContain("squall-fleet/2");
    expect(world.server.serial).toBe(1);
    await done(controllerAt(one).heal({ by: "ci", why: null, wait: 5_000 }));
    expect(plan().activations).toEqual([]);
  });

  it("may not know the time yet: then nothing is written", async () => {
    const { engine, clock } = one;
    const controller = new Controller({ engine, clock, engineTime: () => null, maxTtl: 1_000 });
    const error = await failureOf(done(controller.activate(order([wish("wan", { ttl: 1_000 })]))));
    expect(error.message).toBe("the clock of memory://test is not known yet");
    expect(world.server.serial).toBe(0);
  });
});

describe("healing", () => {
  const heal = (
    rest: { readonly id?: string; readonly wait?: number } = {},
    at = one,
  ): Promise<FleetOutcome> => done(controllerAt(at).heal({ by: "ci", why: "over", wait: 5_000, ...rest }));

  it("ends all, whoever switched it on, and waits until all have heard of it", async () => {
    await activate([wish("wan"), wish("slow")]);
    const outcome = await heal({}, three);
    expect(outcome).toMatchObject({ serial: 2, met: true, healed: true, activations: [] });
    expect(table(outcome)).toEqual(["node-1 idle", "node-2 idle", "node-3 idle"]);
    expect(plan()).toMatchObject({ epoch: "drawn", by: "ci", why: "over", activations: [] });
    expect(hitting()).toEqual(["", "", ""]);
  });

  it("ends one, and says which there are", async () => {
    await activate([wish("wan"), wish("slow")]);
    const outcome = await heal({ id: "wan" });
    expect(outcome.activations.map(({ id }) => id)).toEqual(["slow"]);
    expect(hitting()).toEqual(["slow", "slow", "slow"]);
    const error = await failureOf(heal({ id: "slw" }));
    expect(error).toMatchObject({ code: "SQ_ACTIVATION_NOT_FOUND", hint: 'did you mean "slow"?' });
    await heal();
    expect(await failureOf(heal({ id: "slow" }))).toMatchObject({ hint: "the fleet has nothing on" });
  });

  it("is tried again until the engine is back, for ten seconds", async () => {
    await activate([wish("wan")]);
    one.engine.notice(false);
    const asked = controllerAt(one).heal({ by: "ci", why: null, wait: 1_000 });
    await world.pass(5_000);
    one.engine.notice(true);
    expect((await done(asked)).met).toBe(true);
    expect(on()).toEqual([]);
    one.engine.notice(false);
    const began = world.time.now();
    expect(await failureOf(heal())).toMatchObject({ failure: "away" });
    expect(world.time.now() - began).toBeLessThan(10_100);
  });

  it("is told of those who are silent", async () => {
    await activate([wish("wan")]);
    two.engine.link.isCut = true;
    const outcome = await heal({ wait: 1_000 });
    expect([outcome.met, table(outcome)]).toEqual([
      false,
      ["node-1 idle", "node-2 silent: it has read no plan after 1", "node-3 idle"],
    ]);
  });
});

describe("an order that no daemon could carry out", () => {
  it.each([
    [[], {}, "expected at least one activation, got none"],
    [[wish("a"), wish("a")], {}, 'profile: the profile "a" is asked for twice'],
    [[wish("a", { ttl: 0 })], {}, "ttl: many daemons must heal even when nobody is left to tell them"],
    [[wish("a", { ttl: 7_200_000 })], {}, "ttl: must be at most 1h, got 2h"],
    [[wish("a")], { startsIn: 499 }, "starts_in: must be 500ms to 1h, got 499ms"],
    [[wish("a")], { startsIn: 7_200_000 }, "starts_in: must be 500ms to 1h, got 2h"],
    [[wish("a")], { wait: 600_000 }, "wait: must be at most 5m, got 10m"],
    [
      Array.from({ length: 101 }, (_, index) => wish(`p${index}`)),
      {},
      "at most 100 activations can be on at once",
    ],
  ] as const)("is refused before anything is written: %#", async (wishes, rest, message) => {
    const error = await failureOf(activate(wishes, rest));
    expect(error).toBeInstanceOf(SquallError);
    expect(error.message).toBe(message);
    expect(world.server.serial).toBe(0);
    expect(world.server.texts.size).toBe(0);
  });
});
