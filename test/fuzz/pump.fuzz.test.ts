/**
 * Random plans over random traffic: faults come, go and change while bytes are under way, sinks fill up and
 * drain, ends arrive. Whatever happens, each byte comes out once and in its place, and the end behind the last.
 *
 * SQUALL_FUZZ_SEED=n repeats a run that failed (fast-check prints the seed), or tries another.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DIRECTIONS, type Direction } from "../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { HeldBudget } from "../../src/pipeline/budget.js";
import { StreamBench, type Raw } from "../support/stream-bench.js";
import { scaled } from "../support/scope.js";

const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 20_240_607);
/** Of 120 operations each: more than the 100,000 that are asked for. */
const RUNS = scaled(150, 1_200);
const OPERATIONS_MIN = 120;

/** Settings that lose nothing and, given time, let everything through. */
const FLOWING: Readonly<Record<string, readonly Raw[]>> = {
  latency: [
    { delay: "20ms", jitter: "20ms" },
    { delay: "0ms" },
    { delay: "300ms", jitter: "1s", distribution: "pareto", correlation: "90%", window: "2KiB" },
  ],
  bandwidth: [
    { rate: "300kB/s" },
    { rate: "5MB/s", burst: "20kB", shared: "proxy" },
    { rate: "30kB/s", burst: "0B" },
    { rate: "1GB/s" },
  ],
  slicer: [
    { size: "300B", variation: "299B", gap: "700us" },
    { size: "1000B" },
    { size: "4KiB", gap: "3ms" },
  ],
  slow_close: [{ delay: "50ms" }, { delay: "0ms" }],
  corrupt: [{ rate: "0%" }],
  truncate: [{ after: "1GiB" }],
  cut: [{ after: "1GiB" }],
  blackhole: [{ part: "0%" }],
  idle_kill: [{ after: "365d", how: "silent" }],
  packet_loss: [
    { loss: "20%", rtt: "20ms" },
    { loss: "5%", burst: 4, rtt: "5ms", congestion: "reno", window: "4KiB" },
    { loss: "10%", congestion: "none", tick: "0ms" },
    { loss: "0%", good_for: "1s", bad_for: "100ms", rtt: "40ms" },
  ],
  noop: [{}],
};

/** Settings that hold everything back until they are taken out or changed. */
const HOLDING: Readonly<Record<string, readonly Raw[]>> = {
  bandwidth: [{ rate: "0B/s" }],
  blackhole: [{}, { part: "50%" }],
  half_open: [{}],
  idle_kill: [{ after: "10ms", how: "silent" }],
};

/** Types that can do nothing but end or destroy what they touch. */
const ENDING = ["timeout", "reset"];

type Operation =
  | { readonly do: "send"; readonly direction: Direction; readonly bytes: number; readonly pushy: boolean }
  | { readonly do: "insert"; readonly at: number; readonly which: number; readonly on: Direction | "both" }
  | { readonly do: "remove"; readonly at: number }
  | { readonly do: "assign"; readonly at: number; readonly which: number }
  | { readonly do: "block" | "drain"; readonly direction: Direction }
  | { readonly do: "wait"; readonly millis: number }
  | { readonly do: "end"; readonly direction: Direction };

const direction = fc.constantFrom(...DIRECTIONS);
const index = fc.nat(1000);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 100,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      direction,
      bytes: fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: 600 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 65_536 }) },
      ),
      pushy: fc.boolean(),
    }),
  },
  {
    weight: 30,
    arbitrary: fc.record({
      do: fc.constant("insert" as const),
      at: index,
      which: index,
      on: fc.constantFrom<Direction | "both">("upstream", "downstream", "both"),
    }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constant("remove" as const), at: index }) },
  { weight: 20, arbitrary: fc.record({ do: fc.constant("assign" as const), at: index, which: index }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("block" as const), direction }) },
  { weight: 20, arbitrary: fc.record({ do: fc.constant("drain" as const), direction }) },
  {
    weight: 80,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      millis: fc.integer({ min: 0, max: 60_000 }).map((micros) => micros / 1000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), direction }) },
);

let played = 0;

function play(
  operations: readonly Operation[],
  settings: Readonly<Record<string, readonly Raw[]>>,
  budget: number,
): StreamBench {
  const bench = new StreamBench({ budget: new HeldBudget(budget) });
  const faults = Object.entries(settings).flatMap(([name, raws]) => raws.map((raw) => ({ name, raw })));
  const ended = new Set<Direction>();
  for (const step of operations) {
    played++;
    switch (step.do) {
      case "send":
        // A source that was paused may still have one chunk on its way, and no more than that.
        if (
          !ended.has(step.direction) &&
          (!bench.paused[step.direction] || (step.pushy && bench.pumps[step.direction].held < 300_000))
        )
          bench.send(step.direction, step.bytes);
        break;
      case "insert": {
        const fault = faults[step.which % faults.length];
        if (fault && bench.placed.length < 8)
          bench.place(fault.name, fault.raw, {
            direction: step.on,
            index: step.at % (bench.placed.length + 1),
            ordinal: played,
            live: true,
          });
        break;
      }
      case "remove": {
        const placed = bench.placed[step.at % bench.placed.length];
        if (placed) bench.remove(placed);
        break;
      }
      case "assign": {
        const placed = bench.placed[step.at % bench.placed.length];
        const raws = placed ? (settings[placed.armed.type.type] ?? []) : [];
        const raw = raws[step.which % raws.length];
        if (placed && raw) bench.assign(placed, raw);
        break;
      }
      case "block":
        bench.blocked[step.direction] = true;
        break;
      case "drain":
        bench.drain(step.direction);
        break;
      case "wait":
        bench.clock.advance(step.millis);
        break;
      case "end":
        if (!ended.has(step.direction)) bench.end(step.direction);
        ended.add(step.direction);
        break;
    }
    for (const where of DIRECTIONS)
      if (bench.unaccounted(where) !== 0) throw new Error(`${where}: bytes unaccounted for`);
  }
  for (const where of DIRECTIONS) {
    if (!ended.has(where)) bench.end(where);
    bench.drain(where);
  }
  return bench;
}

function everythingArrived(bench: StreamBench): void {
  expect(bench.failures).toEqual([]);
  expect(bench.ended).toBeNull();
  for (const where of DIRECTIONS) {
    expect(bench.received(where)).toHaveLength(bench.sent[where]);
    expect(bench.intact(where)).toBe(true);
    const lines = bench.written.filter((entry) => entry.direction === where).map(({ what }) => what);
    expect(lines.filter((what) => what === "end")).toHaveLength(1);
    expect(lines.at(-1)).toBe("end");
    expect(bench.pumps[where].held).toBe(0);
    expect(bench.paused[where]).toBe(false);
  }
  expect(bench.budget.held).toBe(0);
}

const plans = fc.array(operation, { minLength: OPERATIONS_MIN, maxLength: OPERATIONS_MIN + 20, size: "max" });
const budgets = fc.constantFrom(Infinity, 100_000, 5_000);

describe("random plans over random traffic", () => {
  it("leave out no type that could take part", () => {
    const known = [...Object.keys(FLOWING), ...Object.keys(HOLDING), ...ENDING];
    // What acts on heads alone has no place on a bare stream.
    const meant = FAULT_TYPES.filter(
      ({ directions, stream, connection, at }) =>
        directions !== null &&
        (stream !== undefined || connection !== undefined) &&
        (at === undefined || at.includes("wire")),
    ).map(({ type }) => type);
    expect([...new Set(known)].sort()).toEqual(meant.sort());
  });

  it("lose and reorder nothing, and all arrives by itself where faults let it flow", () => {
    fc.assert(
      fc.property(plans, budgets, (operations, budget) => {
        const bench = play(operations, FLOWING, budget);
        bench.settle(86_400_000);
        everythingArrived(bench);
      }),
      { seed: SEED, numRuns: RUNS / 2, endOnFailure: false },
    );
  });

  it("lose and reorder nothing, and all arrives when faults that hold are taken out", () => {
    const all: Record<string, readonly Raw[]> = { ...FLOWING };
    for (const [name, raws] of Object.entries(HOLDING)) all[name] = [...(all[name] ?? []), ...raws];
    fc.assert(
      fc.property(plans, budgets, fc.boolean(), (operations, budget, fromTheEnd) => {
        const bench = play(operations, all, budget);
        while (bench.placed.length > 0 && !bench.ended) {
          const placed = fromTheEnd ? bench.placed.at(-1) : bench.placed[0];
          if (placed) bench.remove(placed);
        }
        everythingArrived(bench);
      }),
      { seed: SEED, numRuns: RUNS / 2, endOnFailure: false },
    );
  });

  it("are many", () => {
    expect(played).toBeGreaterThanOrEqual(scaled(10_000, 100_000));
  });
});
