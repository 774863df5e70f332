/** The cells of a report, as the table, the heat map and the pages show them: one word for each site and kind, the heaviest of its cases. */
import { shellWord } from "../../core/shell-word.js";
import type { CaseReport, KindReport, SiteReport, SweepReport } from "../contract/report.js";
import type { Verdict } from "../contract/finding.js";
import type { HeatCell, HeatMap, Mark } from "../../drawing/heat-map.js";
import { several } from "../../drawing/figures.js";

export const MARKS: Readonly<Record<Verdict, Mark>> = {
  "WRONG": { sign: "✗", tone: "bad", about: "the command passed or failed, and left a wrong result" },
  "FAILED": { sign: "✗", tone: "bad", about: "the command failed" },
  "STUCK": { sign: "S", tone: "bad", about: "it did not recover after the fault" },
  "HUNG": { sign: "H", tone: "bad", about: "the command hung" },
  "FLAKY": { sign: "~", tone: "doubt", about: "it failed in some of the runs" },
  "SUSPECT": { sign: "?", tone: "doubt", about: "the traffic was not as it should be" },
  "harness error": { sign: "!", tone: "doubt", about: "no run could be made that says anything" },
  "not reached": { sign: "○", tone: "open", about: "the fault met no call" },
  "not run": { sign: "-", tone: "open", about: "it was not run" },
  "survived (packed)": { sign: "√", tone: "good", about: "survived together with other faults" },
  "survived": { sign: "✓", tone: "good", about: "survived" },
};

/** Where no case of that kind makes sense. */
export const BLANK: Mark = { sign: "·", tone: "none", about: "does not apply" };

/** Heaviest first. */
const WEIGHT: readonly Verdict[] = [
  "WRONG",
  "STUCK",
  "HUNG",
  "FAILED",
  "FLAKY",
  "SUSPECT",
  "harness error",
  "not reached",
  "not run",
  "survived (packed)",
  "survived",
];

export interface CellView {
  readonly site: SiteReport;
  readonly kind: KindReport;
  readonly mark: Mark;
  /** Null where none applies. */
  readonly verdict: Verdict | null;
  /** The number of the finding of its heaviest case. */
  readonly finding: number | null;
  /** All of its cases: an ordinal each. */
  readonly cases: readonly CaseReport[];
}

export interface Row {
  readonly site: SiteReport;
  readonly cells: readonly CellView[];
}

export function heavier(one: Verdict, other: Verdict): boolean {
  return WEIGHT.indexOf(one) < WEIGHT.indexOf(other);
}

export interface Grid {
  readonly protocol: Protocol;
  readonly kinds: readonly KindReport[];
  readonly rows: readonly Row[];
}

type Protocol = KindReport["protocol"];
const PROTOCOLS: readonly Protocol[] = ["http", "tcp", "tls", "udp", "dns"];

/**
 * One for each protocol that has a case, since kinds of the same name are other kinds elsewhere: the kinds that have a case there, and the
 * sites that have one. Pairs are told by themselves.
 */
export function gridsOf(report: SweepReport): readonly Grid[] {
  const cases = new Map<string, CaseReport[]>();
  for (const one of report.cases) {
    const [cell, ...others] = one.cells;
    if (cell === undefined || others.length > 0) continue;
    const key = `${cell.site}\n${cell.kind}`;
    const list = cases.get(key);
    if (list === undefined) cases.set(key, [one]);
    else list.push(one);
  }
  return PROTOCOLS.flatMap((protocol) => {
    const sites = report.sites.filter((site) => site.protocol === protocol);
    const kinds = report.kinds.filter(
      (kind) => kind.protocol === protocol && sites.some(({ id }) => cases.has(`${id}\n${kind.name}`)),
    );
    const rows = sites.flatMap((site) => {
      const cells = kinds.map((kind) => cellOf(site, kind, cases.get(`${site.id}\n${kind.name}`) ?? []));
      return cells.every(({ verdict }) => verdict === null) ? [] : [{ site, cells }];
    });
    return rows.length === 0 ? [] : [{ protocol, kinds, rows }];
  });
}

/** Heaviest first; signs that mean several things are there several times. */
export const ALL_MARKS: readonly Mark[] = [...Object.values(MARKS), BLANK];

/** A grid as a map for pages: a cell leads to its finding. */
export function heatMapOf({ kinds, rows }: Grid): HeatMap {
  return {
    corner: "site",
    columns: kinds.map(({ name, about }) => ({ name, about })),
    rows: rows.map(({ site, cells }) => ({
      name: site.name,
      note: `${site.proxy} ${site.bot}`,
      cells: cells.map(heatCellOf),
    })),
  };
}

function heatCellOf({ mark, verdict, finding, cases, kind }: CellView): HeatCell {
  const each = cases.map((one) => {
    const ordinal = one.cells[0]?.ordinal ?? "";
    const text = one.alarms[0]?.text;
    return `${ordinal}: ${one.verdict}${text === undefined ? "" : `, ${text}`}`;
  });
  return {
    mark,
    figure: finding === null ? "" : String(finding),
    said: verdict ?? mark.about,
    more: [kind.name, ...each].join("\n"),
    link: finding === null ? null : `#finding-${String(finding)}`,
  };
}

function cellOf(site: SiteReport, kind: KindReport, cases: readonly CaseReport[]): CellView {
  let worst: CaseReport | null = null;
  for (const one of cases) if (worst === null || heavier(one.verdict, worst.verdict)) worst = one;
  if (worst === null) return { site, kind, mark: BLANK, verdict: null, finding: null, cases };
  return { site, kind, mark: MARKS[worst.verdict], verdict: worst.verdict, finding: worst.finding, cases };
}

/** How many cases ended with each verdict, heaviest first; those that none has are left out. */
function countsOf(report: SweepReport): readonly { verdict: Verdict; count: number }[] {
  return WEIGHT.map((verdict) => ({
    verdict,
    count: report.cases.filter((one) => one.verdict === verdict).length,
  })).filter(({ count }) => count > 0);
}

/** `8 cases: 2 WRONG, 1 HUNG, 5 survived`. */
export function casesText(report: SweepReport): string {
  const counts = countsOf(report).map(({ verdict, count }) => `${String(count)} ${verdict}`);
  return [several(report.cases.length, "case"), ...(counts.length === 0 ? [] : [counts.join(", ")])].join(
    ": ",
  );
}

/** Names of cases by their ids, for people. */
export function namesOf(report: SweepReport, ids: readonly string[]): readonly string[] {
  const names = new Map(report.cases.map(({ id, name }) => [id, name]));
  return ids.map((id) => names.get(id) ?? id);
}

/** Why cases have no verdict: each reason once, with how many cases it stopped. */
export function reasonsOf(report: SweepReport): readonly string[] {
  const counts = new Map<string, number>();
  for (const { verdict, note } of report.cases)
    if (verdict === "harness error")
      counts.set(note ?? "no reason", (counts.get(note ?? "no reason") ?? 0) + 1);
  return [...counts].map(([why, count]) => `no verdict for ${several(count, "case")}: ${why}`);
}

/** Cells that were hit, of those that apply, pairs left aside. */
export function coverageOf(report: SweepReport): { hit: number; applicable: number } {
  return report.coverage.cells.reduce(
    (sum, { hit, applicable }) => ({ hit: sum.hit + hit, applicable: sum.applicable + applicable }),
    { hit: 0, applicable: 0 },
  );
}

/** `3 of 3, fault-free 0 of 9`. */
export function confirmed({ failed, runs, controls }: CaseReport["confirmation"] & object): string {
  return `${String(failed)} of ${String(runs)}, fault-free ${String(controls.failed)} of ${String(controls.runs)}`;
}

export function commandText(command: SweepReport["command"]): string {
  return typeof command === "string" ? command : command.map(shellWord).join(" ");
}
