/**
 * Watches files and folders and tells when something in them has changed: those that it is told of, which may become others while it
 * watches, and which need not be there yet. Events of the system make it
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
  readonly #paths: () => readonly string[];
  readonly #options: WatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: Timer | null = null;
  /** What was seen last, by path. */
  #seen = new Map<string, string>();
  #looking = false;
  #again = false;
  #started = false;
  #closed = false;

  /** `paths` are asked for at each look. */
  constructor(paths: () => readonly string[], options: WatchOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  /**
   * Notes how things stand at the paths that it has not looked at yet, before they are read: what changes from then on is told. To be
   * called when the paths have become others.
   */
  async note(): Promise<void> {
    const paths = this.#paths();
    for (const path of this.#seen.keys()) {
      if (!paths.includes(path)) this.#seen.delete(path);
    }
    for (const path of paths) {
      if (this.#seen.has(path)) continue;
      const print = await fingerprint(path);
      if (print !== null) this.#seen.set(path, print);
    }
    if (this.#started) this.#listen();
  }

  /** Tells what changes from now on, or has changed since it was noted. */
  async start(): Promise<void> {
    const noted = this.#seen.size > 0;
    this.#started = true;
    this.#listen();
    if (noted) await this.look();
    else await this.note();
    this.#arm(this.#interval);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#deafen();
  }

  get #interval(): Millis {
    return this.#options.interval ?? INTERVAL_MS;
  }

  /** Events of all that is there by now. */
  #listen(): void {
    if (this.#closed) return;
    const paths = this.#paths();
    for (const [path, watcher] of this.#watchers) {
      if (paths.includes(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const path of paths) {
      if (!this.#watchers.has(path)) this.#listenTo(path);
    }
  }

  #listenTo(path: string): void {
    try {
      const watcher = watch(path, { persistent: false }, () => {
        this.#arm(SETTLE_MS);
      });
      // A watcher that breaks (the folder was deleted) leaves the polling.
      watcher.on("error", () => {
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, watcher);
    } catch {
      // No events from here; polling sees it all the same.
    }
  }

  #deafen(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
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
      if ((await this.#hasChanged()) && !this.#closed) {
        // What was replaced under its name, as by a deleted and a new folder, sends its events to nobody.
        this.#deafen();
        this.#listen();
        this.#options.changed();
      }
    } finally {
      this.#looking = false;
      this.#arm(this.#again ? SETTLE_MS : this.#interval);
      this.#again = false;
    }
  }

  async #hasChanged(): Promise<boolean> {
    let changed = false;
    for (const path of this.#paths()) {
      const print = await fingerprint(path);
      // It cannot be seen at the moment.
      if (print === null) continue;
      changed ||= this.#seen.has(path) && this.#seen.get(path) !== print;
      this.#seen.set(path, print);
    }
    return changed;
  }
}

/** Null if it cannot be seen at the moment. */
async function fingerprint(path: string): Promise<string | null> {
  const lines: string[] = [];
  try {
    await describe(path, 0, lines);
  } catch {
    return null;
  }
  return lines.join("\n");
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
