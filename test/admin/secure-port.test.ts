/** The admin port over TLS: who is answered, who is not, and that a slow handshake keeps nobody out. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { AdminClient } from "../../src/cli/client.js";
import type { Contexts } from "../../src/tls/contexts.js";
import { Door } from "../../src/tls/door.js";
import { AdminLab } from "./admin-lab.js";

const door = new Door({ source: "memory", clock: { now: () => 0, wallTime: () => Date.now() } });
let here: AdminLab | null = null;
let contexts: Contexts | null = null;
const folder = mkdtempSync(join(tmpdir(), "squall-secure-port-"));
afterEach(async () => {
  await here?.close();
  here = null;
});

async function start(): Promise<{ readonly url: string; readonly port: number; readonly caFile: string }> {
  contexts = await door.open();
  here = await AdminLab.open({
    certificate: {
      contexts: () => contexts ?? expect.unreachable(),
      own: null,
      names: ["localhost", "127.0.0.1"],
    },
  });
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, door.authority?.ca ?? "");
  const { url } = here.admin;
  return { url, port: here.port, caFile };
}

describe("the admin port over TLS", () => {
  it("answers whoever trusts the CA, under its address and its name", async () => {
    const { url, port, caFile } = await start();
    expect(url).toBe(`https://127.0.0.1:${port}`);
    for (const admin of [url, `https://localhost:${port}`]) {
      const client = new AdminClient({ admin }, { env: { SQUALL_ADMIN_CA: caFile } });
      expect(await client.call("GET", "/status")).toMatchObject({ version: "1.2.3" });
    }
    const client = new AdminClient({ admin: url, adminCa: caFile }, { env: {} });
    expect(await client.text("/metrics")).toBe("up 1\n");
  });

  it("shows a certificate of another CA as soon as there is one", async () => {
    const { url, caFile } = await start();
    const before = new AdminClient({ admin: url, adminCa: caFile }, { env: {} });
    expect(await before.text("/metrics")).toBe("up 1\n");
    const other = new Door({ source: "memory", clock: { now: () => 0, wallTime: () => Date.now() } });
    contexts = await other.open();
    writeFileSync(caFile, other.authority?.ca ?? "");
    const after = new AdminClient({ admin: url, adminCa: caFile }, { env: {} });
    expect(await after.text("/metrics")).toBe("up 1\n");
  });

  it("is not believed by whoever does not, who says why", async () => {
    const { url } = await start();
    const client = new AdminClient({ admin: url }, { env: {} });
    await expect(client.call("GET", "/status")).rejects.toThrow(/certificate/u);
  });

  it("says which option names a file that cannot be read", () => {
    const missing = join(folder, "missing.pem");
    const admin = "https://localhost:1";
    expect(() => new AdminClient({ admin, adminCa: missing }, { env: {} })).toThrow(
      /^--admin-ca: cannot read certificates/u,
    );
    expect(() => new AdminClient({ admin }, { env: { SQUALL_ADMIN_CA: missing } })).toThrow(
      /^SQUALL_ADMIN_CA: cannot/u,
    );
  });

  it("says nothing to plain HTTP and to garbage, and goes on", async () => {
    const { url, port, caFile } = await start();
    for (const said of [
      "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "\u0016\u0003\u0001\u0000\u0005garbage",
    ]) {
      const socket = connect(port, "127.0.0.1");
      let heard = "";
      socket.on("data", (chunk) => (heard += chunk.toString("latin1"))).on("error", () => undefined);
      socket.write(said);
      await new Promise((closed) => socket.once("close", closed));
      expect(heard).not.toContain("HTTP/1.1");
    }
    const client = new AdminClient({ admin: url, adminCa: caFile }, { env: {} });
    expect(await client.call("GET", "/healthz")).toBeTruthy();
  });

  it("answers while others keep their handshakes open", async () => {
    const { url, port, caFile } = await start();
    const silent = Array.from({ length: 50 }, () => connect(port, "127.0.0.1"));
    await Promise.all(silent.map((socket) => new Promise((connected) => socket.once("connect", connected))));
    const client = new AdminClient({ admin: url, adminCa: caFile }, { env: {} });
    expect(await client.call("GET", "/status")).toBeTruthy();
    for (const socket of silent) socket.destroy();
  });
});

process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
