/** A short form of the long run in test/long: profiles come and go under busy connections. */
import { expect, it } from "vitest";
import { turns } from "../../support/lab.js";
import { CLEAN, switchUnderLoad } from "../../support/switching.js";

it("loses, doubles and swaps no byte, and leaks nothing, when profiles are switched a hundred times under 200 busy connections", async () => {
  const result = await switchUnderLoad(200, async (switches) => {
    await turns(2);
    return switches < 100;
  });
  expect(result).toMatchObject(CLEAN);
  expect(result.bindings).toBeGreaterThan(200 * 20);
  expect(result.bytes).toBeGreaterThan(0);
});
