/** What a view asks for again and again: never two calls at a time, whatever happens while one is under way. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Asking } from "../../src/ui/asking.js";

const AGAIN_MS = 2_000;

let under = 0;
let most = 0;
let asked = 0;
let signal: AbortSignal | undefined;
/** Answers the call that is under way. */
let answer: (wait?: number | null) => Promise<void> = () => Promise.resolve();

const ask = (given: AbortSignal): Promise<number | null> => {
  signal = given;
  asked++;
  most = Math.max(most, ++under);
  return new Promise((resolve) => {
    answer = async (wait = AGAIN_MS) => {
      under--;
      resolve(wait);
      await vi.advanceTimersByTimeAsync(0);
    };
  });
};

beforeEach(() => {
  vi.useFakeTimers();
  under = most = asked = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

it("asks at once, and again when it was told to", async () => {
  const asking = new Asking(ask);
  expect(asked).toBe(1);
  await answer();
  await vi.advanceTimersByTimeAsync(AGAIN_MS - 1);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toBe(2);
  await answer(null);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(2);
  asking.end();
});

it("has one call under way, though a tab is hidden and shown meanwhile, and one timer behind it", async () => {
  const asking = new Asking(ask);
  asking.pause();
  asking.resume();
  asking.now();
  expect(asked).toBe(1);
  await answer();
  // Who came back sees what is so now, not what was so when he left.
  expect(asked).toBe(2);
  await answer();
  await vi.advanceTimersByTimeAsync(AGAIN_MS);
  expect([asked, most, vi.getTimerCount()]).toEqual([3, 1, 0]);
  asking.end();
});

it("asks nothing while nobody looks, and nothing after its end", async () => {
  const asking = new Asking(ask);
  asking.pause();
  await answer();
  expect([asked, vi.getTimerCount()]).toEqual([1, 0]);
  asking.resume();
  expect(asked).toBe(2);
  await answer();
  asking.pause();
  expect(vi.getTimerCount()).toBe(0);
  asking.resume();
  asking.end();
  expect([signal?.aborted, asking.ended]).toEqual([true, true]);
  await answer();
  asking.now();
  expect([asked, most, vi.getTimerCount()]).toEqual([3, 1, 0]);
});
