/** The flags that say where profiles come from: the same for the daemon and for commands that ask none. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Override } from "../config/overrides.js";
import type { Io } from "./io.js";

export interface ProfilesFlags {
  readonly profiles?: readonly string[];
  /** False for `--no-library`. */
  readonly library?: boolean;
}

export function withProfilesFlags(command: Command): Command {
  return command
    .option("--profiles <paths...>", "folders or files with profiles of your own")
    .option("--no-library", "without the profiles that come with Squall");
}

/** What the flags say over the configuration; paths start from where the command runs. */
export function profilesOverrides(
  { profiles, library }: ProfilesFlags,
  { cwd }: Pick<Io, "cwd">,
): Override[] {
  const paths = profiles?.map((path) => resolve(cwd, path));
  return [
    ...(paths === undefined
      ? []
      : [{ path: ["profiles", "paths"], value: JSON.stringify(paths), origin: "--profiles" }]),
    ...(library === false ? [{ path: ["profiles", "library"], value: "false", origin: "--no-library" }] : []),
  ];
}
