/** What the daemon says at its start about its own circumstances, and when it holds its tongue. */
import { describe, expect, it } from "vitest";
import { readConfig, type Config } from "../../src/config/config.js";
import {
  checkCallers,
  checkContainer,
  checkDescriptors,
  surroundings,
  type Surroundings,
} from "../../src/daemon/checks.js";
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

describe("a container whose listeners are all on loopback", () => {
  const proxies = (...listens: string[]) =>
    Object.fromEntries(listens.map((listen, n) => [`p${n}`, { listen, upstream: "tcp://jobs:1" }]));
  const check = (where: Surroundings, value: unknown): Promise<string> =>
    said((log) => {
      checkContainer(configOf(value), where, log);
    });

  it("is warned, with the way out, whatever the admin port does", async () => {
    for (const admin of [{ listen: ":8474" }, { listen: "127.0.0.1:8474" }]) {
      const text = await check("container", { admin, proxies: proxies("127.0.0.1:8080", "[::1]:8081") });
      expect(text).toContain("every proxy listens on its loopback (127.0.0.1:8080, [::1]:8081)");
      expect(text).toContain('listen: \\":8080\\"');
      expect(JSON.parse(text)).toMatchObject({ level: "warn" });
    }
    expect(await check("container", {})).toContain("the admin port listens on its loopback (127.0.0.1:8474)");
  });

  it("is nothing to say where one proxy is open, where the admin port alone is, or on a machine", async () => {
    expect(await check("container", { proxies: proxies("127.0.0.1:8080", ":8081") })).toBe("");
    expect(await check("container", { admin: { listen: ":8474" } })).toBe("");
    expect(await check("machine", { proxies: proxies("127.0.0.1:8080") })).toBe("");
  });

  it("is how a sidecar may be, and only told", async () => {
    const text = await check("pod", { proxies: proxies("localhost:8080") });
    expect(JSON.parse(text)).toMatchObject({ level: "info" });
  });

  it("is known by the files of Docker and Podman, by `container`, and a pod by its API", () => {
    const first = (...paths: string[]) => ({
      exists: (path: string) => paths.includes(path),
      parent: () => 1,
    });
    expect(surroundings({}, first())).toBe("machine");
    expect(surroundings({ container: "" }, first())).toBe("machine");
    expect(surroundings({}, first("/.dockerenv"))).toBe("container");
    expect(surroundings({}, first("/run/.containerenv"))).toBe("container");
    expect(surroundings({ container: "oci" }, first())).toBe("container");
    expect(surroundings({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, first("/.dockerenv"))).toBe("pod");
  });

  it("is one that was started for the daemon: behind a shell in a container, clients are in there as well", () => {
    const by = (parent: number) => surroundings({}, { exists: () => true, parent: () => parent });
    expect([0, 1, 2, 4_711, NaN].map(by)).toEqual([
      "container",
      "container",
      "machine",
      "machine",
      "machine",
    ]);
    expect(surroundings({ container: "oci" })).toBe("machine");
  });
});
