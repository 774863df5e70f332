/** What clients other than Node's say of alerts that are made in an engine's name, and of connections that end without one. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AlertName } from "../../src/faults/contract/index.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { engineServer, type EngineServer, type ServerEnd } from "./engine.js";

const CLIENTS = join(import.meta.dirname, "clients");
const folder = mkdtempSync(join(tmpdir(), "squall-tls-"));
const certificate = join(folder, "client.pem");
writeFileSync(certificate, CERTIFICATE + KEY);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Suite {
  readonly version: "TLSv1.2" | "TLSv1.3";
  readonly openssl: string;
  readonly iana: string;
}
const SUITES: readonly Suite[] = [
  ...["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"].map(
    (name) => ({ version: "TLSv1.3", openssl: name, iana: name }) as const,
  ),
  {
    version: "TLSv1.2",
    openssl: "ECDHE-ECDSA-AES128-GCM-SHA256",
    iana: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  },
  {
    version: "TLSv1.2",
    openssl: "ECDHE-ECDSA-CHACHA20-POLY1305",
    iana: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  },
  {
    version: "TLSv1.2",
    openssl: "ECDHE-ECDSA-AES128-SHA",
    iana: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
  },
];

/** One request; answers what the program printed. */
type Ask = (port: number, suite: Suite, withCertificate: boolean) => Promise<string>;

interface Client {
  readonly name: string;
  readonly missing: boolean;
  readonly ask: Ask;
  readonly suites: readonly Suite[];
  /** Whether it can show a certificate here. */
  readonly certificate: boolean;
  /** How it names each of these alerts. */
  readonly says: Readonly<
    Record<"unknown_ca" | "internal_error" | "certificate_revoked" | "handshake_failure", RegExp>
  >;
  /** Of an end without close_notify, behind an answer without a length. */
  readonly truncated: RegExp;
}

function run(program: string, words: readonly string[], input: string | null = null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: folder,
      // Go's usual cache: into an empty one it compiles its whole library of TLS first.
      env: { ...process.env, GOFLAGS: "-mod=mod" },
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("latin1")));
    child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString("latin1")));
    child.stdin.on("error", () => undefined);
    if (input === null) child.stdin.end();
    else child.stdin.write(input);
    child.on("error", reject);
    child.on("close", () => {
      resolve(out);
    });
  });
}
const has = (program: string, word: string): boolean => spawnSync(program, [word]).error === undefined;

const opensslNames = {
  unknown_ca: /tlsv1 alert unknown ca/iu,
  internal_error: /tlsv1 alert internal error/iu,
  certificate_revoked: /(?:sslv3|ssl\/tls) alert certificate revoked/iu,
  handshake_failure: /(?:sslv3|ssl\/tls) alert handshake failure/iu,
};
const all: readonly Client[] = [
  {
    name: "openssl s_client",
    missing: !has("openssl", "version"),
    suites: SUITES,
    certificate: true,
    ask: (port, { version, openssl }, withCertificate) =>
      run(
        "openssl",
        [
          ...["s_client", "-connect", `127.0.0.1:${port}`, "-servername", "jobs.test", "-quiet"],
          ...(version === "TLSv1.3"
            ? ["-tls1_3", "-ciphersuites", openssl]
            : ["-tls1_2", "-cipher", openssl]),
          ...(withCertificate ? ["-cert", certificate, "-key", certificate] : []),
        ],
        "GET / HTTP/1.1\r\nHost: jobs.test\r\n\r\n",
      ),
    says: opensslNames,
    truncated: /unexpected eof while reading/u,
  },
  {
    name: "curl",
    missing: !has("curl", "--version"),
    suites: SUITES,
    certificate: true,
    ask: (port, { version, openssl }, withCertificate) =>
      run("curl", [
        ...["-sSk", "--http1.1", "--max-time", "60", `https://127.0.0.1:${port}/`],
        ...(version === "TLSv1.3"
          ? ["--tlsv1.3", "--tls13-ciphers", openssl]
          : ["--tls-max", "1.2", "--ciphers", openssl]),
        ...(withCertificate ? ["--cert", certificate] : []),
      ]),
    says: opensslNames,
    // It takes the end of the connection for the end of the answer.
    truncated: /^some of it$/u,
  },
  {
    name: "Python",
    missing: !has("python3", "--version"),
    // It cannot choose among those of TLS 1.3.
    suites: SUITES.slice(1).filter(({ iana }) => iana !== "TLS_CHACHA20_POLY1305_SHA256"),
    certificate: true,
    ask: (port, { version, openssl }, withCertificate) =>
      run("python3", [
        join(CLIENTS, "client.py"),
        String(port),
        version,
        openssl,
        withCertificate ? certificate : "",
      ]),
    says: opensslNames,
    truncated: /UNEXPECTED_EOF_WHILE_READING/u,
  },
  {
    name: "Go",
    missing: !has("go", "version"),
    // It cannot choose among those of TLS 1.3 either.
    suites: SUITES.filter(({ iana }) => !/^TLS_(?:AES_256|CHACHA)/u.test(iana)),
    certificate: true,
    ask: (port, { version, iana }, withCertificate) =>
      run(join(folder, "client"), [String(port), version, iana, withCertificate ? certificate : ""]),
    says: {
      unknown_ca: /remote error: tls: unknown certificate authority/u,
      internal_error: /remote error: tls: internal error/u,
      certificate_revoked: /remote error: tls: revoked certificate/u,
      handshake_failure: /remote error: tls: handshake failure/u,
    },
    // As at any end of a stream.
    truncated: /^\d+ EOF$/mu,
  },
  {
    name: "Java",
    missing: !has("javac", "-version"),
    suites: SUITES,
    certificate: false,
    ask: (port, { version, iana }) => run("java", ["-cp", folder, "Client", String(port), version, iana]),
    says: {
      unknown_ca: /fatal alert: unknown_ca/u,
      internal_error: /fatal alert: internal_error/u,
      certificate_revoked: /fatal alert: certificate_revoked/u,
      handshake_failure: /fatal alert: handshake_failure/u,
    },
    truncated: /^\d+ end$/mu,
  },
];

let act: (end: ServerEnd) => void = () => undefined;
let server: EngineServer;
let asking: EngineServer;
beforeAll(async () => {
  const begun = (end: ServerEnd): void => {
    act(end);
  };
  server = await engineServer({ begun });
  asking = await engineServer({ begun, tls: { requestCert: true, rejectUnauthorized: false } });
  if (has("go", "version"))
    expect(await run("go", ["build", "-o", join(folder, "client"), join(CLIENTS, "client.go")])).toBe("");
  if (has("javac", "-version"))
    expect(await run("javac", ["-d", folder, join(CLIENTS, "Client.java")])).toBe("");
});
afterAll(async () => {
  await server.close();
  await asking.close();
});

const problems: (string | null)[] = [];
const send = ({ carrier }: ServerEnd, name: AlertName): void => {
  carrier.sendAlert(name, (problem) => problems.push(problem));
};

describe.each(all)("$name", ({ name, missing, ask, suites, says, certificate, truncated }) => {
  const needs = missing ? ` (needs: ${name})` : "";

  describe.skipIf(missing).each(suites)(`in $iana${needs}`, (suite) => {
    it("sees the alert that is sent behind half an answer", async () => {
      act = (end) => {
        end.engine.once("data", () => {
          end.engine.write("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nsome of it", () => {
            send(end, "internal_error");
          });
        });
      };
      expect(await ask(server.port, suite, false)).toMatch(says.internal_error);
    });

    it("sees the alert that is sent once the handshake is over", async () => {
      act = (end) => {
        end.engine.once("secure", () => {
          send(end, "certificate_revoked");
        });
      };
      expect(await ask(server.port, suite, false)).toMatch(says.certificate_revoked);
    });

    it("sees the alert that is sent in the middle of our flight", async () => {
      act = (end) => {
        end.carrier.stallAt({ at: "our_flight", bytes: 200 }, () => {
          setImmediate(() => {
            send(end, "handshake_failure");
          });
        });
      };
      expect(await ask(server.port, suite, false)).toMatch(says.handshake_failure);
    });

    const onCertificate = async (): Promise<void> => {
      act = (end) => {
        end.carrier.stallAt({ at: "finished" }, () => undefined);
        end.engine.once("secure", () => {
          expect(end.engine.getPeerCertificate().subject.CN).toBe("jobs.test");
          send(end, "unknown_ca");
        });
      };
      expect(await ask(asking.port, suite, true)).toMatch(says.unknown_ca);
    };
    if (certificate) it("sees the alert that is sent on its certificate", onCertificate);

    it("is ended without close_notify", async () => {
      act = (end) => {
        end.engine.once("data", () => {
          end.engine.write("HTTP/1.1 200 OK\r\n\r\nsome of it");
          end.carrier.endsWith("without_notify");
          end.engine.end();
        });
      };
      expect(await ask(server.port, suite, false)).toMatch(truncated);
    });
  });
});

it("has had no alert that could not be made", () => {
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.filter((problem) => problem !== null)).toEqual([]);
});

describe.skipIf(!has("openssl", "version"))("openssl s_client (needs: openssl)", () => {
  it("sees an alert behind KeyUpdates of either side", async () => {
    act = ({ engine, carrier }) => {
      engine.on("data", (line: Buffer) => {
        engine.write(line, () => {
          if (line.toString() === "the last line\n")
            send({ engine, carrier, socket: carrier.socket }, "access_denied");
        });
      });
    };
    const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${server.port}`, "-msg", "-tls1_3"]);
    // Each line is sent when what it waits for has come. K asks for a KeyUpdate of ours, too; the answer to a line comes behind that.
    const script: [after: string, line: string][] = [
      ["Verify return code", "first\n"],
      ["\nfirst\n", "K\n"],
      ["KEYUPDATE\n", "other\n"],
      ["\nother\n", "k\n"],
      ["KEYUPDATE\n", "five!\n"],
      ["\nfive!\n", "K\n"],
      ["KEYUPDATE\n", "the last line\n"],
    ];
    let out = "";
    let unread = "";
    const heard = (chunk: Buffer): void => {
      out += chunk.toString();
      unread += chunk.toString();
      const [step] = script;
      if (step === undefined || !unread.includes(step[0])) return;
      unread = "";
      script.shift();
      child.stdin.write(step[1]);
    };
    child.stdout.on("data", heard);
    child.stderr.on("data", heard);
    await new Promise((resolve) => child.on("close", resolve));
    expect(out).toMatch(/tlsv1 alert access denied/u);
    expect(out.match(/<<< TLS 1.3, Handshake \[length 0005\], KeyUpdate/gu)?.length).toBe(2);
    expect(problems.at(-1)).toBeNull();
  });

  it.each(["-tls1_2", "-tls1_3"])(
    "that refuses a certificate does so before a stall behind its Finished (%s)",
    async (version) => {
      let stalls = 0;
      let seen: unknown = null;
      act = ({ carrier, engine }) => {
        carrier.stallAt({ at: "finished" }, () => stalls++);
        engine.on("_tlsError", (error: NodeJS.ErrnoException) => (seen = error.code));
      };
      const said = await run("openssl", [
        "s_client",
        "-connect",
        `127.0.0.1:${server.port}`,
        version,
        "-verify_return_error",
      ]);
      expect(said).toMatch(/self-signed certificate/u);
      expect([stalls, seen]).toEqual([0, "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"]);
    },
  );
});
