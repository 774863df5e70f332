/** deploy/systemd: what systemd itself says of the unit, and how much it leaves open. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const there = spawnSync("systemd-analyze", ["--version"]).status === 0;
/** On a scale of ten, less is better. */
const EXPOSURE_MAX = 2;

describe.skipIf(!there)("squall.service (needs: systemd-analyze)", () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-unit-"));
  const unit = join(folder, "squall.service");
  // It asks for the program, which is not installed where tests run.
  const text = readFileSync(join(ROOT, "deploy/systemd/squall.service"), "utf8");
  writeFileSync(unit, text.replace("/usr/local/bin/squall", "/bin/true"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("has nothing that systemd does not know", () => {
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
    expect([status, stderr.split("\n").filter((line) => line.includes("squall.service"))]).toEqual([0, []]);
  });

  it("leaves little open", () => {
    const said = execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", unit], {
      encoding: "utf8",
    });
    const exposure = Number(/Overall exposure level for squall\.service: ([\d.]+)/u.exec(said)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThan(EXPOSURE_MAX);
  });
});
