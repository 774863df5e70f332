/** Where profiles come from: the folder that comes with Squall, and over it what somebody named, or `./profiles` where nobody did. */
import { join, resolve } from "node:path";
import type { Problem } from "../core/errors.js";
import type { LeftOut } from "./library.js";

/** What a configuration says about it. */
export interface ProfilesConfig {
  /** Whether the profiles that come with Squall are there. */
  readonly library: boolean;
  /** Folders and files of one's own; null where none are named, which is not the same as naming none. */
  readonly paths: readonly string[] | null;
}

export interface Places {
  /** The folder of the profiles that come with Squall; null if they are left out. */
  readonly library: string | null;
  readonly own: readonly string[];
  /** Whether somebody named them: then what is wrong there is refused, and warned of otherwise. */
  readonly named: boolean;
}

/** `home` is where Squall itself is, `cwd` where it was started. */
export function placesOf(
  { library, paths }: ProfilesConfig,
  { home, cwd }: { readonly home: string; readonly cwd: string },
): Places {
  return {
    library: library ? join(home, "profiles") : null,
    own: paths === null ? [resolve(cwd, "profiles")] : paths.map((path) => resolve(cwd, path)),
    named: paths !== null,
  };
}

export function allPlaces({ library, own }: Places): readonly string[] {
  return library === null ? own : [library, ...own];
}

/** So many files that are left out are told one by one. */
const TOLD_MAX = 5;
const WAY_OUT =
  'if they are meant for Squall, name the folder ("profiles: [./profiles]" in squall.yaml, or --profiles profiles); if not, "profiles: []" leaves it alone';

/** What to say of files in `./profiles`, which nobody named, that are no profiles: some of them with why, and one way out for all. */
export function tellLeftOut(leftOut: readonly LeftOut[]): Problem[] {
  if (leftOut.length === 0) return [];
  const told = leftOut.slice(0, TOLD_MAX).map(({ file, problem }): Problem => {
    const { file: where, message, ...rest } = problem;
    return { ...rest, file: where, message: `${message}: ${where === file ? "the file" : file} is left out` };
  });
  const number = leftOut.length === 1 ? "one file" : `${leftOut.length} files`;
  const message = `${number} of ./profiles ${leftOut.length === 1 ? "is" : "are"} left out, as nobody named this folder`;
  return [...told, { file: "profiles", line: 1, column: 1, path: "", message, hint: WAY_OUT }];
}
