/** Credentials and certificates that are exchanged under an engine that is open: what is there at the next connection counts. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { EngineOptions, FleetEngine } from "../../../src/fleet/contract/engine.js";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { FolderCA } from "../../support/certificates.js";
import { credsText, NatsOperator, nkeyUser } from "../../support/fleet/nats-jwt.js";
import { engineOptions, NO_CREDENTIALS } from "../../support/fleet-engines.js";
import { freePort } from "../../support/free-port.js";
import { natsVersion, NatsServer } from "../../support/nats-server.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import type { ServerProcess } from "../../support/server-process.js";
import { until } from "./conformance.js";

const folder = mkdtempSync(join(tmpdir(), "squall-secured-rotation-"));
const path = (name: string): string => join(folder, name);
/** As those do who exchange files under programs that read them. */
const exchange = (name: string, text: string): string => {
  writeFileSync(path(`${name}.new`), text);
  renameSync(path(`${name}.new`), path(name));
  return path(name);
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function opened(url: string, options: Partial<EngineOptions>): Promise<[FleetEngine, string[]]> {
  const log: string[] = [];
  const engine = await openEngine(engineOptions(url, { ...options, log: (text) => log.push(text) }));
  closing.push(() => engine.close());
  await until(() => engine.connected);
  return [engine, log];
}

/** The same server, with another line in its configuration. */
async function restart(server: ServerProcess, name: string, from: string, to: string): Promise<void> {
  await server.kill();
  const file = join(server.folder, `${name}.conf`);
  const text = readFileSync(file, "utf8");
  expect(text).toContain(from);
  writeFileSync(file, text.replaceAll(from, to));
  await server.start();
}

const noNats = natsVersion() === null;
describe.skipIf(noNats)(`in NATS${noNats ? " (needs: nats-server)" : ""}`, () => {
  it("a JWT that ends while it is in use makes room for the one that is there by then", async () => {
    const operator = new NatsOperator();
    const server = await NatsServer.start({ config: operator.config });
    closing.push(() => server.close());
    const exp = Math.floor(Date.now() / 1_000) + 2;
    const file = exchange("short.creds", credsText(operator.user({ exp })));
    const [engine, log] = await opened(server.url, { credentials: { ...NO_CREDENTIALS, file } });
    const serial = await engine.put(new TextEncoder().encode("{}"), "any");
    exchange("short.creds", credsText(operator.user()));
    await until(() => log.length >= 3);
    expect(log).toEqual([
      `the fleet's engine ${server.url} is connected`,
      `the fleet's engine: lost ${server.url}: it ended the connection: User Authentication Expired`,
      `the fleet's engine ${server.url} is connected`,
    ]);
    expect((await engine.read()).serial).toBe(serial);
  });

  it("one that ends and was not exchanged is told with its end, until it is", async () => {
    const operator = new NatsOperator();
    const server = await NatsServer.start({ config: operator.config });
    closing.push(() => server.close());
    const exp = Math.floor(Date.now() / 1_000) + 2;
    const file = exchange("over.creds", credsText(operator.user({ exp })));
    const [engine, log] = await opened(server.url, { credentials: { ...NO_CREDENTIALS, file } });
    const end = new Date(exp * 1_000).toISOString();
    await until(() => log.at(-1)?.endsWith(end) === true);
    // A server that counts in seconds takes it in and puts it out again within the last of them.
    const refused = `the fleet's engine: cannot reach ${server.url}: it does not take the credentials in ${file}: `;
    expect(log.at(-1)).toSatisfy((text: string) =>
      ["Authorization Violation", "User Authentication Expired"]
        .map((words) => `${refused}${words}: they have expired on ${end}`)
        .includes(text),
    );
    await expect(engine.read()).rejects.toMatchObject({
      failure: "forbidden",
      message: expect.stringContaining(`they have expired on ${end}`) as unknown,
    });
    exchange("over.creds", credsText(operator.user()));
    await until(() => engine.connected);
  });

  it("another seed counts with the next connection, and the old one does not come back", async () => {
    const [old, next] = [nkeyUser(), nkeyUser()];
    const server = await NatsServer.start({
      config: `authorization { users: [ { nkey: ${old.publicKey} } ] }`,
    });
    closing.push(() => server.close());
    const nkey = exchange("seed.nk", old.seed);
    const [engine, log] = await opened(server.url, { credentials: { ...NO_CREDENTIALS, nkey } });
    exchange("seed.nk", next.seed);
    expect(engine.connected).toBe(true);
    await restart(server, "nats", old.publicKey, next.publicKey);
    await until(() => log.length > 1 && engine.connected);
    expect(log.join("\n")).not.toContain("does not take");
  });

  it("a file that is spoilt while it is in use harms nothing until the connection ends", async () => {
    const operator = new NatsOperator();
    const server = await NatsServer.start({ config: operator.config });
    closing.push(() => server.close());
    const right = credsText(operator.user());
    const file = exchange("spoilt.creds", right);
    const [engine, log] = await opened(server.url, { credentials: { ...NO_CREDENTIALS, file } });
    exchange("spoilt.creds", "");
    expect((await engine.read()).serial).toBe(0);
    await server.kill();
    await server.start();
    const sentence = `fleet.credentials.file: there is no JWT of a NATS user in ${file}`;
    await until(() => log.some((text) => text.includes(sentence)));
    await expect(engine.read()).rejects.toMatchObject({
      failure: "away",
      message: expect.stringContaining(sentence) as unknown,
    });
    exchange("spoilt.creds", right);
    await until(() => engine.connected);
  });
});

const lacks = noNats || !hasRedis();
describe.skipIf(lacks)(
  `a CA and a client's certificate${lacks ? " (needs: nats-server, redis-server)" : ""}`,
  () => {
    it.each(["nats", "redis"] as const)(
      "of %s are exchanged together, and one by one is told",
      async (engineKind) => {
        const [before, after] = ["before", "after"].map((name) => {
          const ca = new FolderCA(folder, `${engineKind}-${name}`);
          const server = ca.issue(`${engineKind}-${name}-server`, { names: ["127.0.0.1"] });
          const client = ca.issue(`${engineKind}-${name}-client`, { names: ["node-1"], usage: "client" });
          return { ca: ca.cert, server, client };
        });
        if (before === undefined || after === undefined) throw new Error("two were made");
        const put = ({ ca, client }: typeof before, part: "ca" | "cert" | "key"): string =>
          exchange(`${engineKind}.${part}`, readFileSync({ ca, ...client }[part], "utf8"));
        const paths = { ca: put(before, "ca"), cert: put(before, "cert"), key: put(before, "key") };
        const tls = { ...paths, servername: null, insecure: false };
        const port = await freePort();
        const { ca, server: shown } = before;
        const server =
          engineKind === "nats"
            ? await NatsServer.start({
                config: `tls { cert_file: "${shown.cert}", key_file: "${shown.key}", ca_file: "${ca}", verify: true }`,
              })
            : await RedisServer.start(
                `tls-port ${port}\ntls-cert-file ${shown.cert}\ntls-key-file ${shown.key}\ntls-ca-cert-file ${ca}\ntls-auth-clients yes`,
              );
        closing.push(() => server.close());
        const url = engineKind === "nats" ? server.url : `rediss://127.0.0.1:${port}`;
        const [engine, log] = await opened(url, { tls });
        await restart(server, engineKind, `${engineKind}-before`, `${engineKind}-after`);
        const told = (part: string): Promise<void> => until(() => log.some((text) => text.includes(part)));
        await told(`its certificate comes from a CA that is not trusted: fleet.tls.ca is ${paths.ca}`);
        put(after, "ca");
        await told(`it does not take the certificate in ${paths.cert}`);
        put(after, "cert");
        await told(`fleet.tls.cert: the key in ${paths.key} is not that of ${paths.cert}`);
        put(after, "key");
        await until(() => engine.connected);
        expect((await engine.read()).serial).toBeTypeOf("number");
      },
    );
  },
);
