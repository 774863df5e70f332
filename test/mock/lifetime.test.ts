import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { aborted, lifetime } from "../../src/mock/lifetime.js";

it.each(["SIGTERM", "SIGINT", "disconnect"])("ends with %s", async (reason) => {
  const process = new EventEmitter();
  const { signal, end } = lifetime(process, new EventEmitter());
  expect(signal.aborted).toBe(false);
  process.emit(reason);
  await aborted(signal);
  end();
  expect(process.eventNames()).toEqual([]);
});

it("ends when nobody reads what is printed any more", () => {
  const stdout = new EventEmitter();
  const { signal } = lifetime(new EventEmitter(), stdout);
  stdout.emit("error", new Error("EPIPE"));
  expect(signal.aborted).toBe(true);
});
