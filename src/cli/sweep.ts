/** `squall sweep`: runs the user's command under one fault after the other, and says what breaks it. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { SystemClock } from "../core/system-clock.js";
import { parseRatio } from "../core/units.js";
import { BaselineBroken, HarnessError } from "../sweep/contract/run.js";
import { findingCase, writeCase } from "../sweep/replay/write-finding.js";
import { whyUnwritten } from "../sweep/harness/writing.js";
import { addStepSummary } from "../sweep/report/files.js";
import { tableText, type Paint } from "../sweep/report/table.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { judgeOptions } from "../sweep/sweep/judge-options.js";
import { SWEEP_EXIT } from "../sweep/sweep/outcome.js";
import type { SweepSettings } from "../sweep/sweep/settings.js";
import { startSweep, type Planned, type Swept } from "../sweep/sweep/start.js";
import { kindsAskedFor, SelectionError, sitesOfReport } from "../sweep/plan/selection.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { knownRoutes } from "./known-routes.js";
import { numberOption } from "./options.js";
import { readText } from "./read-text.js";
import { interruptOf, runSettings, withRunFlags, type RunFlags } from "./run-flags.js";
import { whyUnread } from "../core/why-unread.js";
import { barRenderer, jsonRenderer, plainRenderer, type Renderer } from "./sweep-progress.js";

interface SweepFlags extends RunFlags {
  readonly plan?: boolean;
  readonly only?: readonly string[];
  readonly repeat: string;
  readonly strict?: boolean;
  readonly requireCoverage?: string;
  readonly failFast?: boolean;
  readonly maxFindings?: string;
  readonly pairs: boolean;
  readonly slow?: boolean;
  readonly pack?: boolean;
  readonly eachBot?: boolean;
  readonly changed?: boolean;
  readonly allOrdinals?: boolean;
  readonly json?: boolean;
}

export function addSweep(program: Command, io: Io): void {
  withRunFlags(program.command("sweep"))
    .description("run a command once for each fault at each of its calls, and say what breaks it")
    .option("--plan", "list the cases, and run none of them")
    .option("--only <case>", "cases such as complete:lost, complete, *:lost; may be repeated", again)
    .option("--changed", "leave out the sites that the last sweep had")
    .option("--each-bot", "hit each bot, and not only the first of those whose names differ in figures alone")
    .option("--all-ordinals", "hit each call of each site, and not only the first, the second and the last")
    .option("--slow", "hold late answers for longer than nearly all clients wait")
    .option("--pack", "run several cases at a time in one run, and each by itself if anything is wrong")
    .option("--repeat <n>", "run each case so often that survives", "1")
    .option("--strict", "take SUSPECT and FLAKY for findings")
    .option("--require-coverage <share>", "fail unless so many of the cells were hit, such as 90%")
    .option("--fail-fast", "end with the first finding")
    .option("--max-findings <n>", "end after so many findings")
    .option("--no-pairs", "leave out pairs of faults along the edges of what survived")
    .option("--json", "print lines of JSON")
    .action(async (words: readonly string[], flags: SweepFlags) => {
      await runSweep(words, flags, io);
    });
}

const again = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

async function runSweep(words: readonly string[], flags: SweepFlags, io: Io): Promise<void> {
  const settings = runSettings(flags, words, io);
  const options = sweepSettings(flags, settings);
  const renderer = rendererFor(flags, io);
  const clock = new SystemClock();
  let swept: Swept | null;
  try {
    swept = await startSweep({
      settings,
      sweep: options,
      judge: judgeOptions(settings),
      env: io.env,
      cwd: io.cwd,
      home: io.home,
      node: io.node,
      signal: interruptOf(io),
      onExit: io.onExit,
      clock,
      anywhere: flags.yesReally === true,
      tell: renderer.note,
      known: await knownRoutes(settings, io),
      eachBot: flags.eachBot === true,
      plan: {
        wanted: {
          kinds: kindsAskedFor(settings),
          skipKinds: settings.skipKinds,
          only: flags.only ?? [],
          before: flags.changed === true ? sitesOfLast(settings, io) : null,
        },
        slow: flags.slow === true,
        ...(settings.outage === null ? {} : { outage: settings.outage }),
        allOrdinals: flags.allOrdinals === true,
      },
      writeFinding: (used) => (finding) => {
        const means = { settings: used, cwd: io.cwd, node: io.node };
        const found = findingCase(finding, means);
        return Promise.resolve(found === null ? null : writeCase(found, means));
      },
      onBaseline: renderer.baseline,
      onPlan: (planned) => begin(planned, options, flags, renderer, io),
      onEvent: renderer.event,
    });
  } catch (error) {
    if (error instanceof SelectionError) throw new CommandError(EXIT.usage, error.message);
    if (error instanceof BaselineBroken) throw new CommandError(SWEEP_EXIT.baseline, error.message);
    if (error instanceof HarnessError) throw new CommandError(SWEEP_EXIT.inconclusive, error.message);
    if (error instanceof Error && error.name === "AbortError")
      throw new CommandError(SWEEP_EXIT.inconclusive, "interrupted before the first case");
    throw error;
  } finally {
    renderer.end();
  }
  if (swept === null) return;
  const unwritten = [swept.unwritten, await stepSummary(swept, io)].filter((why) => why !== null);
  conclude({ ...swept, unwritten: unwritten.length === 0 ? null : unwritten.join("; ") }, flags, io);
}

function begin(
  { baselines, sites, planner, jobs, each, whole, timeout }: Planned,
  options: SweepSettings,
  flags: SweepFlags,
  renderer: Renderer,
  io: Io,
): boolean {
  const steady = { stable: 0, wavering: 0, rare: 0 };
  for (const { steadiness } of sites.list) steady[steadiness]++;
  const { singles } = planner;
  const cases = singles.length;
  renderer.begin({ baselines, sites: steady, cases, jobs, each, whole, timeout, pairs: options.pairs });
  if (flags.plan !== true) return true;
  for (const { id, name, faults } of singles)
    io.out(
      flags.json === true ? `${JSON.stringify({ event: "case", case: id, name, faults })}\n` : `${name}\n`,
    );
  return false;
}

/** The table on the page of a job of GitHub Actions. Answers why it is not there; null if it is, or if nobody asked for it. */
async function stepSummary({ report }: Swept, { env, cwd }: Io): Promise<string | null> {
  const file = env["GITHUB_STEP_SUMMARY"];
  if (file === undefined || file === "") return null;
  try {
    await addStepSummary(report, resolve(cwd, file));
    return null;
  } catch (error) {
    return `${file}: ${whyUnwritten(error)}`;
  }
}

function conclude({ report, exit: found, files, unwritten }: Swept, flags: SweepFlags, io: Io): void {
  // Who reads the reports would take those of an earlier sweep for these.
  const exit =
    unwritten !== null && found.code === SWEEP_EXIT.clean
      ? { code: SWEEP_EXIT.inconclusive, why: "not all reports could be written" }
      : found;
  if (unwritten !== null && flags.json !== true) io.err(`squall: cannot write ${unwritten}\n`);
  if (flags.json === true) {
    io.out(`${JSON.stringify({ event: "over", exit_code: exit.code, why: exit.why, files, unwritten })}\n`);
  } else {
    io.out(`\n${tableText(report, paintOf(io))}`);
    const shown = files.filter((file) => /report\.html$|junit\.xml$/u.test(file));
    if (shown.length > 0)
      io.out(
        `\n${shown.map((file) => `${/html$/u.test(file) ? "report" : "junit"}: ${relativeTo(io.cwd, file)}`).join("   ")}\n`,
      );
  }
  if (exit.code !== SWEEP_EXIT.clean) throw new CommandError(exit.code, `sweep: ${exit.why}`);
}

function relativeTo(folder: string, file: string): string {
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
}

function paintOf({ colours }: Io): Paint {
  return { good: colours.green, bad: colours.red, doubt: colours.yellow, dim: colours.dim };
}

function rendererFor(flags: SweepFlags, io: Io): Renderer {
  if (flags.json === true)
    return jsonRenderer((text) => {
      io.out(`${text}\n`);
    });
  const words = {
    say: (text: string): void => {
      io.err(`${text}\n`);
    },
    colours: io.colours,
  };
  return io.live === null ? plainRenderer(words) : barRenderer(words, io.live);
}

function sweepSettings(flags: SweepFlags, { budget, seed }: RunSettings): SweepSettings {
  const repeat = numberOption("repeat", flags.repeat, 1_000);
  if (repeat < 1) throw new CommandError(EXIT.usage, "--repeat: expected at least 1");
  const max =
    flags.maxFindings === undefined ? null : numberOption("max-findings", flags.maxFindings, 1_000_000);
  if (max === 0) throw new CommandError(EXIT.usage, "--max-findings: expected at least 1");
  return {
    budget,
    repeat,
    strict: flags.strict === true,
    findingsMax: flags.failFast === true ? 1 : max,
    requireCoverage: coverage(flags.requireCoverage),
    pairs: flags.pairs,
    seed,
    pack: flags.pack === true,
  };
}

function coverage(text: string | undefined): number | null {
  if (text === undefined) return null;
  const share = parseRatio(text.endsWith("%") ? text : `${text}%`);
  if (share !== null && share <= 1) return share;
  throw new CommandError(
    EXIT.usage,
    `--require-coverage: expected a share such as 90%, got ${JSON.stringify(text)}`,
  );
}

const REPORT_MAX = 2 ** 28;

/** Ids of the sites in the report of the last sweep; none if there is none, so that all are new. */
function sitesOfLast({ directory }: RunSettings, io: Io): ReadonlySet<string> {
  const file = join(directory, "report.json");
  if (!existsSync(file)) {
    io.err(`squall: there is no report of an earlier sweep in ${directory}, so all sites are new\n`);
    return new Set();
  }
  try {
    return sitesOfReport(JSON.parse(readText(file, REPORT_MAX)));
  } catch (error) {
    throw new CommandError(EXIT.invalid, `--changed: cannot read ${file}: ${whyUnread(error)}`);
  }
}
