/** The journal's list: it follows, stands still and goes on; its filters; and what a row says. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ENTRY_KINDS } from "../../../src/admin/entry-answers.js";
import type { JournalEntry } from "../../../src/telemetry/entry.js";
import { fieldsOf, rowOf } from "../../../src/ui/journal/entry.js";
import { curlLine, filtersOf, journalPath, KINDS } from "../../../src/ui/journal/filters.js";
import { KEPT_MAX, Tail } from "../../../src/ui/journal/tail.js";

const upTo = (to: number, from = 1): { seq: number }[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ seq: from + index }));
const seqs = (tail: Tail<{ seq: number }>): number[] => tail.entries.map(({ seq }) => seq);

describe("the tail", () => {
  it("stands still while somebody reads, says how many wait, and goes on where it was", () => {
    const tail = new Tail<{ seq: number }>();
    tail.begin(upTo(3));
    tail.add(upTo(5, 4));
    expect(seqs(tail)).toEqual([1, 2, 3, 4, 5]);
    tail.pause();
    const before = seqs(tail);
    tail.add(upTo(8, 4));
    tail.add(upTo(9, 8));
    expect(seqs(tail)).toEqual(before);
    expect([tail.waiting, tail.last, tail.following]).toEqual([4, 9, false]);
    tail.follow();
    expect(seqs(tail)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(tail.waiting).toBe(0);
  });

  it("keeps no more than it can show, and counts those that were let go", () => {
    const tail = new Tail<{ seq: number }>();
    tail.begin(upTo(KEPT_MAX + 10));
    expect(tail.entries[0]).toEqual({ seq: 11 });
    tail.pause();
    tail.add(upTo(3 * KEPT_MAX, KEPT_MAX + 11));
    expect(tail.waiting).toBe(2 * KEPT_MAX - 10);
    expect(tail.entries[0]).toEqual({ seq: 11 });
    tail.follow();
    expect([tail.entries.length, tail.entries[0]?.seq]).toEqual([KEPT_MAX, 2 * KEPT_MAX + 1]);
  });

  it("has each entry once and in order, whatever comes again", () => {
    const steps = fc.array(fc.oneof(fc.constantFrom("pause", "follow"), fc.tuple(fc.nat(60), fc.nat(20))));
    fc.assert(
      fc.property(steps, (walk) => {
        const tail = new Tail<{ seq: number }>();
        for (const step of walk) {
          if (step === "pause") tail.pause();
          else if (step === "follow") tail.follow();
          else if (typeof step !== "string") tail.add(upTo(step[0] + step[1], step[0]));
        }
        tail.follow();
        const all = seqs(tail);
        expect(all).toEqual([...new Set(all)].toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("filters", () => {
  it("know every kind of entry that the API knows", () => {
    expect([...KINDS].sort()).toEqual([...ENTRY_KINDS].sort());
  });

  it("are those of the address, and of the call", () => {
    const filters = filtersOf({ bot: " b 1 ", kind: "mark", odd: "x", path: "" });
    expect(filters).toEqual({ bot: "b 1", kind: "mark" });
    expect(journalPath(filters, { limit: 5 })).toBe("/journal?kind=mark&bot=b+1&limit=5");
    expect(journalPath({})).toBe("/journal");
    expect(curlLine(filters, { origin: "http://h:1", guarded: true })).toBe(
      `curl -s -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN" 'http://h:1/journal?kind=mark&bot=b+1'`,
    );
  });
});

describe("a row", () => {
  const stamp = { seq: 1, time: "2026-11-29T14:00:00.000Z" };
  const subject = {
    proxy: "jobs",
    activation: "a",
    profile: "p",
    phase: "",
    fault: "lose",
    type: "lost_response",
    bot: "b",
    connection: 7,
  };
  const hit = { ...stamp, ...subject, kind: "fault_hit", effect: "lost", amount: 1 } as JournalEntry;
  const plane = (): "http" => "http";

  it("says in the words of the log what was done, by which sign, and leads to its exchange", () => {
    const named = { ...hit, exchange: { id: 17, method: "POST", path: "/x" } } as JournalEntry;
    expect(rowOf(named, plane)).toMatchObject({ deed: "cut", link: "/ui/exchanges/jobs/17" });
    expect(rowOf(named, plane).text).toContain("POST /x");
    expect(rowOf({ ...named, observed: true } as JournalEntry, plane).deed).toBe("observed");
    expect(rowOf({ ...named, more: 3 } as JournalEntry, plane).text).toContain(
      "(and 3 of the kind before it)",
    );
  });

  it("leads to a connection or a flow where there is no exchange, and nowhere where there is neither", () => {
    expect(rowOf(hit, () => "tcp").link).toBe("/ui/exchanges/jobs/c7");
    expect(rowOf(hit, () => "udp").link).toBe("/ui/exchanges/jobs/f7");
    expect(rowOf(hit, plane).link).toBeNull();
    expect(rowOf({ ...stamp, kind: "mark", text: "here" }, plane).link).toBeNull();
  });

  it("shows as it is what a newer daemon tells", () => {
    const odd = { ...stamp, kind: "new_kind", what: 1 } as unknown as JournalEntry;
    expect(rowOf(odd, plane)).toMatchObject({ topic: "new_kind", text: JSON.stringify(odd) });
    const bent = { ...stamp, kind: "fault_hit" } as unknown as JournalEntry;
    expect(rowOf(bent, plane).text).not.toBe("");
    expect(fieldsOf(odd)).toContainEqual(["what", "1"]);
  });
});
