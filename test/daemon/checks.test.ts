/** What the daemon says at its start about its own circumstances, and when it holds its tongue. */
import { expect, it } from "vitest";
import { readConfig, type Config } from "../../src/config/config.js";
import { checkCallers, checkDescriptors } from "../../src/daemon/checks.js";
import { Descriptors } from "../../src/proxy/descriptors.js";
import { createLog, type Log } from "../../src/telemetry/log.js";

const configOf = (value: unknown): Config => readConfig({ text: JSON.stringify(value) }).config;

/** What a check says. */
async function said(check: (log: Log) => void): Promise<string> {
  let text = "";
  const stream = {
    write: (line: string) => void (text += line),
    on: () => undefined,
    off: () => undefined,
  };
  const log = createLog({ level: "info", format: "json", stream });
  check(log);
  await log.close();
  return text;
}

it("says how many connections the process has descriptors for, if they are fewer than the limit", async () => {
  const few = new Descriptors(256, 32);
  const check = (connections: number) => (log: Log) => {
    checkDescriptors(configOf({ limits: { connections } }), few, log);
  };
  expect(few.connections).toBe(96);
  expect(await said(check(97))).toContain(
    "may open 256 descriptors: enough for 96 connections and their upstreams, not for the 97 of limits.connections",
  );
  expect(await said(check(96))).toBe("");
});

it("warns of an admin port that others can reach without a token", async () => {
  const check = (admin: unknown) => (log: Log) => {
    checkCallers(configOf({ admin }), log);
  };
  const warning = "the admin port listens on 0.0.0.0:8474 without a token";
  expect(await said(check({ listen: "0.0.0.0:8474" }))).toContain(warning);
  expect(await said(check({ listen: "0.0.0.0:8474", token: "" }))).toContain(warning);
  expect(await said(check({ listen: "0.0.0.0:8474", token: "secret" }))).toBe("");
  expect(await said(check({ listen: "127.0.0.1:8474" }))).toBe("");
});
