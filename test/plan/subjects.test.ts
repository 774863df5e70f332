/** What a fault is decided about, and on which proxies it can act. */
import { describe, expect, it } from "vitest";
import type { MatchEntry } from "../../src/config/match.js";
import type { AnyFaultType, Seam } from "../../src/faults/contract/index.js";
import { aboutExchanges } from "../../src/faults/subjects.js";
import { actsOn, needsExchanges, sparedInVain, subjectsOn } from "../../src/plan/subjects.js";
import type { CompiledFault, CompiledPhase } from "../../src/plan/value.js";
import { fault, profile, TYPES } from "../support/lab.js";

const TCP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream"]);
const HTTP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream", "exchange"]);
const HELLO: ReadonlySet<Seam> = new Set([...TCP, "handshake"]);
const TLS: ReadonlySet<Seam> = new Set([...HELLO, "termination"]);
const HTTPS: ReadonlySet<Seam> = new Set([...HTTP, "handshake", "termination"]);
const UDP: ReadonlySet<Seam> = new Set(["listener", "datagram"]);
const latency = (rest: Partial<CompiledFault> = {}): CompiledFault => fault("latency", { delay: "1s" }, rest);
const typeOf = ({ type }: CompiledFault): AnyFaultType => TYPES.get(type)!;

/** A type that acts on exchanges and on nothing else. */
const { stream: _stream, datagram: _datagram, ...bytes } = TYPES.get("latency")!;
const EXCHANGE: AnyFaultType = { ...bytes, type: "late", exchange: () => ({}) };

describe("the subject of a type", () => {
  it("is the exchange where it has that seam, or acts on bytes that are not the connection's own business", () => {
    const about = (type: string): boolean => aboutExchanges(TYPES.get(type)!);
    expect(["latency", "bandwidth", "corrupt"].map(about)).toEqual([true, true, true]);
    expect(["reset", "down", "half_open", "blackhole", "idle_kill"].map(about)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(aboutExchanges(EXCHANGE)).toBe(true);
  });

  it("is counted as what it is on the proxy in question", () => {
    expect(subjectsOn(TYPES.get("latency")!, HTTP)).toBe("exchanges");
    expect(subjectsOn(TYPES.get("latency")!, TCP)).toBe("connections");
    expect(subjectsOn(TYPES.get("reset")!, HTTP)).toBe("connections");
    expect(subjectsOn(TYPES.get("latency")!, UDP)).toBe("datagrams");
  });
});

describe("a fault", () => {
  it.each<[string, Partial<CompiledFault>]>([
    ["a path", { match: [{ path: ["/"] }] }],
    ["a bot", { match: [{ client: ["10.0.0.1"] }, { bot: ["x"] }] }],
    ["a method to spare", { except: [{ method: ["GET"] }] }],
    ["bodies", { at: "body" }],
    ["heads", { at: "head" }],
    ["routes", { when: { every: 2, per: "route" } }],
  ])("that speaks of %s is for http proxies", (_what, rest) => {
    const one = latency(rest);
    expect(needsExchanges(one, typeOf(one))).toBe(true);
    expect([actsOn(one, typeOf(one), TCP), actsOn(one, typeOf(one), HTTP)]).toEqual([false, true]);
  });

  it("on TLS is for proxies that speak it, and beyond the hello for those that end it", () => {
    const on = (one: CompiledFault): boolean[] =>
      [TCP, HELLO, TLS, HTTP, HTTPS, UDP].map((seams) => actsOn(one, typeOf(one), seams));
    const hello = [false, true, true, false, true, false];
    const ending = [false, false, true, false, true, false];
    expect(on(fault("tls_certificate", { problem: "expired" }))).toEqual(ending);
    expect(on(fault("tls_alert", { alert: "unknown_ca" }))).toEqual(hello);
    expect(on(fault("tls_alert", { alert: "unknown_ca" }, { at: "established" }))).toEqual(ending);
    expect(on(fault("tls_handshake", { delay: "1s" }))).toEqual(hello);
    expect(on(fault("tls_handshake", { stall_at: "finished" }))).toEqual(ending);
    expect(on(latency({ at: "tls" }))).toEqual(hello);
    expect(on(fault("cut", { after: "1s" }, { at: "tls" }))).toEqual(hello);
  });

  it("on the bytes of TLS counts connections, wherever it is", () => {
    const type = typeOf(latency());
    expect([subjectsOn(type, HTTPS, "tls"), subjectsOn(type, TLS, "tls")]).toEqual([
      "connections",
      "connections",
    ]);
    expect([aboutExchanges(type, "tls"), aboutExchanges(type, "wire")]).toEqual([false, true]);
    const alert = TYPES.get("tls_alert")!;
    expect([subjectsOn(alert, HTTPS, "hello"), subjectsOn(alert, HELLO, "hello")]).toEqual([
      "handshakes",
      "handshakes",
    ]);
  });

  it("that speaks of none of it is for both", () => {
    const one = latency({ match: [{ client: ["10.0.0.1"] }], when: { every: 2, per: "bot" } });
    expect(needsExchanges(one, typeOf(one))).toBe(false);
    expect([actsOn(one, typeOf(one), TCP), actsOn(one, typeOf(one), HTTP)]).toEqual([true, true]);
    const cut = fault("reset");
    expect([actsOn(cut, typeOf(cut), TCP), actsOn(cut, typeOf(cut), HTTP)]).toEqual([true, true]);
  });

  it("acts on datagrams where its type knows them, and nowhere else", () => {
    const there = ["latency", "bandwidth", "corrupt", "packet_loss", "down", "duplicate", "reorder"];
    const on = (seams: ReadonlySet<Seam>): string[] =>
      [...TYPES.values()]
        .filter((type) => actsOn({ ...latency(), type: type.type, params: {} }, type, seams))
        .map(({ type }) => type);
    expect(
      on(UDP)
        .filter((type) => type !== "noop")
        .sort(),
    ).toEqual(there.sort());
    expect(on(TCP)).not.toContain("duplicate");
    expect(actsOn(latency({ at: "body" }), typeOf(latency()), UDP)).toBe(false);
    expect(actsOn(latency({ match: [{ path: ["/"] }] }), typeOf(latency()), UDP)).toBe(false);
  });

  it("of a type that knows exchanges only is for http proxies", () => {
    const one = { ...latency(), type: "late" };
    expect(needsExchanges(one, EXCHANGE)).toBe(true);
    expect([actsOn(one, EXCHANGE, TCP), actsOn(one, EXCHANGE, HTTP)]).toEqual([false, true]);
  });
});

describe("what a proxy means to spare", () => {
  const jobs = { name: "jobs", except: [{ path: ["/healthz"] }, { method: ["OPTIONS"] }] as MatchEntry[] };
  const down = (name: string): CompiledPhase => ({ phase: name, for: 1_000, faults: [fault("down")] });
  const warnings = (faults: CompiledFault[], proxies = [jobs], phases: CompiledPhase[] = []): string[] =>
    sparedInVain([profile(faults, phases)], proxies, TYPES).map(
      ({ proxy, message }) => `${proxy}: ${message}`,
    );

  it("cannot be spared by faults on connections, which is told once for each proxy", () => {
    const other = { name: "other", except: [{ bot: ["x"] }] };
    expect(warnings([fault("reset"), latency()], [jobs, other], [down("a"), down("b")])).toEqual([
      "jobs: faults on whole connections know no method or path, so nothing is spared from these: test (reset, down)",
      "other: faults on whole connections know no bot, so nothing is spared from these: test (reset, down)",
    ]);
  });

  it("names the first profiles of many", () => {
    const many = (count: number): string =>
      sparedInVain(
        Array.from({ length: count }, (_, at) => ({ ...profile([fault("down")]), profile: `p${at}` })),
        [jobs],
        TYPES,
      )[0]?.message.replace(/^.*these: /u, "") ?? "";
    expect(many(5)).toBe("p0 (down), p1 (down), p2 (down), p3 (down), p4 (down)");
    expect(many(60)).toBe("p0 (down), p1 (down), p2 (down), p3 (down) and 56 others");
  });

  it("is not told of proxies that no such fault is for, or that spare clients only", () => {
    expect(warnings([latency()])).toEqual([]);
    expect(warnings([fault("reset", {}, { proxies: ["other"] })])).toEqual([]);
    expect(warnings([fault("reset")], [{ ...jobs, except: [] }])).toEqual([]);
    expect(warnings([fault("reset")], [{ ...jobs, except: [{ client: ["10.0.0.1"] }] }])).toEqual([]);
  });
});
