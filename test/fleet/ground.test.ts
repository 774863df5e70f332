/** What a fleet has on a daemon, beside what its own operator has: over the real plan, with its proxies and profiles. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { Control } from "../../src/control.js";
import type { VirtualClock } from "../../src/core/clock.js";
import type { Wanted } from "../../src/fleet/contract/member.js";
import type { FleetActivation } from "../../src/fleet/contract/plan.js";
import { DaemonGround } from "../../src/fleet/ground.js";
import { nameOfText, textOfProfile, writeText } from "../../src/fleet/text-format.js";
import { ProxySet } from "../../src/proxy/proxy-set.js";
import { collect } from "../../src/state/collect.js";
import { type Lab, timeLab, TYPES } from "../support/lab.js";

let lab: Lab;
let time: VirtualClock;
let library: Library;
let proxySet: ProxySet;
let control: Control;
let ground: DaemonGround;
let healed: number;

const SLOW = "profile: slow\nfaults: [{ type: latency, delay: 1s }]\n";
const BASE = "profile: base\nparams: { lasts: { default: 2s } }\nfaults: [{ name: drop, type: half_open }]\n";
const STAGES = `profile: stages
extends: [base]
phases:
  - { phase: calm, for: 10s }
  - { phase: storm, for: 10s, faults: [{ type: latency, delay: 1s }] }
`;

beforeEach(() => {
  ({ lab, time } = timeLab());
  proxySet = new ProxySet(lab.context, lab.plan);
  for (const name of ["jobs", "broker"]) {
    const addresses = { listen: { host: "127.0.0.1", port: 0 }, upstream: { host: "127.0.0.1", port: 9 } };
    const rest = { dialTimeout: 5_000, connections: 100, proxyProtocol: "off", except: [] } as const;
    proxySet.prepare({ name, ...addresses, ...rest }, "file");
  }
  library = new Library(TYPES);
  library.replaceFiles([{ file: "all.yaml", text: `${SLOW}---\n${BASE}---\n${STAGES}` }]);
  control = new Control({
    plan: lab.plan,
    proxySet,
    library,
    types: TYPES,
    facts: lab.facts,
    load: () => Promise.reject(new Error("nothing is reloaded here")),
  });
  ground = new DaemonGround({ control: control.fleet, types: TYPES });
  healed = 0;
  ground.onHealedHere(() => healed++);
});

afterEach(async () => {
  proxySet.stop();
  await lab.close();
});

function wanted(profile: string, rest: Partial<FleetActivation> = {}, from = 0, lasts = 60_000): Wanted {
  const text = textOfProfile(profile, library);
  const activation: FleetActivation = {
    id: profile,
    profile,
    text: nameOfText(writeText(text)),
    params: {},
    seed: 7,
    mode: "inject",
    proxies: null,
    targets: { daemons: ["node-*"], labels: { zone: "eu 1" }, percent: 50 },
    starts_at: "2026-03-01T14:00:00.000Z",
    ends_at: new Date(Date.parse("2026-03-01T14:00:00.000Z") + lasts).toISOString(),
    ...rest,
  };
  const startsAt = time.now() + from;
  return { activation, text, startsAt, endsAt: startsAt + lasts };
}

const on = (): string[] =>
  control.active().activations.map(({ id, fleet }) => (fleet ? `${id} (fleet)` : id));
const ended = (): string[] =>
  lab.facts.of("activation_ended").map(({ activation, why }) => `${activation} ${why}`);
const started = (): string[] => lab.facts.of("activation_started").map(({ activation }) => activation);
const use = (profile: string, how: "add" | "replace" = "add"): unknown =>
  control.activate([{ what: { profile } }], how);

describe("what a fleet has on a daemon", () => {
  it("lies beside what the operator has, goes on where it is the same, begins where it is new and ends where it is missing", () => {
    use("base");
    const slow = wanted("slow");
    ground.apply([slow]);
    expect(on()).toEqual(["base", "slow (fleet)"]);
    const [, before] = lab.plan.value.activations;
    ground.apply([slow, wanted("stages")]);
    expect(on()).toEqual(["base", "slow (fleet)", "stages (fleet)"]);
    expect(lab.plan.value.activations[1]?.generation).toBe(before?.generation);
    ground.apply([wanted("slow", { seed: 8 })]);
    expect(on()).toEqual(["base", "slow (fleet)"]);
    expect(ended()).toEqual(["slow replaced", "stages replaced"]);
    ground.apply([]);
    expect(on()).toEqual(["base"]);
    expect(ended().at(-1)).toBe("slow healed");
    expect(healed).toBe(0);
  });

  it("is not told again, and changes nothing, where the same is wanted as before", () => {
    const both = [wanted("slow"), wanted("base")];
    ground.apply(both);
    const revision = control.revision;
    ground.apply(both);
    expect(control.revision).toBe(revision);
    expect(started()).toEqual(["slow", "base"]);
  });

  it("takes the place of the operator's of the same id, which the operator can take back", () => {
    use("slow");
    ground.apply([wanted("slow")]);
    expect(on()).toEqual(["slow (fleet)"]);
    expect(healed).toBe(0);
    use("slow");
    expect(on()).toEqual(["slow"]);
    expect(healed).toBe(1);
  });

  it("begins where it would be by now, and ends when it is to", () => {
    time.advance(30_000);
    ground.apply([wanted("stages", {}, -12_000, 15_000)]);
    const [active] = control.active().activations;
    expect(active).toMatchObject({ phase: "storm", remaining_seconds: 3 });
    expect(lab.facts.of("phase_entered").map(({ phase }) => phase)).toEqual(["storm"]);
    time.advance(3_000);
    expect(ended()).toEqual(["stages expired"]);
  });

  it("begins nothing whose phases are over already, or whose end has passed", () => {
    time.advance(90_000);
    ground.apply([wanted("stages", {}, -25_000), wanted("slow", {}, -61_000)]);
    expect(on()).toEqual([]);
    expect(started()).toEqual([]);
  });

  it("ends at another time when that has changed, and goes on until then", () => {
    const slow = wanted("slow");
    ground.apply([slow]);
    ground.apply([{ ...slow, endsAt: slow.startsAt + 5_000 }]);
    time.advance(4_999);
    expect(on()).toEqual(["slow (fleet)"]);
    time.advance(1);
    expect(on()).toEqual([]);
    expect(started()).toEqual(["slow"]);
    expect(ended()).toEqual(["slow expired"]);
  });

  it("has the seed of the fleet, and says in its line how to have the same again", () => {
    ground.apply([wanted("slow", { params: {}, proxies: ["jobs"] })]);
    expect(control.active().activations[0]).toMatchObject({
      seed: 7,
      proxies: ["jobs"],
      again:
        "squall use slow --seed 7 --ttl 1m --proxy jobs --fleet --daemons 'node-*' --label 'zone=eu 1' --percent 50  # squall 0.0.0",
    });
  });

  it.each([
    ["a proxy that is not there", { proxies: ["queue"] }, /no proxy is called "queue"/u],
    ["a param that the profile does not have", { params: { width: 3 } }, /width/u],
  ])("is refused for %s, and changes nothing", (_, rest, words) => {
    ground.apply([wanted("slow")]);
    const revision = control.revision;
    const both = [wanted("slow"), wanted("base", rest)];
    expect(() => ground.check(both)).toThrow(words);
    expect(() => ground.apply(both)).toThrow(words);
    expect(control.revision).toBe(revision);
  });

  it("is compiled from the fleet's text: edits and the end of a profile of that name here change nothing", () => {
    ground.apply([wanted("slow")]);
    const compiled = lab.plan.value.activations[0]?.compiled;
    control.profiles.put("slow", SLOW.replace("1s", "9s"));
    library.replaceFiles([]);
    control.profiles.delete("slow");
    expect(lab.plan.value.activations[0]?.compiled).toBe(compiled);
    expect(on()).toEqual(["slow (fleet)"]);
  });

  it("needs no profile of that name here", () => {
    const stages = wanted("stages");
    library.replaceFiles([]);
    ground.apply([stages]);
    expect(lab.plan.value.activations[0]?.compiled.faults.map(({ name }) => name)).toEqual(["drop"]);
  });

  it("is not kept for the next life of the daemon", () => {
    use("base");
    ground.apply([wanted("slow")]);
    const sources = { proxySet, plan: lab.plan, library, control, seed: 1, activate: [] };
    expect(collect(sources, []).active?.activations.map(({ id }) => id)).toEqual(["base"]);
  });

  it.each<[string, () => unknown, string[]]>([
    ["heals", () => control.heal(), []],
    ["ends it", () => control.end("slow"), ["base"]],
    ["puts something in place of all", () => use("stages", "replace"), ["stages"]],
    ["puts something in its place", () => use("slow"), ["base", "slow"]],
  ])("is told of when the operator %s", (_, act, left) => {
    use("base");
    ground.apply([wanted("slow")]);
    act();
    expect(healed).toBe(1);
    expect(on()).toEqual(left);
  });

  it("is told of a heal also where it has nothing on yet, and of nothing else that does not concern it", () => {
    use("base");
    use("slow");
    control.end("slow");
    expect(healed).toBe(0);
    control.heal();
    expect(healed).toBe(1);
  });
});
