import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { CONNECTION_FAILURES } from "../../src/core/events.js";
import { record, type JournalEntry } from "../../src/telemetry/entry.js";
import { Journal } from "../../src/telemetry/journal.js";
import { FACTS, metricsOf, NOON } from "./samples.js";

const read = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");

function exported() {
  const metrics = metricsOf({ fleet: () => null });
  metrics.close();
  return metrics.described.map(({ name, type, labels }) => ({ name, type, labels: [...labels] }));
}

describe("docs/metrics.md", () => {
  it("has every metric that is exported, with its type and labels, and no other", async () => {
    const rows = [
      ...(await read("metrics.md")).matchAll(
        /^\| `(\w+)` \| (counter|gauge|histogram) \|(.*?)\| (.+) \|$/gmu,
      ),
    ];
    const documented = rows.map(([, name, type, labels = ""]) => ({
      name,
      type,
      labels: [...labels.matchAll(/`(\w+)`/gu)].map(([, label]) => label),
    }));
    const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }) =>
      (a.name ?? "").localeCompare(b.name ?? "");
    expect(documented.sort(byName)).toEqual(exported().sort(byName));
  });

  it("mentions no metric that does not exist", async () => {
    const names = exported().map(({ name }) => name);
    const mentioned = (await read("metrics.md")).match(/\b(squall|process|nodejs)_\w+/gu) ?? [];
    const bases = mentioned.map((name) => name.replace(/_(bucket|sum|count)$/u, ""));
    expect(bases.filter((name) => !names.includes(name))).toEqual([]);
  });

  it("explains every reason for which a connection fails, and no other", async () => {
    const [, table = ""] = /^\| reason \|.*\n\|[-|]+\n((?:\|.*\n)+)/mu.exec(await read("metrics.md")) ?? [];
    expect([...table.matchAll(/^\| `(\w+)` \|/gmu)].map(([, reason]) => reason)).toEqual([
      ...CONNECTION_FAILURES,
    ]);
  });
});

describe("docs/journal.md", () => {
  it("has an example of every kind of entry, as it is written, and of no other", async () => {
    const journal = new Journal({ clock: new VirtualClock(NOON) });
    for (const fact of FACTS) journal.add(record(fact));
    const withoutSeq = ({ seq: _seq, ...entry }: JournalEntry) => entry;
    const real = journal.query().map(withoutSeq);
    const sections = [
      ...(await read("journal.md")).matchAll(/^### (\w+)\n[\s\S]*?```json\n([\s\S]*?)\n```$/gmu),
    ];
    const examples = sections.map(([, kind, json = ""]) => {
      const entry = JSON.parse(json) as JournalEntry;
      expect(entry.kind).toBe(kind);
      return entry;
    });
    expect(examples.map(({ seq }) => seq)).toEqual(examples.map((_, index) => index + 1));
    const byKind = (a: { kind: string }, b: { kind: string }) => a.kind.localeCompare(b.kind);
    expect(examples.map(withoutSeq).sort(byKind)).toEqual(real.sort(byKind));
  });

  it("mentions no metric that does not exist", async () => {
    const names = exported().map(({ name }) => name);
    const mentioned = (await read("journal.md")).match(/\bsquall_\w+/gu) ?? [];
    expect(mentioned.filter((name) => !names.includes(name))).toEqual([]);
  });
});
