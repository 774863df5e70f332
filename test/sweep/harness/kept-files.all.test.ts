/** What of a sweep's folder Git takes: the files that replay failures, which belong to the tests of a project, and nothing else. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RunFolders } from "../../../src/sweep/harness/run-folders.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-kept-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const missing = spawnSync("git", ["--version"]).error !== undefined;

it.skipIf(missing)(
  `is for Git what replays failures, and nothing else${missing ? " (needs: git)" : ""}`,
  () => {
    const git = (...words: string[]): string =>
      execFileSync("git", ["-C", folder, ...words], { encoding: "utf8" });
    git("init", "--quiet");
    const directory = join(folder, ".squall");
    new RunFolders(directory, 1_000_000, () => undefined);
    mkdirSync(join(directory, "failures/fixed"), { recursive: true });
    mkdirSync(join(directory, "runs/000001"), { recursive: true });
    for (const file of [
      "failures/0001.yaml",
      "failures/fixed/0002.yaml",
      "runs/000001/stdout",
      "report.html",
    ])
      writeFileSync(join(directory, file), "x");
    git("add", "--all");
    expect(git("diff", "--cached", "--name-only").trim().split("\n")).toEqual([
      ".squall/.gitignore",
      ".squall/failures/0001.yaml",
      ".squall/failures/fixed/0002.yaml",
    ]);
  },
);
