/** Processes that a run in this folder has left on this machine. */
import { readFileSync } from "node:fs";
import { MARK, pidsNow } from "../../../src/sweep/harness/processes.js";

/** Their command lines. They are known by the mark, and by a variable that names the folder. */
export function leftIn(folder: string): string[] {
  return [...pidsNow()].flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      if (!environment.includes(`${MARK}=`) || !environment.includes(folder)) return [];
      const state = /\) (\S)/u.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
      return state === "Z" ? [] : [readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")];
    } catch {
      return [];
    }
  });
}
