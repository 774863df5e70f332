/** What replay, shrink and hunt have in common on the command line: how a lab is opened, what is told meanwhile, and what errors come to. */
import { BaselineBroken, HarnessError, type RunResult } from "../sweep/contract/run.js";
import { exitText } from "../sweep/oracles/ending.js";
import { timeText } from "../drawing/figures.js";
import type { LabOptions } from "../sweep/replay/lab.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import { judgeOptions } from "../sweep/sweep/judge-options.js";
import { SWEEP_EXIT } from "../sweep/sweep/outcome.js";
import { CommandError, type Io } from "./io.js";
import { knownRoutes } from "./known-routes.js";

/** Sentences for people, on standard error; on a terminal the last one is shown until the next one comes. */
export interface Talk {
  readonly say: (text: string) => void;
  /** What is only for the moment. */
  readonly moment: (text: string | null) => void;
}

export function talkOf(io: Io, quiet: boolean): Talk {
  let shown: string | null = null;
  const moment = (text: string | null): void => {
    shown = text;
    if (!quiet) io.live?.(text);
  };
  return {
    moment,
    say: (text) => {
      if (quiet) return;
      const before = shown;
      io.live?.(null);
      io.err(`${text}\n`);
      if (before !== null) io.live?.(before);
    },
  };
}

export async function labOptions(
  settings: RunSettings,
  {
    signal,
    anywhere,
    talk,
  }: { readonly signal: AbortSignal; readonly anywhere: boolean; readonly talk: Talk },
  io: Io,
): Promise<LabOptions> {
  return {
    settings,
    judge: judgeOptions(settings),
    known: await knownRoutes(settings, io),
    env: io.env,
    cwd: io.cwd,
    home: io.home,
    signal,
    anywhere,
    tell: talk.say,
    onExit: io.onExit,
    onBaseline: ({ exit, ms }: RunResult, number, of) => {
      talk.moment(number === of ? null : `fault-free run ${number} of ${of}`);
      if (io.live === null)
        talk.say(`fault-free run ${number} of ${of}: ${exitText(exit)} after ${timeText(ms)}`);
    },
  };
}

/** Errors of the harness as the exit codes that docs/sweep.md lists. */
export async function inLab<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BaselineBroken) throw new CommandError(SWEEP_EXIT.baseline, error.message);
    if (error instanceof HarnessError) throw new CommandError(SWEEP_EXIT.inconclusive, error.message);
    if (error instanceof Error && error.name === "AbortError")
      throw new CommandError(SWEEP_EXIT.inconclusive, "interrupted: nothing is known");
    throw error;
  }
}
