/** Alerts: what a client of Node's calls each of them, and when it is sent. */
import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import { ALERT_NAMES, ALERTS, type HandshakeFault } from "../../../../src/faults/contract/index.js";
import { fault, TYPES, until } from "../../../support/lab.js";
import { closing } from "../../../support/http-lab.js";
import { refusedFault } from "../../../support/refused-fault.js";
import { SecureLab, secureSpec } from "../../../support/secure-lab.js";
import { handshakeOf } from "../../../support/handshake-bench.js";
import { Armed } from "../../../support/stream-bench.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const NAMES = ALERT_NAMES.filter((name) => name !== "close_notify");
/** OpenSSL has names for those of SSL 3 and TLS 1 each, and knows some by number only. */
const CODE = /^ERR_SSL_(?:SSLV3|SSL\/TLS|TLSV1|TLSV13)_ALERT_(\w+)$/u;
const ODD: Readonly<Record<string, RegExp>> = {
  decrypt_error: /DECRYPT_ERROR/u,
  unsupported_extension: /UNSUPPORTED_EXTENSION/u,
  missing_extension: /MISSING_EXTENSION/u,
};

describe("an alert in place of the ServerHello", () => {
  it.each(NAMES)("is seen as %s", async (alert) => {
    const server = await lab.scripted(() => undefined);
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    lab.use([fault("tls_alert", { alert })]);
    const socket = await lab.tls(proxy);
    const error = await new Promise<NodeJS.ErrnoException>((failed) => socket.once("error", failed));
    const [, word] = CODE.exec(error.code ?? "") ?? [];
    const said = `${word ?? error.code ?? ""} ${error.message}`.toLowerCase();
    expect(
      said.includes(alert) ||
        (ODD[alert]?.test(said.toUpperCase()) ?? false) ||
        said.includes(`number ${ALERTS[alert]}`),
      said,
    ).toBe(true);
    expect(lab.facts.of("fault_hit").map(({ effect, detail }) => ({ effect, detail }))).toEqual([
      { effect: "alerted", detail: { alert, at: "hello" } },
    ]);
    await until(() => proxy.stats.connectionsActive === 0 && lab.context.slots.taken === 0);
    expect(lab.facts.of("connection_failed")).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  it("is sent where TLS passes through as well", async () => {
    const proxy = await lab.proxy(await lab.echo(), { secure: secureSpec({ mode: "passthrough" }) });
    lab.use([fault("tls_alert", { alert: "internal_error" })]);
    const socket = await lab.tls(proxy);
    const error = await new Promise<NodeJS.ErrnoException>((failed) => socket.once("error", failed));
    expect(error.code).toMatch(/INTERNAL_ERROR/u);
  });

  it("is for a share of the handshakes, the same ones for the same seed", async () => {
    const server = await lab.answering();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    const one = fault("tls_alert", { alert: "internal_error" }, { when: { probability: 0.4 } });
    const run = async (): Promise<boolean[]> => {
      lab.use([one], { seed: 11 });
      const seen: boolean[] = [];
      for (let n = 0; n < 15; n++) seen.push((await lab.sees(proxy, {}, closing)).how === "secure");
      return seen;
    };
    const first = await run();
    expect(new Set(first)).toEqual(new Set([true, false]));
    expect(await run()).toEqual(first);
  });
});

describe("an alert once the handshake is over", () => {
  const established = (
    raw: Record<string, unknown>,
  ): { fault: HandshakeFault; armed: Armed; clock: VirtualClock } => {
    const clock = new VirtualClock(5_000);
    const armed = new Armed(
      "tls_alert",
      { alert: "internal_error", ...raw },
      clock,
      undefined,
      1,
      "established",
    );
    return { fault: handshakeOf(armed), armed, clock };
  };
  const ALERT = { do: "alert", alert: "internal_error" };
  const PASS = { do: "pass" };

  it("is sent at once, unless it is to wait", () => {
    const { fault: one, armed } = established({});
    expect(one.wakeAt).toBe(Infinity);
    expect(one.established?.()).toEqual(ALERT);
    expect(one.wake?.()).toEqual(ALERT);
    expect(armed.counts).toEqual({ alerted: 1 });
    expect(armed.details["alerted"]).toEqual({
      alert: "internal_error",
      at: "established",
      age_ms: 0,
    });
  });

  it("is sent after a time, whenever it is asked", () => {
    const { fault: one, armed, clock } = established({ after: "30s" });
    expect(one.wake?.()).toEqual(PASS);
    expect(one.established?.()).toEqual(PASS);
    expect(one.wakeAt).toBe(35_000);
    clock.advance(29_999);
    expect(one.wake?.()).toEqual(PASS);
    expect(one.sent?.(1_000_000)).toEqual(PASS);
    clock.advance(1);
    expect(one.wake?.()).toEqual(ALERT);
    expect(armed.details["alerted"]).toMatchObject({ age_ms: 30_000 });
  });

  it("is sent after so many bytes, or at the time that comes first", () => {
    const { fault: bytes } = established({ bytes: "1KiB" });
    expect([bytes.established?.(), bytes.sent?.(1023), bytes.sent?.(1024)]).toEqual([PASS, PASS, ALERT]);
    const { fault: none } = established({ bytes: "0B" });
    expect(none.established?.()).toEqual(ALERT);
    const { fault: both, clock } = established({ bytes: "1KiB", after: "1s" });
    expect([both.established?.(), both.sent?.(1000)]).toEqual([PASS, PASS]);
    clock.advance(1_000);
    expect(both.wake?.()).toEqual(ALERT);
  });

  it("is asked for at its place, and nowhere else", () => {
    const at = (place: string): HandshakeFault =>
      handshakeOf(new Armed("tls_alert", { alert: "unknown_ca" }, new VirtualClock(), undefined, 1, place));
    const keys = (one: HandshakeFault): string[] =>
      (["hello", "client", "established", "sent", "stall", "end"] as const).filter(
        (key) => one[key] !== undefined,
      );
    expect(keys(at("hello"))).toEqual(["hello"]);
    expect(keys(at("client_certificate"))).toEqual(["client"]);
    expect(keys(at("established"))).toEqual(["established", "sent"]);
    expect(at("client_certificate").client?.({ fingerprint: null, subject: null, version: null })).toEqual({
      do: "alert",
      alert: "unknown_ca",
    });
  });

  it("needs a proxy that ends TLS", () => {
    const type = TYPES.get("tls_alert");
    expect([type?.termination?.({}, "hello"), type?.termination?.({}, "established")]).toEqual([false, true]);
  });
});

it("says what is wrong with what was written", () => {
  expect(refusedFault("{ type: tls_alert, alert: close_notify }")[0]).toMatch(
    /^3:31 faults\[0\]\.alert: expected unexpected_message, /u,
  );
  expect(refusedFault("{ type: tls_alert, alert: unknown_ca, after: 1s }")).toEqual([
    "3:50 faults[0].after: means something with `at: established` only",
  ]);
  expect(refusedFault("{ type: tls_alert, alert: unknown_ca, at: client_certificate, bytes: 1B }")).toEqual([
    "3:74 faults[0].bytes: means something with `at: established` only",
  ]);
});
