/** One journal out of the batches of many: doubles, gaps, lives, order and lateness. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Merger, type MergedLine, type MergerOptions } from "../../../src/fleet/journal/merger.js";
import type { JournalBatch } from "../../../src/fleet/contract/journal.js";
import { NOON } from "../../telemetry/samples.js";
import { scaled } from "../../support/scope.js";
import { batch, short } from "./batch.js";

let cursors = 0;
function merge(options: Partial<MergerOptions> = {}) {
  const merger = new Merger({ wants: () => true, wantsDaemon: () => true, fromOldest: true, ...options });
  const push = (one: JournalBatch, arrived = 0, ceiling: number | null = null): string => {
    const cursor = `c${++cursors}`;
    merger.push({ ...one, cursor }, arrived, ceiling);
    return cursor;
  };
  return { merger, push, take: (until = Infinity) => merger.take(until).map(short) };
}

describe("what comes twice", () => {
  it.each<[string, JournalBatch[], string[]?]>([
    [
      "the same batch",
      [
        batch("n", [
          [1, 0],
          [2, 0],
        ]),
        batch("n", [
          [1, 0],
          [2, 0],
        ]),
      ],
    ],
    ["a batch behind a later one", [batch("n", [[1, 0]]), batch("n", [[2, 0]]), batch("n", [[1, 0]])]],
    [
      "half of a batch",
      [
        batch("n", [[1, 0]]),
        batch("n", [
          [1, 0],
          [2, 0],
        ]),
      ],
    ],
    [
      "the end of a batch that was cut elsewhere the second time",
      [
        batch("n", [
          [1, 0],
          [2, 0],
        ]),
        batch("n", [[1, 0]]),
        batch("n", [
          [2, 0],
          [3, 0],
        ]),
      ],
      ["n#1", "n#2", "n#3"],
    ],
  ])("is shown once: %s", (_, batches, shown = ["n#1", "n#2"]) => {
    const { push, take } = merge();
    for (const one of batches) push(one);
    expect(take()).toEqual(shown);
  });

  it("is no double in another life or of another daemon, whatever their names are", () => {
    const { push, take } = merge();
    push(batch("n", [[1, 0]]));
    push(batch("n", [[1, 1]], { life: "b" }));
    push(batch('n","a', [[1, 2]]));
    push(batch("n", [[1, 3]], { life: 'a","a' }));
    expect(take()).toHaveLength(4);
  });
});

describe("what is missing", () => {
  it("is named before the entry behind it, with what is known of it", () => {
    const { push, take } = merge();
    push(batch("n", [[1, 0]]));
    push(batch("n", [[5, 1]]));
    push(batch("n", [[9, 2]], { lost: 3 }));
    push(batch("n", [[20, 3]], { lost: 4 }));
    expect(take()).toEqual([
      "n#1",
      "n 2-4 missing",
      "n#5",
      "n 6-8 dropped",
      "n#9",
      "n 10-15 missing",
      "n 16-19 dropped",
      "n#20",
    ]);
  });

  it("is not what its daemon has left out", () => {
    const { push, take } = merge();
    push(
      batch(
        "n",
        [
          [2, 0],
          [4, 0],
        ],
        { after: 0, upto: 7 },
      ),
    );
    push(batch("n", [], { after: 7, upto: 9 }));
    push(batch("n", [[12, 1]], { after: 9, upto: 12 }));
    expect(take()).toEqual(["n#2", "n#4", "n#12"]);
  });

  it("is older than what is kept where a daemon is met for the first time, and not told where reading began in the middle", () => {
    const whole = merge();
    whole.push(batch("n", [[7, 0]], { lost: 2 }));
    expect(whole.take()).toEqual(["n 1-4 aged", "n 5-6 dropped", "n#7"]);
    const middle = merge({ fromOldest: false });
    middle.push(batch("n", [[7, 0]], { lost: 2 }));
    middle.push(batch("n", [[9, 0]]));
    expect(middle.take()).toEqual(["n 5-6 dropped", "n#7", "n 8-8 missing", "n#9"]);
  });

  it("is told though a filter has left out all entries around it, but not of daemons that nobody asked for", () => {
    const { push, take } = merge({ wants: () => false, wantsDaemon: (daemon) => daemon === "n" });
    for (const name of ["n", "m"]) for (const seq of [1, 5]) push(batch(name, [[seq, seq]]));
    expect(take()).toEqual(["n 2-4 missing"]);
  });

  it("is told of a batch without entries", () => {
    const { merger, push } = merge();
    push(batch("n", [[1, 5]]));
    push(batch("n", [], { after: 4, upto: 6, lost: 3 }), 0, NOON + 50);
    expect(merger.take(Infinity).at(-1)).toMatchObject({
      kind: "gap",
      from: 2,
      to: 4,
      why: "dropped",
      time: new Date(NOON + 50).toISOString(),
    });
  });

  it("is nothing between two lives", () => {
    const { push, take } = merge();
    push(
      batch("n", [
        [1, 0],
        [2, 0],
      ]),
    );
    push(batch("n", [[1, 1]], { life: "b" }));
    push(batch("n", [[3, 2]]));
    expect(take()).toEqual(["n#1", "n#2", "n/b#1", "n#3"]);
  });
});

describe("the order", () => {
  it("is that of the engine's clock", () => {
    const { push, take } = merge();
    push(
      batch(
        "slow",
        [
          [1, 0],
          [2, 100],
        ],
        { offset_ms: 1_000 },
      ),
    );
    push(
      batch(
        "fast",
        [
          [1, 3_040],
          [2, 3_200],
        ],
        { offset_ms: -2_000 },
      ),
    );
    expect(take()).toEqual(["slow#1", "fast#1", "slow#2", "fast#2"]);
  });

  it("says when an entry was written by the engine's clock, and nothing where that is not known", () => {
    const { merger, push } = merge();
    push(batch("n", [[1, 0]], { offset_ms: 40.4 }));
    push(batch("m", [[1, 50]], { offset_ms: null }));
    const [first, second] = merger.take(Infinity);
    expect(first).toMatchObject({ engine_time: new Date(NOON + 40).toISOString() });
    expect(Object.keys(first ?? {}).slice(0, 3)).toEqual(["daemon", "life", "engine_time"]);
    expect(second).toMatchObject({ daemon: "m", engine_time: null });
  });

  it("is that of the numbers within a daemon, though its clock was set back", () => {
    const { push, take } = merge();
    push(
      batch("n", [
        [1, 1_000],
        [2, 0],
      ]),
    );
    push(batch("m", [[1, 500]]));
    expect(take()).toEqual(["m#1", "n#1", "n#2"]);
  });

  it("is not spoilt by a clock that is an hour ahead: nothing is from later than when it came", () => {
    const { push, take } = merge();
    push(batch("ahead", [[1, 3_600_000]]), 0, NOON + 100);
    push(batch("ahead", [[2, 10]]), 1, NOON + 200);
    push(batch("m", [[1, 150]]), 1, NOON + 200);
    expect(take()).toEqual(["ahead#1", "ahead#2", "m#1"]);
  });

  it("bears any time that can be written", () => {
    const { merger, push } = merge();
    push(batch("n", [[1, 0]], { offset_ms: 1e14 - 1 }));
    push(batch("n", [[2, 0]], { offset_ms: -1e14 + 1 }));
    expect(merger.take(Infinity)).toHaveLength(2);
  });

  it("has the daemon's name as it was sent, whatever its entries say", () => {
    const { merger, push } = merge();
    const forged = { ...batch("n", [[1, 0]]).entries[0], daemon: "other", life: "x", engine_time: "never" };
    push({ ...batch("n", []), after: 0, upto: 1, entries: [forged as never] });
    expect(merger.take(Infinity)[0]).toMatchObject({ daemon: "n", life: "a" });
  });
});

describe("what is held", () => {
  it("comes out when it has waited, with what belongs before it", () => {
    const { push, take, merger } = merge();
    push(batch("n", [[1, 100]]), 0);
    push(
      batch("m", [
        [1, 50],
        [2, 300],
      ]),
      10,
    );
    expect(take(-1)).toEqual([]);
    expect(take(0)).toEqual(["m#1", "n#1"]);
    expect(merger.oldest).toBe(10);
    expect(take(10)).toEqual(["m#2"]);
    expect(merger.oldest).toBe(Infinity);
  });

  it("is marked where it came too late to stand where it belongs", () => {
    const { push, take } = merge();
    push(batch("n", [[1, 100]]), 0);
    expect(take(0)).toEqual(["n#1"]);
    push(
      batch("m", [
        [1, 50],
        [2, 150],
      ]),
      10,
    );
    push(batch("o", [[9, 60]]), 10);
    expect(take(10)).toEqual(["late m#1", "late o 1-8 aged", "late o#9", "m#2"]);
  });

  it("moves the cursor only when all of a batch was given out, and of all before it", () => {
    const { push, merger } = merge({ wants: (_, { seq }) => seq < 100 });
    const first = push(
      batch("n", [
        [1, 0],
        [2, 500],
      ]),
      0,
    );
    const second = push(batch("m", [[1, 100]]), 1);
    const third = push(batch("m", [[100, 150]], { after: 1 }), 2);
    expect(merger.cursor).toBeNull();
    merger.take(-1);
    expect(merger.cursor).toBeNull();
    push(batch("o", [[1, 400]]), 3);
    merger.take(0);
    expect(merger.cursor).not.toBe(second);
    expect([first, third]).not.toContain(null);
    merger.take(3);
    expect(merger.cursor).toBe(`c${cursors}`);
  });

  it("is at most as much as is asked for: the newest", () => {
    const { push, take, merger } = merge();
    push(
      batch("n", [
        [1, 0],
        [2, 30],
      ]),
    );
    push(
      batch("m", [
        [1, 10],
        [2, 20],
      ]),
    );
    expect(merger.prune(4)).toBe(false);
    expect(merger.prune(2)).toBe(true);
    expect(take()).toEqual(["m#2", "n#2"]);
    expect(merger.cursor).toBe(`c${cursors}`);
  });
});

it("has each number once or names it, in each daemon's order, whatever batches come, twice, cut or not at all", () => {
  const piece = fc.record({
    daemon: fc.constantFrom("n", "m", "o"),
    count: fc.integer({ min: 0, max: 5 }),
    fate: fc.constantFrom("kept", "kept", "kept", "twice", "never", "dropped", "again later"),
    millis: fc.integer({ min: -1_000, max: 1_000 }),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (pieces, every) => {
      const { push, merger } = merge();
      const upto = new Map<string, number>();
      const lost = new Map<string, number>();
      const later: JournalBatch[] = [];
      const lines: MergedLine[] = [];
      for (const [at, { daemon, count, fate, millis }] of pieces.entries()) {
        const after = upto.get(daemon) ?? 0;
        upto.set(daemon, after + count);
        if (count === 0) continue;
        const numbers = Array.from({ length: count }, (_, n) => [after + n + 1, at * 100 + millis] as const);
        if (fate === "dropped") lost.set(daemon, (lost.get(daemon) ?? 0) + count);
        else if (fate !== "never") {
          const one = batch(daemon, numbers, { lost: lost.get(daemon) ?? 0 });
          lost.delete(daemon);
          push(one, at);
          if (fate === "twice") push(one, at);
          if (fate === "again later") later.push(one);
          // What was sent before a number that never came tells no losses.
        } else lost.delete(daemon);
        if (at % every === 0) lines.push(...merger.take(at - 3));
      }
      for (const one of later) push(one, pieces.length);
      lines.push(...merger.take(Infinity));
      for (const daemon of upto.keys()) {
        let next = 1;
        for (const line of lines.filter((one) => one.daemon === daemon)) {
          expect(line.kind === "gap" ? line.from : line.seq).toBe(next);
          next = (line.kind === "gap" ? line.to : line.seq) + 1;
        }
      }
      const times = lines.filter(({ late }) => late !== true).map(({ engine_time }) => engine_time ?? "");
      expect([...times].sort()).toEqual(times);
    }),
    { numRuns: scaled(100, 3_000) },
  );
});
