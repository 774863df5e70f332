/**
 * Watches files and folders and tells when something in them has changed. Events of the system make it
 * prompt; polling makes it sure, since many mounts (bind mounts, network drives) send no events.
 */
import { watch, type FSWatcher } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Millis, Timer } from "../core/clock.js";

export interface WatchOptions {
  readonly clock: Clock;
  readonly changed: () => void;
  readonly interval?: Millis;
}

const INTERVAL_MS: Millis = 2_000;
/** Editors write in several steps; a reload in the middle of them would only report nonsense. */
const SETTLE_MS: Millis = 150;
const ENTRIES_MAX = 20_000;
const FOLDERS_DEEP = 8;

export class Watch {
  readonly #paths: readonly string[];
  readonly #options: WatchOptions;
  #watchers: FSWatcher[] = [];
  #timer: Timer | null = null;
  #print: string | null = null;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(paths: readonly string[], options: WatchOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  /** Notes how things stand, before they are read: what changes between this and `start` is told then. */
  async note(): Promise<void> {
    this.#print = await this.#fingerprint();
  }

  /** Tells what changes from now on, or has changed since it was noted. */
  async start(): Promise<void> {
    const noted = this.#print !== null;
    for (const path of this.#paths) this.#listen(path);
    if (noted) await this.look();
    else await this.note();
    this.#arm(this.#interval);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  get #interval(): Millis {
    return this.#options.interval ?? INTERVAL_MS;
  }

  #listen(path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, () => {
        this.#arm(SETTLE_MS);
      });
      // A watcher that breaks (the folder was deleted) leaves the polling.
      watcher.on("error", () => {
        watcher.close();
      });
      this.#watchers.push(watcher);
    } catch {
      // No events from here; polling sees it all the same.
    }
  }

  #arm(after: Millis): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    const { clock } = this.#options;
    this.#timer = clock.at(clock.now() + after, () => {
      void this.look();
    });
  }

  /** Compares with what was seen last, and tells a change. */
  async look(): Promise<void> {
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      const print = await this.#fingerprint();
      if (print === null) return;
      if (!this.#closed && this.#print !== null && print !== this.#print) {
        this.#print = print;
        this.#options.changed();
      }
    } finally {
      this.#looking = false;
      this.#arm(this.#again ? SETTLE_MS : this.#interval);
      this.#again = false;
    }
  }

  /** Null if it cannot be seen at the moment. */
  async #fingerprint(): Promise<string | null> {
    const lines: string[] = [];
    try {
      for (const path of this.#paths) await describe(path, 0, lines);
    } catch {
      return null;
    }
    return lines.join("\n");
  }
}

/** Of this machine, not of the file: whether it is there or has changed is unknown then. */
const MACHINE_TROUBLE = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

/** Throws if the machine has no room to look. */
async function describe(path: string, depth: number, lines: string[]): Promise<void> {
  if (lines.length >= ENTRIES_MAX || depth > FOLDERS_DEEP) return;
  try {
    const found = await stat(path);
    if (!found.isDirectory()) {
      lines.push(`${path} ${found.size} ${found.mtimeMs} ${found.ino}`);
      return;
    }
    lines.push(`${path}/`);
    for (const entry of (await readdir(path)).sort()) {
      if (!entry.startsWith(".") && entry !== "node_modules")
        await describe(join(path, entry), depth + 1, lines);
    }
  } catch (error) {
    if (MACHINE_TROUBLE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    lines.push(`${path} is not there`);
  }
}
