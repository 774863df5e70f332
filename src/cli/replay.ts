/** `squall replay`: runs cases again, and says of each whether it still fails. */
import { shellWord } from "../core/shell-word.js";
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { faultsFromJournal } from "../sweep/replay/from-journal.js";
import { Failures } from "../sweep/replay/failures.js";
import { hold } from "../sweep/replay/hold.js";
import { withLab, type Lab } from "../sweep/replay/lab.js";
import { faultsOf, onlyProfile, readCase, type ReadCase } from "../sweep/replay/read-case.js";
import { replay, replayText, type Replayable, type Replayed } from "../sweep/replay/replay.js";
import { readJournal } from "../sweep/record/journal-file.js";
import type { FaultInput } from "../sweep/contract/run.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { SWEEP_EXIT } from "../sweep/sweep/outcome.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { inLab, labOptions, talkOf, type Talk } from "./lab.js";
import { readText } from "./read-text.js";
import { directoryOf, interruptOf, runSettings, withRunFlags, type RunFlags } from "./run-flags.js";
import { whyUnread } from "../core/why-unread.js";

interface ReplayFlags extends RunFlags {
  readonly journal?: string;
  readonly prune?: boolean;
  readonly hold?: boolean;
  readonly json?: boolean;
}

export function addReplay(program: Command, io: Io): void {
  withRunFlags(program.command("replay").argument("[case]", "a replay file, its number, or all"))
    .description(
      "run a case again and say whether it still fails: FAILED, FIXED, FLAKY, DIFFERENT or NOT REACHED",
    )
    .option("--journal <file>", "replay the hits of a recorded run instead; its command stands behind --")
    .option("--hold", "switch the faults on and leave the program to you, for a debugger, until Ctrl-C")
    .option("--prune", "move those that are fixed to failures/fixed")
    .option("--json", "print lines of JSON")
    .action(async (which: string | undefined, words: readonly string[], flags: ReplayFlags) => {
      if (flags.journal !== undefined)
        await replayJournal(flags.journal, which === undefined ? words : [which, ...words], flags, io);
      else await replayCases(which, words, flags, io);
    });
}

interface Asked {
  readonly read: ReadCase;
  readonly settings: RunSettings;
}

async function replayCases(
  which: string | undefined,
  words: readonly string[],
  flags: ReplayFlags,
  io: Io,
): Promise<void> {
  if (which === undefined)
    throw new CommandError(
      EXIT.usage,
      "expected a replay file, its number, or all (squall sweep writes such files)",
    );
  const asked = filesOf(which, flags, io).map((file): Asked => {
    const read = readCase(textOf(file, io), file);
    // A file says what is run, and nothing of where things are written.
    const settings = runSettings({ directory: directoryOf(flags, io), ...flags }, words, io, read.run);
    return { read, settings };
  });
  const [first] = asked;
  if (first === undefined) {
    io.err("no replay files: there is nothing to replay\n");
    return;
  }
  if (flags.hold === true) {
    await holdCase(first, asked.length, flags, io);
    return;
  }
  const talk = talkOf(io, flags.json === true);
  const signal = interruptOf(io);
  const results: Replayed[] = [];
  // Cases of the same run share its fault-free runs.
  for (const group of grouped(asked)) {
    const [{ settings }] = group;
    const options = await labOptions(settings, { signal, anywhere: flags.yesReally === true, talk }, io);
    await inLab(() =>
      withLab(options, async (lab) => {
        for (const { read } of group) {
          const replayed = await replayOne(replayableOf(read), lab, talk);
          results.push(replayed);
          tell(read, replayed, flags, io, settings);
        }
      }),
    );
  }
  conclude(results);
}

async function replayOne(of: Replayable, lab: Lab, talk: Talk): Promise<Replayed> {
  const ran = (_run: unknown, failed: number, runs: number): void => {
    talk.moment(`${of.name}: ${failed} of ${runs} failed`);
  };
  const replayed = await replay(of, { runner: lab.runner, judge: lab.controls.judge, ran });
  talk.moment(null);
  return replayed;
}

function replayableOf({ name, faults, case: block }: ReadCase): Replayable {
  return { name, faults, seed: block.seed, signature: block.signature, failed: block.failed };
}

function tell(
  read: ReadCase,
  replayed: Replayed,
  flags: ReplayFlags,
  io: Io,
  { directory }: RunSettings,
): void {
  const file = relative(io.cwd, resolve(io.cwd, read.file));
  let moved: string | null = null;
  if (flags.prune === true && replayed.word === "FIXED") {
    const within = relative(join(directory, "failures"), resolve(io.cwd, read.file));
    if (/^\d+\.yaml$/u.test(within))
      moved = relative(io.cwd, new Failures(directory).retire(resolve(io.cwd, read.file)));
  }
  if (flags.json === true) {
    const { run, ...rest } = replayed;
    io.out(
      `${JSON.stringify({ event: "replayed", file, signature: read.case.signature, ...rest, folder: run?.folder ?? null, moved })}\n`,
    );
    return;
  }
  const colour =
    replayed.word === "FIXED"
      ? io.colours.green
      : replayed.word === "FAILED"
        ? io.colours.red
        : io.colours.yellow;
  io.out(`${colour(replayText(replayed).padEnd(12))} ${file}  ${read.case.title ?? read.case.signature}\n`);
  if (replayed.text !== "") io.out(`             ${replayed.text}\n`);
  if (replayed.suspicions.length > 0)
    io.out(`             suspect, and no failure: ${replayed.suspicions.join(", ")}\n`);
  if (replayed.runs > 0 && replayed.unreached.length > 0)
    io.out(`             these of its faults acted on nothing: ${replayed.unreached.join(", ")}\n`);
  const folder = replayed.run?.folder ?? null;
  if (folder !== null && replayed.word !== "FIXED")
    io.out(`             all of a run: ${relative(io.cwd, folder)}\n`);
  if (moved !== null) io.out(`             moved to ${moved}\n`);
}

function conclude(results: readonly Replayed[]): void {
  const still = results.filter(
    ({ word }) => word === "FAILED" || word === "FLAKY" || word === "DIFFERENT",
  ).length;
  if (still > 0)
    throw new CommandError(
      SWEEP_EXIT.findings,
      `replay: ${still} of ${results.length} still ${still === 1 ? "fails" : "fail"}`,
    );
  const unknown = results.filter(({ word }) => word === "NOT REACHED" || word === "ERROR").length;
  if (unknown > 0)
    throw new CommandError(
      SWEEP_EXIT.inconclusive,
      `replay: of ${unknown} of ${results.length} nothing is known`,
    );
}

async function holdCase({ read, settings }: Asked, count: number, flags: ReplayFlags, io: Io): Promise<void> {
  if (count > 1) throw new CommandError(EXIT.usage, "--hold: expected one case");
  const signal = interruptOf(io);
  const until = new Promise<void>((stop) => {
    signal.addEventListener("abort", () => {
      stop();
    });
    if (signal.aborted) stop();
  });
  // The harness itself is not to be interrupted by what ends the holding.
  const outcomes = await inLab(() =>
    hold({
      settings: { ...settings, jobs: 1 },
      faults: read.faults,
      seed: read.case.seed,
      env: io.env,
      cwd: io.cwd,
      home: io.home,
      signal: new AbortController().signal,
      until,
      ready: (env) => {
        const lines = Object.entries(env).map(([name, value]) => `  export ${name}=${shellWord(value)}\n`);
        const { command } = settings;
        const words =
          command === null
            ? ""
            : command.kind === "line"
              ? command.line
              : command.words.map(shellWord).join(" ");
        if (flags.json === true) {
          io.out(`${JSON.stringify({ event: "held", case: read.name, env, command: words })}\n`);
        } else {
          io.out(`${read.name} is on: ${read.case.title ?? read.case.signature}\n${lines.join("")}`);
          if (words !== "") io.out(`  ${words}\n`);
          io.out("Ctrl-C heals and ends it.\n");
        }
        io.started();
      },
    }),
  );
  for (const { fault, hits } of outcomes) io.out(`${fault}: ${hits === 1 ? "1 hit" : `${hits} hits`}\n`);
}

// ------------------------------------------------------------------------------------------------

async function replayJournal(
  file: string,
  words: readonly string[],
  flags: ReplayFlags,
  io: Io,
): Promise<void> {
  const { entries } = readJournal(textOf(file, io), file);
  const given = faultsBeside(file, io);
  const settings = runSettings(flags, words, io);
  const talk = talkOf(io, flags.json === true);
  const options = await labOptions(
    settings,
    { signal: interruptOf(io), anywhere: flags.yesReally === true, talk },
    io,
  );
  const name = `journal-${file.split(/[\\/]/u).at(-1) ?? ""}`;
  const replayed = await inLab(() =>
    withLab(options, async (lab) => {
      const { faults, left } = faultsFromJournal(entries, lab, given);
      for (const text of left) talk.say(text);
      if (faults.length === 0)
        throw new CommandError(
          EXIT.invalid,
          `${file} has no hit that can be named by its call: there is nothing to replay`,
        );
      return replayOne(
        { name, faults, seed: settings.seed, signature: null, failed: { of: 1, among: 1 } },
        lab,
        talk,
      );
    }),
  );
  if (flags.json === true) {
    const { run, ...rest } = replayed;
    io.out(`${JSON.stringify({ event: "replayed", file, ...rest, folder: run?.folder ?? null })}\n`);
  } else io.out(`${replayText(replayed)} ${file}${replayed.text === "" ? "" : `: ${replayed.text}`}\n`);
  conclude([replayed]);
}

// ------------------------------------------------------------------------------------------------

function filesOf(which: string, flags: ReplayFlags, io: Pick<Io, "cwd" | "env">): string[] {
  const failures = new Failures(directoryOf(flags, io));
  const shown = (file: string): string => relative(io.cwd, file);
  if (which === "all") return failures.all().map(shown);
  const number = /^(?:case-)?(\d{1,9})$/u.exec(which)?.[1];
  if (number === undefined || existsSync(resolve(io.cwd, which))) return [which];
  return [shown(failures.fileOf(Number(number)))];
}

/** The folder of a run has its profile beside its journal: that has the parameters, and the journal has not. */
function faultsBeside(file: string, io: Pick<Io, "cwd">): readonly FaultInput[] {
  const profile = join(dirname(file), "profile.yaml");
  return existsSync(resolve(io.cwd, profile)) ? faultsOf(onlyProfile(textOf(profile, io), profile)) : [];
}

/** Journals of long runs are the largest of what is read here. */
const READ_MAX = 512 * 2 ** 20;

export function textOf(file: string, { cwd }: Pick<Io, "cwd">): string {
  try {
    return readText(resolve(cwd, file), READ_MAX);
  } catch (error) {
    throw new CommandError(EXIT.invalid, `cannot read ${file}: ${whyUnread(error)}`);
  }
}

/** By what they run. */
function grouped(asked: readonly Asked[]): [Asked, ...Asked[]][] {
  const groups = new Map<string, [Asked, ...Asked[]]>();
  for (const one of asked) {
    const key = `${one.settings.folder}\n${one.settings.fingerprint}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups.values()];
}
