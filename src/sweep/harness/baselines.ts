/** The fault-free runs before anything else: they must pass, and agree, or nothing that comes after them means anything. */
import { BaselineBroken, type Exit, type RunResult, type Runner } from "../contract/run.js";
import { isStarved } from "./starvation.js";
import { reachedNothing, unreachedText } from "./unreached.js";
import { formatDuration } from "../../core/units.js";
import { differences, differenceText } from "../oracles/audit.js";
import type { JudgeOptions } from "../oracles/evidence.js";

/** What of audits may differ. */
type AuditRules = Pick<JudgeOptions, "ignore" | "tolerance">;

export interface BaselineOptions extends AuditRules {
  /** How many at least; each worker makes one at least. */
  readonly baselines: number;
  readonly seed: number;
  /** Not null of bots that run all the time: how they do is told by their calls, and no command passes. */
  readonly service?: object | null;
}

/** Called as each of them ends: the how-many-eth it was, of how many. */
export type OnBaseline = (result: RunResult, number: number, of: number) => void;

const LINES_SHOWN = 12;
const DIFFERENCES_SHOWN = 8;

/**
 * Makes them, as many at a time as the runner does, so that times are those of the load that is to come. Where they fail, or do not agree,
 * while others have the machine, that proves nothing: they are all made once more, one by one.
 *
 * @throws BaselineBroken
 * @throws HarnessError
 */
export async function runBaselines(
  runner: Runner,
  options: BaselineOptions,
  onBaseline: OnBaseline = () => undefined,
): Promise<RunResult[]> {
  let busy = false;
  const heard: OnBaseline = (result, ...rest) => {
    busy ||= isStarved(result);
    onBaseline(result, ...rest);
  };
  try {
    return await madeBaselines(runner, options, heard);
  } catch (error) {
    if (!(error instanceof BaselineBroken) || !busy) throw error;
  }
  busy = false;
  try {
    const alone: Runner = { jobs: 1, run: (plan) => runner.run({ ...plan, alone: true }) };
    return await madeBaselines(alone, options, heard);
  } catch (error) {
    if (!(error instanceof BaselineBroken) || !busy) throw error;
    throw new BaselineBroken(
      `${error.message}\nother programs had the processors meanwhile, so that the machine may be to blame`,
    );
  }
}

async function madeBaselines(
  runner: Runner,
  options: BaselineOptions,
  onBaseline: OnBaseline,
): Promise<RunResult[]> {
  const { baselines, seed } = options;
  const count = runner.jobs === 1 ? baselines : Math.max(baselines, runner.jobs + 1);
  let ended = 0;
  const made: Promise<RunResult>[] = [];
  const results: RunResult[] = [];
  // The first by itself: where the command cannot pass at all, nobody waits for three of them.
  for (let number = 1; number <= count; number++) {
    const one = runner.run({ label: `baseline ${number}`, faults: [], seed, keep: true }).then((result) => {
      onBaseline(result, ++ended, count);
      checkPassed(result);
      return result;
    });
    made.push(one);
    if (runner.jobs === 1 || number === 1) await one;
  }
  for (const outcome of await Promise.allSettled(made)) {
    if (outcome.status === "rejected") throw outcome.reason;
    results.push(outcome.value);
  }
  if ((options.service ?? null) === null) checkReached(results);
  checkAgreed(results, options);
  return results;
}

export function exitText(exit: Exit): string {
  switch (exit.kind) {
    case "exit":
      return `exit code ${exit.code}`;
    case "signal":
      return `ended by ${exit.signal}`;
    case "hung":
      return exit.why === "timeout"
        ? `it did not end within ${formatDuration(exit.ms)}`
        : `for long nothing moved, after ${formatDuration(exit.ms)}`;
  }
}

function checkPassed({ exit, check, output, number, label, record }: RunResult): void {
  if (exit.kind === "exit" && exit.code === 0 && check?.ok !== false) return;
  if (exit.kind === "exit" && exit.code === 0)
    throw new BaselineBroken(
      `without any fault check says that something is wrong (${label}, run ${number}): ${indented(check?.text ?? "")}`,
    );
  const last = [output.stdout, output.stderr]
    .filter((text) => text !== "")
    .join("\n")
    .split("\n")
    .slice(-LINES_SHOWN)
    .join("\n");
  const said = last === "" ? ", and it wrote nothing" : `; its last lines:${indented(last)}`;
  const missing = exit.kind === "exit" && exit.code === 127 ? " (the shell found no such command)" : "";
  throw new BaselineBroken(
    `the command fails without any fault (${label}): ${exitText(exit)}${missing}${said}${unreachedText([record])}`,
  );
}

/** A command may pass though its server is away: it hides errors, or has nothing to do. Each fault would be survived then. */
function checkReached(results: readonly RunResult[]): void {
  const records = results.map(({ record }) => record);
  if (!reachedNothing(records)) return;
  throw new BaselineBroken(
    `the command passes without any fault, and none of its calls was carried out${unreachedText(records)}`,
  );
}

function checkAgreed(results: readonly RunResult[], rules: AuditRules): void {
  const [first, ...others] = results;
  if (first === undefined) return;
  for (const other of others) {
    const found = differences(other.audit, [first.audit], rules);
    if (found.length === 0) continue;
    const lines = found.slice(0, DIFFERENCES_SHOWN).map(differenceText);
    const more = found.length - lines.length;
    if (more > 0) lines.push(`and ${more} more`);
    throw new BaselineBroken(
      `the audit differs between runs without any fault (${first.label} and ${other.label}):${indented(lines.join("\n"))}\n` +
        "what may differ is named by ignore, numbers may by tolerance, and setup or upstream make each run begin alike",
    );
  }
}

function indented(text: string): string {
  return `\n${text.replaceAll(/^/gmu, "    ")}`;
}
