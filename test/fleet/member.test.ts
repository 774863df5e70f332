/** A daemon as a member of a fleet: what it makes of plans, and of everything that can happen to the engine between. No real time. */
import { beforeEach, describe, expect, it } from "vitest";
import { nameOfText } from "../../src/fleet/text-format.js";
import { textOf, World, type Machine } from "../support/fleet/world.js";

let world: World;

beforeEach(() => {
  world = new World();
});

const told = ({ facts }: Machine): string[] =>
  facts.all.flatMap((fact) => {
    switch (fact.kind) {
      case "fleet_applied":
        return [
          `applied ${fact.serial}: ${fact.activations.join(" ") || "-"}${fact.starts_at === null ? "" : " later"}`,
        ];
      case "fleet_refused":
        return [`refused ${fact.serial}: ${fact.why}`];
      case "fleet_rewound":
        return [`rewound ${fact.was} to ${fact.serial}`];
      case "fleet_healed_here":
        return [`healed here ${fact.serial}`];
      case "fleet_connected":
      case "fleet_disconnected":
        return [fact.kind.slice("fleet_".length)];
      default:
        return [];
    }
  });

describe("a member that joins", () => {
  it("has joined as soon as it has read the plan, and is under it", async () => {
    world.put([world.activation("wan")]);
    const machine = world.machine("node-1");
    expect(machine.member.view().joined).toBe(false);
    machine.member.start();
    await world.pass(0);
    expect(machine.member.view()).toMatchObject({ joined: true, connected: true, problem: null, planAge: 0 });
    expect(machine.state).toBe("applied 1");
    expect(machine.hitting).toBe("wan");
    expect(told(machine)).toEqual(["connected", "applied 1: wan"]);
  });

  it("has joined an engine in which nobody has written yet, under nothing", async () => {
    const machine = await world.joined("node-1");
    expect(machine.member.view().joined).toBe(true);
    expect(machine.state).toBe("idle 0");
  });

  it("is ready without faults after 5 s without an engine, and joins when it comes", async () => {
    world.put([world.activation("wan")]);
    const machine = world.machine("node-1");
    machine.engine.notice(false);
    machine.member.start();
    await world.pass(4_999);
    expect(machine.member.view().joined).toBe(false);
    await world.pass(1);
    expect(machine.member.view()).toMatchObject({ joined: true, connected: false, planAge: Infinity });
    expect(machine.member.view().problem).toBe("nobody is connected");
    machine.engine.notice(true);
    await world.pass(0);
    expect(machine.state).toBe("applied 1");
  });

  it("begins where the others are, and not for one whose end has passed", async () => {
    world.put([world.activation("wan", {}, -10_000, 60_000), world.activation("old", {}, -60_000, 30_000)]);
    const machine = await world.joined("node-1");
    expect(machine.ground.on.map(({ activation }) => activation.id)).toEqual(["wan"]);
    expect(machine.ground.on[0]?.startsAt).toBe(machine.clock.now() - 10_000);
  });
});

describe("a member under plans", () => {
  it("goes on with what is the same, though it ends later, is by somebody else, or is meant for others as well", async () => {
    const machine = await world.joined("node-1");
    const wan = world.activation("wan");
    world.put([wan]);
    await world.pass(0);
    const [before] = machine.ground.on;
    await world.pass(1_000);
    world.put([{ ...wan, ends_at: new Date(world.server.now() + 90_000).toISOString() }], { by: "else" });
    await world.pass(0);
    const [after] = machine.ground.on;
    expect(after?.startsAt).toBe(before?.startsAt);
    expect(after?.endsAt).toBeGreaterThan((before?.endsAt ?? 0) + 20_000);
  });

  it("hears of a plan by a hint at once, and by polling at most one poll later", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan")]);
    await world.pass(0);
    expect(machine.state).toBe("applied 1");
    machine.engine.link.losesHints = 100;
    world.put([]);
    await world.pass(5_000);
    expect(machine.state).toBe("idle 2");
  });

  it("reads once more when a hint comes during a read", async () => {
    const machine = await world.joined("node-1");
    machine.engine.link.back = 100;
    world.put([world.activation("wan")]);
    await world.pass(50);
    world.put([world.activation("lan")]);
    await world.pass(49);
    expect(machine.state).toBe("idle 0");
    // The text of the first is waited for, which nobody wants by then.
    await world.pass(301);
    expect(machine.state).toBe("applied 2");
    expect(told(machine).slice(2)).toEqual(["applied 1: wan", "applied 2: lan"]);
  });

  it("ends what is over by itself, with the engine away for ever, and says so when it can", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 0, 30_000), world.activation("lan", {}, 0, 40_000)]);
    await world.pass(0);
    expect(machine.member.view().presence.ends_at).toBe(
      world.plan([world.activation("lan", {}, 0, 40_000)]).activations[0]?.ends_at,
    );
    machine.engine.link.isCut = true;
    await world.pass(29_990);
    expect(machine.hitting).toBe("wan lan");
    await world.pass(10);
    expect(machine.hitting).toBe("lan");
    await world.pass(10_000);
    expect([machine.hitting, machine.state]).toEqual(["", "idle 1"]);
    machine.engine.link.isCut = false;
    await world.pass(20_000);
    expect(world.server.members()[0]?.presence).toMatchObject({ state: "idle", serial: 1, ends_at: null });
  });

  it("takes part in what is meant for it, by name, label and share, and in nothing else", async () => {
    const machine = await world.joined("node-1", { labels: { zone: "eu-1" } });
    const targets = { daemons: [], labels: {}, percent: 100 };
    world.put([
      world.activation("a", { targets: { ...targets, daemons: ["other", "node-*"] } }),
      world.activation("b", { targets: { ...targets, daemons: ["other"] } }),
      world.activation("c", { targets: { ...targets, labels: { zone: "eu-1" } } }),
      world.activation("d", { targets: { ...targets, labels: { zone: "eu-2" } } }),
      world.activation("e", { targets: { ...targets, percent: 0 } }),
    ]);
    await world.pass(0);
    expect(machine.hitting).toBe("a c");
  });

  it("has prepared what begins later, and begins then, by the engine's clock", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 2_000)]);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["prepared 1", ""]);
    expect(told(machine).at(-1)).toBe("applied 1: wan later");
    expect(machine.ground.applied.at(-1)).toBe("-");
    machine.engine.link.isCut = true;
    await world.pass(1_999);
    expect(machine.state).toBe("prepared 1");
    await world.pass(1);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "wan"]);
  });

  it("says again soon what the engine did not take, as others wait for it", async () => {
    const machine = await world.joined("node-1");
    machine.engine.link.forbids = "presence";
    world.put([world.activation("wan")]);
    await world.pass(100);
    expect(machine.state).toBe("applied 1");
    expect(world.server.members()[0]?.presence).toMatchObject({ state: "idle", serial: 0 });
    machine.engine.link.forbids = "nothing";
    await world.pass(500);
    expect(world.server.members()[0]?.presence).toMatchObject({ state: "applied", serial: 1 });
  });

  it("does not begin what was prepared, when the plan has changed before", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 2_000)]);
    await world.pass(1_000);
    world.put([]);
    await world.pass(60_000);
    expect(machine.ground.applied.every((one) => one === "-")).toBe(true);
    expect(machine.state).toBe("idle 2");
  });
});

describe("a member refuses, and ends all that the fleet has on", () => {
  it.each<[string, (machine: Machine) => void, string]>([
    [
      "a proxy that it does not have",
      ({ ground }) => {
        ground.lacking.add("jobs");
        world.put([world.activation("lan"), world.activation("web", { proxies: ["jobs"] })]);
      },
      'no proxy is called "jobs"',
    ],
    [
      "another format",
      () => {
        world.server.put(Buffer.from(JSON.stringify({ ...world.plan([]), format: "squall-fleet/2" })), "any");
      },
      "format squall-fleet/2",
    ],
    ["no JSON", () => void world.server.put(Buffer.from("{"), "any"), "expected a plan as JSON"],
    [
      "a profile that is not in fleet.accept",
      () => {
        world.put([world.activation("dns-gone")]);
      },
      "dns-gone is not in fleet.accept",
    ],
    [
      "an end beyond its max_ttl",
      () => {
        world.put([world.activation("lan", {}, 0, 600_001)]);
      },
      "lan lasts 10m0.001s, and fleet.max_ttl is 10m",
    ],
    [
      "a text that is another's",
      () => {
        const lan = world.activation("lan", { text: nameOfText(textOf("web")) });
        world.server.texts = new Map([[lan.text.slice(7), textOf("evil")]]);
        world.server.put(Buffer.from(JSON.stringify(world.plan([lan]))), "any");
      },
      "has the hash",
    ],
  ])("where there is %s", async (_, act, why) => {
    const machine = await world.joined("node-1", { accept: ["wan", "lan", "w*"], maxTtl: 600_000 });
    world.put([world.activation("wan")]);
    await world.pass(0);
    expect(machine.hitting).toBe("wan");
    act(machine);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["refused 2", ""]);
    expect(machine.why).toContain(why);
    expect(machine.ground.on).toEqual([]);
    expect(world.server.members()[0]?.presence).toMatchObject({ state: "refused", serial: 2 });
    // Said once, however often it is looked at.
    await world.pass(30_000);
    expect(told(machine).filter((line) => line.startsWith("refused"))).toHaveLength(1);
    world.put([]);
    await world.pass(0);
    expect(machine.state).toBe("idle 3");
  });

  it("and takes the plan over when what it lacked is there", async () => {
    const machine = await world.joined("node-1");
    machine.ground.lacking.add("jobs");
    world.put([world.activation("wan", { proxies: ["jobs"] })]);
    await world.pass(0);
    expect(machine.state).toBe("refused 1");
    machine.ground.lacking.clear();
    await world.pass(5_000);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "wan"]);
  });

  it("not what is meant for others", async () => {
    const machine = await world.joined("node-1", { accept: ["wan"], maxTtl: 60_000 });
    const others = { daemons: ["other"], labels: {}, percent: 100 };
    world.put([world.activation("wan"), world.activation("lan", { targets: others }, 0, 9e6)]);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "wan"]);
  });

  it("before it begins, where it could not begin then", async () => {
    const machine = await world.joined("node-1");
    machine.ground.lacking.add("jobs");
    world.put([world.activation("lan"), world.activation("wan", { proxies: ["jobs"] }, 2_000)]);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["refused 1", ""]);
  });

  it("when a proxy is gone by the time at which it was to begin", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("lan"), world.activation("wan", { proxies: ["jobs"] }, 2_000)]);
    await world.pass(0);
    machine.ground.lacking.add("jobs");
    await world.pass(2_000);
    expect([machine.state, machine.hitting]).toEqual(["refused 1", ""]);
  });
});

describe("a text that is missing", () => {
  const putWithout = (): void => {
    const wan = world.activation("wan");
    world.server.put(Buffer.from(JSON.stringify(world.plan([wan]))), "any");
  };

  it("is waited for, under the plan before, and refused after 5 s", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("lan")]);
    await world.pass(0);
    putWithout();
    await world.pass(4_999);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "lan"]);
    await world.pass(1);
    expect([machine.state, machine.hitting]).toEqual(["refused 2", ""]);
    expect(machine.why).toBe("the text of wan is not there, 5 s after the plan");
  });

  it("is refused after 5 s also where the engine is gone meanwhile", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("lan")]);
    await world.pass(0);
    putWithout();
    await world.pass(500);
    machine.engine.link.isCut = true;
    await world.pass(4_500);
    expect(machine.state).toBe("refused 2");
  });

  it("may come in time, or later", async () => {
    for (const after of [2_000, 20_000]) {
      world = new World();
      const machine = await world.joined("node-1");
      putWithout();
      await world.pass(after);
      world.server.putText(world.activation("wan").text.slice(7), textOf("wan"));
      await world.pass(5_000);
      expect([machine.state, machine.hitting]).toEqual(["applied 1", "wan"]);
    }
  });

  it("gives way to a newer plan", async () => {
    const machine = await world.joined("node-1");
    putWithout();
    await world.pass(1_000);
    world.put([world.activation("lan")]);
    await world.pass(30_000);
    expect(told(machine).slice(2)).toEqual(["applied 2: lan"]);
  });
});

describe("what happens to the engine", () => {
  it("away: what is on goes on until its end, and nothing new comes; it is asked less and less often, and at once when it is back", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 0, 3_000_000)]);
    await world.pass(0);
    machine.engine.notice(false);
    expect(machine.member.view()).toMatchObject({ connected: false, problem: "the connection was lost" });
    world.put([]);
    await world.pass(1_000_000);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "wan"]);
    expect(machine.member.view().planAge).toBe(1_000_000);
    machine.engine.notice(true);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["idle 2", ""]);
    expect(told(machine)).toEqual([
      "connected",
      "applied 0: -",
      "applied 1: wan",
      "disconnected",
      "connected",
      "applied 2: -",
    ]);
  });

  it("forbidden: it is said, and the daemon is unharmed", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan")]);
    await world.pass(0);
    machine.engine.link.forbids = "plan";
    world.put([]);
    await world.pass(20_000);
    expect(machine.member.view()).toMatchObject({
      connected: true,
      problem: "these credentials may not read the plan",
    });
    expect(machine.hitting).toBe("wan");
    machine.engine.link.forbids = "nothing";
    await world.pass(20_000);
    expect(machine.member.view().problem).toBe(null);
    expect(machine.state).toBe("idle 2");
  });

  it("whose time cannot be asked for has nothing switched on here, as nobody would know its end", async () => {
    const machine = world.machine("node-1");
    machine.engine.link.forbids = "presence";
    world.put([world.activation("wan")]);
    machine.member.start();
    await world.pass(6_000);
    expect(machine.state).toBe("refused 1");
    expect(machine.why).toBe("the engine's time is not known, 5 s after the plan");
    expect(machine.member.view().problem).toBe("these credentials may not say that it is there");
    machine.engine.link.forbids = "nothing";
    await world.pass(10_000);
    expect(machine.state).toBe("applied 1");
  });

  it("restored from older data: a plan of which all is on already is taken over, and what is not in it ends", async () => {
    const machine = await world.joined("node-1");
    const wan = world.activation("wan");
    world.put([wan]);
    world.put([wan, world.activation("lan")]);
    await world.pass(0);
    expect(machine.hitting).toBe("wan lan");
    world.server.rewind(1);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "wan"]);
    expect(told(machine).slice(-2)).toEqual(["rewound 2 to 1", "applied 1: wan"]);
  });

  it("restored from older data: one of which something is not on is refused, until somebody writes the next", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan")]);
    await world.pass(0);
    world.put([]);
    await world.pass(0);
    world.server.rewind(1);
    await world.pass(30_000);
    expect([machine.state, machine.hitting]).toEqual(["refused 1", ""]);
    expect(machine.ground.applied.filter((one) => one === "wan")).toHaveLength(1);
    world.put([world.activation("lan")]);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["applied 2", "lan"]);
  });

  it("restored from older data: no end comes later than it was", async () => {
    const machine = await world.joined("node-1");
    const wan = world.activation("wan", {}, 0, 50_000);
    world.put([wan]);
    world.put([{ ...wan, ends_at: new Date(world.server.now() + 10_000).toISOString() }]);
    await world.pass(0);
    world.server.rewind(1);
    await world.pass(10_000);
    expect(machine.hitting).toBe("");
    expect(machine.state).toBe("idle 1");
  });

  it("made anew: all ends", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan")]);
    await world.pass(0);
    world.server.remake();
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["idle 0", ""]);
    world.epoch = "two";
    world.put([world.activation("lan")]);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["applied 1", "lan"]);
  });

  it.each([1, 2, 3])(
    "made anew behind its back, with %i plans by now: it takes no more than it has",
    async (plans) => {
      const machine = await world.joined("node-1");
      world.put([]);
      world.put([world.activation("wan")]);
      await world.pass(0);
      machine.engine.link.losesHints = 100;
      world.server.remake();
      world.epoch = "two";
      for (let written = 0; written < plans; written++) world.put([world.activation("lan")]);
      await world.pass(5_000);
      expect([machine.state, machine.hitting]).toEqual([`refused ${plans}`, ""]);
      expect(told(machine).filter((line) => line.startsWith("rewound"))).toEqual([`rewound 2 to ${plans}`]);
      world.put([world.activation("web")]);
      await world.pass(5_000);
      expect([machine.state, machine.hitting]).toEqual([`applied ${plans + 1}`, "web"]);
    },
  );
});

describe("somebody who heals here", () => {
  it("is obeyed until the plan changes, and the others are told", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 0, 20_000), world.activation("lan", {}, 10_000)]);
    await world.pass(0);
    machine.ground.healHere();
    expect([machine.state, machine.hitting]).toEqual(["healed_here 1", ""]);
    await world.pass(60_000);
    expect(machine.state).toBe("healed_here 1");
    expect(machine.ground.on).toEqual([]);
    expect(world.server.members()[0]?.presence.state).toBe("healed_here");
    world.put([world.activation("web")]);
    await world.pass(0);
    expect([machine.state, machine.hitting]).toEqual(["applied 2", "web"]);
    expect(told(machine).slice(-2)).toEqual(["healed here 1", "applied 2: web"]);
  });

  it("is obeyed before what was prepared begins, and without an engine", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 2_000)]);
    await world.pass(0);
    machine.engine.notice(false);
    machine.ground.healHere();
    await world.pass(10_000);
    expect([machine.state, machine.hitting]).toEqual(["healed_here 1", ""]);
  });

  it("has nothing to do with it where nothing of the fleet was meant to be on", async () => {
    const machine = await world.joined("node-1");
    machine.ground.healHere();
    expect(machine.state).toBe("idle 0");
  });
});

describe("presence", () => {
  it("is said every 10 s, and at once when something changes", async () => {
    const machine = await world.joined("node-1");
    const ages = (): number[] => world.server.members().map(({ age }) => age);
    await world.pass(9_999);
    expect(ages()).toEqual([9_999]);
    await world.pass(1);
    expect(ages()).toEqual([0]);
    await world.pass(3_000);
    world.put([world.activation("wan")]);
    await world.pass(0);
    expect(world.server.members()[0]).toMatchObject({ age: 0, presence: { state: "applied", serial: 1 } });
    expect(machine.member.view().presence.error_ms).toBeLessThan(5);
  });

  it("is gone at once when the daemon leaves, and whatever it had on has ended", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan")]);
    await world.pass(0);
    machine.engine.link.back = 50;
    const leaving = machine.member.close();
    expect(machine.ground.on).toEqual([]);
    await world.pass(200);
    await leaving;
    expect(world.server.members()).toEqual([]);
    await world.pass(60_000);
    expect(world.server.members()).toEqual([]);
    expect(machine.ground.on).toEqual([]);
    await machine.engine.close();
    expect(world.time.idle).toBe(true);
  });

  it("does not keep a daemon that ends, when the engine is gone", async () => {
    const machine = await world.joined("node-1");
    machine.engine.link.isCut = true;
    const leaving = machine.member.close();
    await world.pass(5_000);
    await leaving;
  });
});

describe("time", () => {
  it("does not hang on the wall clock: it may jump to and fro", async () => {
    const machine = await world.joined("node-1", { uptime: 123_456 });
    world.put([world.activation("wan", {}, 0, 60_000)]);
    await world.pass(10_000);
    machine.clock.wallOffset = 3_600_000;
    await world.pass(10_000);
    machine.clock.wallOffset = -7_200_000;
    await world.pass(39_980);
    expect(machine.hitting).toBe("wan");
    await world.pass(20);
    expect(machine.hitting).toBe("");
  });

  it("is known from an asymmetric and slow link to half of what it takes, and no end is late", async () => {
    for (const [there, back] of [
      [0, 200],
      [200, 0],
    ] as const) {
      world = new World();
      const machine = world.machine("node-1");
      machine.engine.link.there = there;
      machine.engine.link.back = back;
      world.put([world.activation("wan", {}, 0, 60_000)]);
      machine.member.start();
      await world.pass(2_000);
      expect(machine.hitting).toBe("wan");
      await world.pass(58_000 - 205);
      expect(machine.hitting).toBe("wan");
      await world.pass(205);
      expect(machine.hitting).toBe("");
    }
  });

  it("of an engine that goes ahead of itself makes ends come earlier, and one that goes back makes none come later", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 0, 60_000)]);
    await world.pass(0);
    world.engineStep = -30_000;
    await world.pass(20_000);
    expect(machine.ground.on[0]?.endsAt).toBeLessThanOrEqual(machine.clock.now() + 40_000);
    world.engineStep = 30_000;
    await world.pass(10_000);
    expect(machine.hitting).toBe("");
  });

  it("that passes while the process stands still counts: nothing that begins after the end is hit, and the plan is read again", async () => {
    const machine = await world.joined("node-1");
    world.put([world.activation("wan", {}, 0, 60_000)]);
    await world.pass(0);
    machine.clock.pause();
    await world.pass(90_000);
    expect(machine.hitting).toBe("");
    machine.clock.resume();
    await world.pass(5_000);
    expect(machine.state).toBe("idle 1");
  });
});
