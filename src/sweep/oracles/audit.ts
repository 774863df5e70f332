/** O4: what the audit says after healing, against what it says after fault-free runs. */
import { endedWell } from "./ending.js";
import type { Evidence, JudgeOptions, Oracle } from "./evidence.js";
import { doLast } from "./lasting.js";
import { leavesOf, pointerOf, shapeOf, stepsOf, type Steps } from "./pointer.js";

export interface Difference {
  readonly steps: Steps;
  /** Of the audit that is judged; undefined where it has nothing there. */
  readonly value: unknown;
  /** What it may be: `3`, `2 to 4`, `"done"`, `nothing`. */
  readonly expected: string;
}

/** Differences that are told of one run: it is the title of a finding, too. */
const SHOWN = 2;

export const wrongAudit: Oracle = ({ run, faults, normal, options }: Evidence) => {
  // Whoever failed and said so has not done all, and owes nobody the same outcome.
  if (!endedWell(run.exit) || run.audit === undefined) return [];
  const audits = normal.runs.map(({ audit }) => audit).filter((audit) => audit !== undefined);
  if (audits.length === 0) return [];
  const { ignore, outageIgnore, tolerance } = options;
  const all = differences(run.audit, audits, {
    ignore: doLast(faults) ? [...ignore, ...outageIgnore] : ignore,
    tolerance,
  });
  const [first] = all;
  if (first === undefined) return [];
  const told = all.slice(0, SHOWN).map(differenceText).join("; ");
  const more = all.length > SHOWN ? `; and ${all.length - SHOWN} more` : "";
  return [
    {
      verdict: "WRONG",
      oracle: "O4",
      signature: `audit:${shapeOf(first.steps)}`,
      text: `the audit differs: ${told}${more}`,
    },
  ];
};

/** Of one audit against others, the least deep first, then by name: the same first one whatever the order of the document. */
export function differences(
  audit: unknown,
  others: readonly unknown[],
  { ignore, tolerance }: Pick<JudgeOptions, "ignore" | "tolerance">,
): Difference[] {
  const patterns = ignore.map(stepsOf);
  const found = leavesOf(audit, patterns);
  const known = others.map((other) => leavesOf(other, patterns));
  const pointers = new Set([...found.keys(), ...known.flatMap((leaves) => [...leaves.keys()])]);
  const wrong: Difference[] = [];
  for (const pointer of pointers) {
    const here = found.get(pointer);
    const there = known.map((leaves) => leaves.get(pointer));
    const steps = here?.steps ?? there.find((leaf) => leaf !== undefined)?.steps ?? [];
    const values = there.map((leaf) => leaf?.value);
    if (!isNormal(here?.value, values, tolerance))
      wrong.push({ steps, value: here?.value, expected: expectedText(values) });
  }
  return wrong.sort(
    (a, b) => a.steps.length - b.steps.length || compare(pointerOf(a.steps), pointerOf(b.steps)),
  );
}

/** `/totals/expired is 1, not 0`. */
export function differenceText({ steps, value, expected }: Difference): string {
  return `${steps.length === 0 ? "the whole" : pointerOf(steps)} is ${valueText(value)}, not ${expected}`;
}

function isNormal(value: unknown, others: readonly unknown[], tolerance: number): boolean {
  const numbers = others.filter((other): other is number => typeof other === "number");
  if (typeof value === "number" && numbers.length > 0) {
    const slack = tolerance * Math.max(...numbers.map(Math.abs));
    if (value >= Math.min(...numbers) - slack && value <= Math.max(...numbers) + slack) return true;
  }
  return others.some((other) => same(other, value));
}

/** Both are leaves: at most an empty list or an empty object. */
function same(a: unknown, b: unknown): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function expectedText(values: readonly unknown[]): string {
  const numbers = values.filter((value): value is number => typeof value === "number");
  if (numbers.length === values.length && numbers.length > 0) {
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    return least === most ? String(least) : `${least} to ${most}`;
  }
  return [...new Set(values.map(valueText))].join(" or ");
}

function valueText(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
