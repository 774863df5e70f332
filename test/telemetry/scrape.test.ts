/** A scrape of thousands of series: of one moment, and in pieces between which others have their turn. */
import { describe, expect, it } from "vitest";
import { SampledCounter, SampledGauge, SampledHistogram, type Sample } from "../../src/telemetry/sampled.js";
import { Scrapes } from "../../src/telemetry/scrape.js";
import { parse } from "./exposition.js";

const BOUNDS = Array.from({ length: 16 }, (_, n) => n + 1);

/** Ten metrics of 500 series, and a histogram of 500 with 19 lines each: 14,500 lines, all of which say what `count` says. */
function start(during: () => void = () => undefined) {
  const lab = { count: 1, reads: 0, turns: 0 };
  const buckets = BOUNDS.map(() => 0).concat(1);
  const series = <V>(value: () => V) =>
    Array.from({ length: 500 }, (_, n): Sample<V> => [[`p-${n}`], value()]);
  const counters = Array.from(
    { length: 10 },
    (_, n) =>
      new SampledCounter({
        name: `m_${n}_total`,
        help: "many",
        labels: ["proxy"],
        read: () => {
          lab.reads++;
          return series(() => lab.count);
        },
      }),
  );
  const histogram = new SampledHistogram({
    name: "h_seconds",
    help: "long",
    labels: ["proxy"],
    bounds: BOUNDS,
    read: () => series(() => ({ buckets, sum: lab.count })),
  });
  const late = new SampledGauge({ name: "turns", help: "late", late: true, read: () => [[[], lab.turns]] });
  const scrapes = new Scrapes({
    metrics: [...counters, histogram, late],
    turn: async () => {
      lab.turns++;
      lab.count++;
      buckets[0] = lab.count;
      during();
      await Promise.resolve();
    },
  });
  return { lab, scrapes };
}

const valuesOf = (text: string): Set<number> =>
  new Set(
    [...parse(text)].flatMap(([name, { series }]) =>
      name === "turns" ? [] : series.filter(({ labels }) => labels["le"] !== "1").map(({ value }) => value),
    ),
  );

describe("a scrape", () => {
  it("lets others have a turn after some 1,000 lines, and tells what was so when it began", async () => {
    const { lab, scrapes } = start();
    const text = await scrapes.text();
    expect(text.trimEnd().split("\n").length).toBeGreaterThan(14_500);
    expect(lab.turns).toBeGreaterThanOrEqual(10);
    expect(lab.turns).toBeLessThanOrEqual(15);
    // 0 and 1: what the histogram holds in its buckets, and 1 for all else.
    expect([...valuesOf(text)].toSorted()).toEqual([0, 1]);
    expect(parse(text).get("turns")?.series[0]?.value).toBe(lab.turns);
  });

  it("says help and type once, whatever the pieces", async () => {
    const text = await start().scrapes.text();
    expect(text.split("# HELP h_seconds ")).toHaveLength(2);
    expect(text.split("# TYPE h_seconds ")).toHaveLength(2);
    expect(text.endsWith("\n")).toBe(true);
    expect(text).not.toContain("\n\n\n");
  });

  it("is shared by all who ask while one is under way, and read after they have asked", async () => {
    const asked: Promise<string>[] = [];
    const { lab, scrapes } = start(() => {
      if (asked.length < 100) asked.push(scrapes.text());
    });
    const first = scrapes.text();
    for (let n = 0; n < 50; n++) asked.push(scrapes.text());
    expect([...valuesOf(await first)].toSorted()).toEqual([0, 1]);
    const texts = new Set(await Promise.all(asked));
    // Those of the first round share one, those that came during the second another.
    expect(texts.size).toBeLessThanOrEqual(2);
    expect(lab.reads).toBeLessThanOrEqual(30);
  });

  it("that fails does not keep the next from being made", async () => {
    let broken = true;
    const metric = new SampledGauge({
      name: "x",
      help: "x",
      read: () => (broken ? Promise.reject(new Error("broken")) : [[[], 1]]),
    });
    const scrapes = new Scrapes({ metrics: [metric] });
    await expect(scrapes.text()).rejects.toThrow("broken");
    broken = false;
    expect(await scrapes.text()).toContain("x 1");
  });
});
