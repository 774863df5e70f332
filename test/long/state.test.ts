/** State over many lives of real processes that are killed at random moments. */
import { afterEach, beforeEach, describe, it } from "vitest";
import { killOften } from "../state/killing.js";
import { Workshop } from "../support/process.js";

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => shop.close());

describe("a daemon that is killed again and again", () => {
  it.each(Array.from({ length: 12 }, (_, n) => 1_000 + 37 * n))(
    "has all that was answered in each of its lives (seed %i)",
    async (seed) => {
      await killOften(shop, seed, 8);
    },
    600_000,
  );
});
