/**
 * The `nft -i` that holds the daemon's own table. The table has `flags owner`, so the kernel takes it away when this
 * process ends - and it ends when the pipe from the daemon does, however the daemon went.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { firstLine } from "./permission.js";

const ANSWER_MAX_MS = 5_000;
/** What is kept of what it says, if it goes on and on. */
const WORDS_MAX = 1 << 20;

/** Packets by counter. */
export type Counters = ReadonlyMap<string, number>;

interface Waiting {
  readonly done: (counters: Counters) => void;
  readonly failed: (error: Error) => void;
}

export class Nft {
  readonly pid: number | undefined;
  /** Resolves when it is over, and the table with it, with the reason. */
  readonly ended: Promise<string>;
  readonly #table: string;
  readonly #child: ChildProcessWithoutNullStreams;
  #out = "";
  #err = "";
  #waiting: Waiting | null = null;
  #over = false;

  constructor(program: string, table: string) {
    this.#table = table;
    // Detached, so that Ctrl-C reaches the daemon and not this. It would write a history into its HOME.
    this.#child = spawn(program, ["-i"], { detached: true, stdio: "pipe", env: { HOME: "/dev/null" } });
    this.pid = this.#child.pid;
    this.#child.stdout.on("data", (chunk: Buffer) => {
      this.#out = (this.#out + chunk.toString()).slice(-WORDS_MAX);
      this.#look();
    });
    this.#child.stderr.on("data", (chunk: Buffer) => {
      this.#err = (this.#err + chunk.toString()).slice(-WORDS_MAX);
      this.#look();
    });
    this.#child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      const over = (why: string): void => {
        if (this.#over) return;
        this.#over = true;
        const error = new Error(this.#err === "" ? why : firstLine(this.#err));
        this.#waiting?.failed(error);
        this.#waiting = null;
        resolve(error.message);
      };
      this.#child.on("error", (error) => {
        over(`nft cannot be run: ${error.message}`);
      });
      this.#child.on("close", (code, signal) => {
        over(`nft ended with ${signal ?? `status ${code ?? 0}`}`);
      });
    });
  }

  /** Runs the lines in order, and answers all counters afterwards. One at a time. */
  run(lines: readonly string[]): Promise<Counters> {
    return new Promise((resolve, reject) => {
      if (this.#over || this.#waiting !== null) {
        reject(new Error(this.#over ? "nft has ended" : "nft is busy"));
        return;
      }
      const late = setTimeout(() => {
        this.#waiting?.failed(new Error(`nft has not answered within ${ANSWER_MAX_MS / 1000} s`));
      }, ANSWER_MAX_MS);
      const settle = (): void => {
        clearTimeout(late);
        this.#waiting = null;
      };
      this.#waiting = {
        done: (counters) => {
          settle();
          resolve(counters);
        },
        failed: (error) => {
          settle();
          reject(error);
        },
      };
      this.#out = "";
      this.#err = "";
      // The listing is the answer: it says what holds, and that all before it was read.
      this.#child.stdin.write(`${[...lines, `list counters table inet ${this.#table}`].join("\n")}\n`);
    });
  }

  #look(): void {
    if (this.#waiting === null) return;
    if (this.#err.includes("Error")) {
      if (this.#err.endsWith("\n")) this.#waiting.failed(new Error(firstLine(this.#err)));
      return;
    }
    const listing = /^table inet \S+ \{\n([\s\S]*?)^\}$/mu.exec(this.#out);
    if (listing === null) return;
    const counters = new Map<string, number>();
    for (const [, name = "", packets] of (listing[1] ?? "").matchAll(/counter (\w+) \{\s*packets (\d+)/gu))
      counters.set(name, Number(packets));
    this.#waiting.done(counters);
  }

  /** Lets it go, and the table with it. */
  end(): void {
    this.#child.stdin.end();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
