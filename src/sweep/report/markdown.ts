/** A report for a pull request, or for the summary of a CI job: Markdown as GitHub and GitLab read it. */
import type { SweepReport } from "../contract/report.js";
import { commandText, confirmed, casesText, coverageOf, gridsOf, reasonsOf } from "./cells.js";
import { several, timeText } from "../../drawing/figures.js";

/** GitHub takes 1 MiB for the summary of a step: of a sweep with thousands of cases the grid is left out before the findings are. */
const LONGEST = 900_000;

export function markdownText(report: SweepReport): string {
  const head = [headline(report), summary(report), findings(report)];
  const whole = [...head, grid(report), open(report)];
  const text = joined(whole);
  return text.length <= LONGEST
    ? text
    : joined([...head, "The grid is too large for this place: see `report.html`."]);
}

function joined(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function headline(report: SweepReport): string {
  const { findings: found } = report;
  const said = found.length === 0 ? "no finding" : several(found.length, "finding");
  return `## squall sweep: ${said}\n\n\`${code(commandText(report.command))}\``;
}

function summary(report: SweepReport): string {
  const { hit, applicable } = coverageOf(report);
  const lines = [
    `${casesText(report)}. Hit ${String(hit)} of ${several(applicable, "cell")}.` +
      ` ${several(report.runs, "run")} in ${timeText(report.took_ms)}.`,
  ];
  const { controls } = report;
  if (controls.failed > 0)
    lines.push(
      `**Baseline flaky:** ${String(controls.failed)} of ${String(controls.runs)} fault-free runs failed.`,
    );
  lines.push(...reasonsOf(report).map((line) => `${inCell(line)}.`));
  if (report.stopped !== null) lines.push(`**Ended early:** ${inCell(report.stopped)}.`);
  return lines.join("\n\n");
}

function findings(report: SweepReport): string {
  if (report.findings.length === 0) return "";
  const rows = report.findings.map(({ number, verdict, title, confirmation, replay }) => [
    String(number),
    verdict,
    inCell(title),
    confirmed(confirmation),
    replay === null ? "" : `\`${code(replay)}\``,
  ]);
  return table(["", "verdict", "finding", "failed", "again"], rows);
}

function grid(report: SweepReport): string {
  const tables = gridsOf(report).map(({ kinds, rows }) => {
    const bots = new Set(rows.map(({ site }) => site.bot));
    const body = rows.map(({ site, cells }) => [
      `\`${code(bots.size > 1 ? `${site.name} ${site.bot}` : site.name)}\``,
      ...cells.map(({ mark, finding }) => (finding === null ? mark.sign : `${mark.sign} ${String(finding)}`)),
    ]);
    return table(["site", ...kinds.map(({ name }) => inCell(name))], body);
  });
  if (tables.length === 0) return "";
  return `<details><summary>All sites and kinds</summary>\n\n${tables.join("\n\n")}\n\n</details>`;
}

/** What says nothing yet, so that nobody takes it for survived. */
function open(report: SweepReport): string {
  const names = (verdict: string): string[] =>
    report.cases.filter((one) => one.verdict === verdict).map(({ name }) => `\`${code(name)}\``);
  return ["not reached", "not run"]
    .flatMap((verdict) => {
      const list = names(verdict);
      if (list.length === 0) return [];
      const more = list.length > 50 ? ` and ${String(list.length - 50)} more` : "";
      return [`${verdict} (${String(list.length)}): ${list.slice(0, 50).join(", ")}${more}`];
    })
    .join("\n\n");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text between two bars: nothing in it is taken for Markdown, HTML, a mention or a link. */
export function inCell(text: string): string {
  return text
    .replace(/\s+/gu, " ")
    .replace(/[&<>]/gu, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char] ?? char)
    .replace(/[\\`*_[\]|~#@]/gu, (char) => `\\${char}`);
}

/** Inside backticks, in a cell. */
export function code(text: string): string {
  return text.replace(/\s+/gu, " ").replaceAll("`", "'").replaceAll("|", "\\|");
}
