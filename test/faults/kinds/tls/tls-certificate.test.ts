/** Wrong certificates: what a client of Node's makes of each problem, and what is told of it. */
import { afterEach, describe, expect, it } from "vitest";
import { CERTIFICATE_PROBLEMS, type CertificateProblem } from "../../../../src/faults/contract/index.js";
import { closing, ok } from "../../../support/http-lab.js";
import { fault, TYPES, until } from "../../../support/lab.js";
import { SecureLab, secureSpec } from "../../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

/**
 * With what a client of Node's ends. It asks for no OCSP response, takes the common name where there is nothing else, and what it
 * says of SHA-1 and thinks of short keys depends on its OpenSSL.
 */
const SEEN: Readonly<Record<CertificateProblem, string | RegExp>> = {
  expired: "CERT_HAS_EXPIRED",
  not_yet_valid: "CERT_NOT_YET_VALID",
  wrong_host: "ERR_TLS_CERT_ALTNAME_INVALID",
  self_signed: "DEPTH_ZERO_SELF_SIGNED_CERT",
  unknown_ca: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  incomplete_chain: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  bad_signature: "CERT_SIGNATURE_FAILURE",
  weak_key: /^(?:secure|UNSPECIFIED|\w*KEY_TOO_SMALL)$/u,
  sha1: /^(?:UNSPECIFIED|\w*MD_TOO_WEAK)$/u,
  no_san: "secure",
  wrong_usage: "INVALID_PURPOSE",
  revoked: "secure",
  huge: "secure",
};

describe("a wrong certificate", () => {
  it("that has no name but in its subject has the one there that the client asks for, also where that is known before", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_certificate", { problem: "no_san" })]);
    // Of the upstream by its address, and of everybody.
    expect(await lab.sees(proxy, { servername: "localhost" }, closing)).toMatchObject({
      how: "secure",
      cn: "localhost",
    });
  });

  it.each(CERTIFICATE_PROBLEMS)("that is %s is seen as such", async (problem) => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_certificate", { problem })]);
    const seen = await lab.sees(proxy, {}, closing);
    expect(seen.how).toEqual(expect.stringMatching(SEEN[problem]));
    const accepts = seen.how === "secure";
    expect(seen.text).toBe(accepts ? ok("hello") : "");
    const { took, faults, sni, proxy: name } = await lab.facts.first("tls_over");
    expect({ took, faults, sni, name }).toEqual({
      took: accepts ? "accepted" : expect.stringMatching(/^(?:closed|alert \w+)$/u),
      faults: ["tls_certificate"],
      sni: "jobs.example",
      name: "jobs",
    });
    const hits = lab.facts.of("fault_hit");
    expect(hits.map(({ effect, amount, detail }) => ({ effect, amount, detail }))).toEqual([
      {
        effect: "presented",
        amount: 1,
        detail: {
          problem,
          sni: "jobs.example",
          ...(/expired|valid/u.test(problem) ? { by: "2h" } : {}),
          ...(problem === "revoked" ? { asks_status: false } : {}),
        },
      },
    ]);
    // Nobody is blamed for a certificate that is only large, or for what it was not told.
    const blamed = accepts && problem !== "huge" && problem !== "revoked";
    expect(lab.facts.of("fault_spared").map(({ effect }) => effect)).toEqual(blamed ? ["accepted"] : []);
    expect(server.requests).toHaveLength(accepts ? 1 : 0);
    await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
  });

  it("is told as revoked to those who ask", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_certificate", { problem: "revoked" })]);
    const asking = { servername: "jobs.example", requestOCSP: true };
    const socket = await lab.tls(proxy, asking);
    const response = await new Promise<Buffer | null>((told) => socket.once("OCSPResponse", told));
    expect(response?.length).toBeGreaterThan(100);
    expect(lab.facts.of("fault_hit")[0]?.detail).toMatchObject({ asks_status: true });
  });

  it("is shown to those who ask for one name, and to no others", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_certificate", { problem: "expired" }, { match: [{ sni: ["*.example"] }] })]);
    expect((await lab.sees(proxy, {}, closing)).how).toBe("CERT_HAS_EXPIRED");
    expect((await lab.sees(proxy, { servername: "jobs.test" }, closing)).how).toBe("secure");
    expect((await lab.sees(proxy, { servername: "" }, closing)).how).toBe("secure");
    expect(lab.facts.hits()).toEqual(["tls_certificate presented 127.0.0.1"]);
    expect(lab.plan.soFar("test")[0]?.text).toBe("1 of 3 handshakes so far, of which 1 matches");
  });

  it("is shown anew to whoever has a session from before, and is gone when the fault is", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    const first = await lab.tls(proxy);
    const session = await new Promise<Buffer>((told) => first.once("session", told));
    lab.use([fault("tls_certificate", { problem: "unknown_ca" })]);
    expect((await lab.sees(proxy, { session }, closing)).how).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    const lax = await lab.tls(proxy, { rejectUnauthorized: false });
    const taken = await new Promise<Buffer>((told) => lax.once("session", told));
    expect(await lab.sees(proxy, { session: taken, rejectUnauthorized: false }, closing)).toMatchObject({
      how: "secure",
      resumed: false,
    });
    lab.heal();
    expect((await lab.sees(proxy, { session }, closing)).how).toBe("secure");
  });

  it("says how long ago its time ended", () => {
    const type = TYPES.get("tls_certificate");
    const explained = (raw: Record<string, unknown>): string | undefined =>
      type?.explain(type.params.parse(raw));
    expect(explained({ problem: "expired", by: "90m" })).toBe("shows a certificate that expired 1h30m ago");
    expect(explained({ problem: "not_yet_valid" })).toBe(
      "shows a certificate that is not valid before 2h from now",
    );
    const params = type?.params.parse({ problem: "sha1", by: "1h" }) ?? {};
    expect(type?.check?.({ params, narrowed: false })).toEqual({
      path: "by",
      message: "means something with expired and not_yet_valid only, and not with sha1",
    });
  });
});
