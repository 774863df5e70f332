/** The journal of the fleet as it is read: pages of it, and what comes, whatever happens to the engine meanwhile. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import {
  CURSOR_START,
  type FleetJournalQuery,
  type FleetLine,
  type JournalBatch,
} from "../../../src/fleet/contract/journal.js";
import { HELD_MAX, HOLD, MergedJournal } from "../../../src/fleet/journal/merged.js";
import { NOON } from "../../telemetry/samples.js";
import { scaled } from "../../support/scope.js";
import { batch, short } from "./batch.js";
import { KeptStream } from "./kept-stream.js";

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const shown = (line: FleetLine): string =>
  "daemon" in line ? short(line) : `${line.kind}: ${line.text.split(/[:;]/u, 1)[0] ?? ""}`;

function start() {
  const clock = new VirtualClock(NOON);
  const engine = new KeptStream();
  const journal = new MergedJournal({ engine, clock, engineNow: () => clock.wallTime() + 3_600_000 });
  const page = async (query: FleetJournalQuery = {}, limit = 100) => {
    const { entries, ...rest } = await journal.entries(query, limit, never);
    return { lines: entries.map(shown), ...rest };
  };
  const follow = (cursor: string | null, query: FleetJournalQuery = {}) => {
    const stop = new AbortController();
    const lines: string[] = [];
    const raw: FleetLine[] = [];
    const cursors: string[] = [];
    let ended: unknown = null;
    const run = async (): Promise<void> => {
      try {
        for await (const one of journal.follow(query, cursor, stop.signal)) {
          lines.push(shown(one.line));
          raw.push(one.line);
          cursors.push(one.cursor);
        }
        ended = "ended";
      } catch (error) {
        ended = error;
      }
    };
    void run();
    return { lines, raw, cursors, stop, ended: () => ended };
  };
  const wait = async (millis: number): Promise<void> => {
    await turn();
    for (let left = millis; ;) {
      const step = Math.min(left, Math.max(0, clock.next - clock.now()));
      clock.advance(step);
      await turn();
      if ((left -= step) <= 0) return;
    }
  };
  const send = (one: JournalBatch | null): Promise<void> => engine.append(one);
  return { clock, engine, journal, page, follow, wait, send };
}

describe("a page", () => {
  it("has the newest, in the order of the engine's clock, and where to go on", async () => {
    const { page, send } = start();
    expect(await page()).toEqual({ lines: [], cursor: CURSOR_START, whole: true });
    await send(
      batch("n", [
        [1, 0],
        [2, 100],
      ]),
    );
    await send(batch("m", [[1, 50]]));
    expect(await page()).toEqual({ lines: ["n#1", "m#1", "n#2"], cursor: "1:2", whole: true });
    expect(await page({}, 2)).toEqual({ lines: ["m#1", "n#2"], cursor: "1:2", whole: false });
  });

  it("looks further back until there is enough, and says where it has not looked", async () => {
    const { page, send, engine } = start();
    await send(batch("n", [[1, 0]]));
    for (let seq = 1; seq <= 300; seq++) await send(batch("m", [[seq, seq]]));
    expect((await page({ daemon: "n" })).lines).toEqual(["n#1"]);
    expect(engine.tails).toBe(3);
    engine.tails = 0;
    const some = await page({ daemon: "m" }, 10);
    expect(engine.tails).toBe(1);
    expect(some).toMatchObject({ whole: false });
    expect(some.lines.at(-1)).toBe("m#300");
  });

  it("tells of what is older than the engine keeps only where it has looked at all of it", async () => {
    const { page, send, engine } = start();
    for (let seq = 1; seq <= 100; seq++) await send(batch("n", [[seq, seq]]));
    engine.age(20);
    expect((await page()).lines.slice(0, 2)).toEqual(["n 1-20 aged", "n#21"]);
    expect((await page({}, 10)).lines[0]).toBe("n#91");
  });

  it("finds by daemon and by what entries have, and tells gaps all the same", async () => {
    const { page, send } = start();
    await send(batch("n", [[1, 0]]));
    await send(batch("n", [[4, 10]]));
    await send(batch("m", [[1, 20]]));
    expect((await page({ daemon: "n" })).lines).toEqual(["n#1", "n 2-3 missing", "n#4"]);
    expect((await page({ kind: "fault_hit" })).lines).toEqual(["n 2-3 missing"]);
  });

  it("says what it cannot read", async () => {
    const { page, send } = start();
    await send(null);
    await send(batch("n", [[1, 0]]));
    expect(await page()).toMatchObject({
      lines: ["n#1", "unreadable: 1 batches cannot be read"],
      whole: true,
    });
  });

  it("is refused while nobody answers, and where nobody may read", async () => {
    const { page, engine } = start();
    engine.cut();
    await expect(page()).rejects.toMatchObject({ failure: "away" });
    engine.mend();
    engine.forbidden = true;
    await expect(page()).rejects.toMatchObject({ failure: "forbidden" });
  });
});

describe("whoever follows", () => {
  it("from now on hears nothing of before, and names what is missing since", async () => {
    const { follow, wait, send } = start();
    await send(
      batch("n", [
        [1, 0],
        [2, 0],
      ]),
    );
    const { lines } = follow(null);
    await wait(HOLD);
    await send(batch("n", [[5, 10]]));
    await wait(HOLD);
    expect(lines).toEqual(["n 3-4 missing", "n#5"]);
  });

  it("from now on hears all where nothing was there", async () => {
    const { follow, wait, send } = start();
    const { lines } = follow(null);
    await wait(0);
    await send(batch("n", [[1, 0]]));
    await wait(HOLD);
    expect(lines).toEqual(["n#1"]);
  });

  it("goes on behind a page without a break", async () => {
    const { follow, wait, send, page } = start();
    for (const begin of [0, 1]) {
      const { cursor } = await page();
      await send(batch("n", [[begin + 1, begin]]));
      const { lines, stop } = follow(cursor);
      await wait(HOLD);
      expect(lines).toEqual([`n#${begin + 1}`]);
      stop.abort();
    }
  });

  it("waits a moment for what belongs before, and marks what comes later than that", async () => {
    const { follow, wait, send } = start();
    const { lines } = follow(CURSOR_START);
    await send(batch("n", [[1, 100]]));
    await wait(HOLD - 1);
    await send(
      batch("m", [
        [1, 50],
        [2, 300],
      ]),
    );
    await wait(0);
    expect(lines).toEqual([]);
    await wait(1);
    expect(lines).toEqual(["m#1", "n#1"]);
    await send(batch("o", [[1, 20]]));
    await wait(HOLD);
    expect(lines).toEqual(["m#1", "n#1", "late o#1", "m#2"]);
  });

  it("is told that the engine is away and back, and misses nothing: also where nothing came meanwhile", async () => {
    const { follow, wait, send, engine } = start();
    const { lines, raw } = follow(CURSOR_START);
    await send(batch("n", [[1, 0]]));
    await wait(0);
    engine.cut();
    await wait(20_000);
    engine.mend();
    await wait(0);
    expect(lines).toEqual(["n#1", "away: memory", "back: memory"]);
    expect(raw.at(-1)).toMatchObject({ seq: 0, time: new Date(NOON + 20_000).toISOString() });
    engine.cut();
    await wait(0);
    engine.mend();
    await send(batch("n", [[2, 0]]));
    await send(batch("n", [[2, 0]]));
    await wait(HOLD);
    expect(lines.slice(3)).toEqual(["away: memory", "back: memory", "n#2"]);
  });

  it("is told at once and once of a connection that is lost, however short, by an engine that waits for the next one", async () => {
    const { follow, wait, send, engine } = start();
    engine.isPatient = true;
    const { lines, raw } = follow(CURSOR_START);
    await send(batch("n", [[1, 0]]));
    await wait(HOLD);
    engine.cut();
    await wait(0);
    expect(lines).toEqual(["n#1", "away: memory"]);
    expect(raw.at(-1)).toMatchObject({
      text: "memory://fleet is away: what the daemons write is missing until it is back (the connection was lost)",
    });
    await wait(2_340);
    engine.mend();
    await send(batch("n", [[2, 10]]));
    await wait(HOLD);
    expect(lines.slice(2)).toEqual(["back: memory", "n#2"]);
    expect(raw.at(-2)).toMatchObject({ text: expect.stringContaining("is back, after 2.3s: ") as string });
  });

  it("is told that the stream was made anew, once, and what of it is missing", async () => {
    const { follow, wait, send, engine } = start();
    const { lines } = follow(CURSOR_START);
    await send(batch("n", [[1, 0]]));
    await wait(HOLD);
    engine.wipe();
    await send(batch("n", [[1, 0]]));
    await send(batch("n", [[4, 10]]));
    await wait(2 * HOLD);
    expect(lines).toEqual([
      "n#1",
      "away: memory",
      "back: memory",
      "anew: the stream in memory",
      "n 2-3 missing",
      "n#4",
    ]);
  });

  it("is told of what cannot be read, once", async () => {
    const { follow, wait, send } = start();
    const { lines } = follow(CURSOR_START);
    for (const one of [null, null, batch("n", [[1, 0]]), null]) await send(one);
    await wait(HOLD);
    expect(lines.map((line) => line.split(":", 1)[0])).toEqual(["unreadable", "n#1"]);
  });

  it("is turned away where nobody may read, and where nobody answers who knows where now is", async () => {
    const { follow, wait, engine } = start();
    engine.forbidden = true;
    const refused = follow(CURSOR_START);
    await wait(0);
    expect(refused.ended()).toMatchObject({ failure: "forbidden" });
    engine.forbidden = false;
    engine.cut();
    const away = follow(null);
    await wait(0);
    expect(away.ended()).toMatchObject({ failure: "away" });
  });

  it("asks ever more seldom, ten seconds apart at most, and at once when it hears that the engine is back", async () => {
    const { follow, wait, engine, clock } = start();
    engine.cut();
    const { lines } = follow(CURSOR_START);
    const waits: number[] = [];
    for (let n = 0; n < 6; n++) {
      await wait(0);
      waits.push(clock.next - clock.now());
      await wait(clock.next - clock.now());
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    engine.mend();
    await wait(0);
    expect(lines).toEqual(["away: memory", "back: memory"]);
  });

  it.each(["while nothing comes", "while something is held", "while the engine is away"])(
    "leaves nothing behind when it goes: %s",
    async (when) => {
      const { follow, wait, engine, clock, send } = start();
      const { stop, ended } = follow(CURSOR_START);
      await wait(0);
      if (when.includes("held")) await send(batch("n", [[1, 0]]));
      if (when.includes("away")) engine.cut();
      await wait(0);
      stop.abort();
      await wait(HOLD);
      expect(ended()).toBe("ended");
      expect([clock.waiting, engine.hearers]).toEqual([0, 0]);
    },
  );

  it("may leave between any two lines, and finds the others when it comes back", async () => {
    const { follow, wait, send, journal } = start();
    await send(
      batch("n", [
        [1, 0],
        [2, 10],
      ]),
    );
    await send(
      batch("m", [
        [1, 5],
        [2, 15],
      ]),
    );
    for (let read = 1; read <= 4; read++) {
      const stop = new AbortController();
      const got: string[] = [];
      let cursor = "";
      const reading = (async () => {
        for await (const one of journal.follow({}, CURSOR_START, stop.signal)) {
          got.push(shown(one.line));
          ({ cursor } = one);
          if (got.length === read) return;
        }
      })();
      await wait(HOLD);
      await reading;
      const { lines, stop: leave } = follow(cursor);
      await wait(HOLD);
      expect(new Set([...got, ...lines])).toEqual(new Set(["n#1", "m#1", "n#2", "m#2"]));
      leave.abort();
    }
  });

  describe.each(["at a cursor", "at the newest"])("beginning %s", (where) => {
    const setUp = async () => {
      const lab = start();
      await lab.send(batch("n", [[1, 0]]));
      await lab.send(batch("m", [[1, 0]]));
      for (let seq = 1; seq <= 70; seq++) await lab.send(batch("talks", [[seq, seq]]));
      return { ...lab, cursor: where === "at a cursor" ? "1:72" : null };
    };
    const missing = async ({ send }: ReturnType<typeof start>): Promise<void> => {
      await send(batch("m", [[2, 200]]));
      await send(batch("n", [[4, 210]]));
      await send(batch("new", [[9, 220]]));
    };
    // Of one that is new it is not known what was shown.
    const LINES = ["m#2", "n 2-3 missing", "n#4", "new#9"];

    it("names what is missing behind what was shown before", async () => {
      const { follow, wait, cursor, ...lab } = await setUp();
      const { lines } = follow(cursor);
      await wait(0);
      await missing(lab as ReturnType<typeof start>);
      await wait(HOLD);
      expect(lines).toEqual(LINES);
    });

    it("does so also where the engine goes away while that is looked up", async () => {
      const { follow, wait, cursor, engine, ...lab } = await setUp();
      const { lines } = follow(cursor);
      await wait(0);
      await missing({ engine, ...lab } as ReturnType<typeof start>);
      engine.cut();
      await wait(5_000);
      engine.mend();
      await wait(5_000);
      expect(lines.filter((line) => !/^(away|back)/u.test(line))).toEqual(LINES);
    });
  });

  it("fetches no faster than it is read", async () => {
    const { journal, send, engine, wait } = start();
    const numbers = (first: number) => Array.from({ length: 500 }, (_, n) => [first + n, 0] as const);
    for (let n = 0; n < 14; n++) await send(batch("n", numbers(n * 500 + 1)));
    const stop = new AbortController();
    const reading = journal.follow({}, CURSOR_START, stop.signal)[Symbol.asyncIterator]();
    await reading.next();
    await wait(0);
    expect(engine.read * 500).toBeLessThanOrEqual(HELD_MAX + 1_000);
    stop.abort();
    await reading.return?.();
  });
});

type Step = "batch" | "gap" | "twice" | "cut" | "mend" | "wipe" | "second" | "leave";

it("shows each number or names it, whatever happens to the engine and whoever leaves and comes back", async () => {
  const step = fc.constantFrom<Step>(
    ...([
      "batch",
      "batch",
      "batch",
      "gap",
      "twice",
      "cut",
      "mend",
      "mend",
      "wipe",
      "second",
      "leave",
    ] as Step[]),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { follow, wait, send, engine } = start();
      let reader = follow(CURSOR_START);
      const all: FleetLine[] = [];
      const upto = { n: 0, m: 0 };
      let at = 0;
      let left = false;
      for (const [index, what] of steps.entries()) {
        const daemon = index % 2 === 0 ? "n" : "m";
        if (what === "gap") upto[daemon] += 2;
        if ((what === "batch" || what === "twice") && engine.connected) {
          const one = batch(daemon, [[++upto[daemon], (at += 10)]]);
          await send(one);
          if (what === "twice") await send(one);
        }
        if (what === "cut") engine.cut();
        if (what === "mend") engine.mend();
        if (what === "wipe") engine.wipe();
        if (what === "second") await wait(1_000);
        if (what === "leave") {
          left = true;
          reader.stop.abort();
          await wait(0);
          all.push(...reader.raw);
          reader = follow(reader.cursors.at(-1) ?? CURSOR_START);
        }
      }
      engine.mend();
      await wait(20_000);
      reader.stop.abort();
      await wait(0);
      all.push(...reader.raw);
      const wiped = steps.includes("wipe");
      for (const daemon of ["n", "m"]) {
        const lines = all.filter((line) => "daemon" in line && line.daemon === daemon);
        const spans = lines.map((line) =>
          line.kind === "gap" ? [line.from, line.to] : [line.seq, line.seq],
        );
        let next = 1;
        for (const [from = 0, to = 0] of spans) {
          // Who comes back may see some again, and a stream that was made anew forgets.
          if (!left) expect(from).toBeGreaterThanOrEqual(next);
          // And to him, what is before the first that a daemon ever sent is older than the stream.
          if (!wiped && !(left && from === spans[0]?.[0])) expect(from).toBeLessThanOrEqual(next);
          next = Math.max(next, to + 1);
        }
        const sent = lines.filter(({ kind }) => kind !== "gap").map(({ seq }) => seq);
        if (!wiped && sent.length > 0) expect(Math.max(...sent)).toBe(next - 1);
      }
    }),
    { numRuns: scaled(40, 1_000) },
  );
});
