/** The result of a run as text for the terminal and as tables for the docs. */
import { readFileSync, writeFileSync } from "node:fs";
import { format } from "./rounds.mjs";

const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";

export function asText(report) {
  const lines = [headline(report), ""];
  for (const result of report.cases) {
    lines.push(`${result.name}: ${result.title}`);
    if (result.error !== undefined) lines.push(`  failed: ${result.error}`);
    const width = Math.max(0, ...result.rows.map(({ name }) => name.length));
    for (const { name, unit, median, min, max, note } of result.rows) {
      const spread = min === max ? "" : `   ${format(min)} .. ${format(max)}`;
      lines.push(
        `  ${name.padEnd(width)}  ${format(median).padStart(9)} ${unit}${spread}${note === "" ? "" : `   ${note}`}`,
      );
    }
    for (const claim of result.claims)
      lines.push(`  ${claim.held ? "held  " : "MISSED"}  ${sentence(claim)}`);
    for (const note of result.notes) lines.push(`  note: ${note}`);
    lines.push("");
  }
  return lines.join("\n");
}

function sentence({ text, kind, sign, target, unit = "", value, low, high }) {
  const spread =
    low === high
      ? ""
      : kind === "ratio"
        ? ` [${format(low)}, ${format(high)}]`
        : ` (${format(low)} .. ${format(high)})`;
  return (
    `${text}: ${format(value)}${spread} ${unit}`.trimEnd() +
    `, target ${sign} ${target}${unit === "" ? "" : ` ${unit}`}`
  );
}

function headline({ machine, versions, options, startedAt }) {
  const known = Object.entries(versions).map(([name, version]) => `${name} ${version ?? "missing"}`);
  const busy = machine.busy ? ["the machine was busy with other work: figures not to rely on"] : [];
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, load ${machine.load} at the start`,
    known.join(", "),
    `${options.rounds} rounds of ${options.seconds} s, ${startedAt}${options.quick ? ", --quick" : ""}`,
    ...busy,
  ].join("\n");
}

export function asMarkdown(report) {
  const lines = [
    ...headline(report)
      .split("\n")
      .map((line) => `- ${line}`),
    "",
  ];
  for (const result of report.cases) {
    lines.push(`### ${result.name}`, "", `${result.title}.`, "");
    if (result.error !== undefined) lines.push(`Failed: ${result.error}`, "");
    if (result.rows.length > 0) {
      lines.push("| | median | min | max | unit | |", "| --- | ---: | ---: | ---: | --- | --- |");
      for (const { name, unit, median, min, max, note } of result.rows) {
        lines.push(`| ${name} | ${format(median)} | ${format(min)} | ${format(max)} | ${unit} | ${note} |`);
      }
      lines.push("");
    }
    for (const claim of result.claims)
      lines.push(`- **${claim.held ? "held" : "missed"}**: ${sentence(claim)}`);
    for (const note of result.notes) lines.push(`- ${note}`);
    if (result.claims.length + result.notes.length > 0) lines.push("");
  }
  return lines.join("\n").trimEnd();
}

/** Puts the tables between the markers; the rest of the file is for people. */
export function writeMarkdown(file, report) {
  const text = readFileSync(file, "utf8");
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${file} has no ${BEGIN} … ${END}`);
  writeFileSync(file, `${text.slice(0, from + BEGIN.length)}\n\n${asMarkdown(report)}\n\n${text.slice(to)}`);
}
