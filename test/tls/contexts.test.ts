import { describe, expect, it } from "vitest";
import { openAuthority } from "../../src/tls/authority.js";
import { Contexts } from "../../src/tls/contexts.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { handshake, wallClock as clock } from "../support/tls-lab.js";

describe("TLS contexts", () => {
  it("are kept by names, recipe and terms, so many of them and no more", async () => {
    const contexts = new Contexts(await openAuthority({ source: "memory", clock }), clock, 3);
    const first = contexts.minted(["a.example"], null);
    expect(contexts.minted(["a.example"], null)).toBe(first);
    const others = [
      contexts.minted(["a.example", "b.example"], null),
      contexts.minted(["a.example"], { problem: "expired", by: 1_000 }),
      contexts.minted(["a.example"], { problem: "expired", by: 2_000 }),
      contexts.minted(["a.example"], null, { min: "1.2" }),
      contexts.minted(["a.example"], null, { min: "1.3" }),
      contexts.minted(["a.example"], null, { max: "1.2" }),
      contexts.minted(["a.example"], null, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }),
      contexts.minted(["a.example"], null, { tickets: false }),
      contexts.minted(["a.example"], null, { clients: { id: "1", ca: CERTIFICATE } }),
      contexts.minted(["a.example"], null, { clients: { id: "2", ca: CERTIFICATE } }),
      contexts.own({ id: "a", cert: CERTIFICATE, key: KEY }),
      contexts.own({ id: "b", cert: CERTIFICATE, key: KEY }),
    ];
    expect(new Set([first, ...others].map(({ context }) => context)).size).toBe(13);
    expect([contexts.size, contexts.evicted]).toEqual([3, 10]);
  });

  it("are found for the very same lists as well, until the certificate is to be renewed", () => {
    let now = 0;
    const authority = {
      present: () => ({
        cert: CERTIFICATE,
        key: KEY,
        ocsp: null,
        weak: false,
        missing: null,
        renewAt: now + 10,
      }),
    };
    const contexts = new Contexts(authority as never, { wallTime: () => now });
    const [names, others, terms] = [["a.example"], ["b.example"], { min: "1.2" } as const];
    const first = contexts.minted(names, null, terms);
    expect(contexts.minted(names, null, terms)).toBe(first);
    expect(contexts.minted(names, { problem: "expired", by: 1 }, terms)).not.toBe(first);
    expect(contexts.minted(others, null, terms)).not.toBe(first);
    expect(contexts.minted(names, null, { min: "1.3" })).not.toBe(first);
    expect(contexts.minted(names, null, terms)).toBe(first);
    now = 10;
    expect(contexts.minted(names, null, terms)).not.toBe(first);
  });

  it("answer with a certificate of the user's own", async () => {
    const contexts = new Contexts(await openAuthority({ source: "memory", clock }), clock);
    const served = contexts.own({ id: "jobs", cert: CERTIFICATE, key: KEY });
    const { took } = await handshake(served, { servername: "jobs.test", ca: CERTIFICATE });
    expect(took).toBe("accepted");
  });

  it.each(["1.0", "1.1", "1.2", "1.3"] as const)(
    "speak TLS %s and no other, if that is asked for",
    async (version) => {
      const authority = await openAuthority({ source: "memory", clock });
      const contexts = new Contexts(authority, clock);
      const client = { servername: "jobs.example", ca: authority.ca, ciphers: "DEFAULT:@SECLEVEL=0" };
      const only = contexts.minted(["jobs.example"], null, { min: version, max: version });
      const any = await handshake(only, { ...client, minVersion: "TLSv1", maxVersion: "TLSv1.3" });
      expect([any.took, any.version]).toEqual(["accepted", version === "1.0" ? "TLSv1" : `TLSv${version}`]);
      const other = await handshake(only, {
        ...client,
        minVersion: version === "1.3" ? "TLSv1.2" : "TLSv1.3",
        maxVersion: version === "1.3" ? "TLSv1.2" : "TLSv1.3",
      });
      expect(other.took).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
      const upTo = contexts.minted(["jobs.example"], null, { max: version });
      const newest = await handshake(upTo, { ...client, minVersion: "TLSv1", maxVersion: "TLSv1.3" });
      expect(newest.version).toBe(any.version);
    },
  );

  it.each([
    ["whose first one is another", {}, "TLS_AES_128_GCM_SHA256"],
    ["that does not have it", { ciphers: "TLS_CHACHA20_POLY1305_SHA256" }, "TLS_CHACHA20_POLY1305_SHA256"],
    [
      "that has several others",
      { ciphers: "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384" },
      "TLS_AES_256_GCM_SHA384",
    ],
    ["of TLS 1.2", { maxVersion: "TLSv1.2" }, "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ] as const)("agree with a client %s to the first of ours", async (_which, wishes, cipher) => {
    const authority = await openAuthority({ source: "memory", clock });
    const served = new Contexts(authority, clock).minted(["jobs.example"], null);
    const client = { servername: "jobs.example", ca: authority.ca, ...wishes };
    expect(await handshake(served, client)).toMatchObject({ took: "accepted", cipher });
  });

  it("let the client choose from the ciphers that are asked for", async () => {
    const authority = await openAuthority({ source: "memory", clock });
    const ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
    const served = new Contexts(authority, clock).minted(["jobs.example"], null, { ciphers });
    const client = { servername: "jobs.example", ca: authority.ca };
    expect(await handshake(served, client)).toMatchObject({ cipher: "TLS_AES_256_GCM_SHA384" });
  });

  it("have the ciphers that are asked for, weak ones too", async () => {
    const authority = await openAuthority({ source: "memory", clock, key: "rsa" });
    const contexts = new Contexts(authority, clock);
    const client = { servername: "jobs.example", ca: authority.ca, ciphers: "ALL:eNULL:@SECLEVEL=0" };
    for (const cipher of ["AES128-SHA", "ECDHE-RSA-AES128-SHA", "NULL-SHA256"]) {
      const served = contexts.minted(["jobs.example"], null, { max: "1.2", ciphers: cipher });
      expect((await handshake(served, client)).cipher).toBe(cipher);
    }
    expect(() => contexts.minted(["jobs.example"], null, { ciphers: "NOTHING" })).toThrow(/no cipher match/u);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "resume sessions in %s, each its own and none where tickets are forgotten",
    async (version) => {
      const authority = await openAuthority({ source: "memory", clock });
      const contexts = new Contexts(authority, clock);
      const client = {
        servername: "jobs.example",
        ca: authority.ca,
        maxVersion: version,
        minVersion: version,
      };
      const again = async (first: ReturnType<Contexts["minted"]>, then = first): Promise<boolean> => {
        const { session } = await handshake(first, client);
        const later = await handshake(then, { ...client, ...(session === null ? {} : { session }) });
        expect(later.took).toBe("accepted");
        return later.resumed;
      };
      const right = contexts.minted(["jobs.example"], null);
      expect(await again(right)).toBe(true);
      expect(await again(contexts.minted(["jobs.example"], null, { tickets: false }))).toBe(false);
      expect(await again(right, contexts.minted(["jobs.example"], { problem: "no_san", by: 0 }))).toBe(false);
    },
  );
});
