import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { aborted, lifetime } from "../../src/mock/lifetime.js";

it.each(["SIGTERM", "SIGINT", "disconnect"])("ends with %s", async (reason) => {
  const process = new EventEmitter();
  const { signal, end } = lifetime(process);
  expect(signal.aborted).toBe(false);
  process.emit(reason);
  await aborted(signal);
  end();
  expect(process.eventNames()).toEqual([]);
});

it("goes on when nobody reads what is printed any more", () => {
  const before = process.stdout.listenerCount("error");
  const { signal, end } = lifetime();
  expect(process.stdout.listenerCount("error")).toBe(before);
  expect(signal.aborted).toBe(false);
  end();
});
