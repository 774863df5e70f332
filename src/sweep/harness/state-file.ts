/**
 * `sweep.state.jsonl`: a line for each finished case, so that a sweep which was interrupted goes on where it was. It belongs to one command,
 * configuration and version; for others it begins anew.
 */
import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarnessError } from "../contract/run.js";
import { whyUnwritten, writing } from "./writing.js";

export const STATE_FILE = "sweep.state.jsonl";
const FORM = "squall-sweep-state/1";

export class SweepState {
  readonly #file: string;
  readonly #finished: Map<string, unknown>;

  private constructor(file: string, finished: Map<string, unknown>) {
    this.#file = file;
    this.#finished = finished;
  }

  /**
   * Reads what there is of the sweep with this fingerprint; says in a sentence what became of another's.
   *
   * @throws HarnessError if it can be neither read nor written
   */
  static open(directory: string, fingerprint: string, tell: (text: string) => void): SweepState {
    const file = join(directory, STATE_FILE);
    try {
      const text = read(file);
      const lines = text.split("\n");
      // Behind the last end of a line is nothing, or a line that was not written to its end.
      const broken = lines.pop() ?? "";
      const [head = "", ...rest] = lines;
      const found = parse(head);
      if (found?.["form"] === FORM && found["fingerprint"] === fingerprint) {
        if (broken !== "") truncateSync(file, Buffer.byteLength(text) - Buffer.byteLength(broken));
        return new SweepState(file, finishedIn(rest));
      }
      if (text !== "")
        tell(
          "the sweep that was interrupted here had another command, configuration or version: this one starts afresh",
        );
      begin(file, fingerprint);
      return new SweepState(file, new Map());
    } catch (error) {
      throw new HarnessError(`cannot keep the state of the sweep in ${file}: ${whyUnwritten(error)}`, {
        cause: error,
      });
    }
  }

  /** What `add` was given, by key, in the order in which it was. */
  get finished(): ReadonlyMap<string, unknown> {
    return this.#finished;
  }

  /** `value` must be what JSON can say. Throws HarnessError if it cannot be written; it is known all the same. */
  add(key: string, value: unknown): void {
    this.#finished.set(key, value);
    writing(dirname(this.#file), () => {
      appendFileSync(this.#file, `${JSON.stringify({ key, value })}\n`);
    });
  }

  /** The sweep is over: the next one begins anew. */
  remove(): void {
    rmSync(this.#file, { force: true });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function begin(file: string, fingerprint: string): void {
  writeFileSync(`${file}.new`, `${JSON.stringify({ form: FORM, fingerprint })}\n`);
  renameSync(`${file}.new`, file);
}

function finishedIn(lines: readonly string[]): Map<string, unknown> {
  return new Map(
    lines.flatMap((line) => {
      const found = parse(line);
      const key = found?.["key"];
      return typeof key === "string" ? [[key, found?.["value"]] as const] : [];
    }),
  );
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
