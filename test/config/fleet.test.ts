/** `fleet` of squall.yaml: what it becomes, and what is said about mistakes in it. */
import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { readConfig, type ConfigInput } from "../../src/config/config.js";
import type { FleetConfig } from "../../src/config/fleet.js";
import { refusalOf, told } from "./broken-text.js";

const fleet = (text: string, input: ConfigInput = {}): FleetConfig | null =>
  readConfig({ text: `fleet: ${text}`, ...input }).config.fleet;

const DEFAULTS = {
  name: "staging",
  engine: ["nats://n:4222"],
  credentials: { file: null, nkey: null, user: null, password: null, token: null },
  tls: null,
  labels: {},
  poll: 5_000,
  maxTtl: 3_600_000,
  accept: null,
  journal: "hits",
  control: false,
  admin: null,
  passToken: false,
  replicas: 1,
};

describe("fleet", () => {
  it("is nothing where nothing is said", () => {
    expect(readConfig({ text: "fleet:\n" }).config.fleet).toBeNull();
  });

  it("needs a name and an engine, and has a default for the rest", () => {
    expect(fleet("{ name: staging, engine: 'nats://n:4222' }")).toEqual({
      ...DEFAULTS,
      daemon: hostname(),
    });
  });

  it("takes one engine, several with commas between, or a list", () => {
    const engines = (text: string): readonly string[] | undefined =>
      fleet(`{ name: a, engine: ${text} }`)?.engine;
    expect(engines('"nats://a:1, nats://b:2/"')).toEqual(["nats://a:1", "nats://b:2"]);
    expect(engines("redis://a:6379/3")).toEqual(["redis://a:6379/3"]);
    expect(engines("[redis://a, 'redis://[::1]:6379']")).toEqual(["redis://a", "redis://[::1]:6379"]);
    expect(engines("tls://nats.example:4222")).toEqual(["tls://nats.example:4222"]);
  });

  it("calls the daemon by what is written, else by HOSTNAME, else by the machine's name", () => {
    const name = (text: string, env: Record<string, string> = {}): string | undefined =>
      fleet(`{ name: a, engine: 'nats://n'${text} }`, { env })?.daemon;
    expect(name(", daemon: node-1.eu")).toBe("node-1.eu");
    expect(name(', daemon: "${POD}"', { POD: "7" })).toBe("7");
    expect(name("", { HOSTNAME: "4f0c" })).toBe("4f0c");
    expect(name("", { HOSTNAME: "CI's machine." })).toBe("CI-s-machine-");
    expect(name("", { HOSTNAME: "" })).toBe(hostname());
  });

  it("reads all that can be said, with paths from the folder of its file", () => {
    const text = `{ name: staging, engine: tls://n:4222, credentials: { file: squall.creds },
  tls: { ca: ca.pem, cert: c.pem, key: /k.pem, servername: nats.example, insecure: true, handshake_first: true },
  labels: { zone: eu-1, "example.com/role": worker }, daemon: n, poll: 1s, max_ttl: 30m, accept: [wan, net-*],
  journal: all, control: true, admin: "http://10.0.0.7:8474/", pass_token: true, replicas: 3 }`;
    expect(fleet(text, { file: "/etc/squall/squall.yaml" })).toEqual({
      ...DEFAULTS,
      engine: ["tls://n:4222"],
      credentials: { ...DEFAULTS.credentials, file: "/etc/squall/squall.creds" },
      tls: {
        ca: "/etc/squall/ca.pem",
        cert: "/etc/squall/c.pem",
        key: "/k.pem",
        servername: "nats.example",
        insecure: true,
        handshakeFirst: true,
      },
      labels: { "zone": "eu-1", "example.com/role": "worker" },
      daemon: "n",
      poll: 1_000,
      maxTtl: 1_800_000,
      accept: ["wan", "net-*"],
      journal: "all",
      control: true,
      admin: "http://10.0.0.7:8474",
      passToken: true,
      replicas: 3,
    });
  });

  it("reads secrets from the environment, digits among them, and settings over the file", () => {
    const env = { PW: "12345", SQUALL__FLEET__NAME: "prod", SQUALL__FLEET__CONTROL: "true" };
    expect(
      fleet('{ name: a, engine: nats://n, credentials: { user: squall, password: "${PW}" } }', { env }),
    ).toMatchObject({
      name: "prod",
      control: true,
      credentials: { user: "squall", password: "12345" },
    });
    expect(fleet("{ name: a, engine: redis://n, credentials: { password: x } }")?.credentials.password).toBe(
      "x",
    );
  });
});

const NAME = 'expected a name of at most 32 lower-case letters, digits, "_" and "-"';
const URLS = "expected the URL of an engine such as nats://nats-1:4222";

describe("a mistake in fleet", () => {
  it.each([
    [
      "{}",
      [
        '1:8 fleet.name: is required: a name of at most 32 lower-case letters, digits, "_" and "-"',
        `1:8 fleet.engine: is required: ${URLS.slice(9)}, or a list of them`,
      ],
    ],
    ["staging", ['1:8 fleet: expected a mapping, got "staging"']],
    ["{ name: a.b, engine: nats://n }", [`1:16 fleet.name: ${NAME}, got "a.b"`]],
    ["{ nme: a, engine: nats://n }", ['1:10 fleet.nme: unknown key (did you mean "name"?)']],
    ["{ name: a, engine: n:4222 }", [`1:27 fleet.engine: ${URLS}, got "n:4222"`]],
    [
      "{ name: a, engine: http://n }",
      ['1:27 fleet.engine: expected nats://, tls://, redis:// or rediss://, got "http://n"'],
    ],
    ["{ name: a, engine: nats://n:99999 }", [`1:27 fleet.engine: ${URLS}, got "nats://n:99999"`]],
    [
      "{ name: a, engine: 'nats://n,redis://r' }",
      ["1:27 fleet.engine: expected engines of one scheme, got nats and redis"],
    ],
    ["{ name: a, engine: [] }", ["1:27 fleet.engine: expected at least one engine, got none"]],
    [
      "{ name: a, engine: nats://n, daemon: a..b }",
      [
        '1:45 fleet.daemon: expected a name of letters, digits, "_" and "-", at most 63 between single dots, got "a..b"',
      ],
    ],
    [
      "{ name: a, engine: nats://n, labels: { zone: 'eu 1' } }",
      ['1:53 fleet.labels.zone: expected text without spaces, of at most 128 characters, got "eu 1"'],
    ],
    ["{ name: a, engine: nats://n, poll: 10ms }", ["1:43 fleet.poll: must be at least 100ms, got 10ms"]],
    ["{ name: a, engine: nats://n, max_ttl: 30d }", ["1:46 fleet.max_ttl: "]],
    [
      "{ name: a, engine: nats://n, accept: 'Wan' }",
      ['1:45 fleet.accept: expected the name of a profile, or a pattern such as net-*, got "Wan"'],
    ],
    [
      "{ name: a, engine: nats://n, journal: some }",
      ['1:46 fleet.journal: expected hits, all or none, got "some"'],
    ],
    [
      "{ name: a, engine: nats://n, admin: 10.0.0.7:8474 }",
      ['1:44 fleet.admin: expected a URL such as http://10.0.0.7:8474, got "10.0.0.7:8474"'],
    ],
    [
      "{ name: a, engine: nats://n, admin: 'http://u:p@h' }",
      ['1:44 fleet.admin: expected a URL such as http://10.0.0.7:8474, got "http://u:p@h"'],
    ],
    ["{ name: a, engine: nats://n, replicas: 9 }", ["1:47 fleet.replicas: must be at most 5, got 9"]],
    [
      "{ name: a, engine: nats://n, credentials: { file: f, token: t } }",
      ["1:68 fleet.credentials.token: expected one way to say who the daemon is, got file and token"],
    ],
    [
      "{ name: a, engine: nats://n, credentials: { file: f, nkey: n } }",
      ["1:67 fleet.credentials.nkey: expected one way to say who the daemon is, got file and nkey"],
    ],
    [
      "{ name: a, engine: redis://n, credentials: { nkey: n } }",
      [
        "1:59 fleet.credentials.nkey: an nkey is for NATS, and this engine is Redis (Redis takes a password, or a user and a password)",
      ],
    ],
    [
      "{ name: a, engine: nats://n, credentials: { user: u } }",
      ["1:58 fleet.credentials.user: a user needs a password"],
    ],
    [
      "{ name: a, engine: nats://n, credentials: { password: p } }",
      ["1:62 fleet.credentials.password: a password needs a user"],
    ],
    [
      "{ name: a, engine: redis://n, credentials: { token: t } }",
      [
        "1:60 fleet.credentials.token: a token is for NATS, and this engine is Redis (Redis takes a password, or a user and a password)",
      ],
    ],
    [
      "{ name: a, engine: redis://n, tls: {} }",
      ["1:43 fleet.tls: this engine is spoken to without TLS (rediss:// speaks TLS)"],
    ],
    [
      "{ name: a, engine: tls://n, tls: { cert: c } }",
      ["1:49 fleet.tls.cert: a certificate needs its key: key"],
    ],
    [
      "{ name: a, engine: rediss://n, tls: { handshake_first: true } }",
      ["fleet.tls.handshake_first: this is for NATS: Redis always begins with TLS"],
    ],
  ])("is told with its place: %s", (text, problems) => {
    const refusal = refusalOf(() => fleet(text));
    expect(refusal.code).toBe("SQ_INVALID_CONFIG");
    const said = told(refusal.details, "squall.yaml");
    expect(said).toHaveLength(problems.length);
    for (const [index, problem] of problems.entries()) expect(said[index]).toContain(problem);
  });

  it("never shows a secret", () => {
    const env = { URL: "nats://squall:hunter2@n", PW: "hunter2" };
    for (const text of [
      '{ name: a, engine: "${URL}" }',
      '{ name: a, engine: ["${URL}"] }',
      '{ name: a, engine: nats://n, credentials: { password: "${PW}" } }',
      '{ name: a, engine: redis://n, credentials: { token: "${PW}" } }',
    ]) {
      const refusal = refusalOf(() => fleet(text, { env }));
      expect(JSON.stringify(refusal)).not.toContain("hunter2");
    }
  });
});
