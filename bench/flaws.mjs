// The benchmark of `squall sweep`: the reference bot with each of its flaws, and without any. Prints a Markdown table of which case
// caught which flaw, and how. `npm run flaws` for all of them, `npm run flaws -- storm sound` for some; `--pairs` adds pairs to the singles.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const RUN = join(ROOT, "examples/sweep/squall.run.yaml");

/** What speaks for each flaw and for no other mistake: the signature of the finding. */
const CAUGHT_BY = {
  "no-timeout": /^HUNG/u,
  "lost-lease": /^SUSPECT rekeyed POST \/v1\/lease|^WRONG audit:\/totals\/expired/u,
  "double-run": /^SUSPECT again|^WRONG audit:\/totals\/executions/u,
  "stale-lease": /^WRONG (?:audit:\/totals\/(?:refused|completions)|check)/u,
  "dies-on-reset": /^FAILED exit 1: .*(?:disposed|ended before)/u,
  "connected-but-idle": /^HUNG/u,
  "no-refresh": /^(?:FAILED|HUNG|WRONG)/u,
  "ignores-retry-after": /^SUSPECT (?:early|storm)/u,
  "trusts-short-bodies": /^SUSPECT blind|^WRONG check: .*payload/u,
  "html-as-json": /^FAILED exit 1: /u,
  "restart-from-zero": /^SUSPECT bytes/u,
  "storm": /^SUSPECT storm/u,
  "permanent-dns": /^FAILED exit 1: /u,
  "one-strike": /^WRONG (?:audit|check)/u,
};

const asked = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const pairs = process.argv.includes("--pairs");
const names = asked.length > 0 ? asked : [...Object.keys(CAUGHT_BY), "sound"];
const bin = mkdtempSync(join(tmpdir(), "squall-flaws-"));
symlinkSync(join(ROOT, "dist/main.js"), join(bin, "squall"));

console.log("| flaw | caught by | as | confirmed | runs | time |\n|---|---|---|---|---|---|");
let caught = 0;
for (const name of names) {
  const folder = join(bin, name);
  mkdirSync(folder);
  // The sound bot is swept to the end; with a flaw, the first finding is enough.
  const words = ["--strict", ...(name === "sound" ? [] : ["--fail-fast"]), ...(pairs ? [] : ["--no-pairs"])];
  spawnSync(process.execPath, [join(ROOT, "dist/main.js"), "sweep", "--run", RUN, ...words], {
    cwd: folder,
    stdio: ["ignore", "ignore", process.env.LOUD ? "inherit" : "ignore"],
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      BOT_FLAGS: name === "sound" ? "" : `--flaw ${name}`,
    },
  });
  const report = JSON.parse(readFileSync(join(folder, ".squall/report.json"), "utf8"));
  const time = `${Math.round(report.took_ms / 1000)} s`;
  const found = report.findings.filter(({ verdict }) => verdict !== "FLAKY");
  const meant = found.find(({ signature }) => CAUGHT_BY[name]?.test(signature));
  const shown = meant ?? found[0];
  if (meant) caught++;
  const confirmation = shown
    ? `${shown.confirmation.failed}/${shown.confirmation.runs}, clean ${shown.confirmation.controls.failed}/${shown.confirmation.controls.runs}`
    : "";
  const as = shown ? `${meant ? "" : "(another) "}\`${shown.signature.replaceAll("|", "\\|")}\`` : "nothing";
  const by = shown ? report.cases.find(({ id }) => id === shown.case).name : `none of ${report.cases.length}`;
  console.log(`| ${name} | ${by} | ${as} | ${confirmation} | ${report.runs} | ${time} |`);
}
console.log(`\n${caught} of ${names.filter((name) => name !== "sound").length} flaws caught`);
rmSync(bin, { recursive: true, force: true });
