/** Certificates that are over, of any setting: said at the start, at a reload and by `squall validate`, with file and date. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { DaemonOptions } from "../../src/daemon/options.js";
import { checkStart } from "../../src/daemon/start-checks.js";
import { startDaemon } from "../../src/daemon.js";
import { theDoor } from "../support/secure-lab.js";

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-over-"));
  const authority = await theDoor.trusted();
  for (const name of ["admin", "shown", "bots", "servers", "squall"]) {
    const { cert, key } = authority.present([`${name}.example`], { problem: "expired", by: 86_400_000 });
    writeFileSync(join(folder, `${name}.pem`), cert);
    writeFileSync(join(folder, `${name}.key`), key);
  }
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const TEXT = `admin: { listen: 127.0.0.1:0, tls: { cert: admin.pem, key: admin.key } }
proxies:
  jobs:
    listen: 127.0.0.1:0
    upstream: https://127.0.0.1:9
    secure: { certificates: [{ cert: shown.pem, key: shown.key }], clients: { ca: bots.pem } }
    tls: { ca: servers.pem, cert: squall.pem, key: squall.key }
  broker:
    listen: 127.0.0.1:0
    upstream: tls://127.0.0.1:9
    tls: { ca: servers.pem }
`;

function options(lines: string[]): DaemonOptions {
  return {
    text: TEXT,
    file: "squall.yaml",
    env: {},
    cwd: folder,
    home: folder,
    logStream: { write: (line: string) => lines.push(line), on: () => undefined, off: () => undefined },
    ownProcess: false,
    pid: 1,
    node: "v0",
  };
}

const OVER = ["admin", "shown", "bots", "servers", "squall"].map((name) => `${name}.pem has expired on`);

it("are named once for each file, at the start and at each reload", async () => {
  writeFileSync(join(folder, "squall.yaml"), TEXT);
  const lines: string[] = [];
  const daemon = await startDaemon(options(lines));
  const warned = lines
    .splice(0)
    .map((line) => JSON.parse(line) as { level: string; message: string })
    .filter(({ level, message }) => level === "warn" && message.includes(".pem"));
  expect(warned.map(({ message }) => message)).toEqual(
    OVER.map((said) => expect.stringContaining(said) as string),
  );
  const { warnings } = await daemon.control.reload();
  expect(warnings).toEqual(OVER.map((said) => expect.stringContaining(said) as string));
  await daemon.stop({ drain: 0 });
});

it("are found before, at the settings that name them", async () => {
  const { problems, warnings } = await checkStart(options([]));
  expect(problems).toEqual([]);
  expect(
    warnings.filter(({ path }) => path !== "").map(({ line, column, path }) => `${line}:${column} ${path}`),
  ).toEqual([
    "1:44 admin.tls.cert",
    "6:38 proxies.jobs.secure.certificates[0].cert",
    "6:83 proxies.jobs.secure.clients.ca",
    "7:16 proxies.jobs.tls.ca",
    "7:35 proxies.jobs.tls.cert",
  ]);
});

it("are found where a fleet's engine is spoken to with them", async () => {
  const tls = "{ ca: servers.pem, cert: squall.pem, key: squall.key }";
  const text = `admin: { listen: 127.0.0.1:0 }\nfleet: { name: a, engine: tls://n, tls: ${tls} }\n`;
  const { warnings } = await checkStart({ ...options([]), text });
  const named = warnings.filter(({ path }) => path !== "");
  expect(named.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
    "2:47 fleet.tls.ca",
    "2:66 fleet.tls.cert",
  ]);
});
