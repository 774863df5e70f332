import { expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { Deadline } from "../../../src/mock/bot/deadline.js";
import { Trouble } from "../../../src/mock/bot/trouble.js";

const never = new AbortController().signal;

it("comes after its time, not before", () => {
  const clock = new VirtualClock();
  const deadline = new Deadline(clock, 1_000, never);
  clock.advance(999);
  expect(deadline.signal.aborted).toBe(false);
  clock.advance(1);
  expect(deadline.signal.reason).toEqual(new Trouble("no answer within 1s"));
});

it("is put off by everything that moves, with a single timer", () => {
  const clock = new VirtualClock();
  const deadline = new Deadline(clock, 1_000, never);
  for (let chunk = 0; chunk < 10; chunk++) {
    clock.advance(900);
    deadline.extend();
  }
  expect(deadline.signal.aborted).toBe(false);
  clock.advance(999);
  expect(deadline.signal.aborted).toBe(false);
  clock.advance(1);
  expect(deadline.signal.aborted).toBe(true);
});

it("leaves no timer behind when it has ended, and never had one if there is no limit", () => {
  const clock = new VirtualClock();
  new Deadline(clock, 1_000, never).end();
  new Deadline(clock, Infinity, never).end();
  expect(clock.idle).toBe(true);
});

it("comes at once, with the same reason, when nobody wants the answer any more", () => {
  const clock = new VirtualClock();
  const outer = new AbortController();
  const early = new Deadline(clock, 1_000, outer.signal);
  outer.abort(new Error("stop"));
  const late = new Deadline(clock, 1_000, outer.signal);
  expect([early, late].map(({ signal }) => String(signal.reason))).toEqual(["Error: stop", "Error: stop"]);
});
