/** What every type of fault that acts on TLS handshakes keeps to, whoever wrote it: each with several settings, in each of its places. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { ALERT_NAMES, CERTIFICATE_PROBLEMS, type HandshakeFault } from "../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { handshakeOf } from "../support/handshake-bench.js";
import { sample } from "../support/scope.js";
import { randomOf } from "../support/scripted-traffic.js";
import { expectTheSame } from "../support/shifted.js";
import { Armed, type Raw } from "../support/stream-bench.js";

/** Settings that together reach every effect of a type, besides its example. */
const SETTINGS: Readonly<Record<string, readonly Raw[]>> = {
  tls_certificate: CERTIFICATE_PROBLEMS.map((problem) => ({ problem })),
  tls_alert: [
    { alert: "unknown_ca", after: "30s" },
    { alert: "internal_error", bytes: "1KiB" },
    { alert: "internal_error", bytes: "1KiB", after: "10s" },
  ],
  tls_terms: [{ min: "1.0", max: "1.2", ciphers: "HIGH", alpn: ["h2"], tickets: false }, { alpn: "none" }],
  tls_handshake: [
    { delay: "0ms" },
    { delay: "1s", jitter: "2s", distribution: "pareto", correlation: "50%" },
    { stall_at: "hello" },
    { stall_at: "hello", delay: "1s", for: "2s", then: "close" },
    { stall_at: "our_flight", bytes: "0B", for: "1s" },
    { stall_at: "finished", then: "reset" },
  ],
  tls_client_certificate: [
    {},
    { demand: false, refuse: "unknown_ca" },
    { refuse: "certificate_expired", after: "10s", existing: "alert" },
    { refuse: "certificate_expired", after: "10s", existing: "reset" },
  ],
  tls_end: [{ how: "notify_and_stay" }, { how: "alert", alert: "internal_error" }],
};

const TYPES = FAULT_TYPES.filter(({ handshake }) => handshake !== undefined);
const ALL_CASES = TYPES.flatMap((type) => {
  const { type: name, ...example } = type.example;
  return [example, ...(SETTINGS[type.type] ?? [])].flatMap((raw) =>
    (type.at ?? [""]).map((at) => ({ type, name: String(name), at, raw })),
  );
}).filter(
  ({ type, at, raw }) => type.check?.({ params: type.params.parse(raw), at, narrowed: false }) === undefined,
);
const CASES = sample(ALL_CASES, 3, ({ name }) => name);

/** Weeks: a zero that stands for "no time yet" would be that long ago. */
const UPTIME = 2 ** 32;
const GATE = ["pass", "hold", "wait", "hang", "reset", "close", "alert"];
const FINAL = ["pass", "reset", "close", "alert"];

/** Looks at what it says as its runner would. */
function sound(verdict: { readonly do: string } | undefined, words: readonly string[]): string {
  if (verdict === undefined) return "-";
  expect(words).toContain(verdict.do);
  if (verdict.do === "hold") expect((verdict as { readonly for?: number }).for).toBeGreaterThanOrEqual(0);
  if (verdict.do === "alert") {
    const { alert = "" } = verdict as { readonly alert?: string };
    expect(ALERT_NAMES).toContain(alert);
    expect(alert).not.toBe("close_notify");
  }
  return JSON.stringify(verdict);
}

interface Sketch {
  readonly fault: HandshakeFault;
  readonly clock: VirtualClock;
  readonly lines: string[];
}

/** One handshake to its end, by all questions in the order in which they come; `meanwhile` is called between them. */
function handshake({ fault, clock, lines }: Sketch, seed: number, meanwhile: () => void): void {
  const random = randomOf(seed, "handshakes");
  const note = (what: string): void => {
    lines.push(`${what} wake ${String(fault.wakeAt === Infinity ? "never" : fault.wakeAt - clock.now())}`);
    meanwhile();
    clock.advance(random.integer(4) * 1_000);
  };
  const wake = (): void => {
    note(`wake ${sound(fault.wake?.(), FINAL)}`);
  };
  for (let asked = 0; asked < 3; asked++) note(`hello ${sound(fault.hello?.(), GATE)}`);
  note(`certificate ${JSON.stringify(fault.certificate?.() ?? null)}`);
  note(`terms ${JSON.stringify(fault.terms?.() ?? null)}`);
  note(`demands ${String(fault.demands?.())}`);
  const stall = fault.stall?.() ?? null;
  note(`stall ${JSON.stringify(stall)}`);
  if (stall !== null)
    for (let asked = 0; asked < 3; asked++) note(`stalled ${sound(fault.stalled?.(), GATE)}`);
  const shown = random.chance(0.5) ? `f${random.integer(3)}` : null;
  note(`client ${sound(fault.client?.({ fingerprint: shown, subject: shown, version: "TLSv1.3" }), FINAL)}`);
  note(`established ${sound(fault.established?.(), FINAL)}`);
  for (let bytes = 0; bytes < 4_000; bytes += 500) {
    clock.advance(2_000);
    if (fault.wantsBytes === true) note(`sent ${sound(fault.sent?.(bytes), FINAL)}`);
    if (fault.wakeAt <= clock.now()) wake();
  }
  const end = fault.end?.() ?? null;
  note(`end ${typeof end === "string" || end === null ? String(end) : sound(end, ["alert"])}`);
  fault.took?.(random.chance(0.5) ? "closed" : "accepted");
  fault.released?.();
}

function run(
  { name, raw, at }: (typeof CASES)[number],
  seed: number,
  options: {
    readonly uptime?: number;
    readonly meanwhile?: (armed: Armed, fault: HandshakeFault) => void;
  } = {},
): { readonly lines: string[]; readonly armed: Armed } {
  const { uptime = 0, meanwhile } = options;
  const clock = new VirtualClock(12_345 + uptime);
  const armed = new Armed(name, raw, clock, undefined, seed, at === "" ? undefined : at);
  const lines: string[] = [];
  for (let n = 0; n < 12; n++) {
    const fault = handshakeOf(armed, n);
    handshake({ fault, clock, lines }, seed + n, () => meanwhile?.(armed, fault));
  }
  lines.push(JSON.stringify([armed.counts, armed.details, armed.delays]));
  return { lines, armed };
}

it("has settings here for each type", () => {
  expect(Object.keys(SETTINGS).sort()).toEqual(TYPES.map(({ type }) => type).sort());
});

describe.each(TYPES.map((type) => [type.type, type] as const))("%s, in all its settings", (_name, type) => {
  it("reaches each effect that it has, and no other", () => {
    const reached = new Set<string>();
    for (const one of ALL_CASES.filter((candidate) => candidate.type === type))
      for (const seed of [1, 2, 3])
        for (const effect of Object.keys(run(one, seed).armed.counts)) reached.add(effect);
    expect([...reached].sort()).toEqual(Object.keys(type.effects).sort());
  });
});

describe.each(CASES)("$name $at $raw, at work", (one) => {
  it("explains itself as the rest of a sentence", () => {
    expect(one.type.explain(one.type.params.parse(one.raw))).toMatch(/^[a-z].*[^.]$/u);
    expect(one.type.explain(one.type.params.parse(one.raw))).not.toMatch(/undefined|NaN|\[object/u);
  });

  it("says what its runner understands, the same for the same seed and after any time", () => {
    expect(run(one, 3).lines).toEqual(run(one, 3).lines);
    expectTheSame(run(one, 3, { uptime: UPTIME }).lines, run(one, 3).lines);
  });

  it("does not mind being woken at any moment", () => {
    const nagged = run(one, 5, {
      meanwhile: (_armed, fault) => {
        // What it says then it says to nobody; only that it does not change what comes is looked at.
        if (fault.wakeAt === Infinity) fault.wake?.();
      },
    });
    expect(nagged.lines).toEqual(run(one, 5).lines);
  });

  it("takes any other settings of its type on the way", () => {
    for (const { raw: other } of ALL_CASES.filter(({ type, at }) => type === one.type && at === one.at)) {
      let turn = 0;
      run(one, 7, {
        meanwhile: (armed) => {
          if (turn++ % 5 === 4) armed.assign(turn % 2 === 0 ? other : one.raw);
        },
      });
    }
  });

  it("books each effect once for each handshake at most", () => {
    for (const count of Object.values(run(one, 9).armed.counts)) expect(count).toBeLessThanOrEqual(12);
  });
});
