/** A small configuration file of the system that is read again when it has changed. */

import { readFile, stat } from "node:fs/promises";

export interface FileReader {
  /** Something that changes whenever the file does; null when there is no such file. */
  version(path: string): Promise<string | null>;
  read(path: string): Promise<string>;
}

export const systemFiles: FileReader = {
  async version(path) {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      return `${mtimeMs}/${size}/${ino}`;
    } catch {
      return null;
    }
  },
  read: (path) => readFile(path, "utf8"),
};

export interface WatchedFileOptions<Value> {
  readonly path: string;
  readonly reader: FileReader;
  readonly clock: { now(): number };
  readonly parse: (text: string) => Value;
}

/** How long the file is trusted before it is looked at again, in milliseconds. */
const CHECK_INTERVAL = 1_000;

/**
 * A file that is missing counts as empty. One that cannot be read, for which there may be no descriptor just now, leaves what was
 * known of it, and is tried again.
 */
export class WatchedFile<Value> {
  readonly #options: WatchedFileOptions<Value>;
  #text = "";
  #value: Value;
  #version: string | null = null;
  #checkedAt = -Infinity;
  #checking: Promise<void> | null = null;

  constructor(options: WatchedFileOptions<Value>) {
    this.#options = options;
    this.#value = options.parse("");
  }

  /** The same object for as long as the text is the same, so that a caller can tell a change by `!==`. */
  async value(): Promise<Value> {
    if (this.#checking === null && this.#options.clock.now() - this.#checkedAt >= CHECK_INTERVAL) {
      this.#checkedAt = this.#options.clock.now();
      this.#checking = this.#check().finally(() => {
        this.#checking = null;
      });
    }
    if (this.#checking !== null) await this.#checking;
    return this.#value;
  }

  async #check(): Promise<void> {
    const { path, reader, parse } = this.#options;
    // The version is taken before the text: a change between the two is then seen by the next check.
    const version = await reader.version(path);
    if (version === this.#version) return;
    const text = version === null ? "" : await reader.read(path).catch(() => null);
    if (text === null) return;
    this.#version = version;
    if (text === this.#text) return;
    this.#text = text;
    this.#value = parse(text);
  }
}
