/** Request smuggling, in small: some of the attacks before Node's own server. `smuggling.all.test.ts` has all of them, and more servers. */
import { expect, it } from "vitest";
import { sample } from "../support/scope.js";
import { attacks } from "./smuggling-corpus.js";
import { agree, NODE } from "./smuggling-walk.js";

it("Squall and Node's http agree on where each request ends", async () => {
  const all = attacks();
  expect(all.length).toBeGreaterThan(500);
  await agree(NODE, sample(all, 100));
});
