/** What is said of the dates of certificates. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { dateTrouble, dateWarning } from "../../src/tls/dates.js";
import { theDoor } from "../support/secure-lab.js";

const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "squall-dates-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("a certificate of a hundred days", () => {
  it.each([
    [-1, "is not valid before 1970-01-01T00:00:00.000Z"],
    [0, null],
    [79.9, null],
    [80, "expires on 1970-04-11T00:00:00.000Z, in 20 days"],
    [99.5, "expires on 1970-04-11T00:00:00.000Z, in 1 day"],
    [100, "has expired on 1970-04-11T00:00:00.000Z"],
  ])("on day %d: %s", (day, said) => {
    expect(dateTrouble(0, 100 * DAY, day * DAY)).toBe(said);
  });
});

describe("a file of certificates", () => {
  const written = (name: string, ...texts: readonly string[]): string => {
    const file = join(folder, name);
    writeFileSync(file, texts.join(""));
    return file;
  };

  it("is worth a word where one of a chain is in trouble, or all that are trusted", async () => {
    const authority = await theDoor.trusted();
    const now = Date.now();
    const { cert: right } = authority.present(["right.example"], null);
    const { cert: over } = authority.present(["over.example"], { problem: "expired", by: 2 * DAY });
    const { cert: early } = authority.present(["early.example"], { problem: "not_yet_valid", by: 2 * DAY });
    const good = written("good.pem", right);
    expect([dateWarning(good, "shown", now), dateWarning(good, "trusted", now)]).toEqual([null, null]);
    // Leaves have 45 days, one of them spent.
    expect(dateWarning(good, "shown", now + 40 * DAY)).toMatch(
      /^the certificate of right\.example in .*good\.pem expires on \S+Z, in 4 days$/u,
    );
    const old = written("old.pem", over);
    expect(dateWarning(old, "shown", now)).toMatch(
      /^the certificate of over\.example in .*old\.pem has expired on \S+Z$/u,
    );
    expect(dateWarning(written("early.pem", early), "shown", now)).toMatch(
      /early\.pem is not valid before \S+Z$/u,
    );
    const both = written("both.pem", over, right, early);
    expect(dateWarning(both, "shown", now)).toMatch(
      /over\.example .* has expired on \S+Z \(and 1 more of its 3\)$/u,
    );
    expect(dateWarning(both, "trusted", now)).toBeNull();
    expect(dateWarning(old, "trusted", now)).not.toBeNull();
  });

  it("is for others to refuse where it is none", () => {
    expect(dateWarning(join(folder, "nowhere.pem"), "shown", 0)).toBeNull();
    expect(
      dateWarning(
        written("none.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        "shown",
        0,
      ),
    ).toBeNull();
  });
});
