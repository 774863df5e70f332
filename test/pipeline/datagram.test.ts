/** The path of datagrams through the faults in force: holds, verdicts, order, room, and live changes. */
import { describe, expect, it } from "vitest";
import { fault } from "../support/lab.js";
import { DatagramBench } from "../support/datagram-bench.js";

const both = { directions: "both" } as const;
const late = (delay: string, more: Record<string, unknown> = {}, name = "latency") =>
  fault("latency", { delay, ...more }, { ...both, name });

describe("the path of a flow's datagrams", () => {
  it("adds holds up, in both directions", () => {
    const bench = new DatagramBench([late("100ms"), late("50ms", {}, "more")]);
    const flow = bench.flow();
    flow.push("to");
    flow.push("fro", "downstream");
    bench.time.advance(149);
    expect(flow.out).toEqual([]);
    bench.time.advance(1);
    expect(flow.out.map(({ text, direction, at }) => [text, direction, at])).toEqual([
      ["to", "upstream", 150],
      ["fro", "downstream", 150],
    ]);
    expect(bench.lab.context.budget.held).toBe(0);
    expect(bench.time.idle).toBe(true);
  });

  it("asks a fault when the hold before it is over, and not before", () => {
    const bench = new DatagramBench([late("100ms"), fault("packet_loss", { loss: "100%" })]);
    const flow = bench.flow();
    flow.push("doomed");
    expect(bench.effects("packet_loss")).toMatchObject({ lost: 0 });
    bench.time.advance(100);
    expect(bench.effects("packet_loss")).toMatchObject({ lost: 1 });
    expect(flow.out).toEqual([]);
  });

  it("keeps the order under jitter, and gives it up where that is asked for", () => {
    const sent = Array.from({ length: 200 }, (_, n) => String(n));
    const run = (reorder: boolean): string[] => {
      const bench = new DatagramBench([late("50ms", { jitter: "50ms", reorder })]);
      const flow = bench.flow();
      for (const text of sent) {
        flow.push(text);
        bench.time.advance(1);
      }
      bench.time.advance(1_000);
      return flow.texts;
    };
    expect(run(false)).toEqual(sent);
    const reordered = run(true);
    expect(reordered).not.toEqual(sent);
    expect(reordered.toSorted((a, b) => Number(a) - Number(b))).toEqual(sent);
  });

  it("passes on in order what a fault holds that is taken away, through the faults that stay", () => {
    const bench = new DatagramBench([late("10s", {}, "far"), late("100ms", {}, "near")]);
    const flow = bench.flow();
    for (const text of ["a", "b", "c"]) flow.push(text);
    bench.time.advance(1_000);
    bench.lab.change([late("100ms", {}, "near")]);
    expect(flow.out).toEqual([]);
    bench.time.advance(100);
    expect(flow.texts).toEqual(["a", "b", "c"]);
    expect(flow.times).toEqual([1_100, 1_100, 1_100]);
  });

  it("passes on all that is held, what stands further on first, when everything heals", () => {
    const bench = new DatagramBench([late("1s", {}, "first"), late("1s", {}, "second")]);
    const flow = bench.flow();
    flow.push("a");
    bench.time.advance(1_500);
    flow.push("b");
    bench.lab.heal();
    expect(flow.texts).toEqual(["a", "b"]);
    expect(flow.path.held).toBe(0);
    expect(bench.time.idle).toBe(true);
  });

  it("moves what is held when a delay is given anew, and keeps its order", () => {
    const bench = new DatagramBench([late("10s")]);
    const flow = bench.flow();
    flow.push("a");
    bench.time.advance(100);
    flow.push("b");
    bench.lab.change([late("500ms")]);
    bench.time.advance(10_000);
    expect(flow.texts).toEqual(["a", "b"]);
    expect(flow.times).toEqual([500, 600]);
  });

  it("lets go of a direction that a fault does not act in any more", () => {
    const bench = new DatagramBench([late("10s")]);
    const flow = bench.flow();
    flow.push("to");
    flow.push("fro", "downstream");
    bench.lab.change([fault("latency", { delay: "10s" }, { directions: "upstream" })]);
    expect(flow.texts).toEqual(["fro"]);
  });

  it("loses and counts what there is no room to hold, empty ones too, and gives all room back", () => {
    const bench = new DatagramBench([late("1s")], { held: 10_000 });
    const flow = bench.flow();
    for (let n = 0; n < 100; n++) flow.push("");
    expect(flow.overflows).toBe(100 - Math.floor(10_000 / 256));
    bench.time.advance(1_000);
    expect(flow.out).toHaveLength(Math.floor(10_000 / 256));
    expect(bench.lab.context.budget.held).toBe(0);
  });

  it("sends a flood that is due at once over several turns, in order, so that others get theirs in between", () => {
    const bench = new DatagramBench([late("100ms")]);
    const flow = bench.flow();
    const turns: number[] = [];
    const at = bench.time.exactly.bind(bench.time);
    bench.time.exactly = (when, run) =>
      at(when, () => {
        const before = flow.out.length;
        run();
        turns.push(flow.out.length - before);
      });
    const sent = Array.from({ length: 1_000 }, (_, n) => String(n));
    for (const text of sent) flow.push(text);
    bench.time.advance(100);
    expect(flow.texts).toEqual(sent);
    expect(turns).toEqual([256, 256, 256, 232]);
    expect(bench.time.idle).toBe(true);
  });

  it("leaves a flow no more than its share of the room", () => {
    const bench = new DatagramBench([late("1s")]);
    const [greedy, modest] = [bench.flow("10.0.0.1"), bench.flow("10.0.0.2")];
    for (let n = 0; n < 400; n++) greedy.push(Buffer.alloc(65_000));
    modest.push("mine");
    expect(greedy.path.held).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(greedy.overflows).toBeGreaterThan(0);
    bench.time.advance(1_000);
    expect(modest.texts).toEqual(["mine"]);
  });

  it("loses what is held when the flow is over, and gives the room back", () => {
    const bench = new DatagramBench([late("1s")]);
    const flow = bench.flow();
    flow.push("never");
    flow.path.end();
    bench.time.advance(2_000);
    expect(flow.out).toEqual([]);
    expect(bench.lab.context.budget.held).toBe(0);
    expect(bench.time.idle).toBe(true);
  });

  it("counts each datagram as a subject and as a hit, and has one journal entry for a flow and its total", () => {
    const bench = new DatagramBench([fault("packet_loss", { loss: "100%" }, { when: { probability: 0.3 } })]);
    const flow = bench.flow();
    for (let n = 0; n < 1_000; n++) flow.push(n);
    flow.path.end();
    const [book] = [...bench.lab.ledger.books()];
    const lost = 1_000 - flow.out.length;
    expect(book).toMatchObject({ subjects: 1_000, matched: 1_000, hits: lost });
    expect(Math.abs(lost / 1_000 - 0.3)).toBeLessThan(3 * Math.sqrt((0.3 * 0.7) / 1_000));
    expect(bench.lab.facts.of("fault_hit")).toHaveLength(1);
    expect(bench.lab.facts.of("fault_total")).toMatchObject([
      { effects: { lost }, bot: "10.0.0.1", connection: 1 },
    ]);
  });

  it("counts ordinals by bot: what other bots send changes nobody's draws", () => {
    const run = (others: boolean): string[] => {
      const bench = new DatagramBench([
        fault("packet_loss", { loss: "100%" }, { when: { probability: 0.5 } }),
      ]);
      const [flow, other] = [bench.flow("10.0.0.1"), bench.flow("10.0.0.2")];
      for (let n = 0; n < 200; n++) {
        flow.push(n);
        if (others) other.push(n);
      }
      return flow.texts;
    };
    expect(run(true)).toEqual(run(false));
  });

  it("draws for each direction by itself", () => {
    const run = (answers: number): string[] => {
      const bench = new DatagramBench([fault("packet_loss", { loss: "50%" })]);
      const flow = bench.flow();
      for (let n = 0; n < 200; n++) {
        flow.push(n);
        for (let m = 0; m < answers; m++) flow.push("answer", "downstream");
      }
      return flow.out.filter(({ direction }) => direction === "upstream").map(({ text }) => text);
    };
    expect(run(3)).toEqual(run(0));
  });

  it("obeys match, skip, every and count for each datagram", () => {
    const bench = new DatagramBench([
      fault(
        "packet_loss",
        { loss: "100%" },
        { match: [{ client: ["10.0.0.1"] }], when: { skip: 2, every: 3, count: 2 } },
      ),
    ]);
    const [hit, spared] = [bench.flow("10.0.0.1"), bench.flow("10.0.0.2")];
    for (let n = 1; n <= 12; n++) {
      hit.push(n);
      spared.push(n);
    }
    expect(hit.texts).toEqual(["1", "2", "3", "4", "6", "7", "9", "10", "11", "12"]);
    expect(spared.out).toHaveLength(12);
  });
});
