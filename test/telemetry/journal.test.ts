import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { CONNECTION_FAILURES, type Fact } from "../../src/core/events.js";
import { InvariantError } from "../../src/core/invariant.js";
import { record, type JournalEntry } from "../../src/telemetry/entry.js";
import { Journal, type JournalOptions } from "../../src/telemetry/journal.js";
import { FACTS, failed, hit, NOON, over, SAMPLES } from "./samples.js";

function start(options: Partial<JournalOptions> = {}) {
  const clock = new VirtualClock(NOON);
  const journal = new Journal({ clock, ...options });
  const add = (fact: Fact): JournalEntry | null => journal.add(record(fact));
  return { clock, journal, add };
}

const seqs = (entries: readonly JournalEntry[]): number[] => entries.map(({ seq }) => seq);

describe("entries", () => {
  it("are numbered from 1 and carry the time and the fields of the fact", () => {
    const { clock, journal, add } = start();
    add(hit());
    clock.advance(1_500);
    add(SAMPLES.mark);
    expect(journal.query()).toEqual([
      { seq: 1, time: "2026-03-01T14:03:07.120Z", ...SAMPLES.fault_hit },
      { seq: 2, time: "2026-03-01T14:03:08.620Z", kind: "mark", text: "test_crash_recovery begins" },
    ]);
    expect(journal.lastSeq).toBe(2);
  });

  it("exist for every kind of fact but a new revision of the plan", () => {
    const { add } = start();
    const left = FACTS.filter((fact) => add(fact) === null);
    expect(left.map(({ kind }) => kind)).toEqual(["plan_changed"]);
  });

  it("say when they had to be cut", () => {
    const { add } = start();
    expect(add(hit({ bot: "b".repeat(300) }))).toMatchObject({ cut: true });
    expect(add(hit())).not.toHaveProperty("cut");
  });
});

describe("memory", () => {
  it("keeps the newest entries and counts those that had to go", () => {
    const { journal, add } = start({ keep: 3 });
    for (let connection = 1; connection <= 8; connection++) add(hit({ connection }));
    expect(seqs(journal.query())).toEqual([6, 7, 8]);
    expect(journal.query().map((entry) => entry.kind === "fault_hit" && entry.connection)).toEqual([6, 7, 8]);
    expect(journal).toMatchObject({ firstSeq: 6, lastSeq: 8, dropped: 5 });
    expect(journal.at(5)).toBeUndefined();
    expect(journal.at(9)).toBeUndefined();
    expect(journal.at(0)).toBeUndefined();
  });

  it("is bounded in characters too, and drops the oldest for an entry that is large", () => {
    const { journal, add } = start({ keep: 1_000 });
    const large = (n: number): Fact => ({ ...SAMPLES.mark, text: `${n} ${"x".repeat(990)}` });
    for (let n = 1; n <= 1_000; n++) add(large(n));
    const kept = journal.query();
    // 1 MiB for the smallest journal, and 1,000 characters and a stamp in each.
    expect(kept.length).toBeGreaterThan(900);
    expect(kept.length).toBeLessThan(1_000);
    expect(journal.firstSeq).toBe(1_001 - kept.length);
    expect(seqs(kept)).toEqual(Array.from({ length: kept.length }, (_, n) => journal.firstSeq + n));
    expect(journal.dropped).toBe(1_000 - kept.length);
    // Small ones make room for as many as may be kept.
    for (let n = 0; n < 1_000; n++) add(SAMPLES.mark);
    expect(journal.query()).toHaveLength(1_000);
  });

  it("answers no more characters than it is asked for, the newest of all or the oldest after a number", () => {
    const { journal, add } = start();
    for (let n = 0; n < 100; n++) add({ ...SAMPLES.mark, text: "x".repeat(900) });
    const newest = journal.query({ sizeMax: 10_000 });
    expect(seqs(newest)).toEqual(Array.from({ length: newest.length }, (_, n) => 101 - newest.length + n));
    expect(newest.length).toBeGreaterThan(8);
    expect(newest.length).toBeLessThan(12);
    expect(seqs(journal.query({ sizeMax: 10_000, since: 20 }))[0]).toBe(21);
    expect(journal.query({ sizeMax: 1 })).toHaveLength(1);
  });

  it("has no entry and has dropped none at first", () => {
    const { journal } = start();
    expect(journal.query()).toEqual([]);
    expect(journal).toMatchObject({ firstSeq: 1, lastSeq: 0, dropped: 0, keep: 10_000 });
  });

  it("must have room for one entry", () => {
    expect(() => start({ keep: 0 })).toThrow(InvariantError);
  });
});

describe("a query", () => {
  function filled() {
    const started = start({ keep: 8 });
    // The first two will have left memory.
    for (let n = 1; n <= 10; n++) started.add(hit({ bot: n % 2 === 0 ? "even" : "odd", connection: n }));
    return started.journal;
  }

  it("answers the newest entries in ascending order", () => {
    expect(seqs(filled().query({ limit: 3 }))).toEqual([8, 9, 10]);
    expect(seqs(filled().query({ limit: 3, bot: "even" }))).toEqual([6, 8, 10]);
    expect(filled().query({ limit: 0 })).toEqual([]);
  });

  it("answers the oldest entries after `since`, so that one can page on", () => {
    const journal = filled();
    expect(seqs(journal.query({ since: 4, limit: 3 }))).toEqual([5, 6, 7]);
    expect(seqs(journal.query({ since: 7, limit: 3 }))).toEqual([8, 9, 10]);
    expect(seqs(journal.query({ since: 0 }))).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect(journal.query({ since: 10 })).toEqual([]);
    expect(journal.query({ since: 99 })).toEqual([]);
  });

  it("filters by what an entry has, and leaves out entries that have no such field", () => {
    const { journal, add } = start();
    add(SAMPLES.mark);
    add(hit({ proxy: "a", fault: "f" }));
    add(hit({ proxy: "b", fault: "f", profile: "p", type: "cut" }));
    add(SAMPLES.fault_total);
    const found = (query: Parameters<Journal["query"]>[0]) => seqs(journal.query(query));
    expect(found({ proxy: "a" })).toEqual([2]);
    expect(found({ fault: "f" })).toEqual([2, 3]);
    expect(found({ fault: "f", profile: "p" })).toEqual([3]);
    expect(found({ kind: "mark" })).toEqual([1]);
    expect(found({ type: "cut" })).toEqual([3]);
    expect(found({ activation: "wan", connection: 7 })).toEqual([2, 3, 4]);
    expect(found({ bot: "nobody" })).toEqual([]);
  });

  it("finds the exchanges that a fault acted on, whichever of several it was", () => {
    const { journal, add } = start();
    add(over({ faults: ["slow", "lose-the-ack"], bot: "a" }));
    add(over({ faults: ["slow"], bot: "b" }));
    add(hit({ fault: "lose-the-ack", bot: "a" }));
    // Its faults are reports, not names.
    add(SAMPLES.activation_ended);
    const found = (query: Parameters<Journal["query"]>[0]) => seqs(journal.query(query));
    expect(found({ fault: "slow" })).toEqual([1, 2]);
    expect(found({ fault: "lose-the-ack" })).toEqual([1, 3]);
    expect(found({ fault: "slow", bot: "b" })).toEqual([2]);
    expect(found({ fault: "lose", kind: "exchange_over" })).toEqual([]);
    expect(found({ fault: "lose-the-ack", kind: "exchange_over", proxy: "jobs", connection: 7 })).toEqual([
      1,
    ]);
  });
});

describe("what is told over and over", () => {
  it("leaves what bots and servers do all day to the log and the metrics", () => {
    const journalled = CONNECTION_FAILURES.filter((reason) => start().add(failed({ reason })) !== null);
    expect(journalled).toEqual([
      "client_protocol",
      "client_slow_head",
      "client_tls",
      "upstream_closed",
      "upstream_tls",
      "upstream_protocol",
      "proxy_header",
      "connection_limit",
      "descriptor_limit",
      "port_limit",
      "memory_limit",
      "not_permitted",
      "internal",
    ]);
  });

  it("is never what faults did", () => {
    const { journal, add } = start();
    for (let n = 0; n < 500; n++) {
      add(hit());
      add(over());
    }
    expect(journal.lastSeq).toBe(1_000);
    expect(journal.query().some(({ more }) => more !== undefined)).toBe(false);
  });

  it("does not push the faults out", () => {
    const { journal, add } = start({ keep: 10 });
    add(hit());
    for (let connection = 0; connection < 10_000; connection++) {
      add(failed({ connection, reason: "connection_limit" }));
      add(SAMPLES.listen_failed);
      add(SAMPLES.limit_reached);
      add(SAMPLES.mistake);
    }
    expect(journal.query().map(({ kind }) => kind)).toEqual([
      "fault_hit",
      "connection_failed",
      "listen_failed",
      "limit_reached",
      "mistake",
    ]);
  });

  it("comes once in ten seconds, with the number of those left out", () => {
    const { clock, add } = start();
    const told = () => add(failed({ reason: "proxy_header" }));
    expect(told()).not.toHaveProperty("more");
    clock.advance(9_999);
    expect([told(), told()]).toEqual([null, null]);
    clock.advance(1);
    expect(told()).toMatchObject({ more: 2 });
    clock.advance(10_000);
    expect(told()).not.toHaveProperty("more");
  });

  it("is told apart by proxy and reason", () => {
    const { add } = start();
    expect(add(failed({ proxy: "a" }))).not.toBeNull();
    expect(add(failed({ proxy: "b" }))).not.toBeNull();
    expect(add(failed({ proxy: "a", reason: "internal" }))).not.toBeNull();
    expect(add(failed({ proxy: "a", reason: "internal" }))).toBeNull();
  });

  it("is told apart by what went wrong, and by the bot where it is the bot's doing", () => {
    const { add } = start();
    const told = (rest: Parameters<typeof failed>[0]): boolean => add(failed(rest)) !== null;
    const old = { reason: "client_tls", text: "unsupported protocol" } as const;
    const distrust = { reason: "client_tls", text: "it sent the alert unknown_ca" } as const;
    expect([told(old), told(old), told(distrust), told(distrust)]).toEqual([true, false, true, false]);
    expect([told({ ...old, bot: "bot-7" }), told({ ...old, bot: "bot-7" })]).toEqual([true, false]);
    expect([told({ ...old, client: "10.0.0.9" }), told({ ...old, client: "10.0.0.9" })]).toEqual([
      true,
      false,
    ]);
    const limit = { reason: "connection_limit", text: "too many connections" } as const;
    expect([told(limit), told({ ...limit, client: "10.0.0.9" })]).toEqual([true, false]);
  });

  it("is told apart ten times, and then as one, until the first of them are over", () => {
    const { clock, journal, add } = start();
    const told = (text: string) => add(failed({ reason: "client_protocol", text }));
    for (let n = 0; n < 10_000; n++) told(`garbage ${n}`);
    expect(journal.lastSeq).toBe(11);
    expect([told("garbage 3"), told("anything")]).toEqual([null, null]);
    clock.advance(10_000);
    expect(told("something new")).not.toHaveProperty("more");
    expect(told("garbage 3")).not.toHaveProperty("more");
    for (let n = 0; n < 8; n++) told(`more of it ${n}`);
    // All that were too many, and what was left out of one that had to make room.
    expect(told("one too many again")).toMatchObject({ more: 9_991 });
  });
});

describe("the file", () => {
  it("has every entry as a line of JSON, those included that left memory", async () => {
    const folder = await mkdtemp(join(tmpdir(), "journal-"));
    try {
      const path = join(folder, "journal.jsonl");
      const { journal, add } = start({ keep: 2, file: { path } });
      const entries = Array.from({ length: 5 }, (_, n) => add(hit({ connection: n, bot: "a\nb\u2028c" })));
      await journal.flush();
      const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(entries);
      await journal.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("may fail, which costs its lines and is said, and memory goes on", async () => {
    const problems: string[] = [];
    const file = { path: join(tmpdir(), "no-such-folder", "journal.jsonl") };
    const { journal, add } = start({ file, onProblem: (text) => problems.push(text) });
    add(hit());
    add(hit());
    await journal.close();
    expect(problems).toEqual([expect.stringContaining("no-such-folder")]);
    expect(journal.fileDropped).toBe(2);
    expect(journal.query()).toHaveLength(2);
  });
});
