/**
 * How many descriptors the process may have. The last of them are kept for the admin port, the journal and the files of
 * profiles, so that a daemon whose clients have taken all others can still be asked, and told to stop.
 *
 * Kernels hand out the lowest number that is free. So the number of a new socket says how many are in use, and nobody
 * has to count.
 */
import { closeSync, openSync, readFileSync } from "node:fs";

/** An eighth of them, but no more than so many: the admin port and all of its streams fit twice. */
const RESERVE_MAX = 1_024;
const RESERVE_SHARE = 8;
/** What the daemon has open before anybody comes: listeners, files, pipes, and what Node itself needs. */
const OWN = 32;
/** A client and its upstream. */
const PER_CONNECTION = 2;

export class Descriptors {
  /** Infinity where the system does not say. */
  readonly limit: number;
  readonly reserve: number;

  constructor(limit: number, reserve = Math.min(RESERVE_MAX, Math.floor(limit / RESERVE_SHARE))) {
    this.limit = limit;
    this.reserve = reserve;
  }

  /** What this process may have; Node has raised it to what the system allows at most. */
  static ofProcess(): Descriptors {
    return new Descriptors(limitOfProcess());
  }

  /** So many clients can be held, each with an upstream. */
  get connections(): number {
    return Math.max(1, Math.floor((this.limit - this.reserve - OWN) / PER_CONNECTION));
  }

  /** So many flows of UDP, each with a socket to its upstream: a quarter, so that a flood of them leaves clients of TCP the rest. */
  get flows(): number {
    return Math.max(1, Math.floor((this.limit - this.reserve - OWN) / 4));
  }

  /** Whether a socket that clients brought about has got one of those that are kept; false if it has none. */
  isReserved(socket: object): boolean {
    return numberOf(socket) >= this.limit - this.reserve;
  }
}

/** Whether the process, or the machine, has none left, for whoever has an error that does not say so. */
export function areDescriptorsGone(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE");
  }
}

/** Node has no public name for it; -1 where it has none, or not yet. */
function numberOf(socket: object): number {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}

function limitOfProcess(): number {
  try {
    const [, soft = ""] = /^Max open files\s+(\d+)/mu.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === "" ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
