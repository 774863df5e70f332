/** Files that somebody named, up to a bound. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readText } from "../../src/cli/read-text.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-read-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it.each([0, 1, 65_535, 65_536, 65_537, 200_000])("reads a file of %i characters whole", (length) => {
  const file = join(folder, "some");
  writeFileSync(file, "é".repeat(length));
  expect(readText(file, 2 * length)).toBe("é".repeat(length));
});

it("refuses a file that is larger than it may be", () => {
  const file = join(folder, "large");
  writeFileSync(file, "x".repeat(1_025));
  expect(() => readText(file, 1_024)).toThrow("is larger than 1KiB");
});

it.skipIf(!existsSync("/dev/zero"))("ends with a device that does not", () => {
  expect(() => readText("/dev/zero", 2 ** 20)).toThrow("is larger than 1MiB");
});

it("says what the system says of a folder, and of what is not there", () => {
  expect(() => readText(folder, 10)).toThrow(/EISDIR/u);
  expect(() => readText(join(folder, "none"), 10)).toThrow(/ENOENT/u);
});
