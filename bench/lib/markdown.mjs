/** The result of a run as tables and charts for the docs. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { charts } from "./charts.mjs";
import { format } from "./format.mjs";
import { against, busy, costs, headlines, sentence, trouble, verdict } from "./report.mjs";

const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";

/** `folder` is where the charts are, seen from the page. */
export function asMarkdown(report, folder) {
  const lines = [...headlines(report).map(item), "", ...targets(report)];
  for (const result of report.cases) {
    lines.push(`### ${result.name}`, "", `${result.title}.`, "");
    if (result.error !== undefined) lines.push(`Failed: ${cell(result.error)}`, "");
    for (const { file, title } of charts(result)) lines.push(`![${title}](${folder}/${file})`, "");
    if (result.rows.length > 0) lines.push(...table(result.rows), "");
    for (const claim of result.claims)
      lines.push(item(`**${verdict(claim).toLowerCase()}**: ${sentence(claim)}`));
    lines.push(...result.notes.map(item));
    if (result.claims.length + result.notes.length > 0) lines.push("");
  }
  return lines.join("\n").trimEnd();
}

/** Of a list, on lines of 140 characters at most that break at spaces. */
function item(text) {
  return `- ${text}`.replace(/(?=.{141})(.{1,140}) /gu, "$1\n  ");
}

/** All claims of a run at a glance. */
function targets({ cases }) {
  const claims = cases.flatMap(({ name, claims: all }) => all.map((claim) => ({ name, claim })));
  if (claims.length === 0) return [];
  const count = (wanted) => claims.filter(({ claim }) => claim.verdict === wanted).length;
  const unmeasured = count(null) === 0 ? "" : `, ${count(null)} not measured`;
  return [
    `Of ${claims.length} targets ${count("met")} met, ${count("open")} open, ${count("missed")} missed${unmeasured}.`,
    "",
    "| case | figure | measured | target | verdict |",
    "| --- | --- | ---: | ---: | --- |",
    ...claims.map(({ name, claim }) => {
      const { text, value, low, high, sign, target, unit = "", reason } = claim;
      const spread = low === high ? "" : ` [${format(low)}, ${format(high)}]`;
      const measured = value === null ? cell(reason) : `${format(value)}${spread} ${unit}`.trimEnd();
      const wanted = `${sign} ${target} ${unit}`.trimEnd();
      return `| ${name} | ${text} | ${measured} | ${wanted} | ${verdict(claim).toLowerCase()} |`;
    }),
    "",
  ];
}

/** Columns that no row has anything for are left out. */
function table(rows) {
  const base = rows.find(({ of }) => of !== undefined && of !== null)?.of.base;
  const columns = [
    ["what", "---", ({ name }) => name],
    ["median", "---:", (row) => (row.values.length === 0 ? cell(trouble(row)) : format(row.median))],
    ["min", "---:", ({ values, min }) => (values.length === 0 ? "" : format(min))],
    ["max", "---:", ({ values, max }) => (values.length === 0 ? "" : format(max))],
    ["unit", "---", ({ unit }) => unit],
    [`beside ${base}`, "---:", against],
    ["CPU of the proxy", "---:", costs],
    ["busy", "---", busy],
    ["note", "---", ({ note }) => note],
  ].filter(([title, , text]) => title === "what" || rows.some((row) => text(row) !== ""));
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(([title]) => title)),
    line(columns.map(([, rule]) => rule)),
    ...rows.map((row) => line(columns.map(([, , text]) => text(row)))),
  ];
}

/** Text of others, in one cell. */
function cell(text) {
  return text.split("\n")[0].replaceAll("|", "\\|");
}

/** Throws where tables cannot be put. */
export function checkMarkdown(file, text) {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`--markdown ${file}: it has no ${BEGIN} … ${END}`);
  return { from: from + BEGIN.length, to };
}

/** Puts the tables between the markers, and the charts beside the file; the rest of it is for people. */
export function writeMarkdown(file, report) {
  const text = readFileSync(file, "utf8");
  const { from, to } = checkMarkdown(file, text);
  const folder = basename(file).replace(/\.md$/u, "");
  mkdirSync(join(dirname(file), folder), { recursive: true });
  for (const { file: chart, svg } of report.cases.flatMap(charts)) {
    writeFileSync(join(dirname(file), folder, chart), svg);
  }
  writeFileSync(file, `${text.slice(0, from)}\n\n${asMarkdown(report, folder)}\n\n${text.slice(to)}`);
}
