/** `.squall/failures`: a replay file for each finding, by number. Files appear whole; those that are mended may move to `fixed`. */
import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { writing } from "../harness/writing.js";

const FILE = /^(\d{4,})\.yaml$/u;

export class Failures {
  readonly #folder: string;

  /** `directory` is `.squall`. */
  constructor(directory: string) {
    this.#folder = join(directory, "failures");
  }

  /** Where the file of a number is, there or not. */
  fileOf(number: number): string {
    return join(this.#folder, `${nameOf(number)}.yaml`);
  }

  /** Paths of all, by their numbers; none where there is no folder. */
  all(): string[] {
    return this.#numbers(this.#folder).map((number) => this.fileOf(number));
  }

  /** Writes a new one under the next number that was never used here. Answers its path. Throws HarnessError if it cannot. */
  write(text: (name: string) => string): string {
    return writing(this.#folder, () => this.#written(text));
  }

  #written(text: (name: string) => string): string {
    mkdirSync(this.#folder, { recursive: true });
    for (let number = this.#next(); ; number++) {
      const half = join(this.#folder, `.${nameOf(number)}-${pid}`);
      const whole = this.fileOf(number);
      writeFileSync(half, text(`case-${nameOf(number)}`));
      try {
        // Whole or not at all, and never over another one's.
        linkSync(half, whole);
        return whole;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      } finally {
        rmSync(half, { force: true });
      }
    }
  }

  /** Puts another text in place of a file's. Throws HarnessError if it cannot. */
  replace(file: string, text: string): void {
    const half = `${file}.${pid}`;
    writing(this.#folder, () => {
      try {
        writeFileSync(half, text);
        renameSync(half, file);
      } catch (error) {
        rmSync(half, { force: true });
        throw error;
      }
    });
  }

  /** Moves it to those that are fixed; answers where it is now. */
  retire(file: string): string {
    const fixed = join(this.#folder, "fixed");
    const name = file.split(/[\\/]/u).at(-1) ?? file;
    writing(fixed, () => {
      mkdirSync(fixed, { recursive: true });
      renameSync(file, join(fixed, name));
    });
    return join(fixed, name);
  }

  /** Numbers of fixed ones are not given again: reports speak of them. */
  #next(): number {
    const used = [...this.#numbers(this.#folder), ...this.#numbers(join(this.#folder, "fixed"))];
    return Math.max(0, ...used) + 1;
  }

  #numbers(folder: string): number[] {
    let names: string[] = [];
    try {
      names = readdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return names.flatMap((name) => FILE.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
  }
}

function nameOf(number: number): string {
  return String(number).padStart(4, "0");
}
