/** Lines of plots as paths: steps and lines, what is not known, and a value that stands alone. */
import { describe, expect, it } from "vitest";
import { pathsOf } from "../../../src/ui/lanes/plot-paths.js";

const WINDOW = { from: 0, until: 400 };
const BOX = { width: 40, top: 0, bottom: 10, most: 10 };
const AT = [0, 100, 200, 300];

describe("a line of a plot", () => {
  it("that is stepped is as high as each value from the beginning of its step to the next", () => {
    const { line, area } = pathsOf([1, 1, 5, 10], AT, WINDOW, BOX, true);
    expect(line).toBe("M0 9L10 9L10 9L20 9L20 5L30 5L30 0L40 0");
    expect(area).toBe("M0 10L0 9L10 9L10 9L20 9L20 5L30 5L30 0L40 0L40 10");
  });

  it("has a gap where nothing is known, and its area ends there", () => {
    const { line, area } = pathsOf([1, null, null, 5], AT, WINDOW, BOX, true);
    expect(line).toBe("M0 9L10 9M30 5L40 5");
    expect(area).toBe("M0 10L0 9L10 9L10 10M30 10L30 5L40 5L40 10");
  });

  it("that is not stepped goes from middle to middle, and a lone value is a dash", () => {
    expect(pathsOf([null, 5, null, null], AT, WINDOW, BOX, false).line).toBe("M13 5L17 5");
    expect(pathsOf([0, 10, null, null], AT, WINDOW, BOX, false).line).toBe("M3 10L7 10L13 0L17 0");
  });

  it("lies at nought where nothing is more, and is nothing where nothing is known", () => {
    expect(pathsOf([0, 0, null, null], AT, WINDOW, { ...BOX, most: 0 }, true).line).toBe(
      "M0 10L10 10L10 10L20 10",
    );
    expect(pathsOf([null, null], AT, WINDOW, BOX, true)).toEqual({ line: "", area: "" });
    expect(pathsOf([], [], WINDOW, BOX, true)).toEqual({ line: "", area: "" });
  });
});
