/** `squall explain PROFILE`: what a profile does, one sentence for each fault, without a daemon. Of a fault type, what it takes. */
import type { Command } from "commander";
import { faultTypeView } from "../admin/fault-types.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { exampleOptions } from "../faults/example-words.js";
import { compileProfile } from "../plan/compile.js";
import { explainProfile } from "../plan/explain.js";
import { SquallError } from "../core/errors.js";
import { jsonLine } from "../telemetry/entry.js";
import { caseLines } from "../sweep/replay/case-file.js";
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
    .description("say what a profile does, one sentence a fault; takes a name, a file, or a fault type")
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
      const type = TYPES.get(profile);
      if (type !== undefined && library.get(profile) === undefined) {
        if (Object.keys(params).length > 0)
          throw new CommandError(
            EXIT.usage,
            `--param: ${profile} is a fault type, and these are for profiles`,
          );
        explainType(type, options, io);
        return;
      }
      const names = isFile ? addFile(library, profile, io) : [profile];
      if (names.length === 0) throw new CommandError(EXIT.invalid, `${profile} holds no profile`);
      for (const name of names) {
        const compiled = named(() => compileProfile(name, library, params, TYPES));
        const { breaks, survives, case: replayed } = library.find(name);
        if (options.json === true) {
          io.out(
            `${jsonLine({ ...compiled, breaks, survives, ...(replayed === null ? {} : { case: replayed }) })}\n`,
          );
          continue;
        }
        io.out(`${io.colours.bold(compiled.profile)}: ${compiled.summary}\n`);
        for (const sentence of explainProfile(compiled, TYPES)) io.out(`  ${sentence}\n`);
        for (const line of drawTimeline(compiled)) io.out(`  ${io.colours.dim(line)}\n`);
        if (breaks !== "") io.out(`  What breaks: ${breaks}\n`);
        if (survives !== "") io.out(`  What a good bot does: ${survives}\n`);
        if (replayed !== null) for (const line of caseLines(replayed)) io.out(`  ${line}\n`);
      }
    });
}

/** What `squall add` takes for itself: a parameter of that name stands behind two dashes. */
const OWN_OPTIONS: ReadonlySet<string> = new Set([
  "--seed",
  "--ttl",
  "--proxy",
  "--observe",
  "--admin",
  "--token",
  "--json",
  "--help",
]);

/** Whoever asks for a profile of that name is told what it is, and how it is used. */
function explainType(type: AnyFaultType, { json }: ExplainOptions, io: Io): void {
  const view = faultTypeView(type);
  if (json === true) {
    io.out(`${jsonLine(view)}\n`);
    return;
  }
  io.out(`${io.colours.bold(type.type)}: a fault type. ${type.summary}\n`);
  const options = new Map(
    view.params.map(({ name }) => {
      const option = `--${name.replaceAll("_", "-")}`;
      return [name, OWN_OPTIONS.has(option) ? `-- ${option}` : option];
    }),
  );
  const width = Math.max(...[...options.values()].map((option) => option.length));
  for (const { name, summary, required, values, default: fallback } of view.params) {
    const notes = [
      ...(required ? ["required"] : []),
      ...(values === undefined ? [] : [values.join(", ")]),
      ...(fallback === undefined ? [] : [`default ${JSON.stringify(fallback)}`]),
    ];
    const about = [summary, notes.length === 0 ? "" : `(${notes.join("; ")})`].filter((part) => part !== "");
    io.out(`  ${(options.get(name) ?? name).padEnd(width)}  ${io.colours.dim(about.join(" "))}\n`);
  }
  io.out(`  To add one: squall add PROXY ${`${type.type} ${exampleOptions(type)}`.trim()}\n`);
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
