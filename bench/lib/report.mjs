/** The result of a run in words: lines for the terminal, and the sentences that the tables of the docs share with it. */
import { format, percent } from "./format.mjs";

export function asText(report) {
  const lines = [...headlines(report), ""];
  for (const result of report.cases) {
    lines.push(`${result.name}: ${result.title}`);
    if (result.error !== undefined) lines.push(`  failed: ${result.error}`);
    const width = Math.max(0, ...result.rows.map(({ name }) => name.length));
    for (const row of result.rows) lines.push(`  ${row.name.padEnd(width)}  ${figures(row)}`);
    for (const claim of result.claims) lines.push(`  ${verdict(claim).padEnd(12)}  ${sentence(claim)}`);
    for (const note of result.notes) lines.push(`  note: ${note}`);
    lines.push("");
  }
  return lines.join("\n");
}

function figures(row) {
  if (row.values.length === 0) return trouble(row);
  const { unit, median, min, max, note } = row;
  const spread = min === max ? "" : `${format(min)} .. ${format(max)}`;
  const parts = [`${format(median).padStart(9)} ${unit}`, spread, against(row), costs(row), busy(row), note];
  return parts.filter((part) => part !== "").join("   ");
}

/** Why there are no figures. */
export function trouble({ missing, failed }) {
  return missing === undefined ? `failed: ${failed}` : `not measured: ${missing}`;
}

/** How it compares with the row that the case is about. */
export function against({ of }) {
  if (of === undefined || of === null) return "";
  return `x ${format(of.ratio)} [${format(of.low)}, ${format(of.high)}]`;
}

export function costs({ cost }) {
  return cost === undefined || cost === null ? "" : `${format(cost.value)} ${cost.unit}`;
}

/** How busy whose processor was, of one each. A load that was busy all the time measured itself. */
export function busy({ busy: shares, heldBack }) {
  if (shares === undefined) return "";
  const known = Object.entries(shares).filter(([, share]) => share !== null);
  if (known.length === 0) return "";
  return `${known.map(([who, share]) => `${who} ${percent(share)}`).join(", ")}${heldBack ? " (held back)" : ""}`;
}

export function verdict({ verdict: given }) {
  if (given === null) return "not measured";
  return given === "missed" ? "MISSED" : given;
}

export function sentence({ text, kind, sign, target, unit = "", value, low, high, reason }) {
  const wanted = `target ${sign} ${target}${unit === "" ? "" : ` ${unit}`}`;
  if (value === null) return `${text}: ${reason}; ${wanted}`;
  const spread = low === high ? "" : ` [${format(low)}, ${format(high)}]`;
  return `${text}: ${format(value)}${spread} ${kind === "ratio" ? "" : unit}`.trimEnd() + `, ${wanted}`;
}

/** On what, with what and how it was measured. */
export function headlines({ machine, versions, options, startedAt }) {
  const known = Object.entries(versions).map(([name, version]) => `${name} ${version ?? "missing"}`);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, load ${machine.load} at the start`,
    known.join(", "),
    machine.placement,
    `${options.rounds} rounds of ${options.seconds} s, ${startedAt}${options.quick ? ", --quick: figures not to rely on" : ""}`,
    ...(machine.busy ? ["the machine was busy with other work: figures not to rely on"] : []),
  ];
}

/** What did not work, though it is here: one line each. */
export function failures({ cases }) {
  return cases.flatMap(({ name, error, rows }) => [
    ...(error === undefined ? [] : [`${name}: ${error}`]),
    ...rows
      .filter(({ failed }) => failed !== undefined)
      .map((row) => `${name}: ${row.name}: ${row.failed.split("\n")[0]}`),
  ]);
}
