/**
 * Every state of a member and everything that can happen in it: what it says afterwards, and what it has on. The table is generated, and
 * walked whole; what each cell must be follows from a few rules, which are written down here once more, and simply.
 */
import { describe, expect, it } from "vitest";
import { textOf, World, type Machine } from "../support/fleet/world.js";

interface Scene {
  readonly world: World;
  readonly machine: Machine;
}

type Act = (scene: Scene) => void | Promise<void>;

const later = 10_000;

/** How a member comes into each state; `on` is what it then has on. */
const STATES: Readonly<Record<string, { readonly enter: Act; readonly state: string; readonly on: string }>> =
  {
    "not joined": {
      enter: ({ machine }) => {
        machine.engine.link.isCut = true;
        machine.member.start();
      },
      state: "idle",
      on: "",
    },
    "idle": {
      enter: async ({ world, machine }) => {
        world.put([]);
        machine.member.start();
        await world.pass(0);
      },
      state: "idle",
      on: "",
    },
    "applied": {
      enter: async ({ world, machine }) => {
        world.put([]);
        world.put([world.activation("wan")]);
        machine.member.start();
        await world.pass(0);
      },
      state: "applied",
      on: "wan",
    },
    "prepared": {
      enter: async ({ world, machine }) => {
        world.put([]);
        world.put([world.activation("wan", {}, later)]);
        machine.member.start();
        await world.pass(0);
      },
      state: "prepared",
      on: "",
    },
    "refused": {
      enter: async ({ world, machine }) => {
        world.put([]);
        machine.ground.lacking.add("jobs");
        world.put([world.activation("wan", { proxies: ["jobs"] })]);
        machine.member.start();
        await world.pass(0);
      },
      state: "refused",
      on: "",
    },
    "healed here": {
      enter: async ({ world, machine }) => {
        world.put([]);
        world.put([world.activation("wan")]);
        machine.member.start();
        await world.pass(0);
        machine.ground.healHere();
      },
      state: "healed_here",
      on: "",
    },
    "waiting for a text": {
      enter: async ({ world, machine }) => {
        world.put([world.activation("lan")]);
        machine.member.start();
        await world.pass(0);
        world.server.put(Buffer.from(JSON.stringify(world.plan([world.activation("wan")]))), "any");
        await world.pass(0);
      },
      state: "applied",
      on: "lan",
    },
  };

/** What may happen, and what then is: null for what was before. `on` is looked at five seconds later, when all that waits has been waited for. */
const EVENTS: Readonly<
  Record<string, { readonly act: Act; readonly state: string | null; readonly on: string | null }>
> = {
  "a hint for nothing": { act: ({ machine }) => void machine.engine.hint("plan"), state: null, on: null },
  "a newer plan": {
    act: ({ world }) => void world.put([world.activation("web")]),
    state: "applied",
    on: "web",
  },
  "a newer plan for others": {
    act: ({ world }) => {
      const targets = { daemons: ["other"], labels: {}, percent: 100 };
      world.put([world.activation("web", { targets })]);
    },
    state: "idle",
    on: "",
  },
  "a newer plan for later": {
    act: ({ world }) => void world.put([world.activation("web", {}, 2 * later)]),
    state: "prepared",
    on: "",
  },
  "a newer plan that is over": {
    act: ({ world }) => void world.put([world.activation("web", {}, -later, later)]),
    state: "idle",
    on: "",
  },
  "an empty plan": { act: ({ world }) => void world.put([]), state: "idle", on: "" },
  "a garbled plan": {
    act: ({ world }) => void world.server.put(Buffer.from("}"), "any"),
    state: "refused",
    on: "",
  },
  "a plan of a newer format": {
    act: ({ world }) => void world.server.put(Buffer.from('{"format":"squall-fleet/9"}'), "any"),
    state: "refused",
    on: "",
  },
  "a newer plan without its text": {
    act: async ({ world }) => {
      world.server.put(Buffer.from(JSON.stringify(world.plan([world.activation("web")]))), "any");
      await world.pass(5_000);
    },
    state: "refused",
    on: "",
  },
  "an engine that goes away": {
    act: ({ machine }) => void machine.engine.notice(false),
    state: null,
    on: null,
  },
  "a link that is cut": {
    act: ({ machine }) => void (machine.engine.link.isCut = true),
    state: null,
    on: null,
  },
  "credentials that end": {
    act: ({ machine }) => void (machine.engine.link.forbids = "plan"),
    state: null,
    on: null,
  },
  "an engine made anew": { act: ({ world }) => void world.server.remake(), state: "idle", on: "" },
  "a heal here": { act: ({ machine }) => void machine.ground.healHere(), state: "healed_here", on: "" },
  "a wall clock that is set": {
    act: ({ machine }) => void (machine.clock.wallOffset = 1e9),
    state: null,
    on: null,
  },
  "its leaving": { act: ({ machine }) => void machine.member.close(), state: null, on: "" },
};

/** Where the rules above are not all there is to say. */
function exceptionOf(from: string, event: string): { readonly state?: string; readonly on?: string } {
  const isWaiting = from === "waiting for a text";
  // Nothing comes through; what it hears of is what happens here.
  if (from === "not joined") return { state: "idle", on: "" };
  if (event === "a heal here" && (from === "idle" || from === "refused")) return { state: from };
  // The text that never comes is that of another plan than the one that was healed.
  if (isWaiting && ["a heal here", "a hint for nothing", "a wall clock that is set"].includes(event))
    return { state: "refused", on: "" };
  if (isWaiting && /away|cut|end$/u.test(event)) return { state: "refused", on: "" };
  return {};
}

const CELLS = Object.keys(STATES).flatMap((from) => Object.keys(EVENTS).map((event) => ({ from, event })));

describe("a member", () => {
  it.each(CELLS)("that is $from, and $event", async ({ from, event }) => {
    const world = new World();
    const machine = world.machine("node-1");
    const [state, happens] = [STATES[from], EVENTS[event]];
    if (state === undefined || happens === undefined) throw new Error("no such cell");
    world.server.putText(world.activation("lan").text.slice(7), textOf("lan"));
    await state.enter({ world, machine });
    expect([machine.member.view().presence.state, machine.hitting]).toEqual([state.state, state.on]);

    const before = machine.facts.all.length;
    await happens.act({ world, machine });
    await world.pass(5_500);
    const exception = exceptionOf(from, event);
    const wanted = {
      state: exception.state ?? happens.state ?? state.state,
      on: exception.on ?? happens.on ?? state.on,
    };
    const is = { state: machine.member.view().presence.state, on: machine.hitting };
    if (event !== "its leaving") expect(is).toEqual(wanted);
    else expect(is.on).toBe("");
    // Nothing is a mistake of ours, and nothing is said over and over.
    const told = machine.facts.all.slice(before).map((fact) => JSON.stringify(fact));
    expect(told.filter((fact) => fact.includes('"mistake"'))).toEqual([]);
    expect(new Set(told).size).toBe(told.length);

    // Whatever it was, the next plan is taken over by whoever is there to hear of it.
    if (event === "its leaving") return;
    Object.assign(machine.engine.link, { isCut: false, forbids: "nothing" });
    machine.engine.notice(true);
    world.epoch = event === "an engine made anew" ? "two" : world.epoch;
    world.put([]);
    world.put([world.activation("lan")]);
    await world.pass(20_000);
    expect([machine.member.view().presence.state, machine.hitting]).toEqual(["applied", "lan"]);
    expect(world.server.members()[0]?.presence).toMatchObject({
      state: "applied",
      serial: world.server.serial,
    });

    await world.pass(60_000);
    expect([machine.member.view().presence.state, machine.hitting]).toEqual(["idle", ""]);
    expect(machine.member.view().joined).toBe(true);
  });
});
