/** What a sweep writes, where the disk says no: a sentence that names the folder, as a fault of the surroundings and never of the command. */
import { HarnessError } from "../contract/run.js";

/** Does what writes below a folder. Throws HarnessError where the system refuses it. */
export function writing<T>(folder: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** An error that is none of the file system is answered as it is. */
export function cannotWrite(folder: string, error: unknown): unknown {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code === undefined) return error;
  return new HarnessError(`cannot write to ${folder}: ${whyUnwritten(error)}`, { cause: error });
}

/** For people: `no space is left on the disk`. */
export function whyUnwritten(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known: Readonly<Record<string, string>> = {
    ENOSPC: "no space is left on the disk",
    EDQUOT: "the disk quota is used up",
    EROFS: "the file system is read-only",
    EACCES: "it may not be written",
    EEXIST: "it is a file, and no folder",
    ENOTDIR: "what is above it is a file, and no folder",
    EISDIR: "there is a folder where a file is to be",
  };
  return known[(error as NodeJS.ErrnoException).code ?? ""] ?? error.message;
}
