import { describe, expect, it } from "vitest";
import { SampledCounter, SeriesCap, type Sample } from "../../src/telemetry/sampled.js";

const sum = (a: number, b: number) => a + b;
const shown = (cap: SeriesCap<number>, samples: Iterable<Sample>) =>
  cap.fold(samples).map(([labels, value]) => `${Object.values(labels).join(",")}=${value}`);
const named = (...names: string[]): Sample[] => names.map((name) => [[name], 1]);

describe("the cap on series", () => {
  it("adds up what has the same labels", () => {
    const cap = new SeriesCap(["a", "b"], sum, 10);
    expect(
      shown(cap, [
        [["x", "y"], 1],
        [["x", "z"], 2],
        [["x", "y"], 4],
      ]),
    ).toEqual(["x,y=5", "x,z=2"]);
  });

  it("does not confuse labels that only look alike when they are joined", () => {
    const cap = new SeriesCap(["a", "b"], sum, 10);
    expect(
      shown(cap, [
        [["x,", "y"], 1],
        [["x", ",y"], 2],
        [['x","', "y"], 4],
      ]),
    ).toHaveLength(3);
  });

  it("puts what is too much under `other`, and never has more series than it may", () => {
    const cap = new SeriesCap(["proxy"], sum, 4);
    expect(shown(cap, named("a", "b", "c"))).toEqual(["a=1", "b=1", "c=1"]);
    expect(cap.dropped).toBe(0);
    expect(shown(cap, named("a", "b", "c", "d", "e"))).toEqual(["a=1", "b=1", "c=1", "other=2"]);
    expect(cap.dropped).toBe(2);
  });

  it("counts each that was dropped once, however often it is scraped", () => {
    const cap = new SeriesCap(["proxy"], sum, 2);
    for (let scrape = 0; scrape < 5; scrape++) shown(cap, named("a", "b", "c"));
    expect(cap.dropped).toBe(2);
  });

  it("keeps who was first, whatever the order of later scrapes", () => {
    const cap = new SeriesCap(["proxy"], sum, 3);
    shown(cap, named("a", "b"));
    expect(shown(cap, named("d", "c", "b", "a"))).toEqual(["b=1", "a=1", "other=2"]);
  });

  it("gives the place of one that is gone to one that is new, not to one that is in `other` already", () => {
    const cap = new SeriesCap(["proxy"], sum, 3);
    shown(cap, named("a", "b", "c"));
    expect(shown(cap, named("b", "c", "d"))).toEqual(["b=1", "d=1", "other=1"]);
    expect(shown(cap, named("c"))).toEqual(["other=1"]);
    expect(shown(cap, [])).toEqual([]);
    expect(shown(cap, named("c"))).toEqual(["c=1"]);
  });

  it("has one series for `other` even if somebody is called that", () => {
    const cap = new SeriesCap(["proxy"], sum, 3);
    expect(shown(cap, named("other", "a", "b", "c"))).toEqual(["a=1", "b=1", "other=2"]);
    expect(cap.dropped).toBe(1);
  });

  it("never drops a metric without labels", () => {
    expect(shown(new SeriesCap([], sum), [[[], 3]])).toEqual(["=3"]);
  });
});

describe("a sampled metric", () => {
  it("answers prom-client's JSON with all labels of a line together", async () => {
    const counter = new SampledCounter({ name: "n", help: "h", labels: ["a"], read: () => [[["x"], 1]] });
    expect((await counter.get()).values).toEqual([{ metricName: "n", labels: { a: "x" }, value: 1 }]);
    counter.reset();
    expect((await counter.get()).values).toHaveLength(1);
  });
});
