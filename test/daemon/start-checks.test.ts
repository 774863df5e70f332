/** What a daemon refuses to start with, `squall validate` finds: one table, asked of both, with file, line and column. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROXIES_MAX } from "../../src/config/proxy.js";
import { formatProblem, SquallError, type Problem } from "../../src/core/errors.js";
import type { DaemonOptions } from "../../src/daemon/options.js";
import { checkStart } from "../../src/daemon/start-checks.js";
import { startDaemon } from "../../src/daemon.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-start-"));
  mkdirSync(join(folder, "profiles"));
  const write = (name: string, faults: string): void => {
    writeFileSync(join(folder, "profiles", `${name}.yaml`), `profile: ${name}\nfaults: [${faults}]\n`);
  };
  write("slow", "{ type: latency, delay: 5ms }");
  write("http-only", "{ type: http_status, status: 503 }");
  write("tls-only", "{ type: latency, delay: 5ms, at: tls }");
  write("elsewhere", "{ type: latency, delay: 5ms, proxy: other }");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function options(text: string): DaemonOptions {
  return {
    text,
    file: "squall.yaml",
    env: {},
    cwd: folder,
    home: folder,
    logStream: { write: () => true, on: () => undefined, off: () => undefined },
    ownProcess: false,
    pid: 1,
    node: "v0",
  };
}

const shown = (problems: readonly Problem[]): string[] =>
  problems.map(({ source: _source, ...problem }) => formatProblem(problem));

/** As the daemon says it. */
async function refusal(text: string): Promise<string[]> {
  try {
    const daemon = await startDaemon(options(text));
    await daemon.stop({ drain: 0 });
    return [];
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    // The command ends with 3.
    expect(error.status).toBe(422);
    return shown(error.details ?? []);
  }
}

/** As whoever validates it says it. */
async function found(text: string): Promise<string[]> {
  try {
    return shown((await checkStart(options(text))).problems);
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    return shown(error.details ?? []);
  }
}

const ADMIN = "admin: { listen: 127.0.0.1:0 }\n";
const JOBS = 'proxies: { jobs: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:9" } }\n';
const SECURE = 'proxies: { jobs: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:9", secure: true } }\n';
const many = (count: number): string =>
  `proxies:\n${Array.from({ length: count }, (_, n) => `  n${n}: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:9", enabled: false }\n`).join("")}`;

const REFUSED: readonly (readonly [what: string, text: string, problem: string])[] = [
  [
    "a profile that does not exist",
    `${ADMIN}activate: slo\n`,
    '2:11 activate: no profile is called "slo" (did you mean "slow"?)',
  ],
  [
    "one of several",
    `${ADMIN}activate:\n  - slow\n  - { profile: nosuch }\n`,
    '4:16 activate[1].profile: no profile is called "nosuch"',
  ],
  [
    "one profile twice",
    `${ADMIN}${JOBS}activate: [slow, slow]\n`,
    '3:11 activate: the profile "slow" is asked for twice',
  ],
  [
    "a proxy that does not exist",
    `${ADMIN}${JOBS}activate: { profile: slow, proxies: [job] }\n`,
    '3:22 activate.profile: proxies: no proxy is called "job"',
  ],
  [
    "a fault of a proxy that does not exist",
    `${ADMIN}${JOBS}activate: elsewhere\n`,
    'no proxy is called "other"',
  ],
  [
    "a fault that no proxy can have",
    `${ADMIN}${JOBS}activate: http-only\n`,
    "squall.yaml:3:11 activate: http_status (profiles/http-only.yaml:2:18): http_status cannot act on any of the proxies there are",
  ],
  [
    "a fault on TLS where no proxy speaks it",
    `${ADMIN}${JOBS}activate: tls-only\n`,
    "squall.yaml:3:11 activate: latency (profiles/tls-only.yaml:2:43): latency cannot act on any of the proxies there are",
  ],
  [
    "a fault kept to a proxy that cannot have it",
    `${ADMIN}proxies: { jobs: { listen: "127.0.0.1:0", upstream: "tcp://x:9" }, safe: { listen: "127.0.0.1:0", upstream: "tcp://x:9", secure: true } }\nactivate: { profile: tls-only, proxies: [jobs] }\n`,
    "3:22 activate.profile: proxies: latency cannot act on jobs: it is about TLS with clients",
  ],
  ["a param that does not exist", `${ADMIN}${JOBS}activate: { profile: slow, params: { x: 1 } }\n`, "x"],
  [
    "too many proxies",
    `${ADMIN}${many(PROXIES_MAX + 1)}`,
    `${PROXIES_MAX + 3}:3 proxies.n${PROXIES_MAX}: a daemon has at most ${PROXIES_MAX} proxies`,
  ],
  [
    "certificates that cannot be read",
    `${ADMIN}proxies:\n  a.b: { listen: "127.0.0.1:0", upstream: "https://x", tls: { ca: no.pem } }\n`,
    "3:67 proxies.a.b.tls.ca: cannot read the certificates",
  ],
  [
    "certificates that are none",
    `${ADMIN}proxies:\n  a: { listen: "127.0.0.1:0", upstream: "https://x", tls: { ca: ./profiles/slow.yaml } }\n`,
    "3:65 proxies.a.tls.ca: there is no certificate (PEM) in",
  ],
  [
    "a certificate for an upstream that is not there",
    `${ADMIN}proxies:\n  a: { listen: "127.0.0.1:0", upstream: "tls://x:1", tls: { cert: no.pem, key: no.key } }\n`,
    "3:67 proxies.a.tls.cert: cannot read the certificate in",
  ],
  [
    "a certificate of one's own that is not there",
    `${ADMIN}proxies:\n  a: { listen: "127.0.0.1:0", upstream: "http://x", secure: { certificates: [{ cert: no.pem, key: no.key }] } }\n`,
    "3:86 proxies.a.secure.certificates[0].cert: cannot read the certificate in",
  ],
  [
    "a CA for clients that is none",
    `${ADMIN}proxies:\n  a: { listen: "127.0.0.1:0", upstream: "http://x", secure: { clients: { ca: ./profiles/slow.yaml } } }\n`,
    "3:78 proxies.a.secure.clients.ca: there is no certificate (PEM) in",
  ],
  [
    "a port twice",
    `${ADMIN}proxies:\n  a: { listen: ":7", upstream: "tcp://x:1" }\n  b: { listen: "127.0.0.1:7", upstream: "tcp://x:1" }\n`,
    "4:16 proxies.b.listen: cannot listen",
  ],
  [
    "a proxy that calls itself",
    `${ADMIN}proxies:\n  a: { listen: ":7", upstream: "http://localhost:7" }\n`,
    "3:32 proxies.a.upstream: :7 is where the proxy itself listens",
  ],
  [
    "state in a folder that is not there",
    `${ADMIN}state: ./none/s.json\n`,
    "2:8 state: cannot keep state in",
  ],
  ["state that is none", `${ADMIN}state: ./profiles/slow.yaml\n`, "slow.yaml:1:1 expected a state file"],
  [
    "a CA whose files are missing",
    `${ADMIN}${SECURE}tls: { ca: { cert: ./no.pem, key: ./no.key } }\n`,
    "3:12 tls.ca: the CA in",
  ],
  [
    "a CA whose folder is a file",
    `${ADMIN}${SECURE}tls: { ca: ./profiles/slow.yaml }\n`,
    "slow.yaml is not a folder",
  ],
  [
    "a folder for bots that is a file",
    `${ADMIN}tls: { share: ./profiles/slow.yaml }\n`,
    "2:6 tls: bots cannot be given the CA in",
  ],
  ["profiles that are not there", `${ADMIN}profiles: [./none]\n`, "none:1:1 no such file or folder"],
];

describe("what a daemon refuses", () => {
  it.each(REFUSED)("is found before: %s", async (_what, text, problem) => {
    const problems = await found(text);
    expect(problems.join("\n")).toContain(problem);
    const refused = await refusal(text);
    // State speaks before there is a place to speak of.
    if (!text.includes("state:")) expect(refused).toEqual(problems);
  });

  it("is nothing else", async () => {
    const text = `${ADMIN}${JOBS}activate: [slow]\nstate: ./s.json\n`;
    expect(await found(text)).toEqual([]);
    expect(await refusal(text)).toEqual([]);
  });

  it("in the list of Toxiproxy's form are too many, and a port twice", async () => {
    const list = (ports: readonly number[]): string =>
      JSON.stringify(
        ports.map((port, n) => ({ name: `p${n}`, listen: `127.0.0.1:${port}`, upstream: "x:1" })),
      );
    expect((await found(list([7, 7]))).join()).toContain(
      'proxy "p1": cannot listen on 127.0.0.1:7: the proxy "p0" has',
    );
    expect((await found(list(Array.from({ length: PROXIES_MAX + 1 }, () => 0)))).join()).toContain("at most");
    expect(await found(list([0, 0]))).toEqual([]);
    expect((await found('[{"name":"a","upstream":"unix:///s"}]')).join()).toContain("unix sockets");
  });
});

describe("what a daemon goes on without", () => {
  it("is a warning: a CA that cannot be used, and that nobody needs yet", async () => {
    const text = `${ADMIN}${JOBS}tls: { ca: { cert: ./no.pem, key: ./no.key } }\n`;
    const { problems, warnings } = await checkStart(options(text));
    expect([problems, shown(warnings).length]).toEqual([[], 1]);
    expect(shown(warnings)[0]).toContain("no.pem is not there");
    expect(await refusal(text)).toEqual([]);
  });

  it("is a warning: a condition that holds for nobody, since no proxy speaks TLS", async () => {
    const fault =
      "{ type: latency, delay: 5ms, match: [{ sni: a }, { client: 10.0.0.1 }], except: { alpn: h2 } }";
    writeFileSync(join(folder, "profiles", "half.yaml"), `profile: half\nfaults: [${fault}]\n`);
    const lines: string[] = [];
    const settings = options(`${ADMIN}${JOBS}activate: half\n`);
    const logStream = { ...settings.logStream, write: (line: string) => lines.push(line) };
    const daemon = await startDaemon({ ...settings, logStream });
    const warnings = lines.splice(0);
    await daemon.stop({ drain: 0 });
    expect(
      warnings
        .filter((line) => line.includes('"warn"'))
        .map((line) => (JSON.parse(line) as { message: string }).message),
    ).toEqual([
      "half/latency (profiles/half.yaml:2:46): match asks for the sni of clients of TLS, and no proxy that it acts on has secure: that entry matches nobody",
      "half/latency (profiles/half.yaml:2:90): except asks for the alpn of clients of TLS, and no proxy that it acts on has secure: that entry spares nobody",
    ]);
  });

  it("is a warning: files of a fleet that cannot be used, without which it serves alone", async () => {
    writeFileSync(join(folder, "empty.creds"), "");
    const fleet = (credentials: string): string =>
      `fleet: { name: a, engine: tls://n, credentials: ${credentials}, tls: { ca: ./no.pem, cert: ./c.pem, key: ./c.key } }\n`;
    const warned = async (credentials: string): Promise<string[]> => {
      const { problems, warnings } = await checkStart(options(`${ADMIN}${JOBS}${fleet(credentials)}`));
      expect(problems).toEqual([]);
      return shown(warnings).map((text) => text.replaceAll(`${folder}/`, ""));
    };
    const tls = [
      "squall.yaml:3:85 fleet.tls.ca: cannot read the certificates in no.pem: there is no such file",
      "squall.yaml:3:101 fleet.tls.cert: cannot read the certificate in c.pem: there is no such file",
    ];
    expect(await warned("{ file: ./empty.creds }")).toEqual([
      "squall.yaml:3:57 fleet.credentials.file: there is no JWT of a NATS user in empty.creds",
      ...tls,
    ]);
    expect((await warned("{ nkey: ./no.nk }"))[0]).toBe(
      "squall.yaml:3:57 fleet.credentials.nkey: cannot read the seed in no.nk: there is no such file",
    );
  });

  it("is a warning: a link to nowhere among the profiles, and a journal that cannot be written", async () => {
    symlinkSync(join(folder, "nowhere"), join(folder, "profiles", "gone.yaml"));
    const text = `${ADMIN}${JOBS}activate: slow\njournal: { file: ./none/j.jsonl }\n`;
    const { problems, warnings } = await checkStart(options(text));
    expect(problems).toEqual([]);
    expect(shown(warnings)).toEqual([
      expect.stringContaining("4:18 journal.file: entries could not be written there"),
      "profiles/gone.yaml:1:1 is a link to nowhere, or gone by now, and is left out",
    ]);
    expect(await refusal(text)).toEqual([]);
  });
});
