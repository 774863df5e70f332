/** What is only observed of handshakes: the same are found as would be hit, and nothing is done to anybody. */
import { afterEach, describe, expect, it } from "vitest";
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import type { CompiledFault } from "../../../src/plan/value.js";
import { closing, ok } from "../../support/http-lab.js";
import { fault } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

/** What would be, of a handshake of a common client. */
const WOULD: readonly (readonly [CompiledFault, string])[] = [
  [fault("tls_certificate", { problem: "expired" }), "presented"],
  [fault("tls_alert", { alert: "unknown_ca" }), "alerted"],
  [fault("tls_alert", { alert: "unknown_ca" }, { at: "client_certificate" }), "alerted"],
  [fault("tls_alert", { alert: "unknown_ca" }, { at: "established" }), "alerted"],
  [fault("tls_terms", { max: "1.0" }), "changed"],
  [fault("tls_handshake", { delay: "1h" }), "delayed"],
  [fault("tls_handshake", { stall_at: "hello" }), "stalled"],
  [fault("tls_handshake", { stall_at: "our_flight" }), "stalled"],
  [fault("tls_handshake", { stall_at: "finished", then: "reset" }), "stalled"],
  [fault("tls_client_certificate", { refuse: "unknown_ca" }), "demanded"],
];

async function client(one: readonly CompiledFault[]): Promise<void> {
  const server = await lab.answering();
  const proxy = await lab.http(server.port, { secure: secureSpec() });
  lab.use(one, { mode: "observe" });
  expect(await lab.sees(proxy, {}, closing)).toMatchObject({
    how: "secure",
    version: "TLSv1.3",
    text: ok("hello"),
  });
}

const would = (): string[] =>
  lab.facts.of("fault_hit").map(({ fault: name, effect, detail, observed }) => {
    expect({ effect, observed }).toEqual({ effect: "observed", observed: true });
    return `${name} ${String(detail?.["would"])}`;
  });

describe("an observed fault on handshakes", () => {
  it.each(
    WOULD.map(([one, effect]) => ({
      one,
      effect,
      what: `${one.type} ${JSON.stringify(one.params)} ${one.at}`,
    })),
  )("does nothing, and says what it would have: $what", async ({ one, effect }) => {
    await client([one]);
    expect(would()).toEqual([`${one.name} ${effect}`]);
    expect(lab.plan.soFar("test")[0]).toMatchObject({ subjects: 1, matched: 1, hits: 1, of: "handshakes" });
    expect(lab.facts.of("tls_over")).toEqual([]);
  });

  it("is tried with each type", () => {
    const types = FAULT_TYPES.filter(({ handshake }) => handshake !== undefined).map(({ type }) => type);
    const tried = new Set(["tls_end", ...WOULD.map(([{ type }]) => type)]);
    expect([...tried].sort()).toEqual(types.sort());
  });

  it("is not asked behind one that would have ended the handshake", async () => {
    await client([
      fault("tls_certificate", { problem: "sha1" }, { name: "first" }),
      fault("tls_alert", { alert: "unknown_ca" }, { name: "second", at: "established" }),
      fault("tls_alert", { alert: "internal_error" }, { name: "third", at: "established" }),
    ]);
    expect(would()).toEqual(["first presented", "second alerted"]);
  });

  it("finds nothing behind an alert in place of the ServerHello", async () => {
    await client([
      fault("tls_certificate", { problem: "sha1" }, { name: "later" }),
      fault("tls_alert", { alert: "unknown_ca" }, { name: "at-once" }),
      fault("tls_handshake", { stall_at: "finished" }, { name: "stall" }),
    ]);
    expect(would()).toEqual(["at-once alerted"]);
  });

  it("asks nothing of clients that show nothing because they were not asked", async () => {
    await client([fault("tls_client_certificate", {})]);
    expect(lab.facts.of("fault_hit").map(({ detail }) => detail)).toEqual([{ would: "demanded" }]);
    expect(lab.plan.soFar("test")[0]?.text).toBe("would have hit 1 of 1 handshakes so far");
  });
});
