import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { backOff, sleep, unless } from "../../../src/mock/bot/patience.js";

describe("backing off", () => {
  const pace = { first: 200, max: 10_000 };

  it("doubles up to a maximum", () => {
    const waits = [1, 2, 3, 6, 7, 1_000].map((attempt) => backOff(pace, attempt, 0, 1));
    expect(waits).toEqual([200, 400, 800, 6_400, 10_000, 10_000]);
  });

  it("is spread over the upper half, so that bots do not come back together", () => {
    expect([0, 0.5, 1].map((luck) => backOff(pace, 2, 0, luck))).toEqual([200, 300, 400]);
  });

  it("never comes back before the server wants it, nor with everybody else", () => {
    expect([0, 1].map((luck) => backOff(pace, 1, 30_000, luck))).toEqual([30_100, 30_200]);
  });
});

describe("sleeping", () => {
  it("ends early, and leaves no timer, when nobody waits any more", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const asleep = sleep(clock, 1_000, controller.signal);
    controller.abort(new Error("stop"));
    await expect(asleep).rejects.toThrow("stop");
    expect(clock.idle).toBe(true);
  });

  it("does not even begin under a signal that is aborted already", async () => {
    const clock = new VirtualClock();
    await expect(sleep(clock, 1_000, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
    expect(clock.idle).toBe(true);
  });
});

it("swallows the rejection of a promise that nobody waits for any more", async () => {
  const late = Promise.reject(new Error("too late"));
  await expect(unless(AbortSignal.abort(new Error("stop")), late)).rejects.toThrow("stop");
});
