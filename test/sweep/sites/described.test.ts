/**
 * Routes inferred from the paths that clients of public APIs would send, against the descriptions of those APIs: at least 95 % right.
 * Nobody gives the inference the description. Each method of each route is called 20 times; things belong to their parents.
 */
import { describe, expect, it } from "vitest";
import { sample, scaled } from "../../support/scope.js";
import { APIS, described, inferred } from "./described-apis.js";

/** Right of all, with seed 1: a change of the rules that makes more or fewer of them right is to be seen here. */
const RIGHT: Readonly<Record<string, string>> = {
  digitalocean: "178 of 183",
  github: "530 of 551",
  kubernetes: "426 of 428",
  stripe: "305 of 305",
  twilio: "114 of 114",
};

describe("the routes of a public API, from its paths", () => {
  it.each(sample(APIS, 2))("%s", (name) => {
    const api = described(name);
    const { right, routes, wrong } = inferred(api, 20, 1);
    expect(`${right} of ${routes}`, wrong.join("\n")).toBe(RIGHT[name]);
    expect(right / routes).toBeGreaterThanOrEqual(0.95);
  });

  it.each(scaled(1, 5) === 1 ? ["digitalocean"] : APIS)("%s with other values", (name) => {
    for (let seed = 2; seed <= scaled(2, 5); seed++) {
      const { right, routes, wrong } = inferred(described(name), 20, seed);
      expect(right / routes, `seed ${seed}\n${wrong.join("\n")}`).toBeGreaterThanOrEqual(0.95);
    }
  });
});
