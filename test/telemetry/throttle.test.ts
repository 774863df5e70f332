import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { Throttle } from "../../src/telemetry/throttle.js";

function start(burst = 2) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const throttle = new Throttle<string>({
    clock,
    window: 1_000,
    burst,
    onMore: (more, last) => said.push(`${clock.now()}: ${more} more, the last ${last}`),
  });
  const passed = (key: string, count: number) =>
    Array.from({ length: count }, (_, n) => throttle.pass(key, `${key}${n}`)).filter(Boolean).length;
  return { clock, said, throttle, passed };
}

describe("a throttle", () => {
  it("lets the first ones of a window pass and tells the number of the others at its end", () => {
    const { clock, said, passed } = start();
    expect(passed("a", 10)).toBe(2);
    clock.advance(999);
    expect(said).toEqual([]);
    clock.advance(1);
    expect(said).toEqual(["1000: 8 more, the last a9"]);
  });

  it("says nothing when all have passed, and leaves no timer", () => {
    const { clock, said, passed } = start();
    passed("a", 2);
    clock.advance(5_000);
    expect(said).toEqual([]);
    expect(clock.idle).toBe(true);
  });

  it("begins a window with the next one, not on the clock's beat", () => {
    const { clock, said, passed } = start();
    passed("a", 3);
    clock.advance(1_700);
    passed("a", 4);
    clock.advance(999);
    expect(said).toEqual(["1000: 1 more, the last a2"]);
    clock.advance(1);
    expect(said).toHaveLength(2);
  });

  it("keeps so many keys of a group apart, and the others together", () => {
    const said: string[] = [];
    const clock = new VirtualClock();
    const throttle = new Throttle<string>({
      clock,
      window: 1_000,
      burst: 1,
      apart: 2,
      onMore: (more, last) => said.push(`${more} more, the last ${last}`),
    });
    const pass = (group: string): boolean[] =>
      ["a", "b", "c", "d", "a"].map((key) => throttle.pass(key, key, group));
    expect([pass("one"), pass("two")]).toEqual(Array(2).fill([true, true, true, false, false]));
    clock.advance(1_000);
    expect(said.sort()).toEqual([
      "1 more, the last a",
      "1 more, the last a",
      "1 more, the last d",
      "1 more, the last d",
    ]);
    expect(clock.idle).toBe(true);
    expect(throttle.pass("e", "e", "one")).toBe(true);
  });

  it("keeps keys apart", () => {
    const { passed } = start();
    expect([passed("a", 5), passed("b", 1), passed("others", 2)]).toEqual([2, 1, 2]);
  });

  it("treats keys beyond a thousand as one", () => {
    const { clock, said, throttle } = start(1);
    const passed = Array.from({ length: 1_500 }, (_, n) => throttle.pass(`key ${n}`, "x")).filter(Boolean);
    expect(passed).toHaveLength(1_001);
    clock.advance(1_000);
    expect(said).toEqual(["1000: 499 more, the last x"]);
  });

  it("says what there is to say when it closes, and stops its timers", () => {
    const { clock, said, throttle, passed } = start();
    passed("a", 3);
    passed("b", 1);
    throttle.close();
    expect(said).toEqual(["0: 1 more, the last a2"]);
    expect(clock.idle).toBe(true);
  });
});
