/** Side-by-side measurements: see docs/benchmarks.md. Reads arguments, runs the cases, prints and writes the report. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CASES } from "./cases/index.mjs";
import { contenders } from "./contenders/index.mjs";
import { machine, versions } from "./lib/machine.mjs";
import { readOptions, USAGE } from "./lib/options.mjs";
import { asText, writeMarkdown } from "./lib/report.mjs";

async function main() {
  const options = readOptions(
    process.argv.slice(2),
    CASES.map(({ name }) => name),
  );
  if (options.help) return void process.stdout.write(USAGE);
  const folder = mkdtempSync(join(tmpdir(), "squall-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const log = (text) => process.stderr.write(`${text}\n`);
  const lab = { ...options, folder, log, dist: resolve(options.dist) };
  lab.contenders = await contenders(lab);
  const report = {
    startedAt: new Date().toISOString(),
    machine: machine(),
    versions: versions({ own: options.dist === "dist" }),
    options: { rounds: options.rounds, seconds: options.seconds, quick: options.quick },
    cases: [],
  };
  for (const { name, title, run } of CASES) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    report.cases.push({ name, title, ...(await runCase(name, title, run, lab)) });
  }
  process.stdout.write(`\n${asText(report)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.markdown !== undefined) writeMarkdown(options.markdown, report);
  return report.cases.some(({ error }) => error !== undefined) ? 1 : 0;
}

/** Whatever a case has started is ended with it. */
async function runCase(name, title, run, lab) {
  lab.log(`${name}: ${title}`);
  const started = [];
  const use = async (starting) => {
    const one = await starting;
    started.push(one);
    return one;
  };
  try {
    const { rows = [], claims = [], notes = [] } = await run({ ...lab, use });
    return { rows, claims, notes };
  } catch (error) {
    lab.log(`  failed: ${error.message}`);
    return { rows: [], claims: [], notes: [], error: error.message };
  } finally {
    for (const one of started.reverse()) await one.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
process.exit();
