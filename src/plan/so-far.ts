/** How much a fault has hit since it was switched on, in figures and in a sentence: what `squall status` and `GET /active` show. */
import type { FaultReport } from "../core/events.js";
import { ordinalsInWords } from "./ordinals.js";
import type { Subjects } from "./subjects.js";

/** One fault on one proxy. */
export interface SoFar extends FaultReport {
  /** What `subjects` counts. */
  readonly of: Subjects;
  /** Such as `0 of 66 exchanges so far: no path matches`. */
  readonly text: string;
}

export interface SoFarParts {
  readonly report: FaultReport;
  readonly of: Subjects;
  /** Why nothing was matched, where that is known. */
  readonly why: string | null;
  /** The kernel acts in its place, and tells what it did at the end. */
  readonly byKernel: boolean;
  readonly observe: boolean;
}

export function soFar({ report, of, why, byKernel, observe }: SoFarParts): SoFar {
  return { ...report, of, text: textOf(report, { of, why, byKernel, observe }) };
}

function textOf(report: FaultReport, parts: Omit<SoFarParts, "report">): string {
  const { not_reached: ordinals = [], matched } = report;
  const rest = matched === 0 || ordinals.length === 0 ? "" : `; not reached: ${ordinalsInWords(ordinals)}`;
  return `${hitsIn(report, parts)}${rest}`;
}

function hitsIn(
  { subjects, matched, hits }: FaultReport,
  { of, why, byKernel, observe }: Omit<SoFarParts, "report">,
): string {
  if (byKernel) return "the kernel carries it out, and tells at the end how much it dropped";
  if (subjects === 0) return `no ${of} so far`;
  const counted = `${observe ? "would have hit " : ""}${hits} of ${subjects} ${of} so far`;
  if (matched === 0) return why === null ? counted : `${counted}: ${why}`;
  if (hits === 0)
    return `${counted}: ${matched === 1 ? "1 matches" : `${matched} match`}, and none was hit yet`;
  return matched === subjects
    ? counted
    : `${counted}, of which ${matched} ${matched === 1 ? "matches" : "match"}`;
}
