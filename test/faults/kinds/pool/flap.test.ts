import { describe, expect, it } from "vitest";
import { PoolBench, type PoolOptions } from "../../../support/pool-bench.js";
import { typeNamed, type Raw } from "../../../support/stream-bench.js";

const flapping = (raw: Raw, options?: PoolOptions): PoolBench => new PoolBench("flap", raw, options);

/** The reach verdict while a is down, in a word. */
function reached(raw: Raw): string {
  const bench = flapping({ pattern: ["down 1s", "up 1s"], ...raw });
  bench.clock.advance(500);
  return bench.reach("a").do;
}

describe("flap", () => {
  it("takes its targets down and lets them come back exactly in its rhythm", () => {
    const bench = flapping({ targets: ["a", "b"], pattern: ["up 5s", "down 300ms"] });
    expect(bench.timeline(12_000)).toEqual([
      "5000 a down",
      "5000 b down",
      "5300 a up",
      "5300 b up",
      "10300 a down",
      "10300 b down",
      "10600 a up",
      "10600 b up",
    ]);
  });

  it("cuts what is open to them in the moment in which they go down, and nothing at other times", () => {
    const bench = flapping({ targets: ["b"], pattern: ["up 5s", "down 300ms"], count: 2 });
    bench.clock.advance(60_000);
    expect(bench.told).toEqual(["5000 cut b", "10300 cut b"]);
    expect(bench.wakes).toEqual([0, 5_000, 5_300, 10_300, 10_600]);
    expect(bench.clock.idle).toBe(true);
    expect(bench.armed.counts).toEqual({ went_down: 2, ended: 1 });
    expect(bench.armed.details.went_down).toEqual({ upstream: "b", down_for_ms: 300 });
  });

  it("says a double blip: two short outages, and then never again", () => {
    const bench = flapping({
      pattern: ["up 3s", "down 300ms", "up 1500ms", "down 300ms"],
      count: 1,
      targets: ["a"],
    });
    expect(bench.timeline(60_000)).toEqual(["3000 a down", "3300 a up", "4800 a down", "5100 a up"]);
  });

  it("says a deploy: each once, one after the other, finishing what is open", () => {
    const bench = flapping({
      pattern: ["down 5s", "up 25s"],
      count: 1,
      phase: "staggered",
      existing: "drain",
      down: "hidden",
    });
    expect(bench.timeline(100_000, 5)).toEqual([
      "0 a down",
      "5000 a up",
      "10000 b down",
      "15000 b up",
      "20000 c down",
      "25000 c up",
    ]);
    expect(bench.told).toEqual(["0 drain a", "10000 drain b", "20000 drain c"]);
  });

  it("staggers its targets in the order in which they are named", () => {
    const bench = flapping({
      targets: ["c", "a"],
      period: "10s",
      duty: "90%",
      phase: "staggered",
      count: 1,
    });
    expect(bench.timeline(30_000, 5)).toEqual(["9000 c down", "10000 c up", "14000 a down", "15000 a up"]);
  });

  it("gives the same timeline for the same seed, and another for another", () => {
    const raw = { period: "1s", duty: "70%", jitter: "200ms", phase: "independent" };
    const line = (seed: number): string[] => flapping(raw, { seed }).timeline(8_000, 0.5);
    expect(line(1)).toEqual(line(1));
    expect(line(1)).not.toEqual(line(2));
    expect(line(1).filter((text) => text.endsWith("a down")).length).toBeGreaterThanOrEqual(6);
  });

  it("does not hang on how often somebody looks, or when it is woken", () => {
    const raw = { period: "1s", duty: "70%", jitter: "200ms", phase: "independent" };
    const nagged = flapping(raw);
    for (let at = 0.1; at < 8_000; at += 3.7)
      nagged.clock.at(nagged.clock.now() + at, () => {
        nagged.wake();
        nagged.choose();
      });
    const calm = flapping(raw);
    expect(nagged.timeline(8_000)).toEqual(calm.timeline(8_000));
    expect(nagged.armed.counts["went_down"]).toBe(calm.armed.counts["went_down"]);
  });

  it("has everybody down together where the phase is the same, and then nobody is left to choose", () => {
    const bench = flapping({ period: "1s", down: "hidden", jitter: "100ms" });
    let nobody = 0;
    for (let at = 0; at < 10_000; at++) {
      const left = bench.choose();
      expect(["", "a b c"]).toContain(left);
      if (left === "") nobody++;
      bench.clock.advance(1);
    }
    // Ten outages of 500 ms; the last may be moved beyond the end, by as much as jitter at most.
    expect(nobody).toBeGreaterThanOrEqual(4_900);
    expect(nobody).toBeLessThanOrEqual(5_010);
  });
});

describe("flap, while a target is down", () => {
  it.each([
    ["refuse", "refuse"],
    ["reset", "reset"],
    ["blackhole", "hang"],
    ["status", "answer"],
    ["drain", "refuse"],
    ["slow", "hold"],
    ["hidden", "pass"],
  ])("with down: %s, reaching it gives %s, and the balancer knows of hidden alone", (down, verdict) => {
    expect(reached({ down })).toBe(verdict);
    const bench = flapping({ targets: ["a"], pattern: ["down 1s", "up 1s"], down });
    expect(bench.choose()).toBe(down === "hidden" ? "b c" : "a b c");
    expect(bench.reach("b").do).toBe("pass");
    bench.clock.advance(1_000);
    expect(bench.choose()).toBe("a b c");
    expect(bench.reach("a").do).toBe("pass");
  });

  it("answers in the persona's words", () => {
    const bench = flapping({ pattern: ["down 1s", "up 1s"], down: "status", status: 502, persona: "nginx" });
    const verdict = bench.reach("a");
    if (verdict.do !== "answer") throw new Error("no answer");
    expect(verdict.head.status).toBe(502);
    expect(verdict.body.toString()).toContain("<center>nginx</center>");
    expect(bench.armed.details.failed).toEqual({ upstream: "a" });
  });

  it("answers 503 unless another status is given", () => {
    const verdict = flapping({ pattern: ["down 1s", "up 1s"], down: "status" }).reach("a");
    expect(verdict.do === "answer" && verdict.head.status).toBe(503);
  });

  it("is slow by its delay, and books it", () => {
    const bench = flapping({ pattern: ["down 1s", "up 1s"], down: "slow", delay: "700ms" });
    expect(bench.reach("a")).toEqual({ do: "hold", for: 700 });
    expect(bench.armed.delays).toEqual([700]);
    expect(bench.armed.details.slowed).toEqual({ upstream: "a", delay_ms: 700 });
  });

  it.each([
    ["refuse", undefined, "cut"],
    ["reset", undefined, "cut"],
    ["blackhole", undefined, ""],
    ["status", undefined, ""],
    ["drain", undefined, "drain"],
    ["slow", undefined, ""],
    ["hidden", undefined, ""],
    ["refuse", "keep", ""],
    ["refuse", "drain", "drain"],
    ["slow", "cut", "cut"],
    ["drain", "cut", "cut"],
  ])("with down: %s and existing: %s, open connections are told %j", (down, existing, told) => {
    const raw = { targets: ["a"], pattern: ["up 1s", "down 1s"], count: 1, down };
    const bench = flapping(existing === undefined ? raw : { ...raw, existing });
    bench.clock.advance(10_000);
    expect(bench.told).toEqual(told === "" ? [] : [`1000 ${told} a`]);
  });

  it("cuts those of a slow one only that were open when it went down", () => {
    const bench = flapping({ targets: ["a"], pattern: ["up 1s", "down 5s"], down: "slow", existing: "cut" });
    bench.clock.advance(2_000);
    bench.wake();
    expect(bench.told).toEqual(["1000 cut a"]);
  });

  it("is asked of open connections for reasons of others too, and says the same until somebody new is there", () => {
    const raw = { targets: ["a"], pattern: ["up 1s", "down 5s"], down: "slow", existing: "cut" };
    const bench = flapping(raw);
    const existing = (): string | undefined => bench.fault.existing?.({ name: "a" }).do;
    bench.clock.advance(1_500);
    expect([existing(), existing()]).toEqual(["reset", "reset"]);
    bench.reach("b");
    expect(existing()).toBe("reset");
    bench.reach("a");
    expect(existing()).toBe("pass");
  });

  it("cuts at its next wake what slipped in as it went down", () => {
    const bench = flapping({ targets: ["a"], pattern: ["up 1s", "down 5s"] });
    bench.clock.advance(2_000);
    bench.wake();
    expect(bench.told).toEqual(["1000 cut a", "2000 cut a"]);
  });

  it("cuts at once where it begins with an outage", () => {
    const bench = flapping({ targets: ["a"], pattern: ["down 1s", "up 1s"], count: 1 });
    bench.clock.advance(0);
    expect(bench.told).toEqual(["0 cut a"]);
  });

  it("leaves no outage out because a timer came late, and counts each", () => {
    const bench = flapping({ targets: ["a"], pattern: ["up 1s", "down 20ms"], count: 5 }, { late: 50 });
    bench.clock.advance(20_000);
    expect(bench.told).toEqual(["1050 cut a", "2070 cut a", "3090 cut a", "4110 cut a", "5130 cut a"]);
    expect(bench.armed.counts["went_down"]).toBe(5);
  });
});

describe("flap, when its parameters change", () => {
  it("goes on in the new rhythm from when it took hold, and says so of those that are down in it", () => {
    const bench = flapping({ targets: ["a"], pattern: ["up 5s", "down 1s"] });
    bench.clock.advance(2_000);
    bench.assign({ targets: ["b"], pattern: ["up 1s", "down 3s"] });
    expect(bench.told).toEqual(["2000 cut b"]);
    expect(bench.timeline(4_000)).toEqual(["2000 b down", "4000 b up", "5000 b down"]);
  });

  it("knows no member that is not in the pool, and flaps the others", () => {
    const bench = flapping({ targets: ["z", "a"], pattern: ["down 1s", "up 1s"] }, { names: ["a"] });
    expect(bench.timeline(1_500)).toEqual(["0 a down", "1000 a up"]);
  });
});

describe("flap, as a description", () => {
  const { params, check, explain } = typeNamed("flap");
  const mistake = (raw: Raw, narrowed = false): unknown => check?.({ params: params.parse(raw), narrowed });

  it("refuses what cannot be", () => {
    expect(mistake({ pattern: ["up 1s", "down 1s"] })).toBeUndefined();
    expect(mistake({})).toMatchObject({ path: "period" });
    expect(mistake({ period: "1s", status: 503 })).toEqual({
      path: "status",
      message: "goes with down: status, and with nothing else",
    });
    expect(mistake({ period: "1s", jitter: "1s" })).toMatchObject({ path: "jitter" });
    expect(mistake({ period: "1s" }, true)).toEqual({
      path: "match",
      message: "it acts on the pool as a whole: match, except, probability and counters do not apply to it",
    });
  });

  it("says what it does", () => {
    const told = (raw: Raw): string => explain(params.parse(raw));
    expect(told({ pattern: ["up 5s", "down 300ms"], jitter: "100ms", count: 3, settle: "1m" })).toBe(
      "lets all upstreams flap (up 5s, down 300ms, give or take 100ms, 3 times, after 1m), refusing connections while down, with open connections cut",
    );
    expect(
      told({
        targets: ["a", "b"],
        period: "45s",
        down: "slow",
        delay: "2s",
        phase: "staggered",
        up: { ramp: "10s", error_rate: "20%" },
      }),
    ).toBe(
      "lets a and b flap (up for 50% of every 45s, one after the other), slow by 2s while down, with open connections kept, and come back half-healthy over 10s (20% of requests get a 503)",
    );
  });
});
