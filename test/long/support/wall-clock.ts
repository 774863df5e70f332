/** A wall clock for one process that a test sets as it likes; the monotonic clock stays what it is. Takes Linux and a C compiler. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";

/** A clock that can be set for a process that is started with `env`. */
export class WallClock {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  private constructor(folder: string) {
    this.#file = join(folder, "seconds");
    this.env = { LD_PRELOAD: join(folder, "wall_clock.so"), WALL_CLOCK: this.#file };
    writeFileSync(this.#file, Buffer.alloc(8));
  }

  /** Null where it cannot be built. What is to be done at the end is added to `ends`. */
  static make(ends: (() => unknown)[]): WallClock | null {
    const folder = mkdtempSync(join(tmpdir(), "squall-clock-"));
    ends.push(() => {
      rmSync(folder, { recursive: true });
    });
    const source = join(import.meta.dirname, "wall-clock.c");
    try {
      execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", join(folder, "wall_clock.so"), source, "-ldl"], {
        stdio: "ignore",
      });
    } catch {
      return null;
    }
    return platform() === "linux" ? new WallClock(folder) : null;
  }

  set(seconds: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    // In place: processes have it in their memory.
    const file = openSync(this.#file, "r+");
    writeSync(file, bytes);
    closeSync(file);
  }
}
