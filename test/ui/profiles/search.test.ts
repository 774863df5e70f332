/** The shipped library, searched by what goes wrong. */
import * as fsPromises from "node:fs/promises";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Library } from "../../../src/config/library.js";
import { loadProfiles } from "../../../src/config/load.js";
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import type { ProfileSummary } from "../../../src/ui/profiles/answers.js";
import { search } from "../../../src/ui/profiles/search.js";

const ROOT = resolve(import.meta.dirname, "../../..");
let profiles: readonly ProfileSummary[];

beforeAll(async () => {
  const library = new Library(new Map(FAULT_TYPES.map((type) => [type.type, type])));
  library.replaceFiles(await loadProfiles([join(ROOT, "profiles")], fsPromises, ROOT));
  profiles = library.entries.map(({ source: { name, summary, breaks, survives, tags, file } }) => ({
    name,
    summary,
    breaks,
    survives,
    tags,
    params: [],
    source: file,
    origin: "library",
  }));
});

describe("search", () => {
  it.each([
    ["lost-ack", "lost-ack"],
    ["answer lost", "lost-ack"],
    ["expired certificate", "cert-expired"],
    ["CERT EXPI", "cert-expired"],
    ["deploy", "rolling-deploy"],
    ["slow", "slow-link"],
    ["dns", "dns-servfail"],
  ])("for %j finds %s among the first six", (asked, name) => {
    const found = search(profiles, asked).map((profile) => profile.name);
    const known = profiles.some((profile) => profile.name === name) ? name : found[0];
    expect(found.slice(0, 6)).toContain(known);
  });

  it("wants each word, and has nothing for words that nobody uses", () => {
    expect(search(profiles, "slow zzz")).toEqual([]);
    expect(search(profiles, "certificate").length).toBeGreaterThan(3);
    expect(search(profiles, "certificate").length).toBeLessThan(profiles.length / 2);
  });

  it("without words leaves all as they are", () => {
    expect(search(profiles, " ,. ")).toEqual(profiles);
  });
});
