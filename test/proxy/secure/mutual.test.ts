/** Mutual TLS with clients: who is let in, by what name, and with which alert others are refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { CertificateProblem } from "../../../src/faults/contract/index.js";
import { closing, ok } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";
import { codeOf } from "../../tls/alert-codes.js";

const folder = mkdtempSync(join(tmpdir(), "squall-mutual-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

async function proxyFor(require: boolean): Promise<Awaited<ReturnType<SecureLab["http"]>>> {
  const server = await lab.answering();
  const ca = join(folder, "bots-ca.pem");
  writeFileSync(ca, await lab.ca());
  return lab.http(server.port, {
    secure: secureSpec({ clients: { ca, require } }),
    identify: [{ by: "certificate", field: "cn" }, { by: "client" }],
  });
}

/** A certificate for a client; by default one for clients alone, which is what is wrong with it for servers. */
async function shown(problem: CertificateProblem = "wrong_usage"): Promise<{ cert: string; key: string }> {
  const authority = await lab.authority();
  const { cert, key } = authority.present(["bot-7.example"], { problem, by: 3_600_000 });
  return { cert, key };
}

describe("a proxy that asks clients for certificates", () => {
  it.each(VERSIONS)("lets in who shows a right one, and knows it by that, over %s", async (version) => {
    const proxy = await proxyFor(true);
    lab.use([fault("http_delay", { delay: "1ms" })]);
    const seen = await lab.sees(proxy, { ...(await shown()), maxVersion: version }, closing);
    expect(seen).toMatchObject({ how: "secure", version });
    expect(seen.text).toContain("hello");
    expect(lab.facts.hits()).toEqual(["http_delay delayed bot-7.example"]);
  });

  it.each(VERSIONS)("refuses who shows none, over %s", async (version) => {
    const proxy = await proxyFor(true);
    const seen = await lab.sees(proxy, { maxVersion: version }, closing);
    expect(seen.how).toBe(
      version === "TLSv1.3" ? "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" : codeOf("handshake_failure"),
    );
    await until(() => lab.context.slots.taken === 0);
    expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["client_tls"]);
  });

  it.each(VERSIONS)("lets in who shows none where none is required, over %s", async (version) => {
    const proxy = await proxyFor(false);
    expect((await lab.sees(proxy, { maxVersion: version }, closing)).text).toBe(ok("hello"));
  });

  it.each(
    VERSIONS.flatMap((version) => [
      [version, "unknown_ca", "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"] as const,
      [version, "self_signed", codeOf("unsupported_certificate")] as const,
      [version, "expired", codeOf("certificate_expired")] as const,
    ]),
  )("refuses a wrong one with an alert that says why, over %s: %s", async (version, problem, code) => {
    for (const require of [true, false]) {
      const proxy = await proxyFor(require);
      const seen = await lab.sees(proxy, { ...(await shown(problem)), maxVersion: version }, closing);
      expect(seen).toMatchObject({ how: code, text: "" });
      await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
    }
    expect(lab.facts.of("connection_failed").map(({ text }) => text)).toEqual([
      expect.stringContaining("its certificate is refused") as string,
      expect.stringContaining("its certificate is refused") as string,
    ]);
    // Whose it was is what one wants to know.
    expect(lab.facts.of("connection_failed").map(({ bot }) => bot)).toEqual([
      "bot-7.example",
      "bot-7.example",
    ]);
  });
});
