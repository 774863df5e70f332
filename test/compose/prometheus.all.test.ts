/** Prometheus itself takes the files that the compose setup gives it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const promtool = spawnSync("promtool", ["--version"]).status === 0;

it.skipIf(!promtool)(
  `prometheus.yml is taken by Prometheus, rules included${promtool ? "" : " (needs: promtool)"}`,
  () => {
    const { status, stdout, stderr } = spawnSync(
      "promtool",
      ["check", "config", join(ROOT, "deploy/prometheus/prometheus.yml")],
      { encoding: "utf8" },
    );
    expect(status, stdout + stderr).toBe(0);
  },
);
