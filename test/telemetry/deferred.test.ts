/** What is told thousands of times a second is written down when somebody reads it, and reads as if it had been at once. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import type { Fact } from "../../src/core/events.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import { NOON, SAMPLES, silent } from "./samples.js";

const SECRET = "tok-4711";
const FACTS: readonly Fact[] = [
  SAMPLES.fault_hit,
  SAMPLES.exchange_over,
  SAMPLES.fault_total,
  { ...SAMPLES.fault_hit, bot: "b".repeat(300) },
  { ...SAMPLES.fault_hit, detail: { token: SECRET, at: 1 / 3, on: true } },
  { ...SAMPLES.fault_hit, detail: { text: "t".repeat(5_000) } },
  { ...SAMPLES.exchange_over, exchange: { id: 1, method: "GET", path: `/${"p".repeat(60_000)}` } },
  { ...SAMPLES.exchange_over, faults: Array.from({ length: 150 }, (_, n) => `fault-${n}`) },
  { ...SAMPLES.exchange_over, upstream_ms: 1 / 3, client_ms: 2 / 3 },
  { ...SAMPLES.exchange_over, upstream_status: null, upstream_ms: null, client_status: null, end: "reset" },
  { ...SAMPLES.exchange_over, faults: ["another"], trace: "4bf92f3577b34da6a3ce929d0e0e4736" },
  { ...SAMPLES.fault_hit, detail: { on: false } },
  { ...SAMPLES.fault_hit, detail: { direction: "downstream" }, bot: "" },
  { ...SAMPLES.fault_hit, detail: {}, amount: 0 },
  { ...SAMPLES.fault_hit, detail: undefined, exchange: undefined, health_check: "one" },
  {
    ...SAMPLES.fault_hit,
    exchange: undefined,
    query: { name: "jobs.internal", type: "A", transport: "udp" },
    observed: true,
  },
  { ...SAMPLES.fault_total, effects: { cut: 2, delayed: 7 } },
  { ...SAMPLES.fault_total, effects: { cut: 3 } },
  SAMPLES.activation_ended,
];
/** More of each kind than the log says of a second. */
const ROUNDS = 20;

function told(subscribed: boolean): { telemetry: Telemetry; clock: VirtualClock } {
  const clock = new VirtualClock(NOON);
  const telemetry = new Telemetry({ clock, log: silent() });
  if (subscribed) telemetry.stream.subscribe(() => undefined);
  for (let round = 0; round < ROUNDS; round++) {
    for (const fact of FACTS) telemetry.tell(fact);
    clock.advance(7);
  }
  return { telemetry, clock };
}

describe("an entry that nobody had read", () => {
  it("reads as one that was written down at once, with its time and its bounds, and hides what is secret", () => {
    const [deferred, written] = [told(false), told(true)];
    const entries = deferred.telemetry.journal.query();
    expect(entries).toHaveLength(ROUNDS * FACTS.length);
    expect(entries).toEqual(written.telemetry.journal.query());
    expect(JSON.stringify(entries)).not.toContain(SECRET);
    for (let seq = 1; seq <= entries.length; seq++)
      expect(deferred.telemetry.journal.sizeOf(seq)).toBe(written.telemetry.journal.sizeOf(seq));
  });

  it("keeps nothing of what told it, which would outlive the young heap", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const telemetry = new Telemetry({ clock: new VirtualClock(NOON), log: silent() });
    const kept: WeakRef<object>[] = [];
    for (let n = 0; n < 100; n++) {
      const hit = {
        ...SAMPLES.fault_hit,
        exchange: { id: n, method: "GET", path: "/jobs" },
        detail: { delay_ms: n },
      };
      const over = { ...SAMPLES.exchange_over, exchange: { id: n, method: "GET", path: "/jobs" } };
      telemetry.tell(hit);
      telemetry.tell(over);
      for (const one of [hit, hit.exchange, hit.detail, over, over.exchange]) kept.push(new WeakRef(one));
    }
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    // The log keeps the last of a second, to say how many more there were.
    const alive = kept.filter((one) => one.deref() !== undefined);
    expect(alive.length).toBeLessThan(30);
    expect(telemetry.journal.lastSeq).toBe(200);
    expect(telemetry.journal.at(101)).toMatchObject({ kind: "fault_hit", detail: { delay_ms: 50 } });
  });

  it("is the same at each reading, and one alone", () => {
    const { telemetry } = told(false);
    const last = telemetry.journal.lastSeq;
    const alone = telemetry.journal.at(last - 1);
    expect(telemetry.journal.at(last - 1)).toBe(alone);
    expect(telemetry.journal.query({ since: last - 2, limit: 1 })).toEqual([alone]);
  });

  it("is told to whoever listens from then on, and replayed to those who come back", () => {
    const { telemetry } = told(false);
    const heard: number[] = [];
    const { replay } = telemetry.stream.subscribe(({ entry }) => heard.push(entry.seq), { afterSeq: 1 });
    expect(replay.map(({ entry }) => entry.seq)).toEqual(
      Array.from({ length: ROUNDS * FACTS.length - 1 }, (_, n) => n + 2),
    );
    telemetry.tell(SAMPLES.fault_hit);
    expect(heard).toEqual([ROUNDS * FACTS.length + 1]);
  });
});
