/** `npm test` builds when something has changed since, and not otherwise: in a folder whose build writes down that it was called. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const BUILD = `
  const { appendFileSync, mkdirSync, writeFileSync } = require("node:fs");
  appendFileSync("calls", "x");
  mkdirSync("dist/ui", { recursive: true });
  for (const file of [".tsbuildinfo", "main.js", "ui/files.json", "index.d.cts", "LICENSES.txt"]) writeFileSync("dist/" + file, "");
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-build-"));
  for (const name of ["scripts", "src"]) mkdirSync(join(folder, name));
  cpSync(join(ROOT, "scripts/build-if-changed.mjs"), join(folder, "scripts/build-if-changed.mjs"));
  write("scripts/build.cjs", BUILD);
  write("package.json", JSON.stringify({ scripts: { build: "node scripts/build.cjs" } }));
  for (const name of ["package-lock.json", "tsconfig.json", "tsconfig.build.json"]) write(name, "{}");
  write("src/main.ts", "1");
  write("calls", "");
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  writeFileSync(join(folder, file), text);
}

/** How often it has been built so far. */
function builds(): number {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build-if-changed.mjs"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  return readFileSync(join(folder, "calls"), "utf8").length;
}

it("is built once for each change of what it is made of", () => {
  expect([builds(), builds()]).toEqual([1, 1]);
  write("src/main.ts", "2");
  expect([builds(), builds()]).toEqual([2, 2]);
  write("src/more.ts", "");
  expect([builds(), builds()]).toEqual([3, 3]);
  write("package-lock.json", "{ }");
  expect([builds(), builds()]).toEqual([4, 4]);
});

it("is built where a file of it is missing, or something else was built since", () => {
  expect(builds()).toBe(1);
  rmSync(join(folder, "dist/index.d.cts"));
  expect([builds(), builds()]).toEqual([2, 2]);
  // Other sources were built by hand, and are not there any more.
  write("dist/.tsbuildinfo", "of something else");
  expect([builds(), builds()]).toEqual([3, 3]);
});

it("fails where the build fails, and tries again the next time", () => {
  write("scripts/build.cjs", "process.exitCode = 3;");
  const run = (): number | null =>
    spawnSync(process.execPath, ["scripts/build-if-changed.mjs"], { cwd: folder }).status;
  expect([run(), run()]).toEqual([3, 3]);
});
