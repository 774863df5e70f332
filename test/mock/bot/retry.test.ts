import { expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import type { BotEvent, CallName } from "../../../src/mock/bot/events.js";
import type { Flaw } from "../../../src/mock/bot/flaws.js";
import { Retrier } from "../../../src/mock/bot/retry.js";
import { Abandoned, Refused, Trouble, Unable } from "../../../src/mock/bot/trouble.js";

const cut = (): Trouble => new Trouble("connection reset", { cut: true });
const never = new AbortController().signal;

function retrier(flaws: readonly Flaw[] = []) {
  const clock = new VirtualClock();
  const events: BotEvent[] = [];
  let reconnects = 0;
  const it = new Retrier({
    clock,
    random: () => 0,
    report: (event) => void events.push(event),
    backOff: { first: 200, max: 10_000 },
    flaws: new Set(flaws),
    reconnect: () => Promise.resolve(++reconnects),
  });
  /** Fails with these errors, one after the other, then answers. */
  const persist = (name: CallName, errors: Error[], signal = never): Promise<string> =>
    it.persist({ name, signal }, () => {
      const error = errors.shift();
      return error ? Promise.reject(error) : Promise.resolve("answer");
    });
  /** Lets everything run that does not wait, then moves the time. */
  const pass = async (time: number): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(time);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, events, persist, pass, reconnects: () => reconnects };
}

it.each([
  new Refused(404, "404: no such job"),
  new Unable("disk full"),
  new Error("a bug"),
  new Abandoned("stop"),
])("does not repeat what would not help: %s", async (error) => {
  const { persist, events, clock } = retrier();
  await expect(persist("complete", [error])).rejects.toBe(error);
  expect(events).toEqual([]);
  expect(clock.idle).toBe(true);
});

it("stops waiting when nobody wants the answer any more, and leaves no timer", async () => {
  const { persist, pass, clock } = retrier();
  const controller = new AbortController();
  const asked = persist("heartbeat", [cut()], controller.signal);
  const ended = expect(asked).rejects.toThrow("gone");
  await pass(10);
  controller.abort(new Abandoned("gone"));
  await ended;
  expect(clock.idle).toBe(true);
});

it("takes one cut that hits several calls for one, where two would be too many", async () => {
  const { persist, pass, reconnects } = retrier(["connected-but-idle"]);
  const all = Promise.all(["lease", "lease", "heartbeat"].map((name) => persist(name as CallName, [cut()])));
  await pass(100);
  expect(await all).toEqual(["answer", "answer", "answer"]);
  expect(reconnects()).toBe(0);
});

it("stumbles over two cuts of different calls, in leasing alone", async () => {
  const { persist, pass, reconnects } = retrier(["connected-but-idle"]);
  const heartbeat = persist("heartbeat", [cut()]);
  await pass(100);
  const lease = persist("lease", [cut()]);
  await pass(100);
  expect(await heartbeat).toBe("answer");
  expect(reconnects()).toBe(1);
  await pass(10_000);
  expect(reconnects()).toBe(2);
  expect(await Promise.race([lease, Promise.resolve("still waiting")])).toBe("still waiting");
});

it("forgives cuts that are further apart", async () => {
  const { persist, pass, reconnects } = retrier(["connected-but-idle"]);
  const first = persist("lease", [cut()]);
  await pass(100);
  expect(await first).toBe("answer");
  await pass(3_000);
  const second = persist("lease", [cut()]);
  await pass(100);
  expect(await second).toBe("answer");
  expect(reconnects()).toBe(0);
});
