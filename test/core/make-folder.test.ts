import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makeFolder } from "../../src/core/make-folder.js";

const root = mkdtempSync(join(tmpdir(), "squall-folder-"));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

it("makes those above it as well, and minds none that is there", () => {
  const folder = join(root, "a/b/c");
  makeFolder(folder);
  makeFolder(folder);
  expect(statSync(folder).isDirectory()).toBe(true);
});

it("says what the system says", () => {
  makeFolder(root);
  writeFileSync(join(root, "file"), "");
  expect(() => {
    makeFolder(join(root, "file/below"));
  }).toThrow("ENOTDIR");
  expect(() => {
    makeFolder(join(root, "file"));
  }).toThrow("EEXIST");
});

it("ends where a file system makes no folders", ({ skip }) => {
  if (process.platform !== "linux") skip("needs: /proc");
  expect(() => {
    makeFolder("/proc/squall/jobs");
  }).toThrow(/ENOENT|EACCES/u);
});
