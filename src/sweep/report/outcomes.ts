/** Cases as the servers of CI know tests: what each counts as, and where it belongs. */
import type { CaseReport, SweepReport } from "../contract/report.js";

export type Outcome = "passed" | "failure" | "error" | "skipped";

export function outcomeOf({ verdict }: CaseReport, strict: boolean): Outcome {
  switch (verdict) {
    case "FAILED":
    case "WRONG":
    case "STUCK":
      return "failure";
    case "HUNG":
    case "harness error":
      return "error";
    case "SUSPECT":
    case "FLAKY":
      return strict ? "failure" : "passed";
    case "not reached":
    case "not run":
      return "skipped";
    default:
      return "passed";
  }
}

/** A pair belongs to the site of its first fault. */
export function suiteOf(report: SweepReport, { cells }: CaseReport): string {
  const id = cells[0]?.site;
  const site = report.sites.find((one) => one.id === id);
  return site === undefined ? (id ?? "") : `${site.proxy} ${site.name} ${site.bot}`;
}
