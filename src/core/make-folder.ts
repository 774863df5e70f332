/** Makes a folder and those above it. */
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * As `mkdir -p`. Node's own `recursive` goes round for ever where a file system says of a folder that is there that it is not
 * (ENOENT below /proc), so each folder is made by itself here. `mode` is that of the last one; those above it have the usual one.
 *
 * @throws what the system says: EACCES, ENOTDIR, EROFS, ENOENT of a file system that makes no folders
 */
export function makeFolder(path: string, mode = 0o777): void {
  const folder = resolve(path);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(folder).isDirectory()) return;
    if (code !== "ENOENT" || existsSync(dirname(folder))) throw error;
    makeFolder(dirname(folder));
    // Somebody else may have been quicker.
    makeFolder(folder, mode);
  }
}
