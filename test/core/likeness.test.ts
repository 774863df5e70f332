/** Normals along a bot's subjects: their spread, their likeness, and that they hang on names and numbers alone. */
import { describe, expect, it } from "vitest";
import { Likeness } from "../../src/core/likeness.js";
import { LANE, Random, drawKey } from "../../src/core/random.js";

const key = drawKey({ seed: 3, activation: "a", phase: "", pass: 0, fault: "f", proxy: "p", bot: "b" });
const N = 40_000;

describe("likeness", () => {
  it.each([0, 0.5, 0.95])("keeps the spread, and gives neighbours a correlation of %d", (correlation) => {
    const along = new Likeness(key);
    const values = Array.from({ length: N }, (_, n) => along.at(n, correlation));
    const mean = values.reduce((sum, value) => sum + value, 0) / N;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / N;
    let shared = 0;
    for (let n = 1; n < N; n++) shared += ((values[n] ?? 0) - mean) * ((values[n - 1] ?? 0) - mean);
    // So many of them are worth one that is drawn by itself; four standard errors.
    const worth = N / ((1 + correlation) / (1 - correlation));
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(worth));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / worth));
    expect(Math.abs(shared / variance / N - correlation)).toBeLessThan(
      4 * Math.sqrt((1 - correlation ** 2) / N) + 1e-3,
    );
  });

  it("is each subject's own draw where nothing is to be alike", () => {
    const along = new Likeness(key);
    for (const n of [0, 1, 5, 700]) expect(along.at(n, 0)).toBe(new Random(key, n, LANE.subject).normal());
  });

  it("is the same whoever asks first, and however far behind", () => {
    const inTurn = new Likeness(key);
    const values = Array.from({ length: 2_000 }, (_, n) => inTurn.at(n, 0.9));
    const outOfTurn = new Likeness(key);
    for (const n of [1_999, 1_990, 3, 1_500, 0, 1_999]) expect(outOfTurn.at(n, 0.9)).toBe(values[n]);
  });
});
