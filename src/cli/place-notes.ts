/** What `squall validate` says of places that are right and yet not what somebody expects. */
import { realpathSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { Library } from "../config/library.js";
import type { Places } from "../config/places.js";
import type { ProfileFile } from "../config/read-profiles.js";
import type { Problem } from "../core/errors.js";
import type { Io } from "./io.js";

/** Named places without a profile: nothing is wrong in an empty file, and `ok` would say that its profile is right. */
export function withoutProfiles(
  library: Library,
  { own, named }: Places,
  { cwd }: Pick<Io, "cwd">,
): Problem[] {
  if (!named) return [];
  const files = [...library.files].map((file) => realpathSync(resolve(cwd, file)));
  return own.flatMap((path): Problem[] => {
    const place = realpathSync(path);
    if (files.some((file) => file === place || file.startsWith(place + sep))) return [];
    const file = path.startsWith(cwd + sep) ? path.slice(cwd.length + 1) : path;
    return [{ file, line: 1, column: 1, path: "", message: "holds no profile" }];
  });
}

/** A daemon that starts does without such files; one that runs may have been given them while they were right. */
export function whileRunning({ leftOut }: Library): Problem[] {
  if (leftOut.length === 0) return [];
  const message =
    "a daemon that starts now does without; one that runs, and has taken profiles from such a file before, refuses to reload and keeps them";
  return [{ file: "profiles", line: 1, column: 1, path: "", message }];
}

/** Of a daemon that runs, an empty file refuses the reload: editors empty a file before they write it. */
export function emptyFiles(files: readonly ProfileFile[]): Problem[] {
  return files
    .filter(({ text, origin, foreign }) => text.trim() === "" && origin !== "library" && foreign !== true)
    .map(({ file }) =>
      emptyNote(file, "does without", "delete the file if there are to be no profiles in it"),
    );
}

export function emptyConfig(file: string): Problem {
  return emptyNote(file, "takes it for no settings", "{} says that there are none");
}

function emptyNote(file: string, start: string, hint: string): Problem {
  const message = `is empty: a daemon that starts now ${start}; one that runs, and has read something there before, refuses to reload`;
  return { file, line: 1, column: 1, path: "", message, hint };
}
