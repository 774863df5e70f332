/** `squall explain PROFILE`: what a profile does, one sentence for each fault, without a daemon. */
import type { Command } from "commander";
import { compileProfile } from "../plan/compile.js";
import { explainProfile } from "../plan/explain.js";
import { SquallError } from "../core/errors.js";
import { jsonLine } from "../telemetry/entry.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { addFile, localLibrary, TYPES } from "./local-library.js";
import { paramsOf } from "./params.js";
import { isProfileFile, profileText } from "./profile-file.js";
import { withProfilesFlags, type ProfilesFlags } from "./profiles-flags.js";
import { refusalText } from "./refusal.js";
import { drawTimeline } from "./timeline-text.js";

interface ExplainOptions extends ProfilesFlags {
  readonly config?: string;
  readonly param?: readonly string[];
  readonly json?: boolean;
}

export function addExplain(program: Command, io: Io): void {
  withProfilesFlags(program.command("explain <profile>"))
    .description("say what a profile does, one sentence a fault; takes a name or a file")
    .option("-c, --config <file>", "the configuration that names the profiles")
    .option(
      "--param <name=value>",
      "a parameter of the profile; may be given several times",
      (value, previous: readonly string[] = []) => [...previous, value],
    )
    .option("--json", "print the compiled profile as JSON")
    .action(async (profile: string, options: ExplainOptions) => {
      const params = paramsOf(options.param);
      const isFile = isProfileFile(profile);
      if (isFile) profileText(profile, io);
      const library = await localLibrary(options, io);
      const names = isFile ? addFile(library, profile, io) : [profile];
      for (const name of names) {
        const compiled = named(() => compileProfile(name, library, params, TYPES));
        const { breaks, survives } = library.find(name);
        if (options.json === true) {
          io.out(`${jsonLine({ ...compiled, breaks, survives })}\n`);
          continue;
        }
        io.out(`${io.colours.bold(compiled.profile)}: ${compiled.summary}\n`);
        for (const sentence of explainProfile(compiled, TYPES)) io.out(`  ${sentence}\n`);
        for (const line of drawTimeline(compiled)) io.out(`  ${io.colours.dim(line)}\n`);
        if (breaks !== "") io.out(`  What breaks: ${breaks}\n`);
        if (survives !== "") io.out(`  What a good bot does: ${survives}\n`);
      }
    });
}

/** A mistake in a param is told by its option, as `squall use` tells it. */
function named<T>(compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    const details = error instanceof SquallError ? (error.details ?? []) : [];
    if (details.length === 0 || details.some(({ file }) => file !== "request")) throw error;
    const option = (path: string): string => path.replace(/^params\./u, "--param ");
    throw new CommandError(EXIT.invalid, refusalText(JSON.stringify({ details }), 422, { option }));
  }
}
