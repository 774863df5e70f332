/**
 * Files that somebody named, read up to a bound and without waiting for ever: a path may lead to a pipe to which nobody writes, to a device
 * without end, to a socket or to a folder. None of these may hold up whoever reads.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from "node:fs";
import { formatSize } from "./units.js";

const CHUNK = 64 * 1024;
/** How long is waited for the next byte of a pipe, in milliseconds: `<(command)` of a shell is one. */
const PATIENCE_MS = 10_000;
/** Whoever writes to a named pipe may open it a moment after who reads. */
const WRITER_MS = 1_000;
const LOOK_MS = 20;

/**
 * A file that is read again and again, as by a daemon: it is there at once, or it is no file.
 *
 * @throws Error which says why not: as the system does, that it is a pipe or a socket, or that it has more than `max` bytes
 */
export function readRegular(path: string, max: number): Buffer {
  return read(path, max, null);
}

/** The same of what is read once, which may be a pipe. At most `patience` milliseconds go by without a byte of it. */
export function readOnce(path: string, max: number, patience = PATIENCE_MS): Buffer {
  return read(path, max, patience);
}

/** `patience` is null where pipes are refused. */
function read(path: string, max: number, patience: number | null): Buffer {
  // To open a socket fails in words that nobody understands.
  refuseOther(statSync(path), patience);
  // Without O_NONBLOCK, to open a pipe waits until somebody writes to it. Windows has no such flag, and no such pipes.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(file);
    refuseOther(stats, patience);
    const parts: Buffer[] = [];
    let size = 0;
    const from = performance.now();
    let moved = from;
    for (;;) {
      const part = Buffer.allocUnsafe(CHUNK);
      const count = readSome(file, part);
      const now = performance.now();
      if (count === null) {
        if (patience === null || now - moved >= patience)
          throw new Error(size === 0 ? "nothing comes from it" : "its end does not come");
        pause(LOOK_MS);
      } else if (count > 0) {
        parts.push(part.subarray(0, count));
        size += count;
        if (size > max) throw new Error(`is larger than ${formatSize(max)}`);
        moved = now;
      } else if (stats.isFIFO() && size === 0 && now - from < Math.min(WRITER_MS, patience ?? 0))
        pause(LOOK_MS);
      else return Buffer.concat(parts);
    }
  } finally {
    closeSync(file);
  }
}

/** Null where there is nothing yet. */
function readSome(file: number, into: Buffer): number | null {
  try {
    return readSync(file, into, 0, into.length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}

/** Folders are told by the system, as soon as they are read. */
function refuseOther(stats: Stats, patience: number | null): void {
  if (stats.isSocket()) throw new Error("it is a socket, and no file");
  if (stats.isFIFO() && patience === null) throw new Error("it is a pipe, and no file");
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
