/**
 * What is made of files, and made again when they change. Nothing is awaited and no timer runs: whoever needs it looks, at most once a
 * second. Files that cannot be used leave in force what was there before.
 */
import { statSync } from "node:fs";
import type { Clock, Millis } from "../core/clock.js";

/** How often files are looked at, at most: handshakes come in thousands. */
const LOOK_AGAIN: Millis = 1_000;

export interface WatchedParts<T> {
  readonly paths: readonly string[];
  readonly clock: Pick<Clock, "now">;
  readonly load: () => T;
  /** Hears that what changed is in force, or why it is not; each once. */
  readonly changed: (trouble: string | null) => void;
}

export class WatchedFiles<T> {
  readonly #parts: WatchedParts<T>;
  readonly #look: FileLook;
  #loaded: T;
  /** What was seen of files that could not be taken: said once. */
  #refused: string | null = null;

  /** Throws what `load` throws. */
  constructor(parts: WatchedParts<T>) {
    this.#parts = parts;
    this.#look = new FileLook(parts.paths, parts.clock);
    this.#loaded = parts.load();
  }

  /** What is in force. Reads again what has changed. */
  get current(): T {
    const seen = this.#look.again();
    if (seen !== null) this.#again(seen);
    return this.#loaded;
  }

  #again({ stamp, refusal, trouble }: Seen): void {
    // Back to what is in force: there is nothing to be said of it.
    if (refusal === this.#refused) return;
    if (trouble !== null) {
      this.#refuse(refusal, trouble);
      return;
    }
    try {
      this.#loaded = this.#parts.load();
    } catch (error) {
      this.#refuse(refusal, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#refused = null;
    this.#look.taken(stamp);
    this.#parts.changed(null);
  }

  #refuse(refusal: string, trouble: string): void {
    this.#refused = refusal;
    this.#parts.changed(trouble);
  }
}

interface Seen {
  readonly stamp: string;
  /** The same, and who may read them: what was refused is read again once that has changed, which no other date of a file tells. */
  readonly refusal: string;
  /** Why a file cannot even be looked at; null if all are there. */
  readonly trouble: string | null;
}

/** Whether files are others than those that were taken, as far as the file system says. */
export class FileLook {
  readonly #paths: readonly string[];
  readonly #clock: Pick<Clock, "now">;
  #lookedAt: Millis;
  #taken: string;

  constructor(paths: readonly string[], clock: Pick<Clock, "now">) {
    this.#paths = paths;
    this.#clock = clock;
    this.#lookedAt = clock.now();
    // Before they are read, so that a change meanwhile is one.
    this.#taken = seenOf(paths).stamp;
  }

  /** Null where nothing has changed, or the last look was a moment ago and nobody wants to know it now. */
  again(when: "soon" | "now" = "soon"): Seen | null {
    const now = this.#clock.now();
    if (when === "soon" && now - this.#lookedAt < LOOK_AGAIN) return null;
    this.#lookedAt = now;
    const seen = seenOf(this.#paths);
    return seen.stamp === this.#taken ? null : seen;
  }

  taken(stamp: string): void {
    this.#taken = stamp;
  }
}

function seenOf(paths: readonly string[]): Seen {
  try {
    const found = paths.map((path) => statSync(path));
    const stamp = found.map(({ mtimeMs, size, ino }) => `${ino}:${size}:${mtimeMs}`).join(" ");
    const rights = found.map(({ mode, uid, gid }) => `${mode}:${uid}:${gid}`).join(" ");
    return { stamp, refusal: `${stamp} ${rights}`, trouble: null };
  } catch (error) {
    const trouble = error instanceof Error ? error.message : String(error);
    return { stamp: "missing", refusal: "missing", trouble };
  }
}
