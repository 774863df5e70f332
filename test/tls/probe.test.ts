/** Whether this runtime can do what encrypted alerts need is found out by a handshake with itself. */
import { expect, it } from "vitest";
import { lackOfSecrets, probe } from "../../src/tls/probe.js";

it("finds that Node tells the secrets of a connection, and asks once", async () => {
  const first = lackOfSecrets();
  expect(lackOfSecrets()).toBe(first);
  expect(await first).toBeNull();
});

it("says what is missing in a runtime that does not", async () => {
  expect(await probe(() => undefined)).toMatch(/keylog event/u);
});

it("says why where its handshake fails", async () => {
  expect(await probe((engine) => engine.destroy())).toMatch(/fails: it is closed/u);
});
