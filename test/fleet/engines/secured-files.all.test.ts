/**
 * Files of credentials, certificates and keys, each of which is wrong in every way: one sentence says which file and why, nobody waits for
 * it, and nothing of it is shown. As soon as the right file is there, the engine is reached, by the same engine.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EngineOptions, EngineTls, FleetEngine } from "../../../src/fleet/contract/engine.js";
import { openEngine } from "../../../src/fleet/engines/open.js";
import { FolderCA, type Issued } from "../../support/certificates.js";
import { accountSeed, credsText, NatsOperator, nkeyUser } from "../../support/fleet/nats-jwt.js";
import { presenceOf } from "../../support/fleet/presence.js";
import { engineOptions, NO_CREDENTIALS } from "../../support/fleet-engines.js";
import { freePort } from "../../support/free-port.js";
import { natsVersion, NatsServer, NEWEST_NATS } from "../../support/nats-server.js";
import { ROOT } from "../../support/process.js";
import { hasRedis, RedisServer } from "../../support/redis-server.js";
import { asNobody, clear, WRONG_FILES, type WrongFile } from "../../support/wrong-files.js";
import { until } from "./conformance.js";

const folder = mkdtempSync(join(tmpdir(), "squall-secured-files-"));
chmodSync(folder, 0o755);
const path = (name: string): string => join(folder, name);
/** Where all that is tried is put, one after the other. */
const named = path("named");

const ca = new FolderCA(folder, "ca");
const other = new FolderCA(folder, "other-ca");
const own = ca.issue("client", { names: ["node-1"], usage: "client" });
const server = ca.issue("server", { names: ["127.0.0.1"] });
const anothers = other.issue("anothers", { names: ["node-1"], usage: "client" });
const trust: EngineTls = { ca: ca.cert, cert: null, key: null, servername: null, insecure: false };

const operator = new NatsOperator();
const user = operator.user();
const nkey = nkeyUser();

const PIPE: WrongFile = {
  what: "is a named pipe",
  make: (path) => void execFileSync("mkfifo", [path]),
  unread: "it is a pipe, and no file",
};

const page = readFileSync(join(ROOT, "docs/fleet-engines.md"), "utf8");
/** What the page says of a server that asks for certificates, with the files that there are here. */
function written(name: string, etc: string): string {
  const [, text] =
    new RegExp(`\`\`\`text\\n# ${name}, with certificates of clients\\n([^\`]+)`, "u").exec(page) ?? [];
  if (text === undefined) throw new Error(`the page has no ${name}`);
  return text.replaceAll(`${etc}/`, `${folder}/`);
}

interface Place {
  readonly setting: string;
  readonly noun: string;
  /** What is said where the file can be read and has nothing in it of what it should have. */
  readonly none: string;
  /** The text that is right there. */
  readonly right: string;
  readonly options: Partial<EngineOptions>;
}

const tlsPlace = (setting: "ca" | "cert" | "key", blamed: string, noun: string, none: string): Place => ({
  setting: `fleet.tls.${blamed}`,
  noun,
  none,
  right: readFileSync({ ca: ca.cert, ...own }[setting], "utf8"),
  options: { tls: { ...trust, ...own, [setting]: named } },
});
const TLS: readonly Place[] = [
  tlsPlace("ca", "ca", "the certificates", "there is no certificate (PEM) in"),
  tlsPlace("cert", "cert", "the certificate", "there is no certificate (PEM) in"),
  tlsPlace("key", "cert", "the key", "there is no private key (PEM) without a passphrase in"),
];
const CREDENTIALS: Place = {
  setting: "fleet.credentials.file",
  noun: "the credentials",
  none: "there is no JWT of a NATS user in",
  right: credsText(user),
  options: { credentials: { ...NO_CREDENTIALS, file: named } },
};
const NKEY: Place = {
  setting: "fleet.credentials.nkey",
  noun: "the seed",
  none: "there is no seed of a NATS user (SU…) in",
  right: `${nkey.seed}\n`,
  options: { credentials: { ...NO_CREDENTIALS, nkey: named } },
};

/** What is said first of a file; then the right one is put in its place, and the engine must be reached. */
async function said(url: string, options: Partial<EngineOptions>, right: string): Promise<string> {
  const log: string[] = [];
  const engine = await asNobody(async () => {
    const opened = await openEngine(engineOptions(url, { ...options, log: (text) => log.push(text) }));
    await until(() => log.length > 0);
    return opened;
  });
  try {
    clear(named);
    writeFileSync(`${named}.new`, right);
    renameSync(`${named}.new`, named);
    await until(() => engine.connected);
    expect((await engine.read()).serial).toBeTypeOf("number");
    expect(log.at(-1)).toBe(`the fleet's engine ${url} is connected`);
    expect(log.length).toBeLessThanOrEqual(2);
    expect(log.join("\n")).not.toMatch(/s3cret|S[UAO][A-Z2-7]{20}|eyJ|BEGIN/u);
    return log[0] ?? "";
  } finally {
    await engine.close();
    clear(named);
  }
}

function suite(url: () => string, places: readonly Place[]): void {
  const rows = places.flatMap((place) => [...WRONG_FILES, PIPE].map((wrong) => ({ ...place, ...wrong })));
  it.each(rows)(
    "says so where the file of $setting ($noun) $what, and takes the right one later",
    async ({ setting, noun, none, right, options, make, unread }) => {
      clear(named);
      make(named);
      const why = unread === null ? `${none} ${named}` : `cannot read ${noun} in ${named}: ${unread}`;
      const first = await said(url(), options, right);
      expect(first).toBe(`the fleet's engine: cannot reach ${url()}: ${setting}: ${why}`);
    },
  );
}

const lacks = natsVersion() === null || !hasRedis();
const needs = lacks ? " (needs: nats-server, redis-server)" : "";
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(lacks)(`NATS with an operator${needs}`, () => {
  let nats: NatsServer;
  beforeAll(async () => {
    nats = await NatsServer.start({ config: operator.config });
  });
  afterAll(() => nats.close());
  suite(() => nats.url, [CREDENTIALS]);

  const damaged = `${user.seed.slice(0, 20)}${user.seed[20] === "A" ? "B" : "A"}${user.seed.slice(21)}`;
  const ofAccount = operator.user({ nats: { type: "account" } });
  it.each([
    [
      "a seed without a JWT",
      `${user.seed}\n`,
      "there is a seed in FILE, and no JWT: a seed alone is named by fleet.credentials.nkey",
    ],
    ["a JWT without a seed", user.jwt, "there is no seed (SU…) beside the JWT in FILE"],
    ["a seed that is damaged", credsText({ ...user, seed: damaged }), "the seed in FILE is damaged"],
    ["another's seed", credsText({ ...user, seed: nkey.seed }), "the seed in FILE is not that of its JWT"],
    [
      "an account's seed",
      credsText({ ...user, seed: accountSeed() }),
      "the seed in FILE is that of an account, and not of a user",
    ],
    ["an account's JWT", credsText(ofAccount), "the JWT in FILE is of type account, and not of a user"],
    [
      "a JWT that is damaged",
      credsText({ ...user, jwt: user.jwt.replace(/\.[^.]*\./u, ".e30x.") }),
      "the JWT in FILE is damaged",
    ],
  ])("says so where the file has %s, and takes the right one later", async (_, text, why) => {
    writeFileSync(named, text);
    expect(await said(nats.url, CREDENTIALS.options, CREDENTIALS.right)).toBe(
      `the fleet's engine: cannot reach ${nats.url}: fleet.credentials.file: ${why.replace("FILE", named)}`,
    );
  });

  it.each([
    [
      "a JWT that is over",
      credsText(operator.user({ exp: 1_700_000_000 })),
      ": they have expired on 2023-11-14T22:13:20.000Z",
    ],
    ["a stranger's JWT", credsText(new NatsOperator().user()), ""],
  ])("says so where it does not take %s, and takes the right one later", async (_, text, why) => {
    writeFileSync(named, text);
    expect(await said(nats.url, CREDENTIALS.options, CREDENTIALS.right)).toBe(
      `the fleet's engine: cannot reach ${nats.url}: it does not take the credentials in ${named}: Authorization Violation${why}`,
    );
  });

  it.each([
    ["Windows ends of lines", credsText(user).replaceAll("\n", "\r\n")],
    ["the mark that editors of Windows write", `\uFEFF${credsText(user)}`],
    ["no end of its last line", credsText(user).trim()],
  ])("takes a file with %s", async (_, text) => {
    writeFileSync(named, text);
    expect(await said(nats.url, CREDENTIALS.options, text)).toBe(
      `the fleet's engine ${nats.url} is connected`,
    );
  });
});

describe.skipIf(lacks)(`NATS with permissions in JWTs${needs}`, () => {
  /** What the page allows a user of that name, as a JWT has it. */
  function permissionsOf(name: string): Readonly<Record<"pub" | "sub", object>> {
    const [, text = ""] = new RegExp(`\\{ user: ${name}, ([^]+?)\\} \\}`, "u").exec(page) ?? [];
    const [pub = "", sub = ""] = text.split("subscribe:");
    const subjects = (part: string): string[] => [...part.matchAll(/"([^"]+)"/gu)].map(([, one = ""]) => one);
    expect(subjects(sub).length).toBeGreaterThan(1);
    return { pub: { allow: subjects(pub) }, sub: { allow: subjects(sub) } };
  }

  it("takes those of the page, which are enough and no more than that", async () => {
    const nats = await NatsServer.start({ config: operator.config });
    const open = async (name: string): Promise<FleetEngine> => {
      writeFileSync(path(`${name}.creds`), credsText(operator.user({ nats: permissionsOf(name) })));
      const credentials = { ...NO_CREDENTIALS, file: path(`${name}.creds`) };
      return openEngine(engineOptions(nats.url, { fleet: "staging", client: name, credentials }));
    };
    const [one, boss] = [await open("node-1"), await open("ops")];
    try {
      await boss.read();
      const serial = await boss.put(new TextEncoder().encode("{}"), "any");
      await boss.announce(presenceOf("ops"));
      expect((await one.read()).serial).toBe(serial);
      await one.announce(presenceOf("node-1"));
      const put = await one.put(new TextEncoder().encode("{}"), "any").catch((error: unknown) => error);
      expect(put).toMatchObject({ failure: "forbidden" });
    } finally {
      await one.close();
      await boss.close();
      await nats.close();
    }
  });
});

describe.skipIf(lacks)(`NATS with nkeys${needs}`, () => {
  let nats: NatsServer;
  beforeAll(async () => {
    nats = await NatsServer.start({ config: `authorization { users: [ { nkey: ${nkey.publicKey} } ] }` });
  });
  afterAll(() => nats.close());
  suite(() => nats.url, [NKEY]);

  it("says which nkey it does not take", async () => {
    writeFileSync(named, nkeyUser().seed);
    expect(await said(nats.url, NKEY.options, NKEY.right)).toBe(
      `the fleet's engine: cannot reach ${nats.url}: it does not take the nkey in ${named}: Authorization Violation`,
    );
  });
});

/** What is wrong with files that are files of PEM. */
function pemSuite(url: () => string): void {
  const paths = (pair: Issued): EngineTls => ({ ...trust, ...pair });
  const pem = (file: string): string => readFileSync(file, "utf8");
  const half = `${pem(ca.cert)}${pem(other.cert).slice(0, 200)}`;

  it.each([
    ["Windows ends of lines", (text: string) => text.replaceAll("\n", "\r\n")],
    ["the mark that editors of Windows write", (text: string) => `\uFEFF${text}`],
  ])("takes files with %s", async (_, written) => {
    writeFileSync(path("w-ca.pem"), written(pem(ca.cert)));
    writeFileSync(path("w.key"), written(pem(own.key)));
    writeFileSync(named, written(pem(own.cert)));
    const tls = { ...trust, ca: path("w-ca.pem"), cert: named, key: path("w.key") };
    expect(await said(url(), { tls }, pem(own.cert))).toBe(`the fleet's engine ${url()} is connected`);
  });

  it("says so where the key is not that of the certificate, and takes the right one later", async () => {
    writeFileSync(named, pem(anothers.key));
    expect(await said(url(), { tls: paths({ ...own, key: named }) }, pem(own.key))).toBe(
      `the fleet's engine: cannot reach ${url()}: fleet.tls.cert: the key in ${named} is not that of ${own.cert}`,
    );
  });

  it("says so where a bundle breaks off, and takes it when it is whole", async () => {
    writeFileSync(named, half);
    expect(await said(url(), { tls: { ...paths(own), ca: named } }, pem(ca.cert))).toBe(
      `the fleet's engine: cannot reach ${url()}: fleet.tls.ca: a certificate in ${named} is damaged`,
    );
  });

  it("says so where it does not trust the engine's CA, and does later", async () => {
    writeFileSync(named, pem(other.cert));
    expect(await said(url(), { tls: { ...paths(own), ca: named } }, pem(ca.cert))).toBe(
      `the fleet's engine: cannot reach ${url()}: its certificate comes from a CA that is not trusted: fleet.tls.ca is ${named}`,
    );
  });

  it.each([
    [
      "expired",
      ca.issue("expired", { names: ["node-1"], usage: "client", from: -9, until: -3 }),
      /expired on/u,
    ],
    ["a stranger's", anothers, /it does not take the certificate in/u],
  ])("says so where the engine does not take the certificate: it is %s", async (_, pair, why) => {
    writeFileSync(named, pem(pair.cert));
    writeFileSync(path("named.key"), pem(pair.key));
    const log: string[] = [];
    const tls = { ...trust, cert: named, key: path("named.key") };
    const engine = await openEngine(engineOptions(url(), { tls, log: (text) => log.push(text) }));
    try {
      await until(() => log.length > 0);
      expect(log[0]).toContain(`it does not take the certificate in ${named}`);
      expect(log[0]).toMatch(why);
      for (const [from, to] of [
        [own.key, path("named.key")],
        [own.cert, named],
      ] as const)
        writeFileSync(to, pem(from));
      await until(() => engine.connected);
    } finally {
      await engine.close();
      clear(named);
    }
  });

  it("says so where it asks for a certificate, and none is named", async () => {
    const log: string[] = [];
    const engine = await openEngine(engineOptions(url(), { tls: trust, log: (text) => log.push(text) }));
    await until(() => log.length > 0);
    await engine.close();
    expect(log[0]).toContain(`${url()}: `);
    expect(log[0]).toContain("it asks for a certificate, and fleet.tls.cert names none");
  });
}

/** A server whose certificate is for one name is dialled by another one. */
function nameSuite(urlOf: (host: string) => string): void {
  const first = async (host: string, servername: string | null): Promise<string> => {
    const log: string[] = [];
    const options = { tls: { ...trust, ...own, servername }, log: (text: string) => log.push(text) };
    const engine = await openEngine(engineOptions(urlOf(host), options));
    await until(() => log.length > 0);
    await engine.close();
    return log[0] ?? "";
  };

  it.each([
    ["127.0.0.1", null],
    ["localhost", "127.0.0.1"],
  ])("is reached as %s, looked for as %s", async (host, servername) => {
    expect(await first(host, servername)).toBe(`the fleet's engine ${urlOf(host)} is connected`);
  });

  it.each([
    ["localhost", null, "fleet.engine says localhost"],
    ["127.0.0.1", "nats.example", "fleet.tls.servername says nats.example"],
    ["127.0.0.1", "127.0.0.2", "fleet.tls.servername says 127.0.0.2"],
  ])("is not taken as %s, looked for as %s", async (host, servername, why) => {
    expect(await first(host, servername)).toBe(
      `the fleet's engine: cannot reach ${urlOf(host)}: its certificate is for other names: it has IP Address:127.0.0.1, and ${why}`,
    );
  });
}

describe.skipIf(lacks)(`NATS with certificates of clients${needs}`, () => {
  let nats: NatsServer;
  const files = `cert_file: "${server.cert}", key_file: "${server.key}", ca_file: "${ca.cert}"`;
  beforeAll(async () => {
    nats = await NatsServer.start({ config: written("nats-server.conf", "/etc/nats") });
  });
  afterAll(() => nats.close());
  suite(() => nats.url, TLS);
  pemSuite(() => nats.url);
  nameSuite((host) => `nats://${host}:${nats.port}`);

  it("is not taken for localhost where it was dialled by its address", async () => {
    const local = ca.issue("local", { names: ["localhost"] });
    const config = `tls { cert_file: "${local.cert}", key_file: "${local.key}" }`;
    const plain = await NatsServer.start({ config });
    const log: string[] = [];
    const engine = await openEngine(engineOptions(plain.url, { tls: trust, log: (text) => log.push(text) }));
    await until(() => log.length > 0);
    await engine.close();
    await plain.close();
    expect(log[0]).toContain(
      "its certificate is for other names: it has DNS:localhost, and fleet.engine says 127.0.0.1",
    );
  });

  it.each(["tls", "nats"])(
    "is not told who the daemon is where %s:// with tls finds no TLS",
    async (scheme) => {
      const plain = await NatsServer.start({ config: `authorization { token: s3cret }` });
      const log: string[] = [];
      const credentials = { ...NO_CREDENTIALS, token: "s3cret" };
      const url = `${scheme}://127.0.0.1:${plain.port}`;
      const options = {
        tls: scheme === "tls" ? null : trust,
        credentials,
        log: (text: string) => log.push(text),
      };
      const engine = await openEngine(engineOptions(url, options));
      await until(() => log.length > 0);
      await engine.close();
      await plain.close();
      expect(log[0]).toBe(`the fleet's engine: cannot reach ${url}: server does not support 'tls'`);
    },
  );

  it.skipIf(natsVersion(NEWEST_NATS) === null)(
    "is reached where TLS comes first, and names are looked at",
    async () => {
      const local = ca.issue("local-first", { names: ["localhost"] });
      const start = (pair: Issued): Promise<NatsServer> =>
        NatsServer.start({
          program: NEWEST_NATS,
          config: `tls { cert_file: "${pair.cert}", key_file: "${pair.key}", handshake_first: true }`,
        });
      const [right, wrong] = [await start(server), await start(local)];
      const log: string[] = [];
      for (const [{ url }, handshakeFirst] of [
        [right, true],
        [wrong, true],
        [right, false],
      ] as const) {
        const options = { tls: { ...trust, handshakeFirst }, log: (text: string) => log.push(text) };
        const count = log.length;
        const engine = await openEngine(engineOptions(url, options));
        await until(() => log.length > count);
        await engine.close();
      }
      await right.close();
      await wrong.close();
      expect(log).toEqual([
        `the fleet's engine ${right.url} is connected`,
        `the fleet's engine: cannot reach ${wrong.url}: its certificate is for other names: it has DNS:localhost, and fleet.engine says 127.0.0.1`,
        expect.stringContaining(
          "it closed the connection without a word: is it NATS, and does it begin with TLS",
        ),
      ]);
    },
  );

  it("knows a daemon by its certificate (verify_and_map), and says so where it knows no such name", async () => {
    const users = `authorization { users: [ { user: "node-1" } ] }`;
    const mapping = await NatsServer.start({ config: `tls { ${files}, verify_and_map: true }\n${users}` });
    const first = async (pair: Issued): Promise<string> => {
      const log: string[] = [];
      const tls = { ...trust, ...pair };
      const engine = await openEngine(engineOptions(mapping.url, { tls, log: (text) => log.push(text) }));
      await until(() => log.length > 0);
      await engine.close();
      return log[0] ?? "";
    };
    try {
      expect(await first(own)).toBe(`the fleet's engine ${mapping.url} is connected`);
      const nobody = ca.issue("nobody", { names: ["nobody"], usage: "client" });
      expect(await first(nobody)).toBe(
        `the fleet's engine: cannot reach ${mapping.url}: it does not take these credentials: Authorization Violation`,
      );
    } finally {
      await mapping.close();
    }
  });
});

describe.skipIf(lacks)(`Redis with certificates of clients${needs}`, () => {
  let redis: RedisServer;
  let port = 0;
  beforeAll(async () => {
    port = await freePort();
    redis = await RedisServer.start(
      written("redis.conf", "/etc/redis")
        .replace("port 0\n", "")
        .replace("tls-port 6379", `tls-port ${port}`),
    );
  });
  afterAll(() => redis.close());
  suite(() => `rediss://127.0.0.1:${port}`, TLS);
  pemSuite(() => `rediss://127.0.0.1:${port}`);
  nameSuite((host) => `rediss://${host}:${port}`);
});
