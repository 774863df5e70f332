/** A worker that is a process of its own in a network of its own, as the sweep sees it: the same runs, told over a channel. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { HarnessError, type RunPlan } from "../contract/run.js";
import { withinNamespace } from "./isolation.js";
import { errorOf, plainStage, type FromWorker, type ToWorker } from "./isolated-words.js";
import type { StageOptions } from "./stage.js";
import type { Limits, Made, RunMaker } from "./worker.js";

/** From the folder in which Squall is. */
const CHILD = ["dist", "sweep", "harness", "isolated-child.js"] as const;
/** How long it may take to end once it was told to, before it is killed. */
const END_MS = 5_000;
/** What it says before it ends is kept up to here, in characters. */
const SAID_MAX = 4_096;

interface Waiting {
  readonly resolve: (answer: Exclude<FromWorker, { kind: "failed" }>) => void;
  readonly reject: (error: Error) => void;
}

export class IsolatedWorker implements RunMaker {
  readonly #child: ChildProcess;
  #said = "";
  #waiting: Waiting | null = null;
  #gone: HarnessError | null = null;
  /** Resolves when its process has ended. */
  readonly #over: Promise<void>;

  private constructor({ home, env, cwd, signal }: StageOptions) {
    const [program, ...words] = withinNamespace([execPath, join(home, ...CHILD)]);
    // Apart from the terminal, whose Ctrl-C is the sweep's to hear.
    this.#child = spawn(program, words, {
      cwd,
      env: { ...env },
      detached: true,
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-SAID_MAX);
    });
    this.#child.on("message", (answer: FromWorker) => {
      this.#heard(answer);
    });
    this.#over = new Promise((resolve) => {
      // Of a channel that was given up here "close" is not told.
      this.#child.on("exit", () => {
        resolve();
      });
      this.#child.on("error", (error) => {
        this.#ended(error.message);
        // One that was never started does not end.
        if (this.#child.pid === undefined) resolve();
      });
    });
    this.#child.on("close", (code, by) => {
      this.#ended(by === null ? `exit ${String(code)}` : `ended by ${by}`);
    });
    signal.addEventListener(
      "abort",
      () => {
        const why: unknown = signal.reason;
        this.#tell({ kind: "interrupt", text: why instanceof Error ? why.message : String(why) });
      },
      { once: true },
    );
  }

  /** Throws HarnessError. */
  static async open(options: StageOptions): Promise<IsolatedWorker> {
    const worker = new IsolatedWorker(options);
    try {
      await worker.#ask({ kind: "open", stage: plainStage(options) });
      return worker;
    } catch (error) {
      worker.killNow();
      throw error;
    }
  }

  async run(plan: RunPlan, number: number, limits: Limits): Promise<Made> {
    const answer = await this.#ask({ kind: "run", plan, number, limits });
    if (answer.kind !== "made") throw new Error("a run that came to nothing");
    return answer.made;
  }

  calibrate(): void {
    // Each run is judged by itself.
  }

  async close(): Promise<void> {
    if (this.#gone === null) await this.#ask({ kind: "close" }).catch(() => undefined);
    this.killNow();
    // It has answered, and may still be there: whoever closes a worker is told when it is not.
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await this.#over;
    clearTimeout(late);
  }

  /** It ends what it has started when it hears that nobody is there any more. */
  killNow(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(asked: ToWorker): Promise<Exclude<FromWorker, { kind: "failed" }>> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== null) {
        reject(this.#gone);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#tell(asked);
    });
  }

  #tell(asked: ToWorker): void {
    if (!this.#child.connected) return;
    this.#child.send(asked, (error) => {
      if (error !== null) this.#ended(error.message);
    });
  }

  #heard(answer: FromWorker): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (answer.kind === "failed") waiting?.reject(errorOf(answer));
    else waiting?.resolve(answer);
  }

  #ended(how: string): void {
    const said = this.#said.trim();
    this.#gone ??= new HarnessError(
      `the process of a worker in a network of its own is gone: ${how}${said === "" ? "" : `\n${said}`}`,
    );
    this.#waiting?.reject(this.#gone);
    this.#waiting = null;
  }
}
