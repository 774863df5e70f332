/** A fleet without an engine: daemons whose files the kubelet replaces by another target of one link, as it does with a ConfigMap. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startDaemon, type Daemon } from "../../src/daemon.js";
import { freePort } from "../support/free-port.js";
import { until } from "../support/lab.js";

let folder: string;
let server: Server;
let daemons: Daemon[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-mounted-"));
  daemons = [];
  server = createServer((_request, response) => response.end("fine"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  for (const daemon of daemons) await daemon.stop({ drain: 0 });
  server.close();
  rmSync(folder, { recursive: true });
});

/** All files of the mount at once, as the kubelet does it: a new folder, and one rename. */
function mount(version: string, files: Readonly<Record<string, string>>): void {
  const target = `..${version}`;
  mkdirSync(join(folder, target));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, target, name), text);
  symlinkSync(target, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}

const chaos = (faults: string): string => `profile: chaos\nfaults: ${faults}\n`;

interface Pod {
  readonly daemon: Daemon;
  /** What a request through it is answered. */
  status(): Promise<number>;
  reloads(ok: boolean): number;
}

/** A daemon that mounts the folder. */
async function pod(ttl: string): Promise<Pod> {
  const { port } = server.address() as AddressInfo;
  const listen = `127.0.0.1:${await freePort()}`;
  const daemon = await startDaemon({
    text: JSON.stringify({
      admin: { listen: "127.0.0.1:0" },
      profiles: [folder],
      activate: { profile: "chaos", seed: 7, ttl },
      proxies: { jobs: { listen, upstream: `http://127.0.0.1:${port}` } },
    }),
    env: {},
    cwd: folder,
    home: folder,
    logStream: { write: () => true, on: () => undefined, off: () => undefined },
    ownProcess: false,
    pid: process.pid,
    node: process.version,
  });
  daemons.push(daemon);
  return {
    daemon,
    status: async () => {
      const answer = await fetch(`http://${listen}/`, { headers: { connection: "close" } });
      await answer.arrayBuffer();
      return answer.status;
    },
    reloads: (ok) =>
      daemon.telemetry.journal
        .query({ kind: "reload" })
        .filter((entry) => entry.kind === "reload" && entry.ok === ok).length,
  };
}

it("is under what the mount says, on all daemons, and keeps it where the mount is wrong", async () => {
  mount("v1", { "chaos.yaml": chaos("[]") });
  symlinkSync(join("..data", "chaos.yaml"), join(folder, "chaos.yaml"));
  const pods = [await pod("1h"), await pod("1h"), await pod("1h")];
  const statuses = (): Promise<number[]> => Promise.all(pods.map(({ status }) => status()));
  const reloads = (ok: boolean): number => Math.min(...pods.map((one) => one.reloads(ok)));
  expect(await statuses()).toEqual([200, 200, 200]);
  mount("v2", { "chaos.yaml": chaos("[{ type: http_status, status: 503 }]") });
  rmSync(join(folder, "..v1"), { recursive: true });
  await until(() => reloads(true) === 1);
  expect(await statuses()).toEqual([503, 503, 503]);
  mount("v3", { "chaos.yaml": chaos("[{ type: http_status, status: nonsense }]") });
  await until(() => reloads(false) >= 1);
  expect(await statuses()).toEqual([503, 503, 503]);
  mount("v4", { "chaos.yaml": chaos("[]") });
  await until(() => reloads(true) === 2);
  expect(await statuses()).toEqual([200, 200, 200]);
});

it("is over when its time is over, whatever the mount says", async () => {
  mount("v1", { "chaos.yaml": chaos("[{ type: http_status, status: 503 }]") });
  symlinkSync(join("..data", "chaos.yaml"), join(folder, "chaos.yaml"));
  const { daemon, status, reloads } = await pod("1s");
  await until(() => daemon.control.active().activations.length === 0);
  expect(await status()).toBe(200);
  mount("v2", { "chaos.yaml": chaos("[{ type: http_status, status: 500 }]") });
  await until(() => reloads(true) > 0);
  expect(await status()).toBe(200);
});
