import { describe, expect, it } from "vitest";
import { Alarm } from "../../src/core/alarm.js";
import type { Timer } from "../../src/core/clock.js";
import { VirtualClock } from "../../src/core/clock.js";

/** What rings when, and how many timers that took. */
function alarmed() {
  const clock = new VirtualClock();
  let timers = 0;
  const counting = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    exactly: (when: number, run: () => void): Timer => clock.exactly(when, run),
    at: (when: number, run: () => void): Timer => {
      timers++;
      return clock.at(when, run);
    },
  };
  const rang: number[] = [];
  const alarm = new Alarm(counting, () => rang.push(clock.now()));
  return { alarm, clock, rang, timers: () => timers };
}

describe("an alarm", () => {
  it.each<[string, readonly number[], readonly number[]]>([
    ["rings once", [10], [10]],
    ["is set later", [10, 30, 20], [20]],
    ["is set earlier", [30, 10], [10]],
    ["is cancelled", [10, Infinity], []],
    ["is set again behind that", [10, Infinity, 40], [40]],
  ])("%s", (_what, times, expected) => {
    const { alarm, clock, rang } = alarmed();
    for (const when of times) alarm.set(when);
    clock.advance(100);
    expect(rang).toEqual(expected);
  });

  it("takes no further timer to ring later, as long as the first one runs", () => {
    const { alarm, clock, rang, timers } = alarmed();
    for (let when = 10; when < 20; when++) alarm.set(when);
    expect(timers()).toBe(1);
    clock.advance(100);
    expect(rang).toEqual([19]);
    expect(timers()).toBe(2);
  });
});
