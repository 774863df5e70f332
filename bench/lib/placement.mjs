/**
 * Which processors the processes of a run may use. With `none` the system places them all, as it does where they are at
 * work. With `split` every proxy is pinned to the same one, and servers and loads to the others, so that neither takes
 * time from the other; programs with several threads are at home on one processor then.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export const PINS = ["none", "split"];

/** `{ proxy, rest }`, each a list for taskset, or `{ reason }`: why nothing is pinned. */
export function placement(pin, cpus = allowed(), hasTaskset = tasksetWorks()) {
  if (pin === "none") return { reason: "nothing is pinned" };
  if (!hasTaskset) return { reason: "nothing is pinned: there is no taskset here" };
  if (cpus.length < 2) return { reason: "nothing is pinned: there is one processor only" };
  return { proxy: String(cpus[0]), rest: cpus.slice(1).join(",") };
}

/** What it says in the report. */
export function placementText({ reason, proxy, rest }) {
  return reason ?? `proxies on processor ${proxy}, servers and loads on ${rest}`;
}

/** A command with its arguments, to be started where its role belongs. */
export function placed(where, role, command, args) {
  const cpus = where[role];
  return cpus === undefined ? [command, args] : ["taskset", ["-c", cpus, command, ...args]];
}

/** Of a list as the kernel writes it: `0-2,5`. */
export function processors(list) {
  return list
    .trim()
    .split(",")
    .flatMap((part) => {
      const [from, to = from] = part.split("-").map(Number);
      return Array.from({ length: to - from + 1 }, (_, n) => from + n);
    });
}

function allowed() {
  try {
    return processors(/Cpus_allowed_list:\s*(\S+)/u.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return [];
  }
}

function tasksetWorks() {
  return spawnSync("taskset", ["-p", String(process.pid)], { stdio: "ignore" }).status === 0;
}
