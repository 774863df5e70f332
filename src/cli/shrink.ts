/** `squall shrink`: makes a failing run as small as it can be, and writes it as a replay file. */
import { existsSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { SystemClock } from "../core/system-clock.js";
import type { RunRecord } from "../sweep/contract/record.js";
import { readJournal } from "../sweep/record/journal-file.js";
import { recordOf } from "../sweep/record/run-record.js";
import { timeText } from "../drawing/figures.js";
import { botsOf } from "../sweep/replay/from-journal.js";
import { withLab, type Lab } from "../sweep/replay/lab.js";
import { faultsOf, onlyProfile, readCase, shrinkable } from "../sweep/replay/read-case.js";
import { runBlockOf } from "../sweep/replay/run-block.js";
import { writeCase } from "../sweep/replay/write-finding.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { shrink, type ShrinkInput, type ShrinkResult } from "../sweep/shrink/shrink.js";
import { titleOf } from "../sweep/shrink/title.js";
import { SWEEP_EXIT } from "../sweep/sweep/outcome.js";
import { CommandError, type Io } from "./io.js";
import { inLab, labOptions, talkOf, type Talk } from "./lab.js";
import { durationOption, numberOption } from "./options.js";
import { textOf } from "./replay.js";
import { directoryOf, interruptOf, runSettings, withRunFlags, type RunFlags } from "./run-flags.js";

interface ShrinkFlags extends RunFlags {
  readonly journal?: string;
  readonly runs: string;
  readonly for: string;
  readonly json?: boolean;
}

/** Caps of a search, unless somebody says otherwise. */
export const SHRINK_RUNS = 100;
export const SHRINK_TIME = "5m";

export function addShrink(program: Command, io: Io): void {
  withRunFlags(
    program
      .command("shrink")
      .argument("<what>", "a profile or a replay file, or the folder or the number of a run"),
  )
    .description("make a failing run as small as it can be: one file, one fault, one line")
    .option(
      "--journal <file>",
      "the journal of the run that failed with the profile; without it the run is made again",
    )
    .option("--runs <n>", "how many runs it may take", String(SHRINK_RUNS))
    .option("--for <duration>", "how long it may take", SHRINK_TIME)
    .option("--json", "print lines of JSON")
    .action(async (what: string, words: readonly string[], flags: ShrinkFlags) => {
      await runShrink(what, words, flags, io);
    });
}

interface Asked extends ShrinkInput {
  readonly settings: RunSettings;
  readonly what: string;
}

async function runShrink(what: string, words: readonly string[], flags: ShrinkFlags, io: Io): Promise<void> {
  const asked = askedOf(what, words, flags, io);
  const caps = {
    runs: numberOption("runs", flags.runs, 1_000_000),
    time: durationOption("for", flags.for) ?? 0,
  };
  const talk = talkOf(io, flags.json === true);
  const anywhere = flags.yesReally === true;
  const options = await labOptions(asked.settings, { signal: interruptOf(io), anywhere, talk }, io);
  await inLab(() =>
    withLab(options, async (lab) => {
      const result = await shrinkIn(lab, asked, caps, talk);
      if (result === null)
        throw new CommandError(
          SWEEP_EXIT.inconclusive,
          `${what} does not fail any more: there is nothing to shrink`,
        );
      const file = await writeShrunk(result, asked, lab, io);
      tell(result, file, flags, io);
    }),
  );
}

/** Also for what a hunt finds. */
export function shrinkIn(
  lab: Lab,
  input: ShrinkInput,
  caps: { readonly runs: number; readonly time: number },
  talk: Talk,
): Promise<ShrinkResult | null> {
  const clock = new SystemClock();
  const { failed, runs } = lab.controls.counts;
  return shrink(input, {
    runner: lab.runner,
    judge: lab.controls.judge,
    explicit: { calls: lab.sites.calls, bots: botsOf(lab) },
    // What has never failed may still do so once in a while.
    alarm: (failed + 0.05) / (runs + 1),
    caps,
    now: () => clock.now(),
    progress: (sizes, made) => {
      talk.moment(`${sizes.join(" -> ")}   ${made} runs`);
    },
    say: talk.say,
  });
}

async function writeShrunk(
  result: ShrinkResult,
  { settings, seed, what }: Asked,
  lab: Lab,
  io: Io,
): Promise<string> {
  // Once more without faults, now that so many runs have been made.
  if (result.shrunk.partly !== "interrupted") await lab.controls.run(seed);
  return writeCase(
    {
      title: titleOf(result),
      signature: result.signature,
      sites: [],
      foundBy: `shrink ${what}`,
      seed,
      failed: result.failed,
      clean: lab.controls.counts,
      shrunk: result.shrunk,
      threshold: result.threshold,
      folder: relative(io.cwd, settings.folder),
      run: runBlockOf(settings),
      faults: result.faults,
    },
    { settings, cwd: io.cwd, node: io.node },
  );
}

function tell(result: ShrinkResult, file: string, flags: ShrinkFlags, io: Io): void {
  const { shrunk, failed, signature, threshold, others, faults } = result;
  if (flags.json === true) {
    io.out(
      `${JSON.stringify({ event: "shrunk", file, signature, failed, ...shrunk, threshold, faults, others })}\n`,
    );
    return;
  }
  const hits = shrunk.from === 1 ? "hit" : "hits";
  const what = shrunk.level === "hits" ? hits : "faults and hits";
  io.out(
    `${shrunk.from} ${what} -> ${shrunk.to} in ${shrunk.runs} runs, ${timeText(shrunk.took)}: ${signature}\n`,
  );
  io.out(`  ${titleOf(result)}\n  failed ${failed.failed} of ${failed.runs}\n`);
  if (threshold !== null) io.out(`  ${threshold}\n`);
  if (shrunk.partly !== null) io.out(`  it may be smaller still: ${WHY[shrunk.partly]}\n`);
  for (const other of others)
    io.out(`  another failure came up, and is a finding of its own: ${other.signature}\n`);
  io.out(`  squall replay ${file}\n`);
}

const WHY = {
  runs: "there were as many runs as --runs lets there be",
  time: "the time of --for was over",
  interrupted: "it was interrupted",
} as const;

// ------------------------------------------------------------------------------------------------

function askedOf(what: string, words: readonly string[], flags: ShrinkFlags, io: Io): Asked {
  const folder = runFolder(what, flags, io);
  if (folder !== null) {
    const profile = join(folder, "profile.yaml");
    const settings = runSettings(flags, words, io);
    const faults = faultsOf(onlyProfile(textOf(profile, io), profile));
    const seed = seedOf(join(folder, "run.json"), io) ?? settings.seed;
    return {
      what,
      faults,
      settings,
      seed,
      signature: null,
      record: recordIn(join(folder, "journal.jsonl"), io),
    };
  }
  const text = textOf(what, io);
  const source = onlyProfile(text, what);
  const record = flags.journal === undefined ? null : recordIn(flags.journal, io);
  if (source.case === null) {
    const settings = runSettings(flags, words, io);
    const faults = shrinkable(source);
    return { what, faults, settings, seed: settings.seed, signature: null, record };
  }
  const read = readCase(text, what);
  const settings = runSettings({ directory: directoryOf(flags, io), ...flags }, words, io, read.run);
  return {
    what,
    faults: read.faults,
    settings,
    seed: read.case.seed,
    signature: read.case.signature,
    record,
  };
}

function runFolder(what: string, flags: ShrinkFlags, { cwd, env }: Pick<Io, "cwd" | "env">): string | null {
  const named = /^\d{1,9}$/u.test(what)
    ? relative(cwd, join(directoryOf(flags, { cwd, env }), "runs", what.padStart(6, "0")))
    : what;
  const path = resolve(cwd, named);
  return existsSync(path) && statSync(path).isDirectory() ? named : null;
}

function recordIn(file: string, io: Pick<Io, "cwd">): RunRecord {
  return recordOf(readJournal(textOf(file, io), basename(file)).entries);
}

/** Of `run.json`, which is our own. */
function seedOf(file: string, io: Pick<Io, "cwd">): number | null {
  if (!existsSync(resolve(io.cwd, file))) return null;
  const { seed } = JSON.parse(textOf(file, io)) as { readonly seed?: unknown };
  return typeof seed === "number" ? seed : null;
}
