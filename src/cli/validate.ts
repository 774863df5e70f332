/** `squall validate`: profiles and configurations are checked without a daemon. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { readConfig, type ProxyConfig } from "../config/config.js";
import type { Library } from "../config/library.js";
import { placesOf } from "../config/places.js";
import type { ProfileFile } from "../config/read-profiles.js";
import { READ_LIMITS } from "../config/scan.js";
import { SquallError, type Problem } from "../core/errors.js";
import { sparedInVain } from "../plan/subjects.js";
import { jsonLine } from "../telemetry/entry.js";
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import type { DaemonOptions } from "../daemon/options.js";
import { checkStart } from "../daemon/start-checks.js";
import { readCase } from "../sweep/replay/read-case.js";
import { readRun } from "../sweep/run-file/read.js";
import { readConfigFile, type ConfigText } from "./files.js";
import { emptyConfig, emptyFiles, whileRunning, withoutProfiles } from "./place-notes.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { profilesConfig, readLibrary, TYPES } from "./local-library.js";
import { compiledIn, outOfReach } from "./out-of-reach.js";
import { problemText } from "./problem-text.js";
import { readText } from "./read-text.js";
import { unknownProxies } from "./unknown-proxies.js";

interface ValidateOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export function addValidate(program: Command, io: Io): void {
  program
    .command("validate [paths...]")
    .description(
      "check profiles (files or folders) and configurations (files called squall*.yaml); all mistakes at once",
    )
    .option("-c, --config <file>", "a configuration to check, with the profiles that it names")
    .option("--json", "print the mistakes as JSON")
    .action(async (paths: string[], options: ValidateOptions) => {
      const { problems, warnings, checked } = await validate(paths, options, io);
      if (options.json === true) {
        io.out(`${jsonLine({ ok: problems.length === 0, problems, warnings })}\n`);
      } else {
        for (const problem of problems) io.err(`${io.colours.red("error")} ${problemText(problem)}\n`);
        for (const warning of warnings) io.err(`${io.colours.yellow("warning")} ${problemText(warning)}\n`);
        if (problems.length === 0) io.out(`${io.colours.green("ok")}: ${checked.join(", ")}\n`);
      }
      if (problems.length > 0) {
        const what = problems.length === 1 ? "one mistake" : `${problems.length} mistakes`;
        throw new CommandError(EXIT.invalid, what);
      }
    });
}

interface Findings {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly checked: readonly string[];
}

async function validate(paths: readonly string[], options: ValidateOptions, io: Io): Promise<Findings> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const checked: string[] = [];
  const proxies: { readonly file: string; readonly proxies: readonly ProxyConfig[] }[] = [];
  const configs = paths.filter(isConfig);
  const named = options.config === undefined ? configs : [options.config, ...configs];
  if (named.length === 0 && paths.length === 0) {
    const found = readConfigFile(undefined, io);
    if (found !== null) named.push(found.file);
  }
  const own = paths.filter((path) => !isConfig(path)).map((path) => resolve(io.cwd, path));
  let isNamed = own.length > 0;
  let shipped = named.length === 0;
  for (const file of named) {
    try {
      const found = readConfigFile(file, io);
      if (found === null) continue;
      if (found.text.trim() === "") warnings.push(emptyConfig(found.file));
      const start = await checkStart(startOf(found, io));
      problems.push(...start.problems);
      warnings.push(...start.warnings);
      if (isPopulateFile(found.text)) {
        checked.push(file);
        continue;
      }
      const { config, warnings: more } = readConfig({ ...found, env: io.env, folder: io.cwd });
      warnings.push(...more);
      own.push(...(config.profiles.paths ?? []));
      isNamed ||= config.profiles.paths !== null;
      shipped ||= config.profiles.library;
      proxies.push({ file: found.file, proxies: config.proxies });
      checked.push(file);
    } catch (error) {
      problems.push(...problemsOf(error));
    }
  }
  // Without a configuration, what a daemon started here would read; with one, what it says.
  const places =
    isNamed || named.length > 0
      ? placesOf({ library: shipped, paths: isNamed ? own : null }, io)
      : placesOf(profilesConfig({}, io), io);
  try {
    let files: readonly ProfileFile[] = [];
    const library = await readLibrary(
      places,
      io,
      (problem) => {
        warnings.push(problem);
      },
      (all) => {
        files = all;
      },
    );
    warnings.push(...emptyFiles(files));
    warnings.push(...whileRunning(library), ...library.warnings, ...withoutProfiles(library, places, io));
    for (const one of proxies) warnings.push(...unspared(library, one.proxies, one.file));
    if (proxies.length > 0) {
      const known = proxies.flatMap((one) => one.proxies.map(({ name }) => name));
      const files = proxies.map(({ file }) => file);
      warnings.push(...unknownProxies(library, known, files));
      const configured = proxies.flatMap((one) => one.proxies);
      warnings.push(...outOfReach(library, configured, files));
    }
    checked.push(countOf(library));
    for (const { source } of library.entries) {
      if (source.case === null) continue;
      problems.push(...runProblems(source.file, source.text, io));
      checked.push(`${source.name} replays ${source.case.signature}`);
    }
  } catch (error) {
    problems.push(...problemsOf(error));
  }
  return {
    problems: unique(problems.map((problem) => misplaced(problem, named, io))),
    warnings: unique(warnings),
    checked,
  };
}

/** What is wrong with the run of a replay file: its settings are those of a run file. */
function runProblems(file: string, text: string, { env, cwd }: Io): readonly Problem[] {
  try {
    const sources = { flags: [], proxies: [], config: null, env, cwd };
    readRun({ ...sources, file: readCase(text, file).run });
    return [];
  } catch (error) {
    return problemsOf(error);
  }
}

/** A configuration that lies in a folder of profiles is no profile: what its lines lack as one says nothing. */
function misplaced(problem: Problem, named: readonly string[], { cwd }: Io): Problem {
  const { file } = problem;
  if (named.includes(file) || !isConfig(resolve(cwd, file))) return problem;
  return {
    file,
    line: 1,
    column: 1,
    path: "",
    message: "expected profiles, and this is a configuration",
    hint: `check it by its name: squall validate ${file}`,
  };
}

/** Profiles are read for each configuration, and together. */
function unique(found: readonly Problem[]): Problem[] {
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** As `squall serve` would start with this configuration, but for its log. */
function startOf(found: ConfigText, { env, cwd, home, pid, node }: Io): DaemonOptions {
  const logStream = { write: () => true, on: () => undefined, off: () => undefined };
  return { ...found, env, cwd, home, logStream, ownProcess: false, pid, node };
}

/** What proxies mean to spare, and faults of some profiles cannot. Profiles that wait for a param are left out. */
function unspared(library: Library, proxies: readonly ProxyConfig[], file: string): Problem[] {
  // One's own first: not all are named.
  const own = new Set(
    library.entries.flatMap(({ source, layer }) => (layer === "file" ? [source.name] : [])),
  );
  const names = [...library.names()].sort((a, b) => Number(own.has(b)) - Number(own.has(a)));
  const profiles = compiledIn(library, names);
  return sparedInVain(profiles, proxies, TYPES).map(({ proxy, message }) => {
    return { file, line: 1, column: 1, path: `proxies.${proxy}.except`, message };
  });
}

function isConfig(path: string): boolean {
  const base = path.split("/").at(-1) ?? "";
  if (!/^squall.*\.ya?ml$/u.test(base)) return false;
  return (
    !existsSync(path) || (statSync(path).isFile() && !/^profile:/mu.test(readText(path, READ_LIMITS.bytes)))
  );
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SquallError && error.details !== undefined) return error.details;
  throw error;
}

/** Of one's own; where there are none, those that come with Squall. */
function countOf({ entries }: Library): string {
  const own = entries.filter(({ layer }) => layer === "file").length;
  if (own === 0 && entries.length > 0) return `${entries.length} profiles that come with Squall`;
  return `${own} ${own === 1 ? "profile" : "profiles"}`;
}
