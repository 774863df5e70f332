/** Files that somebody named, read up to a bound: devices and pipes do not say how long they are, and some have no end. */
import { closeSync, openSync, readSync } from "node:fs";
import { formatSize } from "../core/units.js";

const CHUNK = 64 * 1024;

/** As UTF-8. Throws an Error that says why it cannot be read, as the system does or because it has more than `max` bytes. */
export function readText(path: string, max: number): string {
  const file = openSync(path, "r");
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const part = Buffer.allocUnsafe(CHUNK);
      const read = readSync(file, part, 0, CHUNK, null);
      if (read === 0) return Buffer.concat(parts).toString("utf8");
      parts.push(part.subarray(0, read));
      size += read;
      if (size > max) throw new Error(`is larger than ${formatSize(max)}`);
    }
  } finally {
    closeSync(file);
  }
}
