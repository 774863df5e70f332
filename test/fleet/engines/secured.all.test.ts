/** Engines behind TLS, tokens and passwords in addresses: what gets in, what does not, and that no secret is shown. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { EngineOptions } from "../../../src/fleet/contract/engine.js";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { engineOptions, NO_CREDENTIALS } from "../../support/fleet-engines.js";
import { freePort } from "../../support/free-port.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { failureOf, until } from "./conformance.js";

const folder = mkdtempSync(join(tmpdir(), "squall-secured-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
const made = spawnSync("openssl", [
  "req",
  "-x509",
  "-newkey",
  "rsa:2048",
  "-nodes",
  "-days",
  "2",
  "-keyout",
  key,
  "-out",
  cert,
  ...subject,
]);
const trust = { ca: cert, cert: null, key: null, servername: null, insecure: false };

async function tried(urls: string, more: Partial<EngineOptions>): Promise<string> {
  const said: string[] = [];
  const engine = await openEngine(engineOptions(urls, { ...more, log: (text) => said.push(text) }));
  try {
    await until(() => said.length > 0);
    const failure = engine.connected ? await failureOf(engine.read()) : "not connected";
    expect(`${said.join("\n")} ${engine.name}`).not.toContain("s3cret");
    return failure;
  } finally {
    await engine.close();
  }
}

const lacks = natsVersion() === null || !hasRedis() || made.status !== 0;
describe.skipIf(lacks)(
  `secured engines${lacks ? " (needs: nats-server, redis-server, openssl)" : ""}`,
  () => {
    it("are reached by TLS with the CA that signed, and not without; a token is asked for", async () => {
      const config = `tls { cert_file: "${cert}", key_file: "${key}" }\nauthorization { token: s3cret }`;
      const server = await NatsServer.start({ config });
      try {
        const at = `127.0.0.1:${server.port}`;
        const token = { ...NO_CREDENTIALS, token: "s3cret" };
        expect(await tried(`tls://${at}`, { tls: trust, credentials: token })).toBe("none");
        expect(await tried(`nats://${at}`, { tls: trust, credentials: token })).toBe("none");
        expect(await tried(`tls://s3cret@${at}`, { tls: { ...trust, ca: null, insecure: true } })).toBe(
          "none",
        );
        expect(await tried(`tls://${at}`, { credentials: token })).toBe("not connected");
        expect(await tried(`tls://${at}`, { tls: trust })).toBe("not connected");
      } finally {
        await server.close();
      }
    });

    it("are reached by rediss:// with the CA that signed, and not without; a password in the address counts", async () => {
      const port = await freePort();
      const server = await RedisServer.start(
        `tls-port ${port}\ntls-cert-file ${cert}\ntls-key-file ${key}\ntls-auth-clients no\nrequirepass s3cret`,
      );
      try {
        expect(await tried(`rediss://:s3cret@127.0.0.1:${port}`, { tls: trust })).toBe("none");
        expect(
          await tried(`rediss://:s3cret@127.0.0.1:${port}/3`, {
            tls: { ...trust, ca: null, insecure: true },
          }),
        ).toBe("none");
        expect(await tried(`rediss://:s3cret@127.0.0.1:${port}`, {})).toBe("not connected");
        expect(await tried(`rediss://127.0.0.1:${port}`, { tls: trust })).toBe("not connected");
      } finally {
        await server.close();
      }
    });
  },
);
