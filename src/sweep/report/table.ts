/** A report for a terminal: the grid of sites and kinds, what was covered, and each finding with the line that replays it. */
import type { FindingReport, SweepReport } from "../contract/report.js";
import { legendOf } from "../../drawing/heat-map.js";
import {
  ALL_MARKS,
  confirmed,
  casesText,
  coverageOf,
  gridsOf,
  heatMapOf,
  reasonsOf,
  type Grid,
} from "./cells.js";
import { several, timeText } from "../../drawing/figures.js";

/** Words that are coloured, by what they say; the identity where nobody sees colours. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  doubt(text: string): string;
  dim(text: string): string;
}

export const PLAIN: Paint = {
  good: (text) => text,
  bad: (text) => text,
  doubt: (text) => text,
  dim: (text) => text,
};

const GAP = 2;
/** A grid is cut into blocks where it would be wider. */
const WIDTH = 120;

export function tableText(report: SweepReport, paint: Paint = PLAIN, width = WIDTH): string {
  const parts = [allGrids(report, paint, width), summary(report), findings(report, paint), edges(report)];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function allGrids(report: SweepReport, paint: Paint, width: number): string {
  const grids = gridsOf(report);
  if (grids.length === 0) return "";
  const legend = legendOf(grids.map(heatMapOf), ALL_MARKS).map(({ sign, about }) => `${sign} ${about}`);
  return [
    ...grids.map((one) => grid(one, paint, width)),
    paragraph(legend, width).map(paint.dim).join("\n"),
  ].join("\n\n");
}

function grid({ kinds, rows }: Grid, paint: Paint, width: number): string {
  const bots = new Set(rows.map(({ site }) => site.bot));
  const nameOf = (name: string, bot: string): string => (bots.size > 1 ? `${name}  ${bot}` : name);
  const first = Math.max(...rows.map(({ site }) => nameOf(site.name, site.bot).length));
  const widths = kinds.map(({ name }) => Math.max(name.length, 4) + GAP);
  const lines: string[] = [];
  for (const block of blocks(widths, width - first - GAP)) {
    if (lines.length > 0) lines.push("");
    const head = block.map((column) => (kinds[column]?.name ?? "").padEnd(widths[column] ?? 0)).join("");
    lines.push(paint.dim(`${" ".repeat(first + GAP)}${head}`.trimEnd()));
    for (const { site, cells } of rows) {
      const signs = block.map((column) => {
        const cell = cells[column];
        if (cell === undefined) return "";
        const { mark, finding } = cell;
        const text = finding === null ? mark.sign : `${mark.sign} ${String(finding)}`;
        const padded = text.padEnd(widths[column] ?? 0);
        return mark.tone === "none" || mark.tone === "open" ? paint.dim(padded) : paint[mark.tone](padded);
      });
      lines.push(`${nameOf(site.name, site.bot).padEnd(first + GAP)}${signs.join("")}`.trimEnd());
    }
  }
  return lines.join("\n");
}

/** Columns in as many blocks as it takes, each at least one wide. */
function blocks(widths: readonly number[], room: number): number[][] {
  const found: number[][] = [];
  let left = 0;
  widths.forEach((width, column) => {
    const block = found.at(-1);
    if (block === undefined || width > left) {
      found.push([column]);
      left = room - width;
    } else {
      block.push(column);
      left -= width;
    }
  });
  return found;
}

function paragraph(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const line = lines.at(-1);
    if (line === undefined || line.length + item.length + 3 > width) lines.push(item);
    else lines[lines.length - 1] = `${line}   ${item}`;
  }
  return lines;
}

function summary(report: SweepReport): string {
  const { hit, applicable } = coverageOf(report);
  const { pairs } = report.coverage;
  const lines = [
    casesText(report),
    `hit ${String(hit)} of ${several(applicable, "cell")}` +
      (pairs.applicable === 0 ? "" : `, ${String(pairs.hit)} of ${several(pairs.applicable, "pair")}`) +
      `; ${several(report.runs, "run")} in ${timeText(report.took_ms)}` +
      ` with ${several(report.workers, "worker")}`,
  ];
  const { controls } = report;
  if (controls.failed > 0)
    lines.push(
      `baseline flaky: ${String(controls.failed)} of ${String(controls.runs)} fault-free runs failed`,
    );
  lines.push(...reasonsOf(report));
  if (report.stopped !== null) lines.push(`ended early: ${report.stopped}`);
  return lines.join("\n");
}

function findings(report: SweepReport, paint: Paint): string {
  if (report.findings.length === 0) {
    const ran = report.cases.filter(({ verdict }) => verdict.startsWith("survived")).length;
    return ran === 0 ? "" : `no finding: ${several(ran, "case")} survived, one run each`;
  }
  return report.findings.map((finding) => findingText(finding, paint)).join("\n");
}

function findingText(finding: FindingReport, paint: Paint): string {
  const colour = finding.verdict === "FLAKY" || finding.verdict === "SUSPECT" ? paint.doubt : paint.bad;
  const others = finding.cases.length - 1;
  const lines = [
    `${String(finding.number).padStart(2)} ${colour(finding.verdict.padEnd(7))} ${finding.title}`,
    `   ${confirmed(finding.confirmation)}${others > 0 ? `; ${several(others, "other case")} ${others === 1 ? "shows" : "show"} the same` : ""}`,
  ];
  if (finding.replay !== null) lines.push(`   ${finding.replay}`);
  return lines.join("\n");
}

/** Sites that only faults brought about, which is where the code is that recovers. */
function edges(report: SweepReport): string {
  const only = report.sites.filter((site) => site.only_under_faults).map(({ name }) => name);
  return only.length === 0 ? "" : `seen only under faults: ${only.join(", ")}`;
}
