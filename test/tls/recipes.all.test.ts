/** What OpenSSL's own command says of each certificate: whether it is wrong as its recipe claims, and in no other way. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CERTIFICATE_PROBLEMS, type CertificateProblem } from "../../src/faults/contract/handshake.js";
import { openAuthority, type Authority } from "../../src/tls/authority.js";
import { wallClock as clock } from "../support/tls-lab.js";

const HOST = "jobs.example";
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-recipes-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function openssl(...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  return stdout + stderr;
}

/** "OK", or the number and the words of what is wrong. */
function verified(authority: Authority, cert: string, ...options: readonly string[]): string {
  return verifiedFor(["-verify_hostname", HOST], authority, cert, ...options);
}

function verifiedFor(
  subject: readonly string[],
  authority: Authority,
  cert: string,
  ...options: readonly string[]
): string {
  const [ca, leaf] = [write("ca.pem", authority.ca), write("leaf.pem", cert)];
  const common = ["-CAfile", ca, "-no-CApath", "-no-CAstore", "-purpose", "sslserver", "-x509_strict"];
  const said = openssl("verify", ...common, ...subject, ...options, leaf);
  return /^error (\d+ at \d depth lookup: .*)$/mu.exec(said)?.[1] ?? said.trim().replace(/^.*: /u, "");
}

const VERIFIED: Readonly<Record<CertificateProblem, string>> = {
  expired: "10 at 0 depth lookup: certificate has expired",
  not_yet_valid: "9 at 0 depth lookup: certificate is not yet valid",
  wrong_host: "62 at 0 depth lookup: hostname mismatch",
  self_signed: "18 at 0 depth lookup: self-signed certificate",
  unknown_ca: "20 at 0 depth lookup: unable to get local issuer certificate",
  incomplete_chain: "20 at 0 depth lookup: unable to get local issuer certificate",
  bad_signature: "7 at 0 depth lookup: certificate signature failure",
  weak_key: "66 at 0 depth lookup: EE certificate key too weak",
  sha1: "68 at 0 depth lookup: CA signature digest algorithm too weak",
  no_san: "OK",
  wrong_usage: "26 at 0 depth lookup: unsuitable certificate purpose",
  revoked: "OK",
  huge: "OK",
};

const missing = spawnSync("openssl", ["version"]).error !== undefined;

describe.skipIf(missing).each(["ec", "rsa"] as const)(
  "openssl on certificates of a CA whose key is %s",
  (key) => {
    let authority: Authority;
    beforeAll(async () => {
      authority = await openAuthority({ source: "memory", clock, key });
    });
    const made = (problem: CertificateProblem | null): ReturnType<Authority["present"]> =>
      authority.present([HOST, "127.0.0.1"], problem === null ? null : { problem, by: 7_200_000 });

    it("finds nothing wrong with the right one, by its name and its address", () => {
      const { cert } = made(null);
      expect(verified(authority, cert, "-auth_level", "2")).toBe("OK");
      expect(verified(authority, cert, "-verify_ip", "127.0.0.1")).toBe("OK");
      expect(verified(authority, cert, "-verify_ip", "127.0.0.2")).toContain("IP address mismatch");
    });

    it.each(CERTIFICATE_PROBLEMS)("finds wrong with one what %s says", (problem) => {
      expect(verified(authority, made(problem).cert, "-auth_level", "2")).toBe(VERIFIED[problem]);
    });

    it("finds nothing else wrong with them: what makes each right makes it pass", () => {
      const by = (problem: CertificateProblem, ...options: readonly string[]): string =>
        verified(authority, made(problem).cert, ...options);
      const now = Math.floor(clock.wallTime() / 1_000);
      expect(by("expired", "-attime", String(now - 3 * 3_600))).toBe("OK");
      expect(by("not_yet_valid", "-attime", String(now + 3 * 3_600))).toBe("OK");
      expect(by("weak_key", "-auth_level", "0")).toBe("OK");
      expect(by("sha1", "-auth_level", "0")).toBe("OK");
      expect(by("wrong_usage", "-purpose", "sslclient")).toBe("OK");
      expect(by("wrong_host", "-verify_hostname", `wrong-host.${HOST}`)).toBe("OK");
      const { cert, missing } = made("incomplete_chain");
      expect(verified(authority, cert, "-untrusted", write("missing.pem", missing ?? ""))).toBe("OK");
    });

    it("reads from the staple that the CA has revoked the certificate", () => {
      const { cert, ocsp } = made("revoked");
      const [ca, leaf] = [write("ca.pem", authority.ca), write("leaf.pem", cert)];
      const response = write("ocsp.der", ocsp ?? Buffer.alloc(0));
      const said = openssl("ocsp", "-respin", response, "-issuer", ca, "-cert", leaf, "-CAfile", ca);
      expect(said).toContain("Response verify OK");
      expect(said).toMatch(/leaf\.pem: revoked/u);
      expect(said).toContain("Reason: keyCompromise");
    });

    it("reads a certificate with a common name alone, one for clients, one of SHA-1, one of RSA-1024", () => {
      const text = (problem: CertificateProblem): string =>
        openssl("x509", "-noout", "-text", "-in", write("leaf.pem", made(problem).cert));
      expect(text("no_san")).not.toContain("Subject Alternative Name");
      expect(text("no_san")).toContain(`Subject: CN = ${HOST}`);
      expect(text("wrong_usage")).toContain("TLS Web Client Authentication");
      expect(text("sha1")).toMatch(/Signature Algorithm: (?:ecdsa-with-SHA1|sha1WithRSAEncryption)/u);
      expect(text("weak_key")).toContain("Public-Key: (1024 bit)");
    });
  },
);

describe.skipIf(missing)("openssl on a confined CA", () => {
  it("holds it to its names", async () => {
    const confined = await openAuthority({ source: "memory", clock, names: [HOST, "10.0.0.0/8"] });
    const cert = (name: string): string => confined.present([name], null).cert;
    const byName = (name: string): string => verifiedFor(["-verify_hostname", name], confined, cert(name));
    const byAddress = (address: string): string =>
      verifiedFor(["-verify_ip", address], confined, cert(address));
    expect([HOST, `a.${HOST}`].map(byName)).toEqual(["OK", "OK"]);
    expect(byName("other.example")).toContain("permitted subtree violation");
    expect(byAddress("10.1.2.3")).toBe("OK");
    expect(["192.0.2.1", "::1"].map(byAddress)).toEqual(
      Array.from({ length: 2 }, () => expect.stringContaining("permitted subtree violation") as string),
    );
    const shown = openssl("x509", "-noout", "-text", "-in", write("ca.pem", confined.ca));
    expect(shown).toMatch(
      /Name Constraints: critical\s+Permitted:\s+DNS:jobs\.example\s+IP:10\.0\.0\.0\/255\.0\.0\.0/u,
    );
  });
});
