/** Side-by-side measurements: see docs/benchmarks.md. Reads arguments, runs the cases, prints and writes the report. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CASES } from "./cases/index.mjs";
import { contenders } from "./contenders/index.mjs";
import { toxiproxyServer } from "./contenders/toxiproxy.mjs";
import { machine, versions } from "./lib/machine.mjs";
import { checkMarkdown, writeMarkdown } from "./lib/markdown.mjs";
import { readOptions, USAGE } from "./lib/options.mjs";
import { placement, placementText } from "./lib/placement.mjs";
import { place } from "./lib/processes.mjs";
import { asText, failures } from "./lib/report.mjs";

const log = (text) => process.stderr.write(`${text}\n`);

async function main() {
  const options = readOptions(
    process.argv.slice(2),
    CASES.map(({ name }) => name),
  );
  if (options.help) return void process.stdout.write(USAGE);
  const peers = contenders();
  if (options.list) return void process.stdout.write(whatThereIs(peers));
  // What would go wrong at the end goes wrong now.
  if (options.markdown !== undefined) checkMarkdown(options.markdown, readFileSync(options.markdown, "utf8"));
  if (options.json !== undefined) writeFileSync(options.json, "");
  const folder = mkdtempSync(join(tmpdir(), "squall-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const where = placement(options.pin);
  place(where);
  const lab = { ...options, folder, log, dist: resolve(options.dist), contenders: peers, placement: where };
  for (const { name, missing } of Object.values(peers)) {
    if (missing !== null) log(`without ${name}: ${missing}`);
  }
  const report = {
    startedAt: new Date().toISOString(),
    machine: { ...machine(), placement: placementText(where) },
    versions: versions({ own: options.dist === "dist", toxiproxy: toxiproxyServer() }),
    options: { rounds: options.rounds, seconds: options.seconds, quick: options.quick, only: options.only },
    cases: [],
  };
  for (const one of CASES) {
    if (options.only.length > 0 && !options.only.includes(one.name)) continue;
    report.cases.push(await runCase(one, lab));
    // A run that is cut short has told what it had.
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  process.stdout.write(`\n${asText(report)}\n`);
  if (options.markdown !== undefined) writeMarkdown(options.markdown, report);
  const failed = failures(report);
  for (const line of failed) log(`failed: ${line}`);
  return failed.length > 0 ? 1 : 0;
}

/** Whatever a case has started is ended with it. */
async function runCase({ name, title, run }, lab) {
  lab.log(`${name}: ${title}`);
  const started = [];
  const use = async (starting) => {
    const one = await starting;
    started.push(one);
    return one;
  };
  const kept = [];
  const keep = (results) => kept.push(results);
  const from = performance.now();
  const result = { name, title, rows: [], claims: [], notes: [], charts: [] };
  try {
    const { chart, ...found } = await run({ ...lab, use, keep });
    Object.assign(result, found);
    result.charts = result.rows
      .filter((row) => chart === undefined || chart(row.name))
      .map((row) => row.name);
  } catch (error) {
    lab.log(`  failed: ${error.message}`);
    result.error = error.message;
  } finally {
    for (const one of started.reverse()) await one.stop();
  }
  result.rounds = Object.assign({}, ...kept.map((results) => results.all()));
  result.seconds = (performance.now() - from) / 1000;
  lab.log(`  took ${result.seconds.toFixed(0)} s`);
  return result;
}

function whatThereIs(peers) {
  const cases = CASES.map(({ name, title }) => `  ${name.padEnd(20)}${title}`);
  const who = Object.values(peers).map(
    ({ name, missing }) => `  ${name}${missing === null ? "" : `: not measured, ${missing}`}`,
  );
  return `cases\n${cases.join("\n")}\n\ncontenders\n${who.join("\n")}\n`;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
process.exit();
