/** Several daemons of one name in a fleet: each is seen, is waited for, and says so once; one that was started again is not two. No real time. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { Controller } from "../../src/fleet/controller/controller.js";
import type { FleetOutcome } from "../../src/fleet/contract/member.js";
import { livesOf, namesakeWarnings } from "../../src/fleet/contract/lives.js";
import { Namesakes } from "../../src/fleet/member/namesakes.js";
import { FactBook } from "../support/lab.js";
import { presenceOf } from "../support/fleet/presence.js";
import { scaled } from "../support/scope.js";
import { World, type Machine } from "../support/fleet/world.js";

let world: World;

beforeEach(() => {
  world = new World();
});

const lives = (): string => {
  const rows = livesOf(world.server.members());
  return rows.map(({ presence: { life, state, serial } }) => `${life} ${state} ${serial}`).join(", ");
};

const told = ({ facts }: Machine): string[] =>
  facts.all.flatMap((fact) => {
    if (fact.kind === "fleet_namesake") return [`${fact.name} is ${fact.other} too`];
    return fact.kind === "fleet_namesake_gone" ? [`${fact.name} alone`] : [];
  });

const namesakes = ({ member }: Machine): string[] => member.view().presence.namesakes.map(({ life }) => life);

const YAML = "profile: wan\nfaults: [{ type: latency, delay: 1s }]\n";

/** Answers when it is decided; time passes until then. */
async function activate({ engine, clock, member }: Machine, wait = 8_000): Promise<FleetOutcome> {
  const controller = new Controller({
    engine,
    clock,
    engineTime: () => member.time.engineTime(clock.now()),
    maxTtl: 3_600_000,
    drawEpoch: () => world.epoch,
  });
  const asked = controller.activate({
    activations: [
      {
        profile: "wan",
        text: { format: "squall-profile/1", profile: "wan", files: { wan: YAML } },
        params: {},
        targets: { daemons: [], labels: {}, percent: 100 },
        ttl: 60_000,
      },
    ],
    ...{ how: "replace", require: "all", by: "test", why: null },
    ...{ startsIn: 0, wait, orHeal: false },
  });
  let over = false;
  void asked.finally(() => (over = true));
  while (!over) await world.pass(10);
  return asked;
}

const table = ({ daemons }: FleetOutcome): string[] => daemons.map(({ life, state }) => `${life} ${state}`);

describe("two daemons of one name", () => {
  it("know of each other by their next sign of life, say so once, and are two rows", async () => {
    const one = await world.joined("node-1");
    await world.pass(4_000);
    const two = await world.joined("node-1");
    await world.pass(16_000);
    expect([namesakes(one), namesakes(two)]).toEqual([["node-1-1"], ["node-1-0"]]);
    await world.pass(100_000);
    expect([told(one), told(two)]).toEqual([["node-1 is node-1-1 too"], ["node-1 is node-1-0 too"]]);
    expect(lives()).toBe("node-1-0 idle 0, node-1-1 idle 0");
    // Whoever looks sees neither of them as silent.
    for (let look = 0; look < 40; look++) {
      await world.pass(1_000);
      const ages = livesOf(world.server.members()).map(({ age }) => age);
      expect(ages).toHaveLength(2);
      expect(Math.max(...ages)).toBeLessThanOrEqual(10_100);
    }
  });

  it("know what the other said last, however late it was heard what it had said before", () => {
    const clock = new VirtualClock(1_000);
    const known = new Namesakes({ clock, facts: new FactBook(), name: "node-1", life: "me" });
    const other = presenceOf("node-1", { life: "other" });
    // The answer was 50 ms under way, and the next one 1 ms.
    known.heard({ presence: other, age: 0 });
    clock.advance(2);
    known.heard({ presence: { ...other, serial: 1, state: "applied" }, age: 40 });
    expect(known.list(clock.now()).map(({ state, serial }) => `${state} ${serial}`)).toEqual(["applied 1"]);
  });

  it("know of each other where they say it in the same moments", async () => {
    const [one, two] = [world.machine("node-1"), world.machine("node-1")];
    for (const { member, engine } of [one, two]) {
      Object.assign(engine.link, { there: 20, back: 20 });
      member.start();
    }
    await world.pass(25_000);
    expect([namesakes(one), namesakes(two)]).toEqual([["node-1-1"], ["node-1-0"]]);
  });

  it("are both waited for, and are not one that has done it", async () => {
    const one = await world.joined("node-1");
    const two = await world.joined("node-1");
    const other = await world.joined("node-2");
    await world.pass(30_000);
    const both = await activate(other);
    expect(both.met).toBe(true);
    expect(table(both)).toEqual(["node-1-0 applied", "node-1-1 applied", "node-2-2 applied"]);
    expect(namesakeWarnings(both.daemons)).toHaveLength(1);

    two.engine.link.isCut = true;
    const half = await activate(other);
    expect(half.met).toBe(false);
    expect(table(half)).toEqual(["node-1-0 applied", "node-1-1 silent", "node-2-2 applied"]);
    two.engine.link.isCut = false;
    one.ground.lacking.add("jobs");
    await world.pass(20_000);
    world.put([world.activation("web", { proxies: ["jobs"] })]);
    await world.pass(1_000);
    expect(lives()).toBe("node-1-0 refused 3, node-1-1 applied 3, node-2-2 applied 3");
  });

  it("leave one that is alone when one of them ends, and it says so", async () => {
    const one = await world.joined("node-1");
    await world.pass(5_000);
    const two = await world.joined("node-1");
    await world.pass(30_000);
    await two.member.close();
    // What the other said is not taken back with it.
    for (let look = 0; look < 41; look++) {
      expect(lives()).toContain("node-1-0 idle 0");
      await world.pass(1_000);
    }
    expect([lives(), namesakes(one)]).toEqual(["node-1-0 idle 0", []]);
    expect(told(one)).toEqual(["node-1 is node-1-1 too", "node-1 alone"]);
  });
});

describe("a daemon that was started again", () => {
  it("is no second one, whether it left or died", async () => {
    const one = await world.joined("node-1");
    await world.pass(12_000);
    await one.member.close();
    const two = await world.joined("node-1");
    await world.pass(12_000);
    two.engine.link.isCut = true;
    const three = await world.joined("node-1");
    await world.pass(60_000);
    expect([one, two, three].map(told)).toEqual([[], [], []]);
    expect([lives(), namesakes(three)]).toEqual(["node-1-2 idle 0", []]);
  });

  it("is not waited for twice", async () => {
    const one = await world.joined("node-1");
    const other = await world.joined("node-2");
    one.engine.link.isCut = true;
    const again = world.machine("node-1");
    world.time.at(world.time.now() + 500, () => {
      again.member.start();
    });
    const outcome = await activate(other);
    expect([outcome.met, table(outcome)]).toEqual([true, ["node-1-2 applied", "node-2-1 applied"]]);
    expect(world.time.now()).toBeGreaterThan(500);
  });

  it("is two for no longer than a presence lasts, where the one before still spoke", async () => {
    const one = await world.joined("node-1");
    await world.pass(5_000);
    const two = await world.joined("node-1");
    await world.pass(6_000);
    expect(told(one)).toEqual(["node-1 is node-1-1 too"]);
    one.engine.link.isCut = true;
    await world.pass(4_500);
    expect(namesakes(two)).toEqual(["node-1-0"]);
    await world.pass(25_000);
    expect([
      namesakes(two),
      namesakeWarnings(livesOf(world.server.members()).map((row) => row.presence)),
    ]).toEqual([[], []]);
    await world.pass(10_000);
    expect(told(two)).toEqual(["node-1 is node-1-0 too", "node-1 alone"]);
  });
});

it("never counts all as done while one of a name that is there has not done it, whoever is cut off, and says little", async () => {
  const scene = fc.record({
    starts: fc.array(fc.integer({ min: 0, max: 12_000 }), { minLength: 2, maxLength: 5 }),
    ways: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 5, maxLength: 5 }),
    cut: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ starts, ways, cut }) => {
      world = new World();
      const other = await world.joined("node-2");
      const twins: Machine[] = [];
      for (const [at, start] of starts.entries()) {
        const machine = world.machine("node-1");
        Object.assign(machine.engine.link, { there: ways[at], back: ways[at] });
        world.time.at(world.time.now() + start, () => {
          machine.member.start();
        });
        twins.push(machine);
      }
      await world.pass(45_000);
      let said = 0;
      const stop = world.server.onHint((what) => (said += Number(what === "members")));
      await world.pass(30_000);
      // Three heartbeats of each and of the other; each may tell at once of each that it was overwritten by.
      expect(said).toBeLessThanOrEqual(4 * (1 + starts.length) * starts.length);
      stop();
      for (const [at, { engine }] of twins.entries()) engine.link.isCut = cut[at] === true;
      const outcome = await activate(other);
      const silent = twins.filter(({ engine }) => engine.link.isCut);
      expect(outcome.met).toBe(silent.length === 0);
      expect(table(outcome).filter((row) => row.endsWith("applied"))).toHaveLength(
        1 + twins.length - silent.length,
      );
    }),
    { numRuns: scaled(25, 500) },
  );
});
