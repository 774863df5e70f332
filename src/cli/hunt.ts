/** `squall hunt`: several faults at a time, trial after trial, and each failure as small as it can be. */
import { relative } from "node:path";
import type { Command } from "commander";
import { SystemClock } from "../core/system-clock.js";
import { kindsIn, repeatedCall } from "../sweep/kinds/kinds.js";
import { hunt, huntSentence, type Failure, type Hunted } from "../sweep/hunt/hunt.js";
import { timeToShrink, toldOf } from "../sweep/hunt/told.js";
import { parseTrial, trialText, type Ground, type TrialName } from "../sweep/hunt/trial.js";
import { NO_OPTIONS, PRESETS } from "../sweep/kinds/kind.js";
import { withLab, type Lab } from "../sweep/replay/lab.js";
import { runBlockOf } from "../sweep/replay/run-block.js";
import { writeCase } from "../sweep/replay/write-finding.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { SWEEP_EXIT } from "../sweep/sweep/outcome.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { inLab, labOptions, talkOf, type Talk } from "./lab.js";
import { durationOption, numberOption } from "./options.js";
import { interruptOf, runSettings, withRunFlags, type RunFlags } from "./run-flags.js";
import { SHRINK_RUNS, SHRINK_TIME, shrinkIn } from "./shrink.js";

interface HuntFlags extends RunFlags {
  readonly trials?: string;
  readonly trial?: string;
  readonly strict?: boolean;
  readonly shrinkRuns: string;
  readonly json?: boolean;
}

export function addHunt(program: Command, io: Io): void {
  withRunFlags(program.command("hunt"))
    .description(
      "run a command under several faults at a time, drawn anew for each trial, and shrink what fails",
    )
    .option("--trials <n>", "end after so many trials")
    .option("--trial <name>", "run this one trial only, such as 317 or 317.212")
    .option("--strict", "take SUSPECT for findings")
    .option("--shrink-runs <n>", "how many runs shrinking one failure may take", String(SHRINK_RUNS))
    .option("--json", "print lines of JSON")
    .action(async (words: readonly string[], flags: HuntFlags) => {
      await runHunt(words, flags, io);
    });
}

interface Found {
  readonly trial: string;
  readonly signature: string;
  /** null for a failure that did not come again. */
  readonly file: string | null;
  readonly title: string;
  /** How often it failed, of how many runs; once of one was not confirmed. */
  readonly failed: { readonly failed: number; readonly runs: number };
}

async function runHunt(words: readonly string[], flags: HuntFlags, io: Io): Promise<void> {
  const settings = runSettings(flags, words, io);
  const only = onlyTrial(flags.trial);
  const trials = flags.trials === undefined ? null : numberOption("trials", flags.trials, 1_000_000_000);
  const shrinkRuns = numberOption("shrink-runs", flags.shrinkRuns, 1_000_000);
  const talk = talkOf(io, flags.json === true);
  const anywhere = flags.yesReally === true;
  const options = await labOptions(settings, { signal: interruptOf(io), anywhere, talk }, io);
  const found: Found[] = [];
  const clock = new SystemClock();
  const since = clock.now();
  const hunted = await inLab(() =>
    withLab(options, async (lab) => {
      const result = await hunt({
        runner: lab.runner,
        controls: lab.controls,
        ground: groundOf(lab, settings),
        place: lab.place,
        repeatedAt: (id) => {
          const site = lab.sites.list.find((one) => one.id === id);
          return site === undefined ? null : repeatedCall(site);
        },
        clock,
        since,
        budget: settings.budget,
        trials,
        only,
        tried: (count, kept, failures) => {
          talk.moment(`trial ${count}: ${failures} failed, ${kept} showed something new`);
        },
        failure: async (failure) => {
          const most = durationOption("for", SHRINK_TIME) ?? 0;
          const time = timeToShrink(most, settings.budget, { since, now: clock.now() });
          const caps = { runs: shrinkRuns, time };
          for (const one of await filed(
            failure,
            lab,
            settings,
            caps,
            talk,
            io,
            new Set(found.map((one) => one.signature)),
            () => settings.budget === null || clock.now() < since + settings.budget,
          )) {
            found.push(one);
            tellFound(one, flags, io, talk);
          }
        },
      });
      talk.moment(null);
      return result;
    }),
  );
  conclude(hunted, found, flags, io);
}

function groundOf({ sites, baselines }: Lab, { seed, kinds, skipKinds, outage }: RunSettings): Ground {
  const presets = PRESETS.filter((preset) => kinds.includes(preset));
  const named = kinds.filter((kind) => !presets.some((preset) => preset === kind));
  const wanted = [...presets.flatMap((preset) => kindsIn(preset)), ...named];
  const all = wanted.length === 0 ? kindsIn("all") : wanted;
  return {
    seed,
    sites: sites.list,
    kinds: new Set(all.filter((kind) => !skipKinds.includes(kind))),
    options: { ...NO_OPTIONS, outage: outage ?? NO_OPTIONS.outage },
    length: Math.max(...baselines.map(({ ms }) => ms)),
  };
}

/** As small as it can be; what came up on the way is filed as it was. */
async function filed(
  failure: Failure,
  lab: Lab,
  settings: RunSettings,
  caps: { readonly runs: number; readonly time: number },
  talk: Talk,
  io: Io,
  known: ReadonlySet<string>,
  isInTime: () => boolean,
): Promise<Found[]> {
  const { seed } = settings;
  const { trial, faults, run, signature } = failure;
  const name = trialText(trial);
  talk.say(`trial ${name} failed: ${signature}; it is shrunk now`);
  const result = await shrinkIn(lab, { faults, seed, record: run.record, signature }, caps, talk);
  const common = {
    sites: [],
    foundBy: `hunt --seed ${seed} --trial ${name}`,
    seed,
    clean: lab.controls.counts,
    folder: relative(io.cwd, settings.folder),
    run: runBlockOf(settings),
  };
  return toldOf(failure, result, { wasInTime: isInTime(), known }).map(({ written, ...of }) => ({
    trial: name,
    signature: of.signature,
    file: written ? writeCase({ ...common, ...of }, { settings, cwd: io.cwd, node: io.node }) : null,
    title: of.title,
    failed: of.failed,
  }));
}

function tellFound(
  { trial, signature, file, title, failed }: Found,
  flags: HuntFlags,
  io: Io,
  talk: Talk,
): void {
  if (flags.json === true) {
    io.out(`${JSON.stringify({ event: "found", trial, signature, file, title, failed })}\n`);
    return;
  }
  talk.moment(null);
  io.out(
    `${io.colours.red(signature)}\n  ${title}\n  ${file === null ? `trial ${trial}` : `squall replay ${file}`}\n`,
  );
}

const STOPPED = {
  "trials": "all trials were run",
  "budget": "the budget was used up",
  "nothing new": "for long no trial showed anything new",
  "interrupted": "it was interrupted",
  "harness": "the harness could make no more runs",
} as const;

function conclude(hunted: Hunted, found: readonly Found[], flags: HuntFlags, io: Io): void {
  const { trials, unreached, kept, failures, stop, trouble } = hunted;
  const counting = found.filter(
    ({ file, signature, failed }) =>
      file !== null && (flags.strict === true || (failed.runs > 1 && !signature.startsWith("SUSPECT "))),
  );
  if (flags.json === true) {
    const counts = Object.fromEntries(failures);
    io.out(
      `${JSON.stringify({ event: "over", trials, unreached, kept, failures: counts, stop, trouble })}\n`,
    );
  } else {
    for (const [signature, count] of failures) io.out(`${String(count).padStart(5)}  ${signature}\n`);
    io.out(`${huntSentence(hunted)}\n`);
    io.out(
      `${kept} trials showed something new, ${unreached} reached nothing; ended since ${STOPPED[stop]}${trouble === "" ? "" : `: ${trouble}`}\n`,
    );
  }
  if (counting.length > 0)
    throw new CommandError(
      SWEEP_EXIT.findings,
      counting.length === 1 ? "hunt: there is a finding" : `hunt: there are ${counting.length} findings`,
    );
  if (trials === unreached)
    throw new CommandError(SWEEP_EXIT.inconclusive, "hunt: no trial reached anything, so nothing is known");
}

function onlyTrial(text: string | undefined): TrialName | null {
  if (text === undefined) return null;
  const trial = parseTrial(text);
  if (trial !== null) return trial;
  throw new CommandError(
    EXIT.usage,
    `--trial: expected a name such as 317 or 317.212, got ${JSON.stringify(text)}`,
  );
}
