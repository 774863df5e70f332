/** Processes of `fleet-daemons.mjs`, and what they tell. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../support/process.js";

export type Told =
  | { readonly is: "ready" }
  | { readonly is: "joined"; readonly name: string; readonly at: number; readonly address: string }
  | { readonly is: "started"; readonly name: string; readonly seed: number; readonly at: number }
  | { readonly is: "usage"; readonly cpu: number; readonly at: number; readonly memory: number };

export interface ProcessesParts {
  readonly engine: string;
  readonly fleet: string;
  readonly processes: number;
  readonly each: number;
  readonly upstream?: string;
}

/** The machine's monotonic clock in milliseconds, as those processes tell it. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export class FleetProcesses {
  readonly told: Told[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #waiting = new Set<() => void>();
  #said = "";

  constructor({ engine, fleet, processes, each, upstream }: ProcessesParts) {
    for (let child = 0; child < processes; child++) {
      const names = Array.from({ length: each }, (_, n) => `d-${child * each + n}`);
      const options = JSON.stringify({ engine, fleet, names, upstream: upstream ?? null });
      const made = spawn(process.execPath, [join(ROOT, "test/long/support/fleet-daemons.mjs"), options]);
      made.stderr.on("data", (chunk: Buffer) => (this.#said += chunk.toString()));
      createInterface({ input: made.stdout }).on("line", (line) => {
        this.told.push(JSON.parse(line) as Told);
        for (const look of this.#waiting) look();
      });
      this.#children.push(made);
    }
  }

  say(word: "go" | "usage" | "stop"): void {
    for (const child of this.#children) child.stdin?.write(`${word}\n`);
  }

  of<K extends Told["is"]>(is: K): Extract<Told, { is: K }>[] {
    return this.told.filter((one): one is Extract<Told, { is: K }> => one.is === is);
  }

  /** Resolves when so many have been told that pass. */
  async until<K extends Told["is"]>(
    is: K,
    count: number,
    passes: (one: Extract<Told, { is: K }>) => boolean = () => true,
  ): Promise<Extract<Told, { is: K }>[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.of(is).filter(passes);
        if (found.length < count && this.#said === "") return;
        this.#waiting.delete(look);
        if (found.length < count) reject(new Error(this.#said));
        else resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    const gone = this.#children.map(
      (child) =>
        new Promise((resolve) => (child.exitCode === null ? child.once("exit", resolve) : resolve(null))),
    );
    this.say("stop");
    await Promise.all(gone);
  }
}

/** Of a sorted or unsorted list; 0.99 for the 99th percentile. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}
