/** Whether this process may have the kernel lose packets, and if not, why: asked before a fault is promised. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import { trialCommands } from "./rules.js";

const CAP_NET_ADMIN = 12n;
const TRIAL_MAX_MS = 3_000;
/** Where it is where PATH does not say so: on Debian that of users has no sbin. */
const PLACES = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

export interface Permission {
  /** The program to run, or why there is none. */
  readonly nft: string | null;
  readonly why: string | null;
}

/** Tries the rules without putting them in force; takes some milliseconds, in which nothing else runs. */
export function askKernel(table: string, path: string): Permission {
  if (platform() !== "linux") return refused("it is nftables of Linux that does it");
  if (!mayAdministrate()) return refused("the capability NET_ADMIN is missing");
  const nft = find("nft", path);
  if (nft === null) return refused("the program nft is not installed");
  const trial = spawnSync(nft, ["-c", "-f", "-"], {
    input: `${trialCommands(table).join("\n")}\n`,
    encoding: "utf8",
    timeout: TRIAL_MAX_MS,
  });
  if (trial.error !== undefined) return refused(`nft cannot be run: ${trial.error.message}`);
  if (trial.status !== 0) return refused(`nft refuses the rules: ${firstLine(trial.stderr)}`);
  return { nft, why: null };
}

function refused(why: string): Permission {
  return { nft: null, why };
}

export function firstLine(text: string): string {
  return (text.split("\n").find((line) => line.includes("Error")) ?? text.split("\n", 1)[0] ?? "").trim();
}

function mayAdministrate(): boolean {
  try {
    const [, effective = "0"] =
      /^CapEff:\s*([0-9a-f]+)/mu.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
  } catch {
    return false;
  }
}

function find(program: string, path: string): string | null {
  const places = [...path.split(":").filter((place) => place.startsWith("/")), ...PLACES];
  for (const place of places) {
    try {
      accessSync(join(place, program), constants.X_OK);
      return join(place, program);
    } catch {
      // Not there.
    }
  }
  return null;
}
