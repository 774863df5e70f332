/** Whether programs do trust the CA once their shell has read what `squall env` prints, and do not before. */
import { spawn, spawnSync } from "node:child_process";
import { createServer, type Server } from "node:https";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAuthority, type Authority } from "../../src/tls/authority.js";
import { trustLines } from "../../src/tls/trust.js";
import { wallClock as clock } from "../support/tls-lab.js";

const has = (program: string, ...args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: "ignore" }).status === 0;

interface Client {
  readonly name: string;
  readonly command: (url: string) => string;
  readonly missing: boolean;
}

const python = (code: string): string => `python3 -c "${code}"`;

const CLIENTS: readonly Client[] = [
  {
    name: "Node's fetch",
    command: (url) => `"${process.execPath}" -e "fetch('${url}').then(r => r.text()).then(console.log)"`,
    missing: false,
  },
  { name: "curl", command: (url) => `curl -sS ${url}`, missing: !has("curl", "--version") },
  {
    name: "Python's urllib",
    command: (url) => python(`import urllib.request as u; print(u.urlopen('${url}').read().decode())`),
    missing: !has("python3", "--version"),
  },
  {
    name: "Python's requests",
    command: (url) => python(`import requests; print(requests.get('${url}').text)`),
    missing: !has("python3", "-c", "import requests"),
  },
  {
    name: "openssl s_client",
    command: (url) =>
      `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -verify_return_error -verify_hostname localhost -connect ${new URL(url).host}`,
    missing: !has("openssl", "version"),
  },
  {
    name: "git",
    command: (url) =>
      `git ls-remote ${url}/repo 2>&1 | grep -v 'SSL\\|certificate' | grep 'not found\\|not valid'`,
    missing: !has("git", "--version"),
  },
];

let folder: string;
let authority: Authority;
let server: Server;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-trust-"));
  authority = await openAuthority({ source: { folder: join(folder, "it's here") }, clock });
  const { cert, key } = authority.present(["localhost"], null);
  server = createServer({ cert, key }, ({ url: path }, response) => {
    response.writeHead(path === "/" ? 200 : 404).end("trusted");
  });
  await new Promise<void>((listening) => server.listen(0, "localhost", listening));
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The server is in this process, so nothing may stand still here. */
async function shell(script: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const file = join(folder, "script.sh");
  writeFileSync(file, script);
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder, no_proxy: "*" };
  const child = spawn("bash", [file], { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, said };
}

describe("a shell that has read what squall env prints", () => {
  for (const { name, command, missing } of CLIENTS)
    it.skipIf(missing)(`has ${name} trust the CA`, async () => {
      if (authority.files === null) throw new Error("no files");
      const lines = trustLines("bash", authority.files);
      const before = await shell(command(url));
      expect(before.code).not.toBe(0);
      const after = await shell(`${lines}\n${command(url)}\n`);
      expect(after.code, after.said).toBe(0);
      expect(after.said).toMatch(/trusted|not found|not valid/u);
    });
});
