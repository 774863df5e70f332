/** For tests of which each has a tab of its own, in which nothing may be wrong. */
import { afterEach, beforeEach, expect } from "vitest";
import type { Tab } from "./browser.js";

/** `behind` is called when the tab is closed, and before what was wrong in it is told; what is `expected` is not wrong. */
export function eachInATab(
  open: () => Promise<Tab>,
  behind?: () => Promise<unknown>,
  expected: RegExp | null = null,
): void {
  let tab: Tab;
  beforeEach(async () => {
    tab = await open();
  });
  afterEach(async () => {
    const problems = tab.problems.filter((problem) => expected?.test(problem) !== true);
    await tab.close();
    await behind?.();
    expect(problems).toEqual([]);
  });
}
