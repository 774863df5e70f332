/**
 * A daemon whose credentials are wrong: it serves alone, says in one sentence which file it is and why wherever somebody looks, and joins
 * its fleet without a restart when they are right.
 */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FolderCA } from "../../support/certificates.js";
import { credsText, NatsOperator } from "../../support/fleet/nats-jwt.js";
import { freePort } from "../../support/free-port.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { getJson, ROOT, squall, Workshop, type Squall } from "../../support/process.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";

const lacks = natsVersion() === null || !hasRedis();

interface Running {
  readonly process: Squall;
  readonly admin: string;
}

describe.skipIf(lacks)(
  `a daemon with wrong credentials${lacks ? " (needs: nats-server, redis-server)" : ""}`,
  () => {
    let shop: Workshop;
    const closing: (() => Promise<void>)[] = [];
    beforeEach(() => {
      shop = new Workshop();
    });
    afterEach(async () => {
      await shop.close();
      for (const close of closing.splice(0)) await close();
    });

    async function daemon(fleet: object, env: Record<string, string> = {}): Promise<Running> {
      const admin = await freePort();
      const config = {
        admin: { listen: `127.0.0.1:${admin}` },
        proxies: { jobs: { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" } },
        fleet: { name: "demo", daemon: "node-1", control: true, ...fleet },
      };
      const file = shop.file("squall.yaml", JSON.stringify(config));
      const process = shop.start(["serve", "--config", file, "--log-format", "json"], { env });
      await process.printed(/"message":"squall \S+ is ready"/u);
      return { process, admin: `http://127.0.0.1:${admin}` };
    }

    /** What it says in each place where somebody looks. */
    async function told({ process, admin }: Running): Promise<Record<string, string>> {
      const run = async (...words: readonly string[]): Promise<string> => {
        const { code, out, err } = await squall([...words, "--admin", admin], { env: { USER: "ci" } });
        expect(code).toBe(1);
        return `${out}${err}`;
      };
      return {
        log: process.out,
        readyz: String((await getJson(`${admin}/readyz`)).body["fleet"]),
        status: await run("status", "--fleet"),
        use: await run("use", "high-latency", "--fleet", "--ttl", "1m"),
      };
    }

    async function joins({ admin }: Running): Promise<void> {
      await vi.waitFor(
        async () => {
          expect((await getJson(`${admin}/readyz`)).body["fleet"]).toMatch(/^in the fleet demo: plan/u);
        },
        { timeout: 20_000, interval: 50 },
      );
      const words = ["use", "high-latency", "--fleet", "--ttl", "1m", "--admin", admin];
      expect(await squall(words, { env: { USER: "ci" } })).toMatchObject({ code: 0, err: "" });
    }

    it("of NATS says so everywhere, shows no secret, serves, and joins when the file is there", async () => {
      const operator = new NatsOperator();
      const server = await NatsServer.start({ config: operator.config });
      closing.push(() => server.close());
      const [user, stranger] = [operator.user(), new NatsOperator().user()];
      const file = shop.file("squall.creds", credsText({ ...user, seed: stranger.seed }));
      const one = await daemon({ engine: server.url, credentials: { file: "squall.creds" } });
      const places = await told(one);
      for (const text of Object.values(places)) {
        expect(text).toContain(`fleet.credentials.file: the seed in ${file} is not that of its JWT`);
        for (const secret of [user.jwt, user.seed, stranger.seed]) expect(text).not.toContain(secret);
      }
      const put = await getJson(`${one.admin}/active`, { method: "PUT", body: '{"profile":"high-latency"}' });
      expect(put.status).toBe(200);
      expect((await getJson(`${one.admin}/active`, { method: "DELETE" })).status).toBe(200);
      writeFileSync(file, credsText(user));
      await joins(one);
    });

    it("of Redis says so everywhere, and joins when the key is that of the certificate", async () => {
      const folder = join(shop.folder, "pki");
      mkdirSync(folder);
      const ca = new FolderCA(folder, "ca");
      const shown = ca.issue("server", { names: ["127.0.0.1"] });
      const own = ca.issue("client", { names: ["node-1"], usage: "client" });
      const port = await freePort();
      const server = await RedisServer.start(
        `tls-port ${port}\ntls-cert-file ${shown.cert}\ntls-key-file ${shown.key}\ntls-ca-cert-file ${ca.cert}\ntls-auth-clients yes`,
      );
      closing.push(() => server.close());
      const key = join(folder, "named.key");
      writeFileSync(key, readFileSync(shown.key));
      const one = await daemon({
        engine: `rediss://127.0.0.1:${port}`,
        tls: { ca: ca.cert, cert: own.cert, key },
      });
      for (const text of Object.values(await told(one)))
        expect(text).toContain(`fleet.tls.cert: the key in ${key} is not that of ${own.cert}`);
      writeFileSync(key, readFileSync(own.key));
      await joins(one);
    });

    /** A CA that Node trusts by `env`, and a server that wants TLS, with a certificate for that name. */
    function pki(): {
      readonly env: Record<string, string>;
      readonly start: (name: string) => Promise<NatsServer>;
    } {
      const folder = join(shop.folder, "pki");
      mkdirSync(folder);
      const ca = new FolderCA(folder, "ca");
      const start = async (name: string): Promise<NatsServer> => {
        const { cert, key } = ca.issue(name, { names: [name] });
        const server = await NatsServer.start({ config: `tls { cert_file: "${cert}", key_file: "${key}" }` });
        closing.push(() => server.close());
        return server;
      };
      return { env: { NODE_EXTRA_CA_CERTS: ca.cert }, start };
    }

    it("holds a server of nats:// that wants TLS against the address that was dialled, whatever else its certificate is for", async () => {
      const { env, start } = pki();
      const [right, wrong] = [await start("127.0.0.1"), await start("localhost")];
      await joins(await daemon({ engine: right.url }, env));
      const { log } = await told(await daemon({ engine: wrong.url }, env));
      expect(log).toContain(
        "its certificate is for other names: it has DNS:localhost, and fleet.engine says 127.0.0.1",
      );
    });

    it("does so too where others in the process have dialled with the library since", async () => {
      const { env, start } = pki();
      const [right, wrong] = [await start("127.0.0.1"), await start("localhost")];
      const engines = join(ROOT, "dist/fleet/engines");
      const script = shop.file(
        "dial.mjs",
        `import { createRequire } from "node:module";
import { parseAddress } from ${JSON.stringify(join(engines, "address.js"))};
import { natsClient } from ${JSON.stringify(join(engines, "nats/dial.js"))};
import { namesOf } from ${JSON.stringify(join(engines, "nats/names.js"))};
const { connect } = createRequire(${JSON.stringify(engines)})("@nats-io/transport-node");
const credentials = { file: null, nkey: null, user: null, password: null, token: null };
const options = { urls: [], client: "test", credentials, tls: null, wallTime: Date.now };
const client = natsClient(options, namesOf("t", "test"));
const theirs = await connect({ servers: ${JSON.stringify(wrong.url)} });
await theirs.close();
for (const url of ${JSON.stringify([right.url, wrong.url])}) {
  const { connected, drop } = await client.dial(parseAddress(url));
  console.log(await connected.then(() => "connected", (error) => error.message));
  drop();
}
`,
      );
      const { stdout } = await promisify(execFile)(process.execPath, [script], {
        env: { ...process.env, ...env },
      });
      expect(stdout.split("\n").slice(0, -1)).toEqual([
        "connected",
        expect.stringContaining("its certificate is for other names"),
      ]);
    });
  },
);
