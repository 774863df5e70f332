/** `squall explain PROFILE`: what a profile does, one sentence for each fault, without a daemon. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Library } from "../config/library.js";
import { compileProfile } from "../plan/compile.js";
import { explainProfile } from "../plan/explain.js";
import { jsonLine } from "../telemetry/entry.js";
import type { Io } from "./io.js";
import { paramsOf } from "./params.js";
import { drawTimeline } from "./timeline-text.js";
import { localLibrary, TYPES } from "./validate.js";

interface ExplainOptions {
  readonly config?: string;
  readonly profiles?: readonly string[];
  readonly param?: readonly string[];
  readonly json?: boolean;
}

export function addExplain(program: Command, io: Io): void {
  program
    .command("explain <profile>")
    .description("say what a profile does, one sentence a fault; takes a name or a file")
    .option("-c, --config <file>", "the configuration that names the profiles")
    .option("--profiles <paths...>", "folders or files with profiles")
    .option(
      "--param <name=value>",
      "a parameter of the profile; may be given several times",
      (value, previous: readonly string[] = []) => [...previous, value],
    )
    .option("--json", "print the compiled profile as JSON")
    .action(async (profile: string, options: ExplainOptions) => {
      const params = paramsOf(options.param);
      const path = resolve(io.cwd, profile);
      const isFile = /\.(?:ya?ml|json)$/u.test(profile) && existsSync(path);
      let library: Library;
      let names: readonly string[];
      if (isFile) {
        library = new Library(TYPES);
        library.replaceFiles([{ file: profile, text: readFileSync(path, "utf8") }]);
        names = library.names();
      } else {
        library = await localLibrary(options, io);
        names = [profile];
      }
      for (const name of names) {
        const compiled = compileProfile(name, library, params, TYPES);
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
