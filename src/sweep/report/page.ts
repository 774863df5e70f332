/**
 * `report.html`: one file that asks nothing of the network and runs no script, so it may be mailed and kept. A grid of sites and kinds,
 * and for each finding what both sides saw, its journal, what the command said, and the line that replays it.
 */
import type { FindingReport, SweepReport } from "../contract/report.js";
import {
  ALL_MARKS,
  MARKS,
  commandText,
  confirmed,
  casesText,
  coverageOf,
  gridsOf,
  heatMapOf,
  namesOf,
  reasonsOf,
} from "./cells.js";
import { several, timeText } from "../../drawing/figures.js";
import { legendOf, type HeatCell } from "../../drawing/heat-map.js";
import { sequenceOf } from "../../drawing/sequence.js";
import { STYLE } from "./style.js";
import { svgOf } from "../../drawing/svg.js";
import { svgText } from "./svg.js";
import { escaped } from "./xml.js";

export function pageHtml(report: SweepReport): string {
  const { findings, started } = report;
  const said = findings.length === 0 ? "no finding" : several(findings.length, "finding");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>squall sweep: ${said}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>squall sweep: ${said}</h1>
<p><code>${escaped(commandText(report.command))}</code></p>
<p>${summary(report)}</p>
${warnings(report)}
</header>
<main>
${findings.length === 0 ? "" : `<section><h2>Findings</h2>${findings.map((finding, index) => findingHtml(finding, index, report)).join("\n")}</section>`}
${gridHtml(report)}
${pairsHtml(report)}
${openHtml(report)}
${sitesHtml(report)}
${baselinesHtml(report)}
</main>
<footer><p>Made by Squall ${escaped(report.made_by.squall)} on Node ${escaped(report.made_by.node)}, begun ${escaped(started)}, seed ${String(report.seed)}.</p></footer>
</body>
</html>
`;
}

function summary(report: SweepReport): string {
  const { hit, applicable } = coverageOf(report);
  const { pairs } = report.coverage;
  const ofPairs =
    pairs.applicable === 0 ? "" : ` and ${String(pairs.hit)} of ${several(pairs.applicable, "pair")}`;
  return (
    `${casesText(report)}. ` +
    `Hit ${String(hit)} of ${several(applicable, "cell")}${ofPairs}. ` +
    `${several(report.runs, "run")} in ${timeText(report.took_ms)} with ${several(report.workers, "worker")}; ` +
    `each survived case was run once.`
  );
}

function warnings(report: SweepReport): string {
  const { controls, stopped } = report;
  const lines: string[] = [];
  if (controls.failed > 0)
    lines.push(
      `Baseline flaky: ${String(controls.failed)} of ${String(controls.runs)} fault-free runs failed.`,
    );
  lines.push(...reasonsOf(report).map((line) => `${line}.`));
  if (stopped !== null) lines.push(`Ended early: ${stopped}.`);
  return lines.map((line) => `<p class="warning">${escaped(line)}</p>`).join("\n");
}

function findingHtml(finding: FindingReport, index: number, report: SweepReport): string {
  const { number, verdict, title, confirmation, cases, replay, timeline, journal, stderr } = finding;
  const others =
    cases.length > 1
      ? `<p>Cases with the same outcome: ${namesOf(report, cases).map(codeHtml).join(", ")}</p>`
      : "";
  const again = replay === null ? "" : `<p>Replay: ${codeHtml(replay)}</p>`;
  return `<details id="finding-${String(number)}"${index === 0 ? " open" : ""}>
<summary><b>${String(number)}</b> <span class="${MARKS[verdict].tone}">${verdict}</span> ${escaped(title)}</summary>
<p>Failed ${confirmed(confirmation)}.</p>
${others}${again}
${timeline.length === 0 ? "" : `<figure>${svgText(svgOf(sequenceOf(timeline)))}</figure>`}
${block("What the command said, and no fault-free run did", stderr)}
${block("Journal", journal)}
</details>`;
}

function codeHtml(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function block(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `<h3>${title}</h3><pre>${escaped(lines.join("\n"))}</pre>`;
}

function gridHtml(report: SweepReport): string {
  const maps = gridsOf(report).map(heatMapOf);
  if (maps.length === 0) return "";
  const tables = maps.map(({ corner, columns, rows }) => {
    const head = columns.map(
      ({ name, about }) => `<th scope="col" title="${escaped(about)}">${escaped(name)}</th>`,
    );
    const body = rows.map(
      ({ name, note, cells }) =>
        `<tr><th scope="row">${escaped(name)} <small>${escaped(note)}</small></th>${cells.map(cellHtml).join("")}</tr>`,
    );
    return `<div class="scroll"><table class="grid"><thead><tr><th scope="col">${corner}</th>${head.join("")}</tr></thead>
<tbody>${body.join("\n")}</tbody></table></div>`;
  });
  const legend = legendOf(maps, ALL_MARKS).map(
    ({ sign, tone, about }) => `<span class="${tone}">${sign}</span> ${escaped(about)}`,
  );
  return `<section><h2>Sites and kinds</h2>
${tables.join("\n")}
<p class="legend">${legend.join("<br>")}</p></section>`;
}

function cellHtml({ mark: { sign, tone }, figure, said, more, link }: HeatCell): string {
  const shown = link === null ? sign : `<a href="${escaped(link)}">${sign} ${escaped(figure)}</a>`;
  return `<td class="${tone}" title="${escaped(more)}">${shown}<span class="said"> ${escaped(said)}</span></td>`;
}

function pairsHtml(report: SweepReport): string {
  const pairs = report.cases.filter(({ cells }) => cells.length > 1);
  if (pairs.length === 0) return "";
  const rows = pairs.map(({ name, verdict, finding }) => {
    const where = finding === null ? "" : ` <a href="#finding-${String(finding)}">${String(finding)}</a>`;
    return `<tr><td>${codeHtml(name)}</td><td class="${MARKS[verdict].tone}">${verdict}${where}</td></tr>`;
  });
  return `<section><h2>Pairs</h2><div class="scroll"><table><thead><tr><th scope="col">faults</th><th scope="col">verdict</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div></section>`;
}

/** What says nothing yet, so that nobody takes it for survived. */
function openHtml(report: SweepReport): string {
  const lists = (["not reached", "not run", "harness error"] as const).flatMap((verdict) => {
    const cases = report.cases.filter((one) => one.verdict === verdict);
    if (cases.length === 0) return [];
    return [
      `<h3>${verdict} (${String(cases.length)})</h3><p>${cases.map(({ name }) => codeHtml(name)).join(", ")}</p>`,
    ];
  });
  return lists.length === 0 ? "" : `<section><h2>What is not known</h2>${lists.join("\n")}</section>`;
}

function sitesHtml({ sites }: SweepReport): string {
  const rows = sites.map(
    ({ name, proxy, bot, steadiness, counts, only_under_faults }) =>
      `<tr><td>${codeHtml(name)}</td><td>${escaped(proxy)}</td><td>${escaped(bot)}</td>` +
      `<td>${only_under_faults ? "only under faults" : steadiness}</td><td>${counts.join(", ")}</td></tr>`,
  );
  if (rows.length === 0) return "";
  const head = ["site", "proxy", "bot", "how steady", "calls in each fault-free run"];
  return `<section><h2>Sites</h2><div class="scroll"><table><thead><tr>${head.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div></section>`;
}

function baselinesHtml({ baselines }: SweepReport): string {
  if (baselines.length === 0) return "";
  const rows = baselines.map(
    ({ ms, exit, exchanges, connections, queries, flows }) =>
      `<tr><td>${timeText(ms)}</td><td>${escaped(exit)}</td><td>${String(exchanges)}</td><td>${String(connections)}</td>` +
      `<td>${String(queries)}</td><td>${String(flows)}</td></tr>`,
  );
  const head = ["time", "end", "exchanges", "connections", "queries", "flows"];
  return `<section><h2>Fault-free runs</h2><div class="scroll"><table><thead><tr>${head.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div></section>`;
}
