/** Runs of real commands: what a run is told, what it leaves, and what comes back. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBaselines } from "../../../src/sweep/harness/baselines.js";
import { plan, scene, WITH_SERVER } from "./scene.js";

describe("a run", () => {
  it("starts server and command afresh, and tells what each did", async () => {
    const { start } = scene();
    const runner = await start(WITH_SERVER);
    const baselines = await runBaselines(runner, { ...runner.settings, runs: 3 });
    expect(baselines.map(({ exit, audit }) => [exit, (audit as { posts: number }).posts])).toEqual(
      Array(3).fill([{ kind: "exit", code: 0 }, 1]),
    );
    runner.calibrate(baselines);
    const faults = [
      { name: "f1", type: "lost_response", then: "reset", match: { method: "POST", path: "/v1/jobs" } },
    ];
    const lost = await runner.run(plan({ label: "post:lost", faults }));
    expect(lost.exit).toEqual({ kind: "exit", code: 4 });
    expect(lost.audit).toMatchObject({ posts: 1 });
    expect(lost.outcomes).toEqual([{ fault: "f1", subjects: 1, matched: 1, hits: 1 }]);
    expect(lost.record.hits).toMatchObject([{ fault: "f1", exchange: { method: "POST", path: "/v1/jobs" } }]);
    expect(lost.left).toEqual([]);
    const folder = lost.folder ?? "";
    expect(readdirSync(folder).sort()).toEqual(
      ["audit.json", "journal.jsonl", "profile.yaml", "run.json", "stderr", "stdout"].sort(),
    );
    expect(readFileSync(join(folder, "stderr"), "utf8")).toContain("ECONNRESET");
    expect(readlinkSync(join(runner.settings.directory, "latest"))).toBe(join("runs", "000004"));
    const fine = await runner.run(plan());
    expect(fine.exit).toEqual({ kind: "exit", code: 0 });
    expect(fine.folder).toBeNull();
    expect(existsSync(join(runner.settings.directory, "runs", "000005"))).toBe(false);
    expect(await runner.keep(fine)).toBe(join(runner.settings.directory, "runs", "000005"));
  });
});
