/** A proxy of the configuration whose name the API has taken is left out by a reload: its answer, the journal and the log say so. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startDaemon, type Daemon } from "../../src/daemon.js";

const text = (proxies: object): string =>
  JSON.stringify({ admin: { listen: "127.0.0.1:0" }, watch: false, proxies });
const one = { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:1" };

let cwd: string;
let daemon: Daemon;
let logged: string;

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), "squall-shadowed-"));
  mkdirSync(join(cwd, "profiles"));
  logged = "";
  writeFileSync(join(cwd, "squall.yaml"), text({ other: one }));
  daemon = await startDaemon({
    text: text({ other: one }),
    file: "squall.yaml",
    env: {},
    cwd,
    home: cwd,
    logStream: {
      write: (line: string) => {
        logged += line;
        return true;
      },
      on: () => undefined,
      off: () => undefined,
    },
    ownProcess: false,
    pid: process.pid,
    node: process.version,
  });
});

afterEach(async () => {
  await daemon.stop({ drain: 0 });
  rmSync(cwd, { recursive: true });
});

it("is told in the answer, in the journal and in the log, until the API's is gone", async () => {
  const { control } = daemon;
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${daemon.adminUrl}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    return answer.status === 204 ? null : answer.json();
  };
  await call("POST", "/proxies", { name: "jobs", listen: "127.0.0.1:0", upstream: "127.0.0.1:2" });
  expect(control.hasProxy("jobs")).toBe(true);
  writeFileSync(join(cwd, "squall.yaml"), text({ other: one, jobs: one }));
  const warning = expect.stringMatching(
    /^proxy jobs of the configuration is left out: the API has made one of that name/u,
  );
  expect(await call("POST", "/reload")).toEqual({ changed: [], warnings: [warning] });
  const reloads = daemon.telemetry.journal.query({ kind: "reload" });
  expect(reloads.at(-1)).toMatchObject({ ok: true, changed: [], warnings: [warning] });
  expect(logged).toMatch(/"level":"warn".*proxy jobs of the configuration is left out/u);

  await call("DELETE", "/proxies/jobs");
  expect(await call("POST", "/reload")).toEqual({ changed: ["proxy jobs added"], warnings: [] });
});
