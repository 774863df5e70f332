/**
 * JUnit XML, as CI servers read it: a suite for each site, a case for each kind and ordinal. Reruns have the form of Maven Surefire
 * (`rerunFailure`, `flakyFailure`), which those that do not know it leave out.
 */
import type { CaseReport, SweepReport } from "../contract/report.js";
import { commandText, confirmed } from "./cells.js";
import { outcomeOf, suiteOf, type Outcome } from "./outcomes.js";
import { attributes, escaped } from "./xml.js";

export function junitXml(report: SweepReport): string {
  const suites = new Map<string, CaseReport[]>();
  for (const one of report.cases) {
    const name = suiteOf(report, one);
    const list = suites.get(name);
    if (list === undefined) suites.set(name, [one]);
    else list.push(one);
  }
  const body = [...suites].map(([name, cases]) => suiteXml(report, name, cases));
  const all = totals(report, report.cases);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: `squall sweep: ${commandText(report.command)}`, ...all })}>`,
    ...body,
    "</testsuites>",
    "",
  ].join("\n");
}

function suiteXml(report: SweepReport, name: string, cases: readonly CaseReport[]): string {
  const { started } = report;
  const head = attributes({ name, ...totals(report, cases), timestamp: started.replace(/\.\d+Z$/u, "") });
  return [`  <testsuite${head}>`, ...cases.map((one) => caseXml(report, name, one)), "  </testsuite>"].join(
    "\n",
  );
}

function totals(report: SweepReport, cases: readonly CaseReport[]): Record<string, number | string> {
  const outcomes = cases.map((one) => outcomeOf(one, report.strict));
  const count = (wanted: Outcome): number => outcomes.filter((one) => one === wanted).length;
  return {
    tests: cases.length,
    failures: count("failure"),
    errors: count("error"),
    skipped: count("skipped"),
    time: seconds(cases.reduce((sum, { ms }) => sum + (ms ?? 0), 0)),
  };
}

function seconds(millis: number): string {
  return (millis / 1_000).toFixed(3);
}

function caseXml(report: SweepReport, suite: string, one: CaseReport): string {
  const name = one.cells.map(({ kind, ordinal }) => `${kind} ${ordinal}`).join(" + ");
  const head = attributes({ name, classname: suite, time: seconds(one.ms ?? 0) });
  const inner = [...verdictXml(report, one), ...outXml(report, one)];
  if (inner.length === 0) return `    <testcase${head}/>`;
  return [`    <testcase${head}>`, ...inner.map((line) => `      ${line}`), "    </testcase>"].join("\n");
}

function verdictXml(report: SweepReport, one: CaseReport): string[] {
  const message = one.alarms[0]?.text ?? one.note ?? one.exit ?? one.verdict;
  const text = escaped(
    one.alarms.map((alarm) => `${alarm.oracle} ${alarm.verdict}: ${alarm.text}`).join("\n"),
  );
  const failed = one.confirmation?.failed ?? 0;
  switch (outcomeOf(one, report.strict)) {
    case "failure": {
      const head = attributes({ message, type: one.verdict });
      return [
        `<failure${head}>${text}</failure>`,
        ...Array.from({ length: Math.max(0, failed - 1) }, () => `<rerunFailure${head}/>`),
      ];
    }
    case "error":
      return [
        `<error${attributes({ message, type: one.verdict === "HUNG" ? "hung" : "harness" })}>${text}</error>`,
      ];
    case "skipped":
      return [`<skipped${attributes({ message: one.verdict })}/>`];
    case "passed":
      return one.verdict === "FLAKY"
        ? [`<flakyFailure${attributes({ message, type: one.verdict })}>${text}</flakyFailure>`]
        : [];
  }
}

function outXml(report: SweepReport, one: CaseReport): string[] {
  const lines: string[] = [];
  if (one.confirmation !== null) lines.push(`failed ${confirmed(one.confirmation)}`);
  const finding = report.findings.find(({ number }) => number === one.finding);
  if (finding !== undefined && finding.replay !== null) lines.push(finding.replay);
  if (one.verdict === "SUSPECT") lines.push(...one.alarms.map(({ text }) => `SUSPECT: ${text}`));
  return lines.length === 0 ? [] : [`<system-out>${escaped(lines.join("\n"))}</system-out>`];
}
