/** What the view of a fleet says of daemons, whatever they announce. */
import { describe, expect, it } from "vitest";
import {
  lookOf,
  offsetText,
  pageOf,
  rowsOf,
  standingOf,
  sumOf,
  targetsText,
} from "../../../src/ui/fleet/members.js";
import type { Presence } from "../../../src/fleet/contract/presence.js";
import { memberPresence } from "../../admin/fleet-stand-in.js";

const member = (daemon: string, more: Partial<Presence> = {}, age_seconds = 1) => ({
  ...memberPresence(daemon, more),
  age_seconds,
});

describe("how a daemon stands", () => {
  it.each([
    [{ state: "applied", serial: 12 }, 1, "applied"],
    [{ state: "applied", serial: 11 }, 1, "behind"],
    [{ state: "refused", serial: 11 }, 1, "refused"],
    [{ state: "applied", serial: 12 }, 15.1, "silent"],
    [{ state: "healed_here", serial: 12 }, 15, "healed_here"],
    [{ state: "idle", serial: 13 }, 0, "idle"],
  ] as const)("of %o heard %s s ago is %s", (presence, age, standing) => {
    expect(standingOf(member("n", presence, age), 12)).toBe(standing);
  });

  it("is in trouble, with a word and a shape of its own, where it is in a state that nobody knows", () => {
    expect(lookOf("dancing" as never)).toEqual({ word: "dancing", deed: "failed", trouble: true });
  });

  it("puts those in trouble first, and counts all", () => {
    const rows = rowsOf(
      [member("c"), member("b", { state: "refused" }), member("a"), member("d", {}, 20)],
      12,
    );
    expect(rows.map(({ member: { daemon } }) => daemon)).toEqual(["b", "d", "a", "c"]);
    expect(sumOf(rows)).toBe("2 applied, 1 refused, 1 silent");
  });
});

it("marks those that go by one name", () => {
  const rows = rowsOf([member("a"), member("b"), member("b", { life: "life-2" })], 12);
  expect(rows.map(({ member: { daemon }, shared }) => `${daemon} ${shared}`)).toEqual([
    "a false",
    "b true",
    "b true",
  ]);
});

it("links to pages of the web only, whatever a daemon announces", () => {
  const admin = (text: string | null): string | null => pageOf({ admin: text });
  expect(admin("http://10.0.0.3:8474")).toBe("http://10.0.0.3:8474/ui/");
  expect(admin("https://node-3:8474/a?b#c")).toBe("https://node-3:8474/ui/");
  for (const bad of [
    "javascript:alert(1)",
    "data:text/html,x",
    "node-3:8474",
    "",
    "http://u:p@node-3",
    "//x",
    null,
  ])
    expect(admin(bad), String(bad)).toBeNull();
});

it("says who is meant, and how clocks differ", () => {
  expect(targetsText({ daemons: [], labels: {}, percent: 100 })).toBe("all daemons");
  expect(targetsText({ daemons: ["node-*"], labels: { zone: "eu-1" }, percent: 50 })).toBe(
    "node-*, zone=eu-1, 50 %",
  );
  expect(offsetText(memberPresence("n"))).toBe("+0.5 ms ± 1.3 ms");
  expect(offsetText(memberPresence("n", { offset_ms: -3_600_000, error_ms: null }))).toBe("−1 h 00 min");
  expect(offsetText(memberPresence("n", { offset_ms: null, error_ms: null }))).toBe("not known");
});
