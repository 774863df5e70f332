/** Numbers and times as the dashboard writes them. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { count, countdown, duration, plural, rate, size, timeOfDay } from "../../src/ui/format.js";

describe("numbers and times", () => {
  beforeAll(() => {
    vi.stubEnv("TZ", "Asia/Kolkata");
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    [0, "0 ms"],
    [0.42, "0.4 ms"],
    [9.96, "10 ms"],
    [999.4, "999 ms"],
    [999.6, "1 s"],
    [1_240, "1.2 s"],
    [9_960, "10 s"],
    [59_499, "59 s"],
    [59_600, "1 min 00 s"],
    [185_000, "3 min 05 s"],
    [3_599_600, "1 h 00 min"],
    [7_800_000, "2 h 10 min"],
    [-5, "0 ms"],
  ])("%d ms last %s", (millis, text) => {
    expect(duration(millis)).toBe(text);
  });

  it.each([
    [0, "0:00"],
    [1, "0:01"],
    [8_999, "0:09"],
    [750_000, "12:30"],
    [3_723_000, "1:02:03"],
    [-1, "0:00"],
  ])("of %d ms %s are left", (millis, text) => {
    expect(countdown(millis)).toBe(text);
  });

  it.each([
    [0, "0/s"],
    [0.01, "<0.1/s"],
    [0.4, "0.4/s"],
    [3, "3/s"],
    [12.4, "12/s"],
    [1_240, "1.2k/s"],
  ])("%d of a second are %s", (perSecond, text) => {
    expect(rate(perSecond)).toBe(text);
  });

  it("are shortened where they are large", () => {
    expect([999, 1_000, 99_400, 100_400, 3_420_000].map((number) => count(number))).toEqual([
      "999",
      "1k",
      "99.4k",
      "100k",
      "3.4M",
    ]);
    expect([0, 512, 1_536, 20 * 2 ** 20, 3 * 2 ** 40].map(size)).toEqual([
      "0 B",
      "512 B",
      "1.5 KiB",
      "20 MiB",
      "3 TiB",
    ]);
    expect([plural(1, "bot"), plural(3, "bot"), plural(2, "entry", "entries")]).toEqual([
      "1 bot",
      "3 bots",
      "2 entries",
    ]);
  });

  it("of a time that is none there is nothing", () => {
    expect(timeOfDay("soon")).toBe("");
    expect(timeOfDay("2026-11-29T14:03:07.042Z")).toBe("19:33:07.042");
  });
});
