/** What the faults of UDP do, by counts and statistics on a virtual clock; tolerances are three standard deviations. */
import { describe, expect, it } from "vitest";
import { fault } from "../support/lab.js";
import { scaled } from "../support/scope.js";
import { expectTheSame } from "../support/shifted.js";
import { DatagramBench } from "../support/datagram-bench.js";

const both = { directions: "both" } as const;
/** Three standard deviations of a share of n. */
const within = (share: number, n: number): number => 3 * Math.sqrt((share * (1 - share)) / n);

describe("packet_loss on datagrams", () => {
  for (const share of [0.001, 0.05, 0.5]) {
    it(`loses ${share * 100} % of them, each by itself, in either direction`, () => {
      const bench = new DatagramBench([fault("packet_loss", { loss: `${share * 100}%` })]);
      const flow = bench.flow();
      const n = scaled(20_000, 100_000);
      for (let sent = 0; sent < n; sent++) {
        flow.push("up");
        flow.push("down", "downstream");
      }
      for (const direction of ["upstream", "downstream"]) {
        const arrived = flow.out.filter((one) => one.direction === direction).length;
        expect(Math.abs(1 - arrived / n - share)).toBeLessThan(within(share, n));
      }
      expect(bench.effects("packet_loss")).toMatchObject({ lost: 2 * n - flow.out.length });
    });
  }

  it("loses none at 0 % and all at 100 %", () => {
    for (const [loss, arrived] of [
      ["0%", 1_000],
      ["100%", 0],
    ] as const) {
      const flow = new DatagramBench([fault("packet_loss", { loss })]).flow();
      for (let n = 0; n < 1_000; n++) flow.push(n);
      expect(flow.out).toHaveLength(arrived);
    }
  });

  it("loses bursts of the mean length that was asked for, and the share all the same", () => {
    const [share, burst, n] = [0.05, 8, scaled(80_000, 400_000)];
    const flow = new DatagramBench([fault("packet_loss", { loss: "5%", burst })]).flow();
    const arrived = new Set<number>();
    for (let sent = 0; sent < n; sent++) flow.push(sent);
    for (const { text } of flow.out) arrived.add(Number(text));
    const runs: number[] = [];
    let run = 0;
    for (let sent = 0; sent <= n; sent++) {
      if (sent < n && !arrived.has(sent)) run++;
      else if (run > 0) {
        runs.push(run);
        run = 0;
      }
    }
    const mean = runs.reduce((sum, length) => sum + length, 0) / runs.length;
    // Runs are geometric: their standard deviation is sqrt(b (b - 1)).
    expect(Math.abs(mean - burst)).toBeLessThan(3 * Math.sqrt((burst * (burst - 1)) / runs.length));
    // Cycles of a run and a gap: the share's variance is that of a two-state chain, (1 + rho) / (1 - rho) times iid's.
    const rho = 1 - 1 / burst - share / (burst * (1 - share));
    const lost = 1 - flow.out.length / n;
    expect(Math.abs(lost - share)).toBeLessThan(within(share, n) * Math.sqrt((1 + rho) / (1 - rho)));
  });

  it("has bad times of the link that both directions share", () => {
    const bench = new DatagramBench([
      fault("packet_loss", { loss: "0%", good_for: "1s", bad_for: "200ms", timing: "fixed" }),
    ]);
    const flow = bench.flow();
    for (let at = 0; at < 2_400; at += 10) {
      flow.push(at);
      flow.push(at, "downstream");
      bench.time.advance(10);
    }
    const lost = (direction: string): number[] => {
      const there = new Set(
        flow.out.filter((one) => one.direction === direction).map(({ text }) => Number(text)),
      );
      return Array.from({ length: 240 }, (_, n) => n * 10).filter((at) => !there.has(at));
    };
    expect(lost("upstream")).toEqual(lost("downstream"));
    const bad = (from: number): number[] => Array.from({ length: 20 }, (_, n) => from + n * 10);
    expect(lost("upstream")).toEqual([...bad(1_000), ...bad(2_200)]);
  });

  it("takes half the round trip for each direction", () => {
    const bench = new DatagramBench([fault("packet_loss", { loss: "0%", rtt: "50ms" })]);
    const flow = bench.flow();
    flow.push("to");
    flow.push("fro", "downstream");
    bench.time.advance(100);
    expect(flow.times).toEqual([25, 25]);
  });
});

describe("latency on datagrams", () => {
  it("delays by the mean and the spread that were asked for", () => {
    const [n, jitter] = [20_000, 20];
    const bench = new DatagramBench([
      fault("latency", { delay: "100ms", jitter: "20ms", distribution: "normal", reorder: true }, both),
    ]);
    const flow = bench.flow();
    for (let sent = 0; sent < n; sent++) flow.push(sent);
    bench.time.advance(1_000);
    const mean = flow.out.reduce((sum, { at }) => sum + at, 0) / n;
    const deviation = Math.sqrt(flow.out.reduce((sum, { at }) => sum + (at - mean) ** 2, 0) / n);
    expect(Math.abs(mean - 100)).toBeLessThan((3 * jitter) / Math.sqrt(n));
    expect(Math.abs(deviation - jitter)).toBeLessThan((3 * jitter) / Math.sqrt(2 * n));
  });
});

describe("bandwidth on datagrams", () => {
  it("lets them leave one after the other at its rate", () => {
    const bench = new DatagramBench([fault("bandwidth", { rate: "100kB/s", burst: "0B" }, both)]);
    const flow = bench.flow();
    for (let n = 0; n < 5; n++) flow.push(Buffer.alloc(1_000));
    bench.time.advance(100);
    expect(flow.times).toEqual([10, 20, 30, 40, 50]);
  });

  it("drops what finds its queue full, the last to come", () => {
    const bench = new DatagramBench([fault("bandwidth", { rate: "1kB/s", burst: "0B", queue: "3kB" }, both)]);
    const flow = bench.flow();
    for (let n = 0; n < 10; n++) flow.push(Buffer.alloc(1_000, String(n)));
    bench.time.advance(60_000);
    expect(flow.out.map(({ payload }) => payload.toString("latin1", 0, 1))).toEqual(["0", "1", "2"]);
    expect(bench.effects("bandwidth")).toEqual({ throttled: 3, dropped: 7 });
  });

  it("stalls at a rate of zero, and goes on in order when there is one", () => {
    const bench = new DatagramBench([fault("bandwidth", { rate: "0B/s" }, both)]);
    const flow = bench.flow();
    for (const text of ["a", "b", "c"]) flow.push(text);
    bench.time.advance(3_600_000);
    expect(flow.out).toEqual([]);
    bench.lab.change([fault("bandwidth", { rate: "1MB/s" }, both)]);
    bench.time.advance(1_000);
    expect(flow.texts).toEqual(["a", "b", "c"]);
  });

  it("is shared by all flows of a proxy where that is asked for", () => {
    const bench = new DatagramBench([
      fault("bandwidth", { rate: "100kB/s", burst: "0B", shared: "proxy" }, both),
    ]);
    const [one, other] = [bench.flow("10.0.0.1"), bench.flow("10.0.0.2")];
    for (let n = 0; n < 2; n++) for (const flow of [one, other]) flow.push(Buffer.alloc(1_000));
    bench.time.advance(100);
    expect([one.times, other.times]).toEqual([
      [10, 30],
      [20, 40],
    ]);
  });
});

describe("corrupt on datagrams", () => {
  it("flips bits in its share of the bytes, in a copy, and keeps the length", () => {
    const bench = new DatagramBench([fault("corrupt", { rate: "1%" }, both)]);
    const flow = bench.flow();
    const [n, bytes] = [2_000, 500];
    const payload = Buffer.alloc(bytes);
    for (let sent = 0; sent < n; sent++) flow.push(payload);
    const hit = flow.out.reduce((sum, one) => sum + one.payload.filter((byte) => byte !== 0).length, 0);
    expect(Math.abs(hit / (n * bytes) - 0.01)).toBeLessThan(within(0.01, n * bytes));
    expect(flow.out.every((one) => one.payload.length === bytes)).toBe(true);
    expect(payload.every((byte) => byte === 0)).toBe(true);
    expect(bench.effects("corrupt")).toEqual({ corrupted: hit });
  });
});

describe("every fault of datagrams", () => {
  const SETTINGS: readonly (readonly [string, Record<string, unknown>])[] = [
    ["packet_loss", { loss: "10%" }],
    ["packet_loss", { loss: "10%", burst: 4 }],
    ["duplicate", { share: "30%", copies: 2 }],
    ["reorder", { share: "20%", by: 2 }],
    ["corrupt", { rate: "5%" }],
    ["latency", { delay: "20ms", jitter: "15ms" }],
    ["bandwidth", { rate: "2kB/s" }],
    ["noop", {}],
  ];
  it.each(SETTINGS)("%s %j does the same however long the process has been running", (type, params) => {
    const [early = [], late = []] = [0, 2 ** 32].map((uptime) => {
      const bench = new DatagramBench();
      bench.time.advance(uptime);
      bench.lab.use([fault(type, params, both)], { seed: 2 });
      const flow = bench.flow();
      for (let n = 0; n < 300; n++) {
        flow.push(`datagram ${n}`);
        flow.push(`answer ${n}`, "downstream");
        bench.time.advance(3.5);
      }
      bench.time.advance(60_000);
      return [
        ...flow.out.map(({ text, direction, at }) => `${direction} ${text} at ${at - uptime}`),
        JSON.stringify(bench.effects(type)),
      ];
    });
    expectTheSame(late, early);
  });
});
