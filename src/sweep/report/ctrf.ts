/**
 * CTRF, a form of test reports as JSON (https://ctrf.io, its JSON Schema of specification 0.0.0): one test for each case. What JUnit calls an error is
 * a failure here, and what was never run is skipped.
 */
import type { CaseReport, SweepReport } from "../contract/report.js";
import { confirmed } from "./cells.js";
import { outcomeOf, suiteOf, type Outcome } from "./outcomes.js";

const STATUS: Readonly<Record<Outcome, "passed" | "failed" | "skipped">> = {
  passed: "passed",
  failure: "failed",
  error: "failed",
  skipped: "skipped",
};

export function ctrfJson(report: SweepReport): string {
  const tests = report.cases.map((one) => testOf(report, one));
  const count = (wanted: string): number => tests.filter(({ status }) => status === wanted).length;
  const start = Date.parse(report.started);
  const value = {
    reportFormat: "CTRF",
    specVersion: "0.0.0",
    timestamp: new Date(start + report.took_ms).toISOString(),
    generatedBy: `squall ${report.made_by.squall}`,
    results: {
      tool: { name: "squall sweep", version: report.made_by.squall },
      summary: {
        tests: tests.length,
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("skipped"),
        pending: 0,
        other: 0,
        flaky: tests.filter(({ flaky }) => flaky === true).length,
        suites: new Set(report.cases.map((one) => suiteOf(report, one))).size,
        start,
        stop: start + report.took_ms,
        duration: report.took_ms,
      },
      tests,
    },
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

interface Test {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly flaky?: true;
  readonly [field: string]: unknown;
}

function testOf(report: SweepReport, one: CaseReport): Test {
  const [alarm] = one.alarms;
  const finding = report.findings.find(({ number }) => number === one.finding);
  const message = alarm?.text ?? one.note;
  const trace = one.alarms.map(({ oracle, verdict, text }) => `${oracle} ${verdict}: ${text}`).join("\n");
  const { confirmation } = one;
  return {
    name: one.name,
    status: STATUS[outcomeOf(one, report.strict)],
    duration: one.ms ?? 0,
    suite: [suiteOf(report, one)],
    rawStatus: one.verdict,
    type: "fault",
    tags: [...new Set(one.cells.map(({ kind }) => kind))],
    ...(message === null || message === undefined ? {} : { message }),
    ...(trace === "" ? {} : { trace }),
    ...(one.verdict === "FLAKY" ? { flaky: true as const } : {}),
    ...(confirmation === null || confirmation.runs < 2 ? {} : { retries: confirmation.runs - 1 }),
    extra: {
      case: one.id,
      ...(confirmation === null ? {} : { confirmed: confirmed(confirmation) }),
      ...(finding === undefined ? {} : { finding: finding.number }),
      ...(finding === undefined || finding.replay === null ? {} : { replay: finding.replay }),
    },
  };
}
