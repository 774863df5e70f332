/** `squall validate` and `squall explain`'s loading: profiles and configurations are checked without a daemon. */
import { existsSync, readFileSync, statSync } from "node:fs";
import * as fsPromises from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { readConfig, type ProxyConfig } from "../config/config.js";
import { Library } from "../config/library.js";
import { loadProfiles } from "../config/load.js";
import { SquallError, type Problem } from "../core/errors.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { FAULT_TYPES } from "../faults/kinds/index.js";
import { compileProfile } from "../plan/compile.js";
import { sparedInVain } from "../plan/subjects.js";
import { jsonLine } from "../telemetry/entry.js";
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import type { DaemonOptions } from "../daemon/options.js";
import { checkStart } from "../daemon/start-checks.js";
import { readConfigFile, type ConfigText } from "./files.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { problemText } from "./problem-text.js";

export const TYPES: ReadonlyMap<string, AnyFaultType> = new Map(FAULT_TYPES.map((type) => [type.type, type]));

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
  const profilePaths = paths.filter((path) => !isConfig(path)).map((path) => resolve(io.cwd, path));
  for (const file of named) {
    try {
      const found = readConfigFile(file, io);
      if (found === null) continue;
      const start = await checkStart(startOf(found, io));
      problems.push(...start.problems);
      warnings.push(...start.warnings);
      if (isPopulateFile(found.text)) {
        checked.push(file);
        continue;
      }
      const { config, warnings: more } = readConfig({ ...found, env: io.env, folder: io.cwd });
      warnings.push(...more);
      profilePaths.push(...config.profiles);
      proxies.push({ file: found.file, proxies: config.proxies });
      checked.push(file);
    } catch (error) {
      problems.push(...problemsOf(error));
    }
  }
  if (profilePaths.length === 0 && paths.length === 0) profilePaths.push(defaultProfiles(io));
  try {
    const library = new Library(TYPES);
    const warn = (problem: Problem): void => {
      warnings.push(problem);
    };
    library.replaceFiles(await loadProfiles(profilePaths, fsPromises, io.cwd, warn));
    warnings.push(...library.warnings);
    for (const one of proxies) warnings.push(...unspared(library, one.proxies, one.file));
    const { length } = library.names();
    checked.push(`${length} ${length === 1 ? "profile" : "profiles"}`);
  } catch (error) {
    problems.push(...problemsOf(error));
  }
  return { problems: unique(problems), warnings: unique(warnings), checked };
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
  const profiles = library.names().flatMap((name) => {
    try {
      return [compileProfile(name, library, {}, TYPES)];
    } catch (error) {
      if (error instanceof SquallError) return [];
      throw error;
    }
  });
  return sparedInVain(profiles, proxies, TYPES).map(({ proxy, message }) => {
    return { file, line: 1, column: 1, path: `proxies.${proxy}.except`, message };
  });
}

function isConfig(path: string): boolean {
  const base = path.split("/").at(-1) ?? "";
  if (!/^squall.*\.ya?ml$/u.test(base)) return false;
  return !existsSync(path) || (statSync(path).isFile() && !/^profile:/mu.test(readFileSync(path, "utf8")));
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SquallError && error.details !== undefined) return error.details;
  throw error;
}

/** `./profiles` where there is one, else those that come with Squall. */
export function defaultProfiles(io: Pick<Io, "cwd" | "home">): string {
  const own = resolve(io.cwd, "profiles");
  return existsSync(own) ? own : join(io.home, "profiles");
}

/** The library that a daemon started here would have. */
export async function localLibrary(
  options: { readonly config?: string; readonly profiles?: readonly string[] },
  io: Io,
): Promise<Library> {
  const found = readConfigFile(options.config, io);
  const configured =
    found === null ? [] : readConfig({ ...found, env: io.env, folder: io.cwd }).config.profiles;
  const given = (options.profiles ?? []).map((path) => resolve(io.cwd, path));
  const paths = given.length > 0 ? given : configured.length > 0 ? configured : [defaultProfiles(io)];
  const library = new Library(TYPES);
  library.replaceFiles(await loadProfiles(paths, fsPromises, io.cwd));
  return library;
}
