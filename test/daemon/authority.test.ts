/** The CA of a daemon, from the configuration to what a bot sees: opened at the start where bots need it, and else not at all. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.js";
import { trustOf } from "../../src/daemon/authority.js";
import { Door } from "../../src/tls/door.js";
import { renewAuthority, type AuthoritySource } from "../../src/tls/authority.js";
import { wallClock } from "../support/tls-lab.js";
import { startSquall, type Squall, type SquallOptions } from "../../src/index.js";

let folder: string;
let running: Squall[];
let server: Server;
let upstream: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-authority-"));
  running = [];
  server = createServer((_request, response) => response.end("done")).listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const squall of running) await squall.stop();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Logged {
  readonly squall: Squall;
  readonly log: () => string;
}

async function start(options: SquallOptions): Promise<Logged> {
  let log = "";
  const stream = {
    write: (text: string) => (log += text).length > 0,
    on: () => undefined,
    off: () => undefined,
  };
  const squall = await startSquall({ folder, log: { level: "info", stream }, ...options });
  running.push(squall);
  return { squall, log: () => log };
}

/** The text that a bot reads over TLS, or the code of the error with which it refuses. */
async function ask(port: number, ca: string, servername = "jobs.example"): Promise<string> {
  return new Promise((resolve) => {
    request({ host: "127.0.0.1", port, ca, servername, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text));
    })
      .on("error", ({ code, message }: NodeJS.ErrnoException) =>
        resolve(code === undefined || code === "UNSPECIFIED" ? message : code),
      )
      .end();
  });
}

const secured = (more = ""): string =>
  `{ proxies: { jobs: { listen: "127.0.0.1:0", upstream: "${upstream}", secure: true } }, tls: { ${more} } }`;

describe("the CA of a daemon", () => {
  it("signs what bots are shown, for whatever name they ask, and they accept it", async () => {
    const { squall, log } = await start({ config: secured("ca: ./squall-ca"), tls: true });
    const { port } = squall.proxies.get("jobs");
    expect(await ask(port, squall.ca)).toBe("done");
    expect(await ask(port, readFileSync(join(folder, "squall-ca/ca.pem"), "utf8"), "other.example")).toBe(
      "done",
    );
    expect(await ask(port, squall.bundle)).toBe("done");
    const stranger = await start({ tls: true });
    expect(await ask(port, stranger.squall.ca)).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    const [, expires] = /^squall_ca_expires_timestamp_seconds (\d+)$/mu.exec(await squall.metrics()) ?? [];
    expect(Number(expires) * 1000).toBe(Date.parse(new X509Certificate(squall.ca).validTo));
    expect(await stranger.squall.metrics()).toContain("squall_ca_expires_timestamp_seconds ");
    expect(log()).toContain("Squall test CA - do not trust");
    expect(log()).not.toContain("PRIVATE KEY");
    expect(JSON.stringify(squall.journal())).not.toContain("PRIVATE KEY");
  });

  it("is opened at the start where a proxy needs it, and its folder is not made where none does", async () => {
    await start({ config: secured("ca: ./needed") });
    expect(existsSync(join(folder, "needed/ca.pem"))).toBe(true);
    const { squall } = await start({ config: "tls: { ca: ./not-needed }" });
    expect(await squall.metrics()).not.toMatch(/^squall_ca_expires_timestamp_seconds /mu);
    await start({
      config: `{ proxies: { jobs: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:9", secure: passthrough } }, tls: { ca: ./not-needed } }`,
    });
    expect(existsSync(join(folder, "not-needed"))).toBe(false);
  });

  it("refuses the start by its setting where it cannot be used", async () => {
    mkdirSync(join(folder, "broken"));
    writeFileSync(join(folder, "broken/ca-key.pem"), "nothing");
    await expect(startSquall({ folder, config: secured("ca: ./broken") })).rejects.toMatchObject({
      code: "SQ_INVALID_CONFIG",
      details: [{ path: "tls.ca", message: expect.stringContaining("there is no certificate") as string }],
    });
    // Nobody needs it here.
    await start({ config: "tls: { ca: ./broken }" });
  });

  it("is the new one after a renewal with another key, for whoever comes then; who is there stays", async () => {
    const { squall, log } = await start({ config: secured("ca: ./squall-ca"), tls: true });
    const { port } = squall.proxies.get("jobs");
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: squall.ca, servername: "jobs.example" });
    const before = async (): Promise<number> => {
      const asked = request({ host: "127.0.0.1", port, agent }).end();
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      response.resume();
      await once(response, "end");
      return asked.socket?.localPort ?? 0;
    };
    const first = await before();
    await renewAuthority({ source: { folder: join(folder, "squall-ca") }, clock: wallClock, newKey: true });
    // Whoever asks for it has it looked for at once; a handshake looks at most once a second.
    const renewed = await (await fetch(`${squall.adminUrl}/ca.pem`)).text();
    expect(renewed).not.toBe(squall.ca);
    expect(await ask(port, renewed)).toBe("done");
    expect(await ask(port, squall.ca)).toMatch(/SIGNATURE/u);
    expect(await before()).toBe(first);
    agent.destroy();
    expect(squall.journal().filter(({ kind }) => kind === "ca_reread")).toMatchObject([
      { fingerprint: new X509Certificate(renewed).fingerprint256 },
    ]);
    expect(log()).toContain("the CA for bots is CN=Squall test CA");
  });

  it("is what the line that starts a run again trusts, where the admin port shows its certificate", async () => {
    const trust = async (admin: string, source: AuthoritySource): Promise<unknown> => {
      const door = new Door({ source, clock: wallClock });
      await door.open();
      return trustOf(readConfig({ text: `admin: { ${admin} }` }).config, door);
    };
    const ca = { folder: join(folder, "ca") };
    expect(await trust("tls: true", ca)).toEqual({ file: join(folder, "ca/ca.pem") });
    expect(await trust("tls: true", "memory")).toBe("variable");
    expect(await trust("tls: { cert: a.pem, key: a.key }", ca)).toBeNull();
    expect(await trust("tls: false", ca)).toBeNull();
  });

  it("is confined where tls.names says so: bots refuse what it must not sign for", async () => {
    const { squall } = await start({ config: secured("names: [jobs.example]"), tls: true });
    const { port } = squall.proxies.get("jobs");
    expect(await ask(port, squall.ca)).toBe("done");
    expect(await ask(port, squall.ca, "other.example")).toBe("permitted subtree violation");
  });

  it("writes the secrets of connections where tls.keylog says, closed to others, and warns of it", async () => {
    const { squall, log } = await start({ config: secured("keylog: ./keys.log"), tls: true });
    const file = join(folder, "keys.log");
    expect(log()).toContain(`secrets of TLS connections are written to ${file}`);
    expect(await ask(squall.proxies.get("jobs").port, squall.ca)).toBe("done");
    await squall.stop();
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(
      expect.arrayContaining(["SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"]),
    );
    for (const line of lines) expect(line).toMatch(/^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$/u);
  });

  it("says once that secrets cannot be written, and goes on", async () => {
    const { squall, log } = await start({ config: secured("keylog: ./no-such-folder/keys.log"), tls: true });
    const { port } = squall.proxies.get("jobs");
    for (let each = 0; each < 3; each++) expect(await ask(port, squall.ca)).toBe("done");
    await squall.stop();
    expect(log().match(/secrets of TLS connections cannot be written/gu)).toHaveLength(1);
  });
});
