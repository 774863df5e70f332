/** The parts of bench/ that are plain functions, with the types that tests need: bench/ itself is JavaScript. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const BENCH = join(import.meta.dirname, "../../bench");

export interface Trouble {
  readonly missing?: string;
  readonly failed?: string;
}

export interface Row extends Trouble {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly median: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly note: string;
  readonly of?: { base: string; ratio: number; low: number; high: number } | null;
  readonly cost?: { value: number; unit: string } | null;
  readonly busy?: Readonly<Record<"proxy" | "server" | "load", number | null>>;
  readonly heldBack?: boolean;
}

export interface Claim {
  readonly text: string;
  readonly kind: "ratio" | "value";
  readonly sign: string;
  readonly target: number;
  readonly unit?: string;
  readonly value: number | null;
  readonly low?: number;
  readonly high?: number;
  readonly held: boolean | null;
  readonly reason?: string;
}

export interface CaseResult {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
  readonly claims: readonly Claim[];
  readonly notes: readonly string[];
  readonly charts: readonly string[];
  readonly rounds: Readonly<Record<string, readonly unknown[]>>;
  readonly error?: string;
}

export interface Report {
  readonly startedAt: string;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly options: { rounds: number; seconds: number; quick: boolean };
  readonly cases: readonly CaseResult[];
}

export interface Lane extends Trouble {
  readonly name: string;
  readonly measure?: (seconds: number) => Promise<Record<string, number>>;
}

export interface Results {
  values(name: string, key: string): number[] | undefined;
  all(): Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>;
  trouble(name: string): Trouble | undefined;
  row(wanted: { lane: string; key: string; unit: string }): Row;
  atLeast(target: number, own: string, base: string): Claim;
  atMost(target: number, unit: string, lane: string, wanted: { key: string }): Claim;
  never(unit: string, lane: string, wanted: { key: string }): Claim;
}

interface Modules {
  "lib/statistics.mjs": {
    median(values: readonly number[]): number;
    quantile(sorted: readonly number[], q: number): number;
    interval(values: readonly number[]): { low: number; high: number };
    pairedRatio(
      values: readonly number[],
      base: readonly number[],
    ): { ratio: number; low: number; high: number };
  };
  "lib/claims.mjs": {
    row(name: string, unit: string, values: readonly number[], note?: string): Row;
    emptyRow(name: string, unit: string, trouble: Trouble): Row;
    atLeast(text: string, target: number, values: readonly number[], base: readonly number[]): Claim;
    atMostTimes(text: string, target: number, values: readonly number[], base: readonly number[]): Claim;
    atMost(text: string, target: number, unit: string, values: readonly number[]): Claim;
    never(text: string, unit: string, values: readonly number[]): Claim;
    unmeasured(text: string, wanted: { sign: string; target: number; unit?: string }, reason: string): Claim;
  };
  "lib/rounds.mjs": {
    interleave(
      how: {
        rounds: number;
        seconds: number;
        warmUp: number;
        log: (line: string) => void;
        keep?: (results: Results) => void;
      },
      lanes: readonly Lane[],
    ): Promise<Results>;
  };
  "lib/options.mjs": {
    readOptions(args: readonly string[], cases: readonly string[]): Readonly<Record<string, unknown>>;
  };
  "lib/placement.mjs": {
    placement(pin: string, cpus: readonly number[], hasTaskset: boolean): Readonly<Record<string, string>>;
    placed(
      where: Readonly<Record<string, string>>,
      role: string,
      command: string,
      args: readonly string[],
    ): [string, string[]];
    processors(list: string): number[];
  };
  "lib/report.mjs": { asText(report: Report): string; failures(report: Report): string[] };
  "lib/markdown.mjs": {
    asMarkdown(report: Report, folder: string): string;
    writeMarkdown(file: string, report: Report): void;
    checkMarkdown(file: string, text: string): unknown;
  };
  "cases/throughput.mjs": {
    heldBack(
      busy: Readonly<Record<"proxy" | "server" | "load", number | null>>,
      lab: { placement: Readonly<Record<string, string>> },
    ): boolean;
  };
  "lib/charts.mjs": {
    chart(title: string, rows: readonly Row[]): string;
    charts(result: CaseResult): { file: string; title: string; svg: string }[];
  };
}

export async function bench<File extends keyof Modules>(file: File): Promise<Modules[File]> {
  return (await import(pathToFileURL(join(BENCH, file)).href)) as Modules[File];
}
