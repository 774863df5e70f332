/** gearmand with its own command-line tools: a background job is given to another worker when its connection ends, and is never forgotten. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { promisify } from "node:util";
import { has, tellStory, WORK_MS, type Site } from "./jobs/story.js";

const run = promisify(execFile);
const GEARMAND = ["gearmand", "/usr/sbin/gearmand"].find((command) => has(command, "--version"));
const WORKERS = 2;
/** After which a producer takes its tool for stuck, and runs it again. */
const PATIENCE_MS = 3_000;
const PAUSE_MS = 20;

/** The tool dials again by itself; should it end, whoever looks after it starts it anew, as systemd would. */
class WorkerService {
  readonly #command: readonly string[];
  #child: ChildProcess;
  #closed = false;

  constructor(command: readonly string[]) {
    this.#command = command;
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    const child = spawn("gearman", this.#command, { stdio: "ignore" });
    child.on("exit", () => {
      void rest(PAUSE_MS).then(() => {
        if (this.#closed) return;
        this.#child = this.#start();
      });
    });
    return child;
  }

  close(): void {
    this.#closed = true;
    this.#child.kill("SIGKILL");
  }
}

function open({ direct, squall }: { direct: number; squall: number }, folder: string): Site {
  const log = join(folder, "ran");
  const at = (port: number): string[] => ["-h", "127.0.0.1", "-p", String(port)];
  const script = `cat >> '${log}'; sleep ${WORK_MS / 1_000}`;
  const workers = Array.from(
    { length: WORKERS },
    () => new WorkerService([...at(squall), "-w", "-f", "work", "--", "sh", "-c", script]),
  );
  const doubtful = new Map<string, number>();
  let closed = false;
  const submit = async (job: string): Promise<void> => {
    while (!closed) {
      try {
        const words = [...at(squall), "-b", "-f", "work", `${job}\n`];
        // It ends with 0 even where it found no server, but not without a word.
        const { stderr } = await run("gearman", words, { timeout: PATIENCE_MS });
        if (stderr === "") return;
        throw new Error(stderr);
      } catch {
        doubtful.set(job, (doubtful.get(job) ?? 0) + 1);
        await rest(PAUSE_MS);
      }
    }
  };
  const lines = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").split("\n") : []);
  return {
    submit,
    ran: (job) => lines().filter((line) => line === job).length,
    // A worker does not say that its connection ended before the news that a job was done had left.
    mayRun: (job, hits) => Promise.resolve(1 + (doubtful.get(job) ?? 0) + hits),
    left: async () => {
      const { stdout } = await run("gearadmin", [...at(direct), "--status"]);
      return Number(/^work\t(\d+)/mu.exec(stdout)?.[1] ?? 0);
    },
    close: () => {
      closed = true;
      for (const worker of workers) worker.close();
      return Promise.resolve();
    },
  };
}

tellStory({
  name: "gearmand",
  missing: GEARMAND !== undefined && has("gearman", "-H") ? null : "gearmand and gearman",
  program: (port) => [GEARMAND ?? "gearmand", "-L", "127.0.0.1", "-p", String(port), "-l", "none"],
  copesWith: ["flaky-connections", "packet-loss", "high-latency"],
  open: (ports, folder) => Promise.resolve(open(ports, folder)),
});
