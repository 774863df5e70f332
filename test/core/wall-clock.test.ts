/** What waits, repeats, runs out or refills goes by the monotonic clock that is handed in: setting the time of day must not matter. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const SRC = join(import.meta.dirname, "../../src");
const WALL_CLOCK = /\bDate\.now\(|\bnew Date\(\)|\bperformance\.timeOrigin\b/u;
/** For people to read. The job server and the bots are no part of Squall. */
const MAY_READ = [
  "cli/authority.ts",
  "control/reload.ts",
  "core/system-clock.ts",
  "telemetry/process-metrics.ts",
];

it("is read by the clock and for people, and nowhere else", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith("mock/"))
    .filter((file) => WALL_CLOCK.test(readFileSync(join(SRC, file), "utf8")));
  expect(files.filter((file) => !MAY_READ.includes(file))).toEqual([]);
});
