/** Certificates of clients: which are demanded, which are refused and from when on, and what becomes of open connections. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import type { ClientCertificate } from "../../../../src/faults/contract/index.js";
import { handshakeOf } from "../../../support/handshake-bench.js";
import { TYPES } from "../../../support/lab.js";
import { refusedFault } from "../../../support/refused-fault.js";
import { Armed } from "../../../support/stream-bench.js";

const NONE: ClientCertificate = { fingerprint: null, subject: null, version: "TLSv1.3" };
const shown = (fingerprint: string, subject: string | null = "bot-1"): ClientCertificate => ({
  fingerprint,
  subject,
  version: "TLSv1.3",
});
const PASS = { do: "pass" };
const alert = (name: string): object => ({ do: "alert", alert: name });

const START = 5_000;
function arm(raw: Record<string, unknown>): { readonly armed: Armed; readonly clock: VirtualClock } {
  const clock = new VirtualClock(START);
  return { armed: new Armed("tls_client_certificate", raw, clock), clock };
}

describe("a client that shows no certificate", () => {
  it.each([
    [{}, "TLSv1.3", alert("certificate_required")],
    [{}, "TLSv1.2", alert("handshake_failure")],
    [{ refuse: "unknown_ca" }, "TLSv1.3", alert("certificate_required")],
    [{ demand: false, refuse: "unknown_ca" }, "TLSv1.3", PASS],
  ])("with %s over %s", (raw, version, verdict) => {
    const { armed } = arm(raw);
    const one = handshakeOf(armed);
    expect(one.demands?.()).toBe(!("demand" in raw));
    expect(one.client?.({ ...NONE, version })).toEqual(verdict);
    expect(armed.details["refused"]).toEqual(
      verdict === PASS ? undefined : { ...verdict, do: undefined, shown: false },
    );
  });
});

describe("a certificate that is shown", () => {
  it("is taken where nothing is refused", () => {
    const { armed } = arm({});
    expect(handshakeOf(armed).client?.(shown("aa"))).toEqual(PASS);
    expect(armed.counts).toEqual({});
  });

  it("is refused at once, by name", () => {
    const { armed } = arm({ refuse: "certificate_revoked" });
    expect(handshakeOf(armed).client?.(shown("aa"))).toEqual(alert("certificate_revoked"));
    expect(armed.details["refused"]).toEqual({
      alert: "certificate_revoked",
      shown: true,
      subject: "bot-1",
      certificate_age_ms: 0,
    });
  });

  it("is refused from some time after its first use on, and a new one is good as long again", () => {
    const { armed, clock } = arm({ refuse: "certificate_expired", after: "5m" });
    const show = (fingerprint: string): unknown => handshakeOf(armed).client?.(shown(fingerprint));
    expect(show("aa")).toEqual(PASS);
    clock.advance(299_999);
    expect([show("aa"), show("bb")]).toEqual([PASS, PASS]);
    clock.advance(1);
    expect([show("aa"), show("bb")]).toEqual([alert("certificate_expired"), PASS]);
    clock.advance(299_999);
    expect([show("aa"), show("bb"), show("cc")]).toEqual([
      alert("certificate_expired"),
      alert("certificate_expired"),
      PASS,
    ]);
    expect(armed.counts).toEqual({ refused: 3 });
  });

  it.each([
    ["keep", Infinity, PASS],
    ["alert", START + 60_000, alert("unknown_ca")],
    ["close", START + 60_000, { do: "close" }],
    ["reset", START + 60_000, { do: "reset" }],
  ])("ends its open connections when it is no longer good: %s", (existing, wakeAt, verdict) => {
    const { armed, clock } = arm({ refuse: "unknown_ca", after: "1m", existing });
    const one = handshakeOf(armed);
    expect(one.wakeAt).toBe(Infinity);
    expect(one.client?.(shown("aa"))).toEqual(PASS);
    expect(one.wakeAt).toBe(wakeAt);
    clock.advance(59_999);
    expect(one.wake?.()).toEqual(PASS);
    clock.advance(1);
    expect([one.wake?.(), one.wake?.()]).toEqual([verdict, verdict]);
    expect(armed.counts).toEqual(verdict === PASS ? {} : { ended: 1 });
    armed.assign({ refuse: "unknown_ca", after: "1h", existing });
    expect(one.wake?.()).toEqual(PASS);
  });

  it("that many others follow is forgotten, and that is told", () => {
    const { armed, clock } = arm({ refuse: "unknown_ca", after: "1m" });
    for (let n = 0; n <= 10_000; n++) handshakeOf(armed, n).client?.(shown(`${n}`));
    expect(armed.evicted).toBe(1);
    clock.advance(60_000);
    expect(handshakeOf(armed).client?.(shown("0"))).toEqual(PASS);
    expect(handshakeOf(armed).client?.(shown("10000"))).toEqual(alert("unknown_ca"));
  });
});

describe("what is written", () => {
  it.each([
    [", demand: false", "demand: must be true, or refuse be given: otherwise nothing is different"],
    [", after: 1s", "after: means something with refuse only: say what alert comes then"],
    [
      ", refuse: unknown_ca, existing: reset",
      "existing: means something with after only: certificates that are refused at once open no connections",
    ],
    [", refuse: unknown", "refuse: expected unexpected_message, "],
  ])("is refused: %s", (text, message) => {
    const [problem, ...others] = refusedFault(`{ type: tls_client_certificate${text} }`);
    expect(others).toEqual([]);
    expect(problem).toContain(`faults[0].${message}`);
  });

  it("is said in a sentence", () => {
    const type = TYPES.get("tls_client_certificate");
    const explained = (raw: Record<string, unknown>): string | undefined =>
      type?.explain(type.params.parse(raw));
    expect(explained({})).toBe("demands a certificate");
    expect(explained({ demand: false, refuse: "unknown_ca" })).toBe(
      "refuses certificates with the alert unknown_ca",
    );
    expect(explained({ refuse: "certificate_expired", after: "5m", existing: "alert" })).toBe(
      "demands a certificate and refuses the one that is shown with the alert certificate_expired from 5m after its first use on, and sends it over open connections",
    );
  });
});
