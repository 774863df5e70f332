/** Files and pipes that somebody named on the command line, as text. */
import { readOnce } from "../core/read-file.js";

/** As UTF-8. Throws an Error that says why it cannot be read: see `readOnce`. */
export function readText(path: string, max: number, patience?: number): string {
  return readOnce(path, max, patience).toString("utf8");
}
