/** The order of names on the page. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byName } from "../../src/ui/order.js";

const ordered = (...names: string[]): string[] => names.sort(byName);

describe("names on the page", () => {
  it("are in the order in which people look for them", () => {
    expect(ordered("bot-10", "bot-9", "bot-2", "bot-1")).toEqual(["bot-1", "bot-2", "bot-9", "bot-10"]);
    expect(ordered("Worker 2", "bot", "worker 1", "Bot")).toEqual(["Bot", "bot", "worker 1", "Worker 2"]);
    expect(ordered("10.0.0.10:80", "10.0.0.9:80", "9.0.0.1:80", "10.0.0.9")).toEqual([
      "9.0.0.1:80",
      "10.0.0.9",
      "10.0.0.9:80",
      "10.0.0.10:80",
    ]);
    expect(ordered("b007", "b7", "b07", "b8", "b", "b7a")).toEqual(["b", "b007", "b07", "b7", "b7a", "b8"]);
    expect(ordered(`n${"9".repeat(30)}`, `n1${"0".repeat(30)}`)).toEqual([
      `n${"9".repeat(30)}`,
      `n1${"0".repeat(30)}`,
    ]);
    expect(ordered("é", "z", "", "🤖", "a")).toEqual(["", "a", "z", "é", "🤖"]);
  });

  it("have one order, whatever they are", () => {
    const name = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "A", "b", "0", "1", "9", "-", "_"), maxLength: 6 }),
      fc.string({ unit: "binary", maxLength: 6 }),
    );
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        const turned = Math.sign(byName(a, b)) === -Math.sign(byName(b, a));
        const equal = (byName(a, b) === 0) === (a === b);
        return turned && equal && (byName(a, b) > 0 || byName(b, c) > 0 || byName(a, c) <= 0);
      }),
      { numRuns: 500 },
    );
  });

  it("need nothing of Intl, nor does anything else of the page: the first use of it is what a first view waits for", () => {
    const users = readdirSync("src/ui", { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .filter((name) =>
        /\bIntl\b|\.(?:toLocale|localeCompare)/u.test(
          readFileSync(join("src/ui", name), "utf8").replaceAll(/\/\*[^]*?\*\//gu, ""),
        ),
      );
    expect(users).toEqual([]);
  });
});
