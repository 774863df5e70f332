/** The profiles for pools, as timelines: what each upstream is when, and what becomes of what is open to it. */
import * as fsPromises from "node:fs/promises";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { loadProfiles } from "../../src/config/load.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import type { CompiledFault, CompiledProfile } from "../../src/plan/value.js";
import { PoolBench } from "../support/pool-bench.js";
import { scaled } from "../support/scope.js";

/** How often it is looked at, in milliseconds. */
const STEP = scaled(25, 5);

const ROOT = resolve(import.meta.dirname, "../..");
const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const library = new Library(TYPES);

beforeAll(async () => {
  library.replaceFiles(await loadProfiles([join(ROOT, "profiles")], fsPromises, ROOT));
});

const compiled = (name: string, params: Record<string, unknown> = {}): CompiledProfile =>
  compileProfile(name, library, params, TYPES);

/** The flap of a profile, on a pool of a, b and c. */
function played(name: string, params: Record<string, unknown> = {}, seed = 1): PoolBench {
  const { faults, phases } = compiled(name, params);
  const flap = [...faults, ...phases.flatMap((phase) => phase.faults)].find(
    (fault): fault is CompiledFault => fault.type === "flap",
  );
  if (flap === undefined) throw new Error(`no flap in ${name}`);
  return new PoolBench("flap", { period: "1s" }, { seed, compiled: flap.params });
}

describe("the profiles for pools", () => {
  it("double-blip: two cuts within three seconds, and never again", () => {
    const bench = played("lb-double-blip", { target: "a" });
    expect(bench.timeline(120_000, 10)).toEqual(["3000 a down", "3300 a up", "4800 a down", "5100 a up"]);
    expect(bench.told).toEqual(["3000 cut a", "4800 cut a"]);
  });

  it("health-check-flap: 30 s in, 15 s out, each in its own time, and nothing is cut", () => {
    const bench = played("lb-health-check-flap");
    const lines = bench.timeline(300_000, STEP);
    expect(bench.told).toEqual([]);
    for (const name of ["a", "b", "c"]) {
      const edges = lines.filter((line) => line.includes(` ${name} `)).map((line) => line.split(" "));
      expect(edges.length).toBeGreaterThanOrEqual(10);
      edges.forEach(([at, , state], index) => {
        expect(state).toBe(index % 2 === 0 ? "down" : "up");
        const since = Number(at) - Number(edges[index - 1]?.[0] ?? 0);
        // An outage keeps its length; jitter moves it by 2 s at most, so the time between by 4 s.
        if (state === "up") expect(Math.abs(since - 15_000)).toBeLessThanOrEqual(STEP);
        else if (index > 0) expect(Math.abs(since - 30_000)).toBeLessThanOrEqual(4_000 + STEP);
      });
    }
    expect(played("lb-health-check-flap").timeline(100_000, STEP)).toEqual(
      lines.filter((line) => Number(line.split(" ")[0]) <= 100_000),
    );
    expect(played("lb-health-check-flap", {}, 2).timeline(100_000, 50)).not.toEqual(
      played("lb-health-check-flap", {}, 1).timeline(100_000, 50),
    );
  });

  it("fast-flap: 200 ms there, 200 ms gone, with a cut each time", () => {
    const bench = played("lb-fast-flap", { target: "b" });
    expect(bench.timeline(1_200)).toEqual([
      "200 b down",
      "400 b up",
      "600 b down",
      "800 b up",
      "1000 b down",
      "1200 b up",
    ]);
    expect(bench.told).toEqual(["200 cut b", "600 cut b", "1000 cut b"]);
  });

  it("deploy: each once, one after the other, and back slowly", () => {
    const bench = played("lb-deploy");
    const chosen: string[] = [];
    for (let at = 0; at <= 60_000; at += 100) {
      const left = bench.choose();
      if (left !== chosen.at(-1)?.split(": ")[1]) chosen.push(`${bench.now}: ${left}`);
      bench.clock.advance(100);
    }
    expect(chosen).toEqual([
      "0: b c",
      "5000: a b c",
      "10000: a c",
      "15000: a b c",
      "20000: a b",
      "25000: a b c",
    ]);
    expect(bench.told).toEqual(["0 drain a", "10000 drain b", "20000 drain c"]);
    const back = played("lb-deploy");
    back.clock.advance(7_500);
    expect(back.reach("a")).toEqual({ do: "hold", for: 250 });
  });

  it("brownout: everybody up and slow for its phase, and a fifth of the requests failing", () => {
    const { phases } = compiled("lb-brownout");
    expect(phases.map(({ phase, for: length, faults }) => [phase, length, faults.length])).toEqual([
      ["calm", 5_000, 0],
      ["brownout", 30_000, 2],
    ]);
    expect(phases[1]?.faults[1]).toMatchObject({ type: "http_status", when: { probability: 0.2 } });
    const bench = played("lb-brownout");
    expect([bench.choose(), bench.reach("c")]).toEqual(["a b c", { do: "hold", for: 800 }]);
    bench.clock.advance(29_999);
    expect(bench.reach("a")).toEqual({ do: "hold", for: 800 });
    expect(bench.told).toEqual([]);
  });

  it("returns-cold: gone, and then half-healthy, less and less slow", () => {
    const bench = played("lb-returns-cold", { target: "a", failing: "0%" });
    const met: string[] = [];
    for (const at of [0, 4_999, 5_000, 9_999, 10_000, 15_000, 25_000, 30_000, 90_000]) {
      bench.clock.advance(at - bench.now);
      const verdict = bench.reach("a");
      met.push(`${at} ${verdict.do}${verdict.do === "hold" ? ` ${verdict.for}` : ""}`);
    }
    expect(met).toEqual([
      "0 pass",
      "4999 pass",
      "5000 refuse",
      "9999 refuse",
      "10000 hold 2000",
      "15000 hold 1500",
      "25000 hold 500",
      "30000 pass",
      "90000 pass",
    ]);
  });

  it("heal-storm: nobody for a minute, and then all of them in one moment", () => {
    const bench = played("lb-heal-storm");
    expect(bench.timeline(300_000, 100)).toEqual([
      "3000 a down",
      "3000 b down",
      "3000 c down",
      "63000 a up",
      "63000 b up",
      "63000 c up",
    ]);
    expect(bench.told).toEqual(["3000 cut a", "3000 cut b", "3000 cut c"]);
  });
});
