/** The `squall` command as a whole: one file for each group of subcommands, one place for exit codes. */
import { Command, CommanderError } from "commander";
import { SquallError, formatProblem } from "../core/errors.js";
import { version } from "../version.js";
import { addBot } from "./bot.js";
import { addDemo } from "./demo.js";
import { addDraws } from "./draws.js";
import { addExplain } from "./explain.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { addServe } from "./local.js";
import { addLoad, addMockServer } from "./mock.js";
import { addProfiles } from "./profiles.js";
import { addRemoteCommands } from "./remote.js";
import { harmlessIo } from "./terminal.js";
import { versionText, withoutToxiproxyFlags } from "./toxiproxy_flags.js";
import { addValidate } from "./validate.js";

/** Runs one command line (without the node and script words) and answers its exit code. */
export async function runCommand(words: readonly string[], world: Io): Promise<number> {
  const io = harmlessIo(world);
  const program = new Command("squall")
    .description("A chaos proxy: YAML fault profiles for the traffic between bots and their server.")
    .version(version, "-v, --version")
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: io.out, writeErr: io.err });
  addServe(program, io);
  addValidate(program, io);
  addExplain(program, io);
  addDraws(program, io);
  addProfiles(program, io);
  addRemoteCommands(program, io);
  addDemo(program, io);
  addMockServer(program);
  addBot(program);
  addLoad(program, io);
  let ran = "";
  program.hook("preAction", (_program, action) => {
    ran = action.name();
    if (OUTLIVING.has(ran)) tellWhenLost(io);
  });
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
  try {
    const { words: known, version: versionOnly, notes } = withoutToxiproxyFlags(words);
    for (const note of notes) io.err(`squall: ${note}\n`);
    if (versionOnly) io.out(versionText());
    else await program.parseAsync([...known], { from: "user" });
    return OUTLIVING.has(ran) ? EXIT.ok : await written(io);
  } catch (error) {
    return failed(error, io);
  }
}

/** Commands whose work is something else than what they print. */
const OUTLIVING: ReadonlySet<string> = new Set(["serve", "bot", "mock-server"]);

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

function failed(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    io.err(`squall: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof SquallError) {
    if (error.details === undefined || error.details.length === 0) {
      io.err(`squall: ${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}\n`);
    } else {
      for (const problem of error.details) io.err(`${formatProblem(problem)}\n`);
      io.err(`squall: ${error.message}\n`);
    }
    return error.status === 422 ? EXIT.invalid : EXIT.failed;
  }
  io.err(`squall: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failed;
}
