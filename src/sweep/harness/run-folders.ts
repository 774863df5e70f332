/**
 * `.squall/runs`: a folder for each run that is worth it, and a line for every run. Folders appear whole, under a bound of disk space; the
 * oldest make room.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { makeFolder } from "../../core/make-folder.js";
import { formatSize } from "../../core/units.js";
import { jsonLine, type JournalEntry } from "../../telemetry/entry.js";
import type { RunPlan, RunResult } from "../contract/run.js";
import { runName } from "./environment.js";
import { writing } from "./writing.js";

/** All of a run that a folder is made of. */
export interface RunMaterial {
  readonly plan: RunPlan;
  readonly result: RunResult;
  readonly entries: readonly JournalEntry[];
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** ISO 8601: when the command was started. */
  readonly since: string;
  /** What each step took, in milliseconds. */
  readonly times: Readonly<Record<string, number>>;
}

const FOLDER = /^\d{6,}$/u;

export class RunFolders {
  readonly #directory: string;
  readonly #diskMax: number;
  readonly #tell: (text: string) => void;
  /** By their numbers, oldest first: bytes on disk. */
  readonly #sizes = new Map<string, number>();
  #next = 1;
  #told = false;

  /** Throws HarnessError if nothing can be written there. */
  constructor(directory: string, diskMax: number, tell: (text: string) => void) {
    this.#directory = directory;
    this.#diskMax = diskMax;
    this.#tell = tell;
    writing(directory, () => {
      makeFolder(join(directory, "runs"));
      // It lies in people's projects, and nothing of it is to be committed but the files that replay failures.
      const ignore = join(directory, ".gitignore");
      if (!existsSync(ignore)) writeFileSync(ignore, "*\n!.gitignore\n!failures/\n!failures/**\n");
      this.#find();
    });
  }

  /** The number of the next run; over all sweeps in this directory no two have the same. */
  number(): number {
    return this.#next++;
  }

  /** A line of what came out. Throws HarnessError if it cannot be written. */
  note({ result, plan }: RunMaterial): void {
    const { number, label, exit, ms, starved, check, outcomes, left, folder } = result;
    const hits = outcomes.reduce((sum, one) => sum + one.hits, 0);
    const ok = check === null ? {} : { check: check.ok };
    const line = {
      number,
      label,
      seed: plan.seed,
      exit,
      ms: Math.round(ms),
      ...(starved === undefined ? {} : { starved }),
      ...ok,
      hits,
      left: left.length,
      folder,
    };
    writing(this.#directory, () => {
      appendFileSync(this.#list, `${JSON.stringify(line)}\n`);
    });
  }

  /** Answers where it is. Throws HarnessError if it cannot be written. */
  write(material: RunMaterial): string {
    return writing(this.#directory, () => this.#written(material));
  }

  #written(material: RunMaterial): string {
    const name = runName(material.result.number);
    const whole = join(this.#directory, "runs", name);
    const half = join(this.#directory, "runs", `.${name}`);
    rmSync(half, { recursive: true, force: true });
    mkdirSync(half);
    let size = 0;
    for (const [file, content] of filesOf(material, whole)) {
      writeFileSync(join(half, file), content);
      size += content.length;
    }
    rmSync(whole, { recursive: true, force: true });
    renameSync(half, whole);
    this.#link(name);
    this.#sizes.delete(name);
    this.#sizes.set(name, size);
    this.#makeRoom(name);
    return whole;
  }

  get #list(): string {
    return join(this.#directory, "runs.jsonl");
  }

  #find(): void {
    const runs = join(this.#directory, "runs");
    for (const name of readdirSync(runs).sort()) {
      if (name.startsWith(".")) rmSync(join(runs, name), { recursive: true, force: true });
      if (!FOLDER.test(name)) continue;
      const files = readdirSync(join(runs, name));
      const size = files.reduce((sum, file) => sum + statSync(join(runs, name, file)).size, 0);
      this.#sizes.set(name, size);
      this.#next = Math.max(this.#next, Number(name) + 1);
    }
    if (!existsSync(this.#list)) return;
    const text = readFileSync(this.#list, "utf8");
    for (const [, number] of text.matchAll(/^\{"number":(\d+),/gmu))
      this.#next = Math.max(this.#next, Number(number) + 1);
    // A line that was not written to its end would spoil the next one.
    if (text !== "" && !text.endsWith("\n")) appendFileSync(this.#list, "\n");
  }

  #link(name: string): void {
    const link = join(this.#directory, "latest");
    const half = join(this.#directory, ".latest");
    try {
      rmSync(half, { force: true });
      symlinkSync(join("runs", name), half);
      renameSync(half, link);
    } catch {
      // Not everywhere are there links, and all is there without it.
      rmSync(half, { force: true });
    }
  }

  #makeRoom(newest: string): void {
    let total = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    let gone = 0;
    for (const [name, size] of this.#sizes) {
      if (total <= this.#diskMax || name === newest) break;
      rmSync(join(this.#directory, "runs", name), { recursive: true, force: true });
      this.#sizes.delete(name);
      total -= size;
      gone++;
    }
    if (gone === 0 || this.#told) return;
    this.#told = true;
    this.#tell(
      `the folders of runs have more than ${formatSize(this.#diskMax)} together: the oldest are removed from now on (--disk says how much they may have)`,
    );
  }
}

function filesOf(
  { plan, result, entries, stdout, stderr, since, times }: RunMaterial,
  folder: string,
): [string, Buffer | string][] {
  const { audit, record: _record, output: _output, ...rest } = result;
  const profile = { profile: profileName(plan.label), faults: plan.faults };
  return [
    ["profile.yaml", stringify(profile)],
    ["journal.jsonl", entries.map((entry) => `${jsonLine(entry)}\n`).join("")],
    ["stdout", stdout],
    ["stderr", stderr],
    ...(audit === undefined
      ? []
      : ([["audit.json", `${JSON.stringify(audit, null, 2)}\n`]] as [string, string][])),
    ["run.json", `${JSON.stringify({ ...rest, folder, seed: plan.seed, since, times }, null, 2)}\n`],
  ];
}

/** As a profile may be called. */
function profileName(label: string): string {
  const name = label
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/gu, "-")
    .replace(/^[^a-z0-9]+/u, "")
    .slice(0, 64);
  return name === "" ? "run" : name;
}
