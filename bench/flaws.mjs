/**
 * The benchmark of `squall sweep` and `squall hunt`: the reference bot with each of its flaws, and without any. Prints a Markdown table of
 * what caught which flaw, and how.
 *
 *     npm run flaws                            singles over all flaws, then the sound bot
 *     npm run flaws -- storm sound             some of them
 *     npm run flaws -- --pairs                 pairs as well
 *     npm run flaws -- --hunt --budget 10m     hunts, each ended by the first finding that speaks for the flaw
 *     npm run flaws -- sound --times 20        so many sweeps of the sound bot, and each alarm
 *     --jobs 4                                 runs at a time; --keep FOLDER: the files that replay the findings
 */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const ROOT = resolve(import.meta.dirname, "..");
const RUN = join(ROOT, "examples/sweep/squall.run.yaml");

/** What speaks for each flaw and for no other mistake: the signature of the finding; and how many bots it takes to see it. */
const FLAWS = {
  "dies-on-reset": { caughtBy: /^FAILED exit 1: .*(?:disposed|ended before)/u },
  "html-as-json": { caughtBy: /^FAILED exit 1: .*(?:JSON|Unexpected|token)/u },
  "lost-lease": { caughtBy: /^SUSPECT rekeyed POST \/v1\/lease|^WRONG audit:\/totals\/expired/u },
  "one-strike": { caughtBy: /^WRONG (?:audit|check)/u },
  "double-run": { caughtBy: /^SUSPECT again|^WRONG audit:\/totals\/executions/u },
  "permanent-dns": { caughtBy: /^FAILED exit 1: .*(?:jobs\.example|resolve|look|name|DNS)/iu },
  "no-refresh": { caughtBy: /^(?:FAILED|HUNG|WRONG)/u },
  "ignores-retry-after": { caughtBy: /^SUSPECT (?:early|storm)/u },
  "no-timeout": { caughtBy: /^HUNG/u },
  "trusts-short-bodies": { caughtBy: /^SUSPECT blind|^WRONG check: .*payload/u },
  "connected-but-idle": { caughtBy: /^HUNG/u },
  "restart-from-zero": { caughtBy: /^SUSPECT bytes/u },
  "stale-lease": { caughtBy: /^WRONG (?:audit:\/totals\/(?:refused|completions)|check)/u },
  "storm": { caughtBy: /^SUSPECT storm/u, bots: 3 },
};

const { values: asked, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "boolean", default: false },
    hunt: { type: "boolean", default: false },
    budget: { type: "string" },
    jobs: { type: "string" },
    keep: { type: "string" },
    times: { type: "string", default: "1" },
    bots: { type: "string" },
  },
});
for (const name of positionals)
  if (name !== "sound" && !Object.hasOwn(FLAWS, name)) throw new Error(`there is no flaw ${name}`);
const names = positionals.length > 0 ? positionals : [...Object.keys(FLAWS), "sound"];
const bin = mkdtempSync(join(tmpdir(), "squall-flaws-"));
symlinkSync(join(ROOT, "dist/main.js"), join(bin, "squall"));
process.once("exit", () => rmSync(bin, { recursive: true, force: true }));

/** Runs Squall in a folder of its own; `said` hears each line of JSON. */
async function squall(folder, name, words, said) {
  const child = spawn(process.execPath, [join(ROOT, "dist/main.js"), ...words], {
    cwd: folder,
    stdio: ["ignore", "pipe", process.env.LOUD ? "inherit" : "ignore"],
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      BOT_FLAGS: name === "sound" ? "" : `--flaw ${name}`,
      BOTS: asked.bots ?? String(FLAWS[name]?.bots ?? 1),
    },
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("{")) said(JSON.parse(line), child);
  }
  return ended;
}

const common = [
  "--run",
  RUN,
  "--strict",
  "--json",
  ...(asked.jobs === undefined ? [] : ["--jobs", asked.jobs]),
  ...(asked.budget === undefined ? [] : ["--budget", asked.budget]),
];
const share = ({ failed, runs }) => `${failed}/${runs}`;

async function sweep(folder, name) {
  // The sound bot is swept to the end; with a flaw, the first finding is enough.
  const words = [...(name === "sound" ? [] : ["--fail-fast"]), ...(asked.pairs ? [] : ["--no-pairs"])];
  await squall(folder, name, ["sweep", ...common, ...words], () => undefined);
  const report = JSON.parse(readFileSync(join(folder, ".squall/report.json"), "utf8"));
  const findings = report.findings.map((finding) => ({
    sure: finding.verdict !== "FLAKY",
    signature: finding.signature,
    by: report.cases.find(({ id }) => id === finding.case).name,
    confirmed: `${share(finding.confirmation)}, fault-free ${share(finding.confirmation.controls)}`,
    file: finding.file,
  }));
  const hit = report.cases.filter(({ verdict }) => !/^not |^harness/u.test(verdict)).length;
  const noVerdict = report.cases.filter(({ verdict }) => verdict === "harness error");
  // Alarms that nothing was left of, since they came only while others had the processors, or as often without any fault.
  const dropped = report.cases.filter(
    ({ verdict, note }) => verdict === "survived" && / runs\b/u.test(note ?? ""),
  );
  for (const { name: of, note } of [...noVerdict, ...dropped])
    console.log(`<!-- ${of}: ${note.split("\n", 1)[0]} -->`);
  return {
    findings,
    runs: report.runs,
    took: report.took_ms,
    what: `${hit} of ${report.cases.length} cases hit, ${noVerdict.length} without a verdict; ${report.controls.failed} of ${report.controls.runs} fault-free runs failed; load ${loadavg()[0].toFixed(0)}`,
  };
}

async function hunt(folder, name) {
  const started = Date.now();
  const findings = [];
  let trials = 0;
  let why = "";
  await squall(folder, name, ["hunt", ...common, "--shrink-runs", "6"], (event, child) => {
    if (event.event === "found") {
      const { trial, signature, file, failed } = event;
      const sure = file !== null && failed.runs > 1 && failed.failed === failed.runs;
      findings.push({ sure, signature, by: `trial ${trial}`, confirmed: share(failed), file });
      if (sure && FLAWS[name]?.caughtBy.test(signature)) child.kill("SIGINT");
    } else if (event.event === "over") {
      ({ trials } = event);
      why = ` (${event.stop}${event.trouble === "" ? "" : `: ${event.trouble.split("\n", 1)[0]}`})`;
    }
  });
  return { findings, runs: trials, took: Date.now() - started, what: `${trials} trials${why}` };
}

console.log(`load ${loadavg()[0].toFixed(1)} on ${availableParallelism()} cores`);
console.log(
  `\n| flaw | caught by | as | confirmed | ${asked.hunt ? "trials" : "runs"} | time |\n|---|---|---|---|---|---|`,
);
let caught = 0;
let alarms = 0;
for (const name of names)
  for (let time = 1; time <= (name === "sound" ? Number(asked.times) : 1); time++) {
    const folder = join(bin, `${name}-${time}`);
    mkdirSync(folder);
    const { findings, runs, took, what } = await (asked.hunt ? hunt(folder, name) : sweep(folder, name));
    const meant = findings.find(({ sure, signature }) => sure && FLAWS[name]?.caughtBy.test(signature));
    const shown = meant ?? findings[0];
    if (meant) caught++;
    if (name === "sound") alarms += findings.length;
    const as = shown
      ? `${meant ? "" : "(another) "}\`${shown.signature.replaceAll("|", "\\|")}\``
      : "nothing";
    console.log(
      `| ${name} | ${shown?.by ?? `none: ${what}`} | ${as} | ${shown?.confirmed ?? ""} | ${runs} | ${Math.round(took / 1000)} s |`,
    );
    for (const other of findings.filter((one) => one !== shown))
      console.log(`<!-- also ${other.by}: ${other.signature} ${other.confirmed} -->`);
    if (asked.keep !== undefined && shown?.file) {
      mkdirSync(asked.keep, { recursive: true });
      const file = resolve(folder, shown.file);
      // Where the commands are run is for whoever has the file to say.
      const text = existsSync(file) ? readFileSync(file, "utf8").replace(/^ {2}folder: .*\n/mu, "") : "";
      if (text !== "") writeFileSync(join(asked.keep, `${name}.yaml`), text);
    }
    rmSync(folder, { recursive: true, force: true });
  }
console.log(`\n${caught} of ${names.filter((name) => name !== "sound").length} flaws caught`);
if (names.includes("sound")) console.log(`${alarms} alarms in ${asked.times} sweeps of the sound bot`);
