import { describe, expect, it } from "vitest";
import { didYouMean, suggest } from "../../src/core/suggest.js";

const TYPES = ["latency", "bandwidth", "slow_close", "half_open", "connection_limit"];

describe("suggestions", () => {
  it.each([
    ["latancy", "latency"],
    ["Latency", "latency"],
    ["slow-close", "slow_close"],
    ["slowclose", "slow_close"],
    ["bandwith", "bandwidth"],
    ["ltaency", "latency"],
    ["connection", "connection_limit"],
  ])("take %s for %s", (word, meant) => {
    expect(suggest(word, TYPES)).toBe(meant);
  });

  it.each(["", "x", "teapot", "lat", "z".repeat(65)])("leave %j alone", (word) => {
    expect(suggest(word, TYPES)).toBeUndefined();
    expect(didYouMean(word, TYPES)).toBeUndefined();
  });

  it("ask in the user's language", () => {
    expect(didYouMean("latancy", TYPES)).toBe('did you mean "latency"?');
  });

  it("have none where there is nothing to choose from", () => {
    expect(suggest("latency", [])).toBeUndefined();
  });
});
