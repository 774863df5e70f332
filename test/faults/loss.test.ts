import { describe, expect, it } from "vitest";
import { LinkTimes, Losses, PacketLosses, type LossParams } from "../../src/faults/loss.js";
import { randomOf } from "../support/scripted-traffic.js";

const N = 200_000;

function drawn(loss: number, burst: number, seed = 1): boolean[] {
  const losses = new PacketLosses(randomOf(seed, "losses"), () => ({ loss, burst }));
  return Array.from({ length: N }, () => losses.lost(0));
}

function runs(values: readonly boolean[]): number[] {
  const lengths: number[] = [];
  let length = 0;
  for (const value of values) {
    if (value) length++;
    else if (length > 0) {
      lengths.push(length);
      length = 0;
    }
  }
  return lengths;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const share = (values: readonly boolean[]): number => values.filter(Boolean).length / values.length;

describe("lost packets", () => {
  it.each([0.0001, 0.01, 0.2, 0.9])("are lost each by itself at a share of %d", (loss) => {
    const values = drawn(loss, 1);
    const error = Math.sqrt((loss * (1 - loss)) / N);
    expect(Math.abs(share(values) - loss)).toBeLessThan(4 * error);
    // One after another as often as two that have nothing to do with each other.
    const pairs = values.slice(1).filter((value, i) => value && values[i] === true).length / (N - 1);
    expect(Math.abs(pairs - loss ** 2)).toBeLessThan(4 * Math.sqrt(loss ** 2 / N) * (1 + 2 * loss));
  });

  it.each([
    [0.02, 2],
    [0.05, 4],
    [0.03, 8],
    [0.2, 3],
  ])("keep the share %d and the mean run %d of bursts", (loss, burst) => {
    const values = drawn(loss, burst);
    // The states of a two-state chain correlate by 1 - r - p from one to the next.
    const stays = 1 - 1 / burst - loss / (burst * (1 - loss));
    const error = Math.sqrt((loss * (1 - loss) * ((1 + stays) / (1 - stays))) / N);
    expect(Math.abs(share(values) - loss)).toBeLessThan(4 * error);
    const lengths = runs(values);
    // Runs are geometric: variance b (b - 1).
    const spread = Math.sqrt((burst * (burst - 1)) / lengths.length);
    expect(Math.abs(mean(lengths) - burst)).toBeLessThan(4 * spread);
  });

  it("keep the share where it needs longer runs than were asked for", () => {
    const values = drawn(0.9, 2);
    expect(Math.abs(share(values) - 0.9)).toBeLessThan(0.01);
    expect(share(drawn(1, 5))).toBe(1);
    expect(share(drawn(0, 5))).toBe(0);
  });

  it("end their run when nothing was sent for a while, and keep the share", () => {
    const losses = new PacketLosses(randomOf(5, "losses"), () => ({ loss: 0.2, burst: 8 }));
    const values = Array.from({ length: N }, (_, i) => losses.lost(i * 200));
    expect(Math.abs(share(values) - 0.2)).toBeLessThan(4 * Math.sqrt(0.16 / N));
    const lengths = runs(values);
    // Each by itself: runs are geometric with mean 1 / (1 - L), variance L / (1 - L)^2.
    expect(Math.abs(mean(lengths) - 1.25)).toBeLessThan(4 * Math.sqrt(0.3125 / lengths.length));
  });

  it("take one draw each, so that a change of the parameters shifts none", () => {
    const params = { loss: 0.5, burst: 1 };
    const one = new PacketLosses(randomOf(3, "losses"), () => params);
    const other = randomOf(3, "losses");
    for (let i = 0; i < 100; i++) {
      params.burst = 1 + (i % 3);
      one.lost(0);
      other.unit();
    }
    params.burst = 1;
    expect(Array.from({ length: 50 }, () => one.lost(0))).toEqual(
      Array.from({ length: 50 }, () => other.unit() < 0.5),
    );
  });
});

describe("good and bad times", () => {
  it("come in a fixed rhythm", () => {
    const times = new LinkTimes(randomOf(1), () => ({ good_for: 900, bad_for: 100, timing: "fixed" }), 5000);
    expect([5000, 5899, 5900, 5999, 6000, 6899, 6950, 7000].map((at) => times.bad(at))).toEqual([
      false,
      false,
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it("are drawn with the means that were asked for, whether anything is sent or not", () => {
    const times = new LinkTimes(randomOf(2), () => ({ good_for: 900, bad_for: 100, timing: "drawn" }), 0);
    const looks = Array.from({ length: N }, (_, i) => times.bad(i * 10));
    // Two exponentials alternating: the correlation dies with 1/900 + 1/100 per ms, 90 ms, which is 9 looks each way.
    expect(Math.abs(share(looks) - 0.1)).toBeLessThan(4 * Math.sqrt((0.09 * 18) / N));
    const lengths = runs(looks).map((length) => length * 10);
    // A time shorter than the look is seen with the share of it only; the rest is longer by as much.
    expect(Math.abs(mean(lengths) - 100)).toBeLessThan((4 * 100) / Math.sqrt(lengths.length) + 10);
  });

  it("are agreed upon by all that share a link, and take the place of bursts", () => {
    const params: LossParams = {
      loss: 0,
      burst: 1,
      good_for: 300,
      bad_for: 200,
      bad_loss: 1,
      timing: "drawn",
    };
    const of = (seed: number): Losses =>
      new Losses({ params, packets: randomOf(seed), link: () => randomOf(9, "link"), since: 0 });
    const here = of(1);
    const there = of(2);
    const moments = Array.from({ length: 2000 }, (_, i) => i * 7);
    const losses = moments.map((at) => here.lost(at));
    expect(moments.filter((_, i) => i % 3 === 0).map((at) => there.lost(at))).toEqual(
      losses.filter((_, i) => i % 3 === 0),
    );
    expect(share(losses)).toBeGreaterThan(0.2);
  });
});
