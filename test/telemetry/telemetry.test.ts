import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import type { Fact } from "../../src/core/events.js";
import type { Log } from "../../src/telemetry/log.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import { FACTS, hit, logged, NOON, SAMPLES, silent } from "./samples.js";

const start = (log: Log = silent()) => {
  const clock = new VirtualClock(NOON);
  return { clock, telemetry: new Telemetry({ clock, log }) };
};

describe("telling", () => {
  it("reaches journal, log and stream with the same entry", async () => {
    const { log, clock, lines } = logged({ format: "json" });
    const telemetry = new Telemetry({ clock, log });
    const heard: unknown[] = [];
    telemetry.stream.subscribe(({ entry }) => heard.push(entry));
    telemetry.tell(hit());
    expect(telemetry.journal.query()).toEqual(heard);
    expect(JSON.parse((await lines())[0]!)).toMatchObject(heard[0] as object);
  });

  it("never throws, whatever is told", () => {
    const { telemetry } = start();
    const hostile: unknown[] = [
      null,
      { kind: "no such kind" },
      { kind: "mistake", where: null, error: undefined },
      { kind: "reload" },
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("getter");
          },
        },
      ),
      {
        ...SAMPLES.fault_hit,
        detail: {
          get bad() {
            throw new Error("getter");
          },
        },
      },
    ];
    for (const fact of hostile) telemetry.tell(fact as Fact);
    const before = telemetry.journal.lastSeq;
    telemetry.tell(hit());
    expect(telemetry.journal.lastSeq).toBe(before + 1);
    expect(telemetry.failures).toBeGreaterThan(2);
  });

  it("survives a log that throws", () => {
    const broken = () => {
      throw new Error("log");
    };
    const log: Log = {
      enabled: () => true,
      write: broken,
      error: broken,
      warn: broken,
      info: broken,
      debug: broken,
      lost: 0,
      problem: null,
      close: () => Promise.resolve(),
    };
    const { telemetry } = start(log);
    const heard: number[] = [];
    telemetry.stream.subscribe(({ entry }) => heard.push(entry.seq));
    for (const fact of FACTS) telemetry.tell(fact);
    expect(heard).toHaveLength(FACTS.length - 1);
  });

  it("keeps the order for all when a listener tells facts itself", () => {
    const { telemetry } = start();
    const heard: [string, number][] = [];
    telemetry.stream.subscribe(({ entry }) => {
      heard.push(["first", entry.seq]);
      if (entry.kind === "fault_hit") telemetry.tell({ kind: "mark", text: "from a listener" });
    });
    telemetry.stream.subscribe(({ entry }) => heard.push(["second", entry.seq]));
    telemetry.tell(hit());
    expect(heard).toEqual([
      ["first", 1],
      ["second", 1],
      ["first", 2],
      ["second", 2],
    ]);
  });

  it("ends although a listener answers each mark with two", () => {
    const { telemetry } = start();
    let told = 0;
    telemetry.stream.subscribe(() => {
      if (++told > 5_000) return;
      telemetry.tell({ kind: "mark", text: "one" });
      telemetry.tell({ kind: "mark", text: "two" });
    });
    telemetry.tell({ kind: "mark", text: "start" });
    expect(telemetry.failures).toBeGreaterThan(0);
    expect(telemetry.journal.lastSeq).toBeLessThan(10_000);
  });

  it("still goes to the journal after close, and to nobody else", async () => {
    const { log, clock, sink } = logged();
    const telemetry = new Telemetry({ clock, log });
    await telemetry.close();
    await telemetry.close();
    telemetry.tell(hit());
    expect(telemetry.journal.lastSeq).toBe(1);
    expect(telemetry.failures).toBe(0);
    await log.close();
    expect(sink.text).toBe("");
    expect(clock.idle).toBe(true);
  });
});

describe("counts", () => {
  it("are kept of profiles switched on", () => {
    const { telemetry } = start();
    for (const fact of FACTS) telemetry.tell(fact);
    telemetry.tell(SAMPLES.activation_started);
    expect(telemetry.switches).toBe(2);
  });

  it("are kept of reloads: a refused one does not move the time of what is in force", () => {
    const { clock, telemetry } = start();
    expect(telemetry.reload).toEqual({ ok: true, loadedAt: NOON });
    clock.advance(1_000);
    telemetry.tell(SAMPLES.reload);
    expect(telemetry.reload).toEqual({ ok: false, loadedAt: NOON });
    telemetry.tell({ kind: "reload", ok: true, problems: [], changed: [], warnings: [] });
    expect(telemetry.reload).toEqual({ ok: true, loadedAt: NOON + 1_000 });
  });
});

describe("two in one process", () => {
  it("know nothing of each other", () => {
    const [a, b] = [start().telemetry, start().telemetry];
    let heard = 0;
    b.stream.subscribe(() => void heard++);
    a.tell(hit());
    a.tell(SAMPLES.activation_started);
    expect([b.journal.lastSeq, b.switches, heard]).toEqual([0, 0, 0]);
  });
});
