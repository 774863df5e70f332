/** What is edited between the reading of a configuration and the moment at which its daemon watches it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startDaemon, type Daemon } from "../../src/daemon.js";

const text = (name: string): string =>
  JSON.stringify({
    admin: { listen: "127.0.0.1:0" },
    profiles: ["profiles.yaml"],
    proxies: { [name]: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:1" } },
  });

let cwd: string;
let daemon: Daemon;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "squall-early-"));
  writeFileSync(join(cwd, "profiles.yaml"), "profile: a\nfaults: [{ type: noop }]\n");
});

afterEach(async () => {
  await daemon.stop({ drain: 0 });
  rmSync(cwd, { recursive: true });
});

it("is read again when the daemon is ready", async () => {
  writeFileSync(join(cwd, "squall.yaml"), text("late"));
  daemon = await startDaemon({
    text: text("early"),
    file: "squall.yaml",
    env: {},
    cwd,
    home: cwd,
    logStream: { write: () => true, on: () => undefined, off: () => undefined },
    ownProcess: false,
    pid: process.pid,
    node: process.version,
  });
  const { stream } = daemon.telemetry;
  while (!daemon.control.hasProxy("late")) {
    await new Promise<void>((resolve) => {
      const subscription = stream.subscribe(() => {
        subscription.close();
        resolve();
      });
      if (daemon.control.hasProxy("late")) resolve();
    });
  }
  expect(daemon.control.hasProxy("early")).toBe(false);
});
