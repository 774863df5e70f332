/** The promises of a fleet, kept over sequences of everything that can happen: a share of them here, all where time is not short. */
import { it } from "vitest";
import { holdsFor } from "../support/fleet/model.js";
import { scaled } from "../support/scope.js";

it("keeps a fleet under whole plans, in their order, and no fault after its end, whatever happens", async () => {
  await holdsFor(scaled(60, 1_000), 30);
});
