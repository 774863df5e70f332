/** A named pipe among profile files: reading it would wait for ever. `mkfifo` makes one. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadProfiles } from "../../src/config/load.js";

const missing = spawnSync("mkfifo", ["--version"]).error !== undefined;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-pipe-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it.skipIf(missing)(
  `is left out of its folder, and refused by name${missing ? " (needs: mkfifo)" : ""}`,
  async () => {
    const pipe = join(folder, "pipe.yaml");
    execFileSync("mkfifo", [pipe]);
    expect(await loadProfiles([folder], fs, folder)).toEqual([]);
    await expect(loadProfiles([pipe], fs, folder)).rejects.toMatchObject({
      details: [{ file: "pipe.yaml", message: "is neither a file nor a folder" }],
    });
  },
);
