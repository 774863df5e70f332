/** The `squall` command as a whole: one file for each group of subcommands, one place for exit codes. */
import type { CommanderError } from "commander";
import { SquallError } from "../core/errors.js";
import { version } from "../version.js";
import { addCommands } from "./commands.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { problemsText } from "./problem-text.js";
import { harmlessIo } from "./terminal.js";
import { versionText, withoutToxiproxyFlags } from "./toxiproxy-flags.js";

/** Runs one command line (without the node and script words) and answers its exit code. */
export async function runCommand(words: readonly string[], world: Io): Promise<number> {
  const io = harmlessIo(world);
  let ran = "";
  try {
    if (words[0] === "toxiproxy-cli") {
      await (await import("./toxiproxy-cli.js")).toxiproxyCli(words.slice(1), io);
      return await written(io);
    }
    if (words.length === 0) return await help(io);
    const { words: known, version: versionOnly, notes } = withoutToxiproxyFlags(words);
    for (const note of notes) io.err(`squall: ${note}\n`);
    if (versionOnly) {
      io.out(versionText());
      return EXIT.ok;
    }
    const [first, ...rest] = known;
    if (rest.length === 0 && (first === "--version" || first === "-v")) io.out(`${version}\n`);
    else
      await parse(known, io, (name) => {
        ran = name;
        if (OUTLIVING.has(ran)) tellWhenLost(io);
        if (WORKING.has(ran)) io.started();
      });
    return OUTLIVING.has(ran) ? EXIT.ok : await written(io);
  } catch (error) {
    return failed(error, io);
  }
}

/**
 * Without a word there is nothing to do but to show what there is. Where nobody sees it, somebody meant something: a script that was
 * written for Toxiproxy, or one whose words got lost, and neither must take it for done.
 */
async function help(io: Io): Promise<number> {
  const shown = io.terminal ? io : { ...io, out: io.err };
  await parse(["--help"], shown, () => undefined).catch((error: unknown) => {
    if (!isCommanderError(error) || error.exitCode !== 0) throw error;
  });
  if (io.terminal) return written(io);
  io.err('\nsquall: there is no command (the daemon is started with "squall serve")\n');
  return EXIT.usage;
}

async function parse(words: readonly string[], io: Io, runs: (name: string) => void): Promise<void> {
  const { Command } = await import("commander");
  const { optionsOf, outputOf } = await import("./usage-text.js");
  const program = new Command("squall")
    .description("A chaos proxy: YAML fault profiles for the traffic between bots and their server.")
    .version(version, "-v, --version")
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput(outputOf(io, words));
  await addCommands(program, words, io);
  program.hook("preAction", (_program, action) => {
    runs(action.name());
  });
  for (const command of program.commands)
    command.exitOverride().configureOutput(outputOf(io, words, optionsOf(command)));
  await program.parseAsync([...words], { from: "user" });
}

/** Commands whose work is something else than what they print. */
const OUTLIVING: ReadonlySet<string> = new Set(["serve", "bot", "mock-server"]);

/** Commands that move bytes; `serve` says by itself when it has begun. */
const WORKING: ReadonlySet<string> = new Set(["bot", "mock-server", "load", "demo"]);

function tellWhenLost(io: Io): void {
  void io.outputLost.then((error) => {
    io.err(`squall: standard output cannot be written, and all goes on without it: ${error.message}\n`);
  });
}

/** Whoever stopped reading has read what he wanted; output that a disk did not take is missing. */
async function written(io: Io): Promise<number> {
  const error = await io.outputError();
  if (error === null || error.code === "EPIPE") return EXIT.ok;
  io.err(`squall: cannot write to standard output: ${error.message}\n`);
  return EXIT.failed;
}

/** By its looks: the class is not there before a command is parsed. */
function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}

function failed(error: unknown, io: Io): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    io.err(`squall: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof SquallError) {
    if (error.details === undefined || error.details.length === 0)
      io.err(`squall: ${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}\n`);
    else io.err(problemsText("squall", error));
    return error.status === 422 ? EXIT.invalid : EXIT.failed;
  }
  // What the system refuses is no mistake of ours, and has a sentence; a trace is for those who can mend Squall.
  const ours = error instanceof Error && (error as NodeJS.ErrnoException).syscall === undefined;
  const text =
    error instanceof Error ? (ours ? (error.stack ?? error.message) : error.message) : String(error);
  io.err(`squall: ${ours ? "a mistake of Squall itself: " : ""}${text}\n`);
  return EXIT.failed;
}
