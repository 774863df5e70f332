/** A folder of a job's own for payload and artifacts, which are too large to be held in memory. */
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bytes } from "../../core/units.js";
import { Unable } from "./trouble.js";

export class Scratch {
  #folder: Promise<string> | null = null;
  #files = 0;

  /** Where a new file may be written. */
  async newFile(): Promise<string> {
    const number = ++this.#files;
    this.#folder ??= onDisk(mkdtemp(join(tmpdir(), "squall-bot-")));
    return join(await this.#folder, String(number));
  }

  async remove(): Promise<void> {
    const folder = await this.#folder?.catch(() => null);
    // What cannot be removed is no reason to stop working.
    if (folder) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** 0 for a file that is not there. */
export async function sizeOf(path: string): Promise<Bytes> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

/** `sha-256=<base64>`, as a Digest header has it. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await onDisk(
    (async () => {
      for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    })(),
  );
  return `sha-256=${hash.digest("base64")}`;
}

/** Writes what comes into the file from `start` on, and tells of each piece that is written. */
export async function writeFrom(
  path: string,
  start: Bytes,
  body: AsyncIterable<Buffer>,
  wrote: (bytes: Bytes) => void = () => undefined,
): Promise<void> {
  const file = await onDisk(open(path, start === 0 ? "w" : "r+"));
  let position = start;
  try {
    for await (const chunk of body) {
      await onDisk(file.write(chunk, 0, chunk.length, position));
      position += chunk.length;
      wrote(chunk.length);
    }
  } finally {
    await file.close();
  }
}

/** A disk that fails is our own trouble: not one of the network, after which one would try again. */
function onDisk<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw new Unable(error instanceof Error ? error.message : String(error));
  });
}
