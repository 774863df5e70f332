/** The state file on disk: read once, and replaced as a whole, so that there is always one that is complete. */
import { access, constants, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { SquallError } from "../core/errors.js";
import { readState, type State } from "./format.js";
import { codeOf, Lock, type LockOptions } from "./lock.js";

const SIZE_MAX = 2 ** 26;
/** It may hold what others must not read: tokens among the params. */
const MODE = 0o600;

/** What is used of `node:fs/promises` to write. */
export interface WritingFileSystem {
  open: typeof open;
  rename: typeof rename;
  rm: typeof rm;
}

export class StateFile {
  /** As the user called it. */
  readonly name: string;
  readonly #path: string;
  readonly #lock: Lock;
  readonly #fs: WritingFileSystem;
  /** What was in it; null if there was none. */
  readonly found: { readonly text: string; readonly state: State } | null;

  private constructor(
    name: string,
    path: string,
    lock: Lock,
    found: StateFile["found"],
    fs: WritingFileSystem,
  ) {
    this.name = name;
    this.#path = path;
    this.#lock = lock;
    this.found = found;
    this.#fs = fs;
  }

  /**
   * Takes the lock and reads. Throws SQ_STATE_LOCKED, or SQ_INVALID_STATE if what is there is no state that this
   * Squall can go on with: it is never taken for empty, since it would be overwritten then.
   */
  static async open(options: LockOptions, fs: WritingFileSystem = { open, rename, rm }): Promise<StateFile> {
    const path = await found(options.file);
    const lock = await Lock.take({ ...options, file: path });
    try {
      return new StateFile(options.file, path, lock, await read(path, options.file), fs);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Throws SQ_INVALID_STATE where `open` would; takes no lock, so a daemon may have it. */
  static async check(file: string): Promise<void> {
    await read(await found(file), file);
  }

  /** Why a second daemon would not be noticed; null if it would. */
  get unlocked(): string | null {
    return this.#lock.missing;
  }

  /** Puts this text in the place of what is there. It is on the disk when this resolves. */
  async write(text: string): Promise<void> {
    await place(this.#path);
    await this.#lock.hold();
    const next = `${this.#path}.tmp`;
    try {
      // One that a crash left, or that somebody planted for us to write through.
      await this.#fs.rm(next, { force: true });
      const handle = await this.#fs.open(next, "wx", MODE);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.#fs.rename(next, this.#path);
      await this.#syncFolder();
    } catch (error) {
      await this.#fs.rm(next, { force: true }).catch(() => undefined);
      throw codeOf(error) === "EBUSY"
        ? new Error(`${messageOf(error)}: mount its folder, not the file itself`)
        : error;
    }
  }

  /** Makes the new name last. Not everywhere can a folder be opened for that. */
  async #syncFolder(): Promise<void> {
    const folder = await this.#fs.open(dirname(this.#path), "r").catch(() => null);
    try {
      await folder?.sync();
    } catch (error) {
      if (!["EINVAL", "EPERM", "EISDIR", "EBADF"].includes(codeOf(error))) throw error;
    } finally {
      await folder?.close();
    }
  }

  async close(): Promise<void> {
    await this.#lock.release();
  }
}

/** Where it really is. Throws SQ_INVALID_STATE if nothing can be put there. */
async function found(file: string): Promise<string> {
  // A link is followed, or it would be replaced by what it leads to.
  const path = await realpath(file).catch(() => file);
  await place(path).catch((error: unknown) => {
    throw new SquallError("SQ_INVALID_STATE", `cannot keep state in ${file}: ${messageOf(error)}`, {
      hint: "its folder must exist, and Squall must be allowed to write there",
      cause: error,
    });
  });
  return path;
}

/** Throws if nothing can be put there; binding the lock would not say why. */
async function place(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK);
}

async function read(path: string, name: string): Promise<StateFile["found"]> {
  let bytes: Buffer;
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new Error("it is not a file");
    if (found.size > SIZE_MAX) throw new Error(`it is larger than ${SIZE_MAX / 2 ** 20}MiB`);
    bytes = await readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw new SquallError("SQ_INVALID_STATE", `cannot read the state in ${name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SquallError("SQ_INVALID_STATE", `cannot read the state in ${name}: it is not UTF-8 text`, {
      cause: error,
    });
  }
  return { text, state: readState(text, name) };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
