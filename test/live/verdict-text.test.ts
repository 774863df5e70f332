/** What a fault with `draw` decided, in a sentence: by which key, and never what that was. */
import { describe, expect, it } from "vitest";
import type { DrawnBy } from "../../src/core/verdict-reasons.js";
import { verdictText } from "../../src/live/verdict-text.js";

const said = (drawn: number, by?: DrawnBy): string =>
  verdictText(
    drawn < 0.3 ? "hit" : "not_drawn",
    { match: null, when: null, draw: { probability: 0.3, drawn, by }, acts: [] },
    false,
  );

describe("the verdict of a fault", () => {
  it.each([
    [undefined, 0.1, "hit: drawn 0.100, below 30%"],
    [{ by: "path", key: "19d8" }, 0.1, "hit: drawn 0.100 by path (hash 19d8), below 30%"],
    [
      { by: "header:idempotency-key", key: "72a9", attempt: 2 },
      0.5,
      "not hit: drawn 0.500 by header idempotency-key (hash 72a9, attempt 2), not below 30%",
    ],
    [
      { by: "header:idempotency-key", key: null },
      0.5,
      "not hit: drawn 0.500 by its number, as it has no header idempotency-key, not below 30%",
    ],
  ] as const)("says by what it was drawn: %o", (by, drawn, text) => {
    expect(said(drawn, by)).toBe(text);
  });
});
