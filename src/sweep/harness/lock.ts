/** One sweep at a time in a directory: a file that says which process it is. One that was left by a process that is gone is taken over. */
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid as ownPid } from "node:process";
import { HarnessError } from "../contract/run.js";
import { isAlive, startOf } from "./processes.js";

export interface Holder {
  readonly pid: number;
  /** When the process started, where the system tells: numbers of processes are used again. */
  readonly start: string | null;
  /** Of its processes, and where it has its temporary files. */
  readonly mark: string;
  readonly temporary: string;
}

const ATTEMPTS = 5;

export class DirectoryLock {
  readonly #file: string;
  /** Who had it and ended without giving it back; null if there was nobody. */
  readonly before: Holder | null;

  private constructor(file: string, before: Holder | null) {
    this.#file = file;
    this.before = before;
  }

  /** Throws HarnessError if another sweep has it. */
  static take(directory: string, own: Pick<Holder, "mark" | "temporary">): DirectoryLock {
    const file = join(directory, "lock");
    const mine = join(directory, `.lock-${ownPid}`);
    const holder: Holder = { pid: ownPid, start: startOf(ownPid), ...own };
    let before: Holder | null = null;
    try {
      writeFileSync(mine, `${JSON.stringify(holder)}\n`);
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        try {
          // Whole or not at all: nobody reads half of it.
          linkSync(mine, file);
          return new DirectoryLock(file, before);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        }
        const other = holderIn(file);
        if (other !== null && lives(other))
          throw new HarnessError(
            `another sweep (process ${other.pid}) is at work in ${directory}: wait for it, or give this one its own with --directory`,
          );
        before = other ?? before;
        rmSync(file, { force: true });
      }
    } finally {
      rmSync(mine, { force: true });
    }
    throw new HarnessError(`cannot have ${file} for this sweep: others take it again and again`);
  }

  release(): void {
    if (holderIn(this.#file)?.pid === ownPid) rmSync(this.#file, { force: true });
  }
}

function holderIn(file: string): Holder | null {
  try {
    const found = JSON.parse(readFileSync(file, "utf8")) as Partial<Holder>;
    const { pid, start = null, mark = "", temporary = "" } = found;
    return typeof pid === "number" ? { pid, start, mark, temporary } : null;
  } catch {
    return null;
  }
}

function lives({ pid, start }: Holder): boolean {
  if (!isAlive(pid)) return false;
  const now = startOf(pid);
  return start === null || now === null || now === start;
}
