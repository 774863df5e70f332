/** Compares what happened at two uptimes: the same words, and the same figures but for what rounding of large times may change. */
import { expect } from "vitest";

const FIGURE = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gu;
const ROUNDING = 0.01;

export function expectTheSame(late: readonly string[], early: readonly string[], about = ""): void {
  expect(late.length, about).toBe(early.length);
  late.forEach((line, index) => {
    const other = early[index] ?? "";
    if (line === other) return;
    const figures = line.match(FIGURE) ?? [];
    const others = other.match(FIGURE) ?? [];
    const close = figures.every((figure, at) => Math.abs(Number(figure) - Number(others[at])) <= ROUNDING);
    if (!close || line.replace(FIGURE, "#") !== other.replace(FIGURE, "#")) expect(line, about).toBe(other);
  });
}
