/** Handshakes on other terms: what a client of Node's and the plan's reader see of them. */
import { afterEach, describe, expect, it } from "vitest";
import type { ConnectionOptions } from "node:tls";
import { closing, ok } from "../../../support/http-lab.js";
import { fault, TYPES } from "../../../support/lab.js";
import { refusedFault } from "../../../support/refused-fault.js";
import { SecureLab, secureSpec } from "../../../support/secure-lab.js";
import { codeOf } from "../../../tls/alert-codes.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

interface Row {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly client?: ConnectionOptions;
  readonly seen: Readonly<Record<string, unknown>>;
  readonly detail: Readonly<Record<string, unknown>>;
}

const OLD: ConnectionOptions = { minVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" };
const TOO_OLD = "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION";

const ROWS: readonly Row[] = [
  { raw: { max: "1.1" }, seen: { how: TOO_OLD }, detail: { max: "1.1" } },
  { raw: { max: 1.1 }, client: OLD, seen: { how: "secure", version: "TLSv1.1" }, detail: { max: "1.1" } },
  { raw: { max: 1.0 }, client: OLD, seen: { how: "secure", version: "TLSv1" }, detail: { max: "1.0" } },
  { raw: { max: "1.2" }, seen: { how: "secure", version: "TLSv1.2" }, detail: { max: "1.2" } },
  {
    raw: { min: "1.3" },
    client: { maxVersion: "TLSv1.2" },
    seen: { how: TOO_OLD },
    detail: { min: "1.3" },
  },
  {
    raw: { min: "1.0", max: "1.2" },
    client: { ...OLD, maxVersion: "TLSv1" },
    seen: { version: "TLSv1" },
    detail: { min: "1.0", max: "1.2" },
  },
  {
    raw: { ciphers: "AES128-SHA:AES256-SHA" },
    // The key of the certificate is one of ECDSA, and these suites need one of RSA.
    seen: { how: codeOf("handshake_failure") },
    detail: { ciphers: "AES128-SHA:AES256-SHA" },
  },
  {
    raw: { ciphers: "ECDHE-ECDSA-AES128-SHA" },
    seen: { how: "secure", version: "TLSv1.2" },
    detail: { ciphers: "ECDHE-ECDSA-AES128-SHA" },
  },
  {
    raw: { ciphers: "TLS_AES_128_GCM_SHA256" },
    seen: { how: "secure", version: "TLSv1.3" },
    detail: { ciphers: "TLS_AES_128_GCM_SHA256" },
  },
  {
    raw: { ciphers: "TLS_AES_128_GCM_SHA256" },
    client: { maxVersion: "TLSv1.2" },
    seen: { how: TOO_OLD },
    detail: { ciphers: "TLS_AES_128_GCM_SHA256" },
  },
  {
    raw: { alpn: ["job/2", "job/1"] },
    client: { ALPNProtocols: ["job/1", "job/2"] },
    seen: { how: "secure", alpn: "job/2" },
    detail: { alpn: "job/2, job/1" },
  },
  {
    raw: { alpn: ["job/2"] },
    client: { ALPNProtocols: ["http/1.1"] },
    seen: { how: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL" },
    detail: { alpn: "job/2" },
  },
  {
    raw: { alpn: "none" },
    client: { ALPNProtocols: ["http/1.1"] },
    seen: { how: "secure", alpn: null },
    detail: { alpn: "none" },
  },
];

describe("a handshake on other terms", () => {
  it.each(ROWS)("$raw for $client", async ({ raw, client = {}, seen, detail }) => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_terms", raw)]);
    const told = await lab.sees(proxy, client, closing);
    expect(told).toMatchObject(seen);
    expect(told.text).toBe(told.how === "secure" ? ok("hello") : "");
    expect(lab.facts.of("fault_hit").map(({ effect, detail: of }) => ({ effect, of }))).toEqual([
      { effect: "changed", of: detail },
    ]);
    expect(lab.facts.of("connection_failed")).toEqual([]);
    expect((await lab.facts.first("tls_over")).took).toBe(told.how === "secure" ? "accepted" : "undecided");
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)("forgets sessions over %s", async (maxVersion) => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_terms", { tickets: false })]);
    const first = await lab.tls(proxy, { maxVersion });
    const session = await new Promise<Buffer>((told) => {
      first.once("session", told);
      first.once("secureConnect", () => first.write(closing));
      first.resume().once("close", () => {
        told(first.getSession() ?? Buffer.alloc(0));
      });
    });
    expect(await lab.sees(proxy, { maxVersion, session }, closing)).toMatchObject({
      how: "secure",
      resumed: false,
    });
  });
});

describe("the terms", () => {
  it.each<[string, string]>([
    [
      "ciphers: FOO",
      'expected ciphers as OpenSSL lists them, such as ECDHE-RSA-AES128-SHA:AES128-SHA; the OpenSSL of this Node.js knows no "FOO"',
    ],
    ["ciphers: 'AES128-SHA:FOO:!BAR'", 'knows no "FOO"'],
    ["ciphers: '!aNULL'", 'knows no "!aNULL"'],
    ["ciphers: '@SECLEVEL=0'", 'knows no "@SECLEVEL=0"'],
    ["ciphers: a b", 'got "a b"'],
    ["ciphers: ''", 'got ""'],
    ["min: 1.3, max: 1.2", "must not be newer than max, and 1.3 is newer than 1.2"],
    ["max: 1.25", "expected a version of TLS: 1.0, 1.1, 1.2, 1.3, got 1.25"],
    ["max: tls13", 'expected a version of TLS: 1.0, 1.1, 1.2, 1.3, got "tls13"'],
    ["alpn: []", "expected none, or a list such as [http/1.1], got an empty list"],
    ["alpn: [a b]", 'expected a protocol such as h2 or http/1.1, got "a b"'],
    ["alpn: h2", 'expected none, or a list such as [http/1.1], got "h2"'],
    ["", "is missing, as are all others: say what is different, such as max: 1.1"],
  ])("%s are refused, with their place", (text, message) => {
    const problems = refusedFault(`{ type: tls_terms${text === "" ? "" : `, ${text}`} }`);
    expect(problems).toEqual([expect.stringMatching(/^3:\d+ faults\[0\]\.(?:ciphers|min|max|alpn)/u)]);
    expect(problems[0]).toContain(message);
  });

  it("are said in a sentence", () => {
    const type = TYPES.get("tls_terms");
    const explained = (raw: Record<string, unknown>): string | undefined =>
      type?.explain(type.params.parse(raw));
    expect(explained({ min: "1.0", max: "1.1", tickets: false })).toBe(
      "makes handshakes with TLS 1.0 to 1.1 and all sessions forgotten",
    );
    expect(explained({ min: 1.3, alpn: "none" })).toBe(
      "makes handshakes with TLS 1.3 at least and no protocol agreed to",
    );
    expect(explained({ min: 1.2, max: 1.2, ciphers: "HIGH" })).toBe(
      "makes handshakes with TLS 1.2 only and the ciphers HIGH",
    );
  });
});
