/**
 * `npm run test:busy`: `npm test` ten times while four processes spin beside it, and how often it passed. `-- --times 3 --spinners 0` for
 * other numbers.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { times: { type: "string", default: "10" }, spinners: { type: "string", default: "4" } },
});
const times = Number(values.times);
const spinners = Array.from({ length: Number(values.spinners) }, () =>
  spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }),
);
process.on("exit", () => {
  for (const spinner of spinners) spinner.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    process.exit(1);
  });

const rounds = [];
for (let round = 1; round <= times; round++) {
  const begun = performance.now();
  const run = spawn("npm", ["test"], {
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  let output = "";
  run.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  const [code] = await once(run, "close");
  const seconds = Math.round((performance.now() - begun) / 1_000);
  rounds.push({ passed: code === 0, seconds });
  process.stdout.write(`round ${round}: ${code === 0 ? "passed" : "FAILED"} in ${seconds} s\n`);
  // Where no test failed it was the build, or the end, that did: what was said last tells.
  const failed = output.indexOf("Failed Tests");
  if (code !== 0) process.stdout.write(output.slice(failed < 0 ? -2_000 : failed));
}
const passed = rounds.filter((round) => round.passed).length;
const slowest = Math.max(...rounds.map(({ seconds }) => seconds));
process.stdout.write(
  `${passed} of ${times} passed beside ${spinners.length} processes that spin, on ${cpus().length} cores; the slowest took ${slowest} s\n`,
);
process.exitCode = passed === times ? 0 : 1;
for (const spinner of spinners) spinner.kill("SIGKILL");
