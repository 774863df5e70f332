import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CERTIFICATE_PROBLEMS, type CertificateProblem } from "../../src/faults/contract/handshake.js";
import { openAuthority } from "../../src/tls/authority.js";
import { Contexts } from "../../src/tls/contexts.js";
import { handshake, wallClock } from "../support/tls-lab.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LAX = "DEFAULT:@SECLEVEL=0";
const STRICT = "DEFAULT:@SECLEVEL=2";
const clock = wallClock;
const names = ["jobs.example", "*.workers.example", "127.0.0.1", "::1"];
const at = (problem: CertificateProblem, by = 2 * HOUR): { problem: CertificateProblem; by: number } => ({
  problem,
  by,
});

/** What Node's own client says to each; a client less strict would say less. */
const TOOK: Readonly<Record<CertificateProblem, { readonly strict: string; readonly lax: string }>> = {
  expired: { strict: "CERT_HAS_EXPIRED", lax: "CERT_HAS_EXPIRED" },
  not_yet_valid: { strict: "CERT_NOT_YET_VALID", lax: "CERT_NOT_YET_VALID" },
  wrong_host: { strict: "ERR_TLS_CERT_ALTNAME_INVALID", lax: "ERR_TLS_CERT_ALTNAME_INVALID" },
  self_signed: { strict: "DEPTH_ZERO_SELF_SIGNED_CERT", lax: "DEPTH_ZERO_SELF_SIGNED_CERT" },
  unknown_ca: { strict: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", lax: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  incomplete_chain: { strict: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", lax: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  bad_signature: { strict: "CERT_SIGNATURE_FAILURE", lax: "CERT_SIGNATURE_FAILURE" },
  weak_key: { strict: "EE certificate key too weak", lax: "accepted" },
  sha1: { strict: "CA signature digest algorithm too weak", lax: "accepted" },
  no_san: { strict: "accepted", lax: "accepted" },
  wrong_usage: { strict: "INVALID_PURPOSE", lax: "INVALID_PURPOSE" },
  revoked: { strict: "accepted", lax: "accepted" },
  huge: { strict: "accepted", lax: "accepted" },
};

describe("an authority", () => {
  it("shows a certificate that a client who trusts it accepts by each of its names", async () => {
    const authority = await openAuthority({ source: "memory", clock });
    const served = new Contexts(authority, clock).minted(names, null);
    const said = [];
    for (const servername of ["jobs.example", "bot-7.workers.example", ""])
      said.push((await handshake(served, { servername, ca: authority.ca })).took);
    expect(said).toEqual(["accepted", "accepted", "accepted"]);
    const stranger = await handshake(served, { servername: "other.example", ca: authority.ca });
    expect(stranger.took).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    const distrustful = await handshake(served, { servername: "jobs.example" });
    expect(distrustful.took).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  it.each(CERTIFICATE_PROBLEMS)(
    "shows a certificate that is wrong as %s says, in TLS 1.2 and 1.3",
    async (problem) => {
      const authority = await openAuthority({ source: "memory", clock });
      const contexts = new Contexts(authority, clock);
      const served = contexts.minted(names, at(problem));
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const client = { servername: "jobs.example", ca: authority.ca, maxVersion: version };
        const strict = await handshake(served, { ...client, ciphers: STRICT });
        const lax = await handshake(served, { ...client, ciphers: LAX });
        expect({ strict: strict.took, lax: lax.took }).toEqual(TOOK[problem]);
        // With nothing checked each of them is a certificate with which a handshake can be made.
        const careless = await handshake(served, { ...client, ciphers: LAX, rejectUnauthorized: false });
        expect([careless.took, careless.version]).toEqual(["accepted", version]);
      }
    },
  );

  it("has one thing wrong with each certificate, and says which", async () => {
    const authority = await openAuthority({ source: "memory", clock });
    const ca = new X509Certificate(authority.ca);
    const made = (problem: CertificateProblem): X509Certificate =>
      new X509Certificate(authority.present(names, at(problem)).cert);
    const now = clock.wallTime();
    for (const problem of CERTIFICATE_PROBLEMS) {
      const certificate = made(problem);
      const isSigned = certificate.verify(ca.publicKey);
      expect([problem, isSigned]).toEqual([
        problem,
        !["self_signed", "unknown_ca", "incomplete_chain", "bad_signature"].includes(problem),
      ]);
      const ends = Date.parse(certificate.validTo);
      const begins = Date.parse(certificate.validFrom);
      if (problem === "expired") expect(Math.abs(now - ends - 2 * HOUR)).toBeLessThan(60_000);
      else if (problem === "not_yet_valid") expect(Math.abs(begins - now - 2 * HOUR)).toBeLessThan(60_000);
      else expect([begins < now, ends > now]).toEqual([true, true]);
      const host = certificate.checkHost("jobs.example", { subject: "never" });
      expect([problem, host]).toEqual([
        problem,
        ["wrong_host", "no_san"].includes(problem) ? undefined : "jobs.example",
      ]);
    }
    expect(made("no_san").subjectAltName).toBeUndefined();
    expect(made("no_san").checkHost("jobs.example")).toBe("jobs.example");
    expect(made("weak_key").publicKey.asymmetricKeyDetails?.modulusLength).toBe(1_024);
    expect(made("wrong_usage").keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(made("incomplete_chain").issuer).toContain("intermediate");
    expect(made("self_signed").verify(made("self_signed").publicKey)).toBe(true);
    const { length } = made("huge").raw;
    expect([length > 60_000, length < 64_000]).toEqual([true, true]);
  });

  it("can say what is missing of a chain: with it a client accepts", async () => {
    const authority = await openAuthority({ source: "memory", clock });
    const { cert, missing } = authority.present(["jobs.example"], at("incomplete_chain"));
    const between = new X509Certificate(missing ?? "");
    expect(new X509Certificate(cert).verify(between.publicKey)).toBe(true);
    expect(between.verify(new X509Certificate(authority.ca).publicKey)).toBe(true);
    expect(authority.present(["jobs.example"], null).missing).toBeNull();
  });

  it("staples that it has revoked a certificate, and nothing otherwise", async () => {
    const authority = await openAuthority({ source: "memory", clock });
    const contexts = new Contexts(authority, clock);
    const client = { servername: "jobs.example", ca: authority.ca, requestOCSP: true };
    const revoked = await handshake(contexts.minted(names, at("revoked")), client);
    // CertStatus ::= CHOICE { revoked [1] IMPLICIT RevokedInfo }, with a time and, explicitly, the reason keyCompromise.
    expect(revoked.ocsp?.toString("latin1")).toMatch(/\xa1\x16\x18\x0f\d{14}Z\xa0\x03\x0a\x01\x01/u);
    const right = await handshake(contexts.minted(names, null), client);
    expect([right.took, right.ocsp]).toEqual(["accepted", null]);
  });

  it("keeps `by` as a client sees it: what is not valid yet does not become so behind its back", async () => {
    let now = Date.UTC(2026, 0, 1);
    const moving = { wallTime: () => now };
    const authority = await openAuthority({ source: "memory", clock: moving });
    const contexts = new Contexts(authority, moving);
    const first = contexts.minted(names, at("not_yet_valid", HOUR));
    now += 0.4 * HOUR;
    expect(contexts.minted(names, at("not_yet_valid", HOUR))).toBe(first);
    now += 0.2 * HOUR;
    const second = contexts.minted(names, at("not_yet_valid", HOUR));
    expect(second).not.toBe(first);
  });

  it("makes a certificate anew with a fifth of its 45 days left, and none that outlives the CA", async () => {
    let now = Date.UTC(2026, 0, 1);
    const moving = { wallTime: () => now };
    const authority = await openAuthority({ source: "memory", clock: moving });
    const contexts = new Contexts(authority, moving);
    const first = contexts.minted(names, null);
    now += 35 * DAY;
    expect(contexts.minted(names, null)).toBe(first);
    now += 2 * DAY;
    expect(contexts.minted(names, null)).not.toBe(first);
    expect(authority.warnings()).toEqual([]);
    now = authority.notAfter - 20 * DAY;
    expect(authority.warnings()).toEqual([expect.stringMatching(/^the CA expires on 2027-\S+, in 20 days/u)]);
    const last = authority.present(names, null);
    expect(Date.parse(new X509Certificate(last.cert).validTo)).toBe(authority.notAfter);
    now = authority.notAfter;
    expect(authority.warnings()).toEqual([expect.stringContaining("has expired")]);
  });

  it("leaves out what no certificate can have, whatever a hello brings", async () => {
    const authority = await openAuthority({ source: "memory", clock });
    const sans = (asked: readonly string[]): string | undefined =>
      new X509Certificate(authority.present(asked, null).cert).subjectAltName;
    expect(sans(["Jobs.Example.", "jobs.example", "[::1]", "::ffff:10.0.0.1", "fe80::1%eth0"])).toBe(
      "DNS:jobs.example, IP Address:0:0:0:0:0:0:0:1, IP Address:10.0.0.1, IP Address:FE80:0:0:0:0:0:0:1",
    );
    expect(sans(["bücher.example", "*.bücher.example"])).toBe(
      "DNS:xn--bcher-kva.example, DNS:*.xn--bcher-kva.example",
    );
    for (const nothing of ["", "a b", "a\0b", "a,DNS:b", "..", `${"a".repeat(64)}.example`, "x".repeat(300)])
      expect(sans([nothing, "jobs.example"])).toBe("DNS:jobs.example");
    expect(sans([])).toBe("DNS:localhost");
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.example`;
    for (const problem of CERTIFICATE_PROBLEMS)
      expect(authority.present([long], at(problem)).cert).toContain("BEGIN CERTIFICATE");
  });

  it("confines a CA to names: critical, and what else is asked for is left out", async () => {
    const authority = await openAuthority({
      source: "memory",
      clock,
      names: ["*.jobs.example", "127.0.0.0/8"],
    });
    expect(
      ["jobs.example", "a.jobs.example", "*.jobs.example", "127.0.0.1"].map((name) =>
        authority.permits(name),
      ),
    ).toEqual([true, true, true, true]);
    expect(
      ["other.example", "xjobs.example", "::1", "10.0.0.1"].map((name) => authority.permits(name)),
    ).toEqual([false, false, false, false]);
    const contexts = new Contexts(authority, clock);
    const took = async (asked: string[], servername: string, problem?: CertificateProblem): Promise<string> =>
      (
        await handshake(contexts.minted(asked, problem === undefined ? null : at(problem)), {
          servername,
          ca: authority.ca,
        })
      ).took;
    expect(await took(["jobs.example", "localhost"], "jobs.example")).toBe("accepted");
    expect(await took(["jobs.example", "127.0.0.1"], "")).toBe("accepted");
    expect(await took(["other.example"], "other.example")).toBe("permitted subtree violation");
    expect(await took(["127.0.0.1"], "jobs.example", "wrong_host")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    expect(await took(["jobs.example"], "jobs.example", "huge")).toBe("accepted");
  });

  it("forbids all addresses where a CA is confined to names, and all names where it is to addresses", async () => {
    for (const [allowed, asked, servername] of [
      ["jobs.example", "127.0.0.1", ""],
      ["127.0.0.1", "jobs.example", "jobs.example"],
    ] as const) {
      const authority = await openAuthority({ source: "memory", clock, names: [allowed] });
      const served = new Contexts(authority, clock).minted([asked], null);
      const { took } = await handshake(served, { servername, ca: authority.ca });
      expect(took).toBe("excluded subtree violation");
    }
    await expect(openAuthority({ source: "memory", clock, names: ["a b"] })).rejects.toMatchObject({
      code: "SQ_INVALID_CA",
    });
  });

  it("has RSA keys for clients that know no ECDSA", async () => {
    const authority = await openAuthority({ source: "memory", clock, key: "rsa" });
    const contexts = new Contexts(authority, clock);
    const client = {
      servername: "jobs.example",
      ca: authority.ca,
      maxVersion: "TLSv1.2",
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
    } as const;
    expect((await handshake(contexts.minted(names, null), client)).took).toBe("accepted");
    for (const problem of CERTIFICATE_PROBLEMS) {
      const { took } = await handshake(contexts.minted(names, at(problem)), {
        ...client,
        ciphers: `${client.ciphers}:@SECLEVEL=2`,
      });
      expect([problem, took]).toEqual([problem, TOOK[problem].strict]);
    }
  });
});
