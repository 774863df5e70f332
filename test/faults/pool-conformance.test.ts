/** What every type of fault that acts on pools of upstreams keeps to, whoever wrote it: each with several settings. */
import { describe, expect, it } from "vitest";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { PoolBench } from "../support/pool-bench.js";
import { sample, scaled } from "../support/scope.js";
import { randomOf } from "../support/scripted-traffic.js";
import { expectTheSame } from "../support/shifted.js";
import type { Raw } from "../support/stream-bench.js";

/** Settings that together reach every effect of a type, besides its example. */
const SETTINGS: Readonly<Record<string, readonly Raw[]>> = {
  flap: [
    { pattern: ["down 50ms", "up 1s"], down: "slow", delay: "0ms", phase: "staggered" },
    { period: "400ms", down: "slow", targets: ["b"], settle: "300ms", existing: "cut" },
    { period: "300ms", duty: "80%", jitter: "100ms", down: "hidden", phase: "independent" },
    { period: "1s", duty: "0%", down: "blackhole", count: 2 },
    { period: "1s", duty: "100%", down: "reset" },
    {
      pattern: ["down 1ms", "up 500ms"],
      up: { ramp: "400ms", error_rate: "50%" },
      down: "status",
      status: 599,
      persona: "haproxy",
    },
    { pattern: ["up 70ms", "down 30ms", "up 10ms", "down 5ms"], down: "drain", targets: ["c", "a", "none"] },
  ],
  skew: [{ weights: { a: 0, b: 0, c: 0 } }, { weights: { none: 1_000_000 } }],
  stick: [{ mode: "stuck" }, { mode: "stuck", to: "b" }, { mode: "stuck", to: "none" }, { mode: "lost" }],
  stale_upstream: [
    { target: "b", gives: "hang" },
    { target: "none", share: "0%" },
    { target: "a", share: "50%", for: "500ms", gives: "reset" },
  ],
  drain: [{}, { grace: "0ms", over: "3s" }, { targets: ["b"], after: "100ms", grace: "200ms" }],
};

/** A month and a half. */
const UPTIME = 2 ** 32;

const TYPES = FAULT_TYPES.filter(({ upstreams }) => upstreams !== undefined);
const ALL_CASES = TYPES.flatMap((type) => {
  const { type: name, ...example } = type.example;
  return [example, ...(SETTINGS[type.type] ?? [])].map((raw) => ({ type, name: String(name), raw }));
});

const CASES = sample(ALL_CASES, 3, ({ name }) => name);
const SEEDS = sample([1, 2, 3], 1);

const VERDICTS = ["pass", "hold", "hang", "reset", "close", "refuse", "answer"];

/** Choices and attempts of several bots for a while; every answer is looked at as the runner would. */
function play(bench: PoolBench, seed: number, steps = scaled(200, 400)): string[] {
  const random = randomOf(seed, "pools");
  const names = bench.pool.map(({ name }) => name);
  return Array.from({ length: steps }, () => {
    const left = names.filter(() => random.chance(0.8));
    const asker = { bot: `bot-${random.integer(4)}`, client: `10.0.0.${random.integer(2)}` };
    const chosen = bench.choose(asker, left);
    const list = chosen === "" ? [] : chosen.split(" ");
    expect(new Set(list).size).toBe(list.length);
    for (const name of list) expect(names).toContain(name);
    const to = list[random.integer(list.length)] ?? "a";
    const verdict = bench.reach(to);
    expect(VERDICTS).toContain(verdict.do);
    if (verdict.do === "hold") expect(verdict.for).toBeGreaterThan(0);
    const line = `${bench.now} ${asker.bot} ${chosen} ${to} ${verdict.do}`;
    bench.clock.advance(random.integer(50));
    return line;
  });
}

it("has settings here for each type", () => {
  expect(Object.keys(SETTINGS).sort()).toEqual(TYPES.map(({ type }) => type).sort());
});

describe.each(TYPES.map((type) => [type.type, type] as const))("%s, in all its settings", (name, type) => {
  it("reaches each effect that it has, and no other", () => {
    const reached = new Set<string>();
    for (const { raw } of ALL_CASES.filter((candidate) => candidate.type === type)) {
      const bench = new PoolBench(name, raw);
      play(bench, 1);
      bench.clock.advance(100_000);
      for (const effect of Object.keys(bench.armed.counts)) reached.add(effect);
    }
    expect([...reached].sort()).toEqual(Object.keys(type.effects).sort());
  });

  it("acts on a pool as a whole: it has no direction and no places, and refuses to be narrowed", () => {
    expect([type.directions, type.at]).toEqual([null, undefined]);
    const { type: _type, ...example } = type.example;
    expect(type.check?.({ params: type.params.parse(example), narrowed: true })).toEqual({
      path: "match",
      message: "it acts on the pool as a whole: match, except, probability and counters do not apply to it",
    });
  });
});

describe.each(CASES)("$name $raw, at work", ({ type, name, raw }) => {
  it("explains itself as the rest of a sentence", () => {
    expect(type.check?.({ params: type.params.parse(raw), narrowed: false })).toBeUndefined();
    expect(type.explain(type.params.parse(raw))).toMatch(/^[a-z].*[^.]$/u);
    expect(type.explain(type.params.parse(raw))).not.toMatch(/undefined|NaN|\[object/u);
  });

  it("gives the same again for the same seed", () => {
    for (const seed of SEEDS) {
      const [one, two] = [new PoolBench(name, raw, { seed }), new PoolBench(name, raw, { seed })];
      expect(play(one, seed)).toEqual(play(two, seed));
      expect([one.told, one.wakes, one.armed.counts]).toEqual([two.told, two.wakes, two.armed.counts]);
    }
  });

  it("does the same however long the process has been running", () => {
    for (const seed of SEEDS) {
      const [early = [], late = []] = [0, UPTIME].map((uptime) => {
        const bench = new PoolBench(name, raw, { seed, uptime });
        const played = play(bench, seed);
        return [...played, ...bench.told, ...bench.wakes.map(String), JSON.stringify(bench.armed.counts)];
      });
      expectTheSame(late, early);
    }
  });

  it("does not mind being woken at any moment, and tells nothing twice", () => {
    const nagged = new PoolBench(name, raw);
    const random = randomOf(5, "nagging");
    for (let wake = 0; wake < 300; wake++)
      nagged.clock.at(nagged.clock.now() + random.between(0, 8_000), () => {
        nagged.wake();
      });
    const calm = new PoolBench(name, raw);
    expect(play(nagged, 6)).toEqual(play(calm, 6));
    nagged.clock.advance(5_000);
    calm.clock.advance(5_000);
    expect(nagged.armed.counts).toEqual(calm.armed.counts);
    expect(calm.told.filter((line) => !nagged.told.includes(line))).toEqual([]);
  });

  it("asks to be woken only for what is to come", () => {
    const bench = new PoolBench(name, raw);
    for (let wake = 0; wake < 200 && !bench.clock.idle; wake++) {
      bench.clock.advance(bench.clock.next - bench.clock.now());
      expect(bench.fault.wakeAt).toBeGreaterThan(bench.clock.now());
    }
    // One wake for the beginning, and then edges: two for each outage and target.
    expect(bench.wakes).toEqual([...new Set(bench.wakes)]);
  });

  it("takes any other settings of its type on the way", () => {
    for (const { raw: other } of sample(
      ALL_CASES.filter((candidate) => candidate.type === type),
      3,
    )) {
      const bench = new PoolBench(name, raw);
      for (let round = 0; round < 6; round++) {
        play(bench, round, 30);
        bench.assign(round % 2 === 0 ? other : raw);
        expect(bench.fault.wakeAt).toBeGreaterThan(bench.clock.now());
      }
    }
  });

  it("copes with a pool of one, of none that it knows, and with nobody left", () => {
    for (const names of [["a"], ["x", "y"]]) {
      const bench = new PoolBench(name, raw, { names });
      play(bench, 7, 60);
      expect(
        bench
          .choose({}, [])
          .split(" ")
          .filter((chosen) => chosen !== "").length,
      ).toBeLessThan(2);
    }
  });

  it("can be released at any moment, and more than once", () => {
    const bench = new PoolBench(name, raw);
    bench.fault.released?.();
    play(bench, 8, 10);
    bench.fault.released?.();
    bench.fault.released?.();
  });
});
