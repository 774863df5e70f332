/**
 * Processes as the system shows them: who belongs to a run, who is alive, and whether they compute. On Linux by /proc, where a process that
 * left its group is known by a mark in its environment; elsewhere only the group is known.
 */
import { readdirSync, readFileSync } from "node:fs";
import { kill as send, platform } from "node:process";

/** The variable that all processes of a run have in their environment. */
export const MARK = "SQUALL_MARK";

export interface Member {
  readonly pid: number;
  readonly name: string;
  readonly group: number;
  /** Clock ticks of processor time, with those of children that have ended. */
  readonly ticks: number;
}

export const SEES_PROCESSES = platform === "linux";

/** All there are now; empty where they cannot be seen. */
export function pidsNow(): ReadonlySet<number> {
  if (!SEES_PROCESSES) return new Set();
  try {
    return new Set(
      readdirSync("/proc")
        .filter((name) => /^\d+$/u.test(name))
        .map(Number),
    );
  } catch {
    return new Set();
  }
}

/** Those of these groups, or with such a mark, that live; `before` are pids that were there when nothing of the run was. */
export function membersOf(
  { groups, marks }: { readonly groups: ReadonlySet<number>; readonly marks: readonly string[] },
  before: ReadonlySet<number>,
): Member[] {
  const found: Member[] = [];
  for (const pid of pidsNow()) {
    if (before.has(pid)) continue;
    const member = memberAt(pid);
    if (member === null) continue;
    if (groups.has(member.group) || (marks.length > 0 && isMarked(pid, marks))) found.push(member);
  }
  return found;
}

/** null for one that is gone, or only waits to be counted. */
function memberAt(pid: number): Member | null {
  const stat = read(`/proc/${pid}/stat`);
  // The name is in parentheses and may hold any character, these included.
  const end = stat.lastIndexOf(")");
  if (end === -1) return null;
  const name = stat.slice(stat.indexOf("(") + 1, end);
  const fields = stat.slice(end + 2).split(" ");
  const [state = "Z"] = fields;
  if (state === "Z" || state === "X") return null;
  const number = (index: number): number => Number(fields[index] ?? 0);
  // Fields 14 to 17 of proc(5) are times; here they count from the third.
  return { pid, name, group: number(2), ticks: number(11) + number(12) + number(13) + number(14) };
}

/** By the beginning of the mark, so that one mark can be of a run, and its beginning of a sweep. */
function isMarked(pid: number, marks: readonly string[]): boolean {
  const environment = `\0${read(`/proc/${pid}/environ`)}`;
  return marks.some((mark) => environment.includes(`\0${MARK}=${mark}`));
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Whether any process of the group can still be sent a signal. Where they are seen, those that only wait to be counted do not. */
export function groupLives(group: number): boolean {
  try {
    send(-group, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return true;
}

/** False if there is nobody to hear it. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return deliver(-group, signal);
}

export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return deliver(pid, signal);
}

function deliver(to: number, signal: NodeJS.Signals): boolean {
  try {
    send(to, signal);
    return true;
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    send(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When it was started, in clock ticks since the machine was; null where that cannot be seen. */
export function startOf(pid: number): string | null {
  const stat = read(`/proc/${pid}/stat`);
  const end = stat.lastIndexOf(")");
  return end === -1 ? null : (stat.slice(end + 2).split(" ")[19] ?? null);
}
