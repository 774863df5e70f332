/** The test suites that docs/library.md shows run as they stand there, under Vitest and under Jest. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../support/process.js";

/** Each starts a runner that loads itself and the whole library afresh, which a busy machine takes long for. */
const LIMIT_MS = 240_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-suite-"));
  mkdirSync(join(folder, "node_modules/@jest"), { recursive: true });
  symlinkSync(ROOT, join(folder, "node_modules/squall"));
  for (const name of ["vitest", "jest", "@jest/globals"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const page = readFileSync(join(ROOT, "docs/library.md"), "utf8");
  for (const [, name = "", code = ""] of page.matchAll(/```js\n\/\/ (\S+\.test\.m?js)\n([\s\S]*?)```/gu)) {
    writeFileSync(join(folder, name), code);
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(words: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, words, { cwd: folder, env: { PATH: process.env["PATH"] ?? "", CI: "true" } });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("close", (code) => {
      resolve({ code, output });
    });
  });
}

it("the suite for Vitest passes", async () => {
  const { code, output } = await run([
    join(ROOT, "node_modules/vitest/vitest.mjs"),
    "run",
    "--root",
    folder,
    "jobs.vitest.test.js",
  ]);
  expect(output).toMatch(/Tests .*2 passed/u);
  expect(code, output).toBe(0);
}, LIMIT_MS);

it("the suite for Jest passes, and leaves nothing open", async () => {
  const { code, output } = await run([
    "--experimental-vm-modules",
    join(ROOT, "node_modules/jest/bin/jest.js"),
    "--rootDir",
    folder,
    "--testMatch",
    "**/jobs.jest.test.mjs",
    "--detectOpenHandles",
  ]);
  expect(output).toMatch(/Tests: .*1 passed/u);
  expect(output).not.toContain("open handle");
  expect(code, output).toBe(0);
}, LIMIT_MS);
