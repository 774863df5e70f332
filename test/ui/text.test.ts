/** Text of clients as the dashboard shows it: nothing in it is hidden, and nothing in it moves what stands beside it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seen } from "../../src/ui/text.js";

/** Half of it from where most odd characters are. */
const anything = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0x10ffff }),
      fc.integer({ min: 0x2000, max: 0x206f }),
      fc.integer({ min: 0x300, max: 0x310 }),
    ),
    {
      maxLength: 300,
    },
  )
  .map((codes) => String.fromCodePoint(...codes));

describe("text of clients", () => {
  it.each([
    ["worker-1", "worker-1"],
    ["рабочий 機 עובד", "рабочий 機 עובד"],
    ["<script>alert(1)</script>", "<script>alert(1)</script>"],
    ["\u001b[31mred\u001b[0m", "\\x1b[31mred\\x1b[0m"],
    ["a\u202eb\u2066c", "a\\u{202e}b\\u{2066}c"],
    ["a\u200bb\ufeffc\u00add", "a\\u{200b}b\\u{feff}c\\xadd"],
    ["two\nlines\tand\0nul", "two\\x0alines\\x09and\\x00nul"],
    ["no\u00a0break\u3000wide", "no\\xa0break\\u{3000}wide"],
    ["\u3164\u2800", "\\u{3164}\\u{2800}"],
    ["\ud83d", "\\u{d83d}"],
    ["👩‍🔧", "👩\\u{200d}🔧"],
    ["e\u0301", "e\u0301"],
    ["z\u0301\u0302\u0303\u0304\u0305\u0306", "z\u0301\u0302\u0303…"],
  ])("%j is shown as %j", (text, shown) => {
    expect(seen(text)).toBe(shown);
  });

  it("are cut where they are long, and say so", () => {
    expect(seen("x".repeat(120))).toBe("x".repeat(120));
    expect(seen("x".repeat(10_000))).toBe(`${"x".repeat(119)}…`);
    expect([...seen("👩".repeat(10_000), 10)]).toEqual([..."👩".repeat(9), "…"]);
  });

  it("has no character that is not seen, whatever came", () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: 200 }), (text, max) => {
        const shown = seen(text, max);
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}|\p{M}{4}/u);
        expect([...shown].length).toBeLessThanOrEqual(max);
      }),
    );
  });
});
