/**
 * A text file that lines are appended to and that stays within a size, for the journal. Nobody waits for
 * it: lines go into a bounded queue and from there to the disk in batches, one at a time, and a disk that
 * fails costs lines, never the daemon.
 */

import { constants } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";

/** What is used of `node:fs/promises`. */
export type FileSystem = Pick<typeof fs, "open" | "stat" | "rename" | "rm">;

export interface RotatingFileOptions {
  /** Its folder must exist. */
  readonly path: string;
  /** The file is rotated before it would grow beyond this; a single longer line gets a file of its own. */
  readonly maxBytes: number;
  /** How many files are kept, the one being written among them: `path`, `path.1`, ... `path.{maxFiles - 1}`. */
  readonly maxFiles: number;
  /** How many lines may wait for the disk. */
  readonly queueMax: number;
  /** Told in a sentence when writing starts to fail; told again only after it has succeeded in between. */
  readonly onProblem: (text: string) => void;
  readonly fileSystem?: FileSystem;
}

interface OpenFile {
  readonly handle: FileHandle;
  /** Device and inode: whether `path` still leads to this file. */
  readonly identity: string;
  /** A pipe or a terminal has no size and must not be renamed. */
  readonly regular: boolean;
}

/** Enough for a disk to be busy with, and little to hold twice. */
const BATCH_MAX_BYTES = 256 * 1024;
/** Who the bots are and what they asked for is not for everybody on the machine. */
const MODE = 0o640;
/** To read and to append ("a+"). A pipe that nobody reads fails when it is full: to wait for it would hold up the end of the daemon. */
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
const NEWLINE = Buffer.from("\n");

export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #fs: FileSystem;
  #queue: Buffer[] = [];
  #file: OpenFile | null = null;
  #size = 0;
  #dropped = 0;
  /** Calls of `write`, those included that were dropped: a failed attempt is repeated when it has grown. */
  #calls = 0;
  /** Lines that were ever put into the queue. */
  #taken = 0;
  #waiting: { readonly until: number; readonly resolve: () => void }[] = [];
  #draining: Promise<void> | null = null;
  #reopening = false;
  #problem: string | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#fs = options.fileSystem ?? fs;
  }

  /** Bytes in the file at `path`, as far as it has been written or found there. */
  get size(): number {
    return this.#size;
  }

  /** Lines that came while the queue was full or after `close`, or could not be written before it. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Why the last attempt to write failed; null if it did not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Takes a line, without its newline. Never throws and never waits. */
  write(line: string): void {
    if (this.#closing !== null) {
      this.#dropped++;
      return;
    }
    this.#calls++;
    if (this.#queue.length >= this.#options.queueMax) this.#dropped++;
    else {
      this.#queue.push(Buffer.from(`${line}\n`));
      this.#taken++;
    }
    // Also when the queue is full: it may be full because the disk failed, and this is the next attempt.
    this.#drainSoon();
  }

  /** Resolves when all lines so far are in the file or the attempt to write them has failed. */
  async flush(): Promise<void> {
    if (this.#queue.length > 0) this.#drainSoon();
    if (this.#draining === null) return;
    await new Promise<void>((resolve) => this.#waiting.push({ until: this.#taken, resolve }));
  }

  /** Opens the file at `path` anew: for those who rename it from outside, as logrotate does. */
  async reopen(): Promise<void> {
    if (this.#closing !== null) return;
    this.#reopening = true;
    this.#drainSoon();
    await this.flush();
  }

  /** Writes what waits, as far as it can be written, and takes no more. */
  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    if (this.#queue.length > 0) this.#drainSoon();
    await this.#draining;
    this.#dropped += this.#queue.length;
    this.#queue = [];
    await this.#letGo();
  }

  #drainSoon(): void {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null;
      this.#release(Infinity);
    });
  }

  /** Ends when the queue is empty, or at a failure without a newer line to try again for. */
  async #drain(): Promise<void> {
    // Nothing is begun inside `write`: its caller goes on, and `#draining` is set before a line can be added.
    await Promise.resolve();
    while (this.#queue.length > 0 || this.#reopening) {
      const calls = this.#calls;
      try {
        await this.#writeBatch();
        this.#problem = null;
        if (!this.#reopening) this.#release(this.#taken - this.#queue.length);
      } catch (error) {
        this.#reopening = false;
        await this.#letGo();
        this.#report(error);
        this.#release(Infinity);
        if (this.#calls === calls) return;
      }
    }
  }

  /** Lets those go who wait for no more than the first `written` lines. */
  #release(written: number): void {
    const ready = this.#waiting.filter(({ until }) => until <= written);
    this.#waiting = this.#waiting.filter(({ until }) => until > written);
    for (const { resolve } of ready) resolve();
  }

  async #writeBatch(): Promise<void> {
    let file = await this.#currentFile();
    const first = this.#queue[0];
    if (first === undefined) return;
    if (file.regular && this.#size > 0 && this.#size + first.length > this.#options.maxBytes) {
      await this.#rotate();
      file = await this.#currentFile();
    }
    const batch = Buffer.concat(this.#nextLines(file));
    let written = 0;
    try {
      while (written < batch.length) {
        const { bytesWritten } = await file.handle.write(batch, written);
        if (bytesWritten === 0) throw new Error("the file takes no more bytes");
        written += bytesWritten;
      }
    } finally {
      this.#size += written;
      this.#forget(written);
    }
  }

  /** As many lines as fit into the file and a batch, and always one. */
  #nextLines(file: OpenFile): Buffer[] {
    const room = file.regular ? this.#options.maxBytes - this.#size : Infinity;
    let bytes = 0;
    let count = 0;
    for (const line of this.#queue) {
      bytes += line.length;
      if (count > 0 && bytes > Math.min(room, BATCH_MAX_BYTES)) break;
      count++;
    }
    return this.#queue.slice(0, count);
  }

  /** Takes the lines out of the queue that are in the file as a whole; a torn one is written again. */
  #forget(written: number): void {
    let bytes = 0;
    const remaining = this.#queue.findIndex((line) => (bytes += line.length) > written);
    this.#queue.splice(0, remaining === -1 ? this.#queue.length : remaining);
  }

  /** The file at `path`, which may not be the one that was open: somebody may have moved or deleted that. */
  async #currentFile(): Promise<OpenFile> {
    if (this.#file !== null) {
      const found = await this.#identify();
      if (this.#reopening || found?.identity !== this.#file.identity) await this.#letGo();
      else this.#size = found.size;
    }
    if (this.#file !== null) return this.#file;
    // Before the file is opened: a wish that comes during it may be about the file that comes out.
    this.#reopening = false;
    this.#file = await this.#open();
    return this.#file;
  }

  async #identify(): Promise<{ identity: string; size: number } | null> {
    try {
      const { dev, ino, size } = await this.#fs.stat(this.#options.path);
      return { identity: `${dev}/${ino}`, size };
    } catch {
      return null;
    }
  }

  async #open(): Promise<OpenFile> {
    const handle = await this.#fs.open(this.#options.path, FLAGS, MODE);
    try {
      const stats = await handle.stat();
      const regular = stats.isFile();
      this.#size = regular ? stats.size : 0;
      if (this.#size > 0 && !(await endsInNewline(handle, this.#size))) {
        // A crash or a full disk tore the last line: the next one must not be glued to it.
        const { bytesWritten } = await handle.write(NEWLINE);
        this.#size += bytesWritten;
      }
      return { handle, identity: `${stats.dev}/${stats.ino}`, regular };
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  /** `path.1` becomes `path.2` and so on, from the oldest, which is overwritten; then `path` becomes `path.1`. */
  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#options;
    await this.#letGo();
    if (maxFiles <= 1) {
      await this.#fs.rm(path, { force: true });
      return;
    }
    for (let number = maxFiles - 1; number >= 1; number--) {
      const older = number === 1 ? path : `${path}.${number - 1}`;
      await this.#fs.rename(older, `${path}.${number}`).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    }
  }

  async #letGo(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    // An error here is about bytes that an earlier write has reported already, or cannot be helped.
    await file?.handle.close().catch(() => undefined);
  }

  #report(error: unknown): void {
    const known = this.#problem !== null;
    const cause = error instanceof Error ? error.message : String(error);
    this.#problem = `cannot write to ${this.#options.path}: ${cause}`;
    if (known) return;
    try {
      this.#options.onProblem(this.#problem);
    } catch {
      // Whoever listens must not be able to stop the writing.
    }
  }
}

async function endsInNewline(handle: FileHandle, size: number): Promise<boolean> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] === NEWLINE[0];
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
