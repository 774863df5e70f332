/** The profile library that a daemon started here would have, for commands that ask none. */
import { existsSync, realpathSync } from "node:fs";
import * as fsPromises from "node:fs/promises";
import { resolve } from "node:path";
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import { readConfig } from "../config/config.js";
import { Library } from "../config/library.js";
import { loadPlaces } from "../config/load.js";
import { placesOf, tellLeftOut, type Places, type ProfilesConfig } from "../config/places.js";
import type { ProfileFile } from "../config/read-profiles.js";
import { READ_LIMITS } from "../config/scan.js";
import { formatProblem, type Problem } from "../core/errors.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { FAULT_TYPES } from "../faults/kinds/index.js";
import { readConfigFile } from "./files.js";
import type { Io } from "./io.js";
import { readText } from "./read-text.js";
import { profilesOverrides, type ProfilesFlags } from "./profiles-flags.js";

export const TYPES: ReadonlyMap<string, AnyFaultType> = new Map(FAULT_TYPES.map((type) => [type.type, type]));

interface LocalOptions extends ProfilesFlags {
  readonly config?: string;
}

/** What the configuration here, the environment and the flags say about it. */
export function profilesConfig(options: LocalOptions, io: Pick<Io, "cwd" | "env">): ProfilesConfig {
  const found = readConfigFile(options.config, io);
  // A list of proxies in Toxiproxy's form says nothing of profiles.
  const written = found === null || isPopulateFile(found.text) ? {} : found;
  const overrides = profilesOverrides(options, io);
  return readConfig({ ...written, env: io.env, folder: io.cwd, overrides }).config.profiles;
}

/** Reads them; throws with everything that is wrong with what is named. What is done without is told, and `seen` is shown the files as they are. */
export async function readLibrary(
  places: Places,
  { cwd }: Pick<Io, "cwd">,
  warn: (problem: Problem) => void,
  seen: (files: readonly ProfileFile[]) => void = () => undefined,
): Promise<Library> {
  const library = new Library(TYPES);
  const files = await loadPlaces(places, fsPromises, { base: cwd, warn });
  seen(files);
  library.replaceFiles(files);
  for (const problem of tellLeftOut(library.leftOut)) warn(problem);
  return library;
}

/** The library here, with warnings on standard error. */
export function localLibrary(options: LocalOptions, io: Io): Promise<Library> {
  return readLibrary(placesOf(profilesConfig(options, io), io), io, (problem) => {
    io.err(`${io.colours.yellow("warning")} ${formatProblem(problem)}\n`);
  });
}

/** Adds the profiles of a file to the library, above all others, unless it was read there already. Answers their names. */
export function addFile(library: Library, file: string, { cwd }: Pick<Io, "cwd">): readonly string[] {
  const path = realpathSync(resolve(cwd, file));
  const known = [...library.files].find((name) => {
    const other = resolve(cwd, name);
    return existsSync(other) && realpathSync(other) === path;
  });
  if (known === undefined) library.putAll([readText(path, READ_LIMITS.bytes)], file);
  return library.entries.flatMap(({ source }) => (source.file === (known ?? file) ? [source.name] : []));
}
