/** Who is tried when, on a clock that moves when told: no socket takes part. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { Race, type Runner } from "../../../src/proxy/upstream/race.js";

function stage(delay = 250) {
  const clock = new VirtualClock();
  const told: string[] = [];
  const runners = new Map<string, Runner<string, string>>();
  const race = new Race<string, string, string>({
    clock,
    delay,
    again: 1_000,
    keyOf: (name) => name,
    start: (name, runner) => {
      told.push(`${clock.now()} start ${name}`);
      runners.set(name, runner);
      return () => told.push(`give up ${name}`);
    },
    won: (what, name) => told.push(`won ${name}: ${what}`),
    lost: (why, name) => told.push(`lost ${name}: ${why}`),
    silent: (name) => told.push(`silent ${name}`),
    wanting: (keepSilent) => told.push(`${clock.now()} wanting, ${keepSilent ? "silence" : "nobody left"}`),
  });
  const of = (name: string): Runner<string, string> => {
    const runner = runners.get(name);
    if (runner === undefined) throw new Error(`${name} was not started`);
    return runner;
  };
  return { clock, race, told, of };
}

describe("a race", () => {
  it("begins with one, and with the next after 250 ms of silence", () => {
    const { clock, race, told, of } = stage();
    race.add(["a", "b", "c"]);
    clock.advance(249);
    expect(told).toEqual(["0 start a"]);
    clock.advance(1);
    expect(told).toEqual(["0 start a", "250 start b"]);
    of("b").won("socket");
    expect(told.slice(2)).toEqual(["give up a", "silent a", "won b: socket"]);
    clock.advance(10_000);
    expect(told).toHaveLength(5);
    expect(clock.idle).toBe(true);
  });

  it("begins with the next at once when one fails, which then has its whole time", () => {
    const { clock, race, told, of } = stage();
    race.add(["a", "b", "c"]);
    clock.advance(10);
    of("a").lost("refused");
    clock.advance(249);
    expect(told).toEqual(["0 start a", "lost a: refused", "10 start b"]);
    clock.advance(1);
    expect(told.at(-1)).toBe("260 start c");
  });

  it("says nothing against those that began after the winner", () => {
    const { clock, race, told, of } = stage();
    race.add(["a", "b"]);
    clock.advance(250);
    of("a").won("socket");
    expect(told.slice(2)).toEqual(["give up b", "won a: socket"]);
  });

  it("wants others when all have failed, and when those that run say nothing, again and again", () => {
    const { clock, race, told, of } = stage();
    race.add(["a"]);
    clock.advance(250);
    expect(told.at(-1)).toBe("250 wanting, silence");
    clock.advance(1_000);
    expect(told.at(-1)).toBe("1250 wanting, silence");
    of("a").lost("refused");
    expect(told.at(-1)).toBe("1250 wanting, nobody left");
    expect(clock.idle).toBe(true);
  });

  it("begins at once with one that comes when its turn has come, and passes over those that it had", () => {
    const { clock, race, told } = stage();
    race.add(["a"]);
    expect(race.add(["a"])).toBe(false);
    expect(race.add(["b"])).toBe(true);
    expect(told).toEqual(["0 start a"]);
    clock.advance(600);
    expect(race.add(["a", "b", "c"])).toBe(true);
    expect(told.filter((line) => line.includes("start"))).toEqual([
      "0 start a",
      "250 start b",
      "600 start c",
    ]);
  });

  it("gives one that has come half of its way more time", () => {
    const { clock, race, told, of } = stage();
    race.add(["a", "b"]);
    clock.advance(200);
    of("a").progressed(1_000);
    clock.advance(999);
    expect(told).toEqual(["0 start a"]);
    clock.advance(1);
    expect(told.at(-1)).toBe("1200 start b");
  });

  it("ends with nothing left when it is cancelled, and knows who had his time", () => {
    const { clock, race, told, of } = stage();
    race.add(["a", "b", "c"]);
    clock.advance(300);
    race.cancel();
    of("a").won("socket");
    of("b").lost("refused");
    expect(race.add(["d"])).toBe(false);
    expect(told.slice(2)).toEqual(["give up a", "silent a", "give up b"]);
    expect(clock.idle).toBe(true);
  });

  it("waits for one alone as long as it takes where the delay has no end", () => {
    const { clock, race, told, of } = stage(Infinity);
    race.add(["a"]);
    of("a").progressed(1_000);
    expect(clock.idle).toBe(true);
    expect(told).toEqual(["0 start a"]);
  });
});
