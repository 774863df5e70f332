/** The outcome of a sweep as the one value that all reports are made from. */
import type { CaseResult, Finding } from "../contract/finding.js";
import { REPORT_VERSION } from "../contract/report.js";
import type {
  BaselineReport,
  CaseReport,
  CoverageReport,
  FindingReport,
  KindReport,
  SiteReport,
  SweepReport,
} from "../contract/report.js";
import type { RunResult } from "../contract/run.js";
import type { Site } from "../contract/site.js";
import type { PlaceOf } from "../oracles/calls.js";
import { exitText } from "../oracles/ending.js";
import { journalOf, timelineOf, unusualLines, usualOf } from "../report/evidence.js";
import { siteNameOf } from "../sites/names.js";
import { byWeight } from "./findings.js";
import { exitOf, isHit, STOPPED, type SweepOutcome, type UnderFaults } from "./outcome.js";
import type { SweepSettings } from "./settings.js";

export interface ReportParts {
  readonly outcome: SweepOutcome;
  readonly settings: SweepSettings;
  readonly place: PlaceOf;
  readonly sites: readonly Site[];
  readonly kinds: readonly KindReport[];
  readonly command: SweepReport["command"];
  readonly workers: number;
  readonly madeBy: SweepReport["made_by"];
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly took: number;
}

export function reportOf(parts: ReportParts): SweepReport {
  const { outcome, settings, sites, kinds, command, workers, madeBy, started, took } = parts;
  const numbers = new Map<string, number>();
  for (const { number, results } of outcome.findings)
    for (const one of results) numbers.set(one.case.id, number);
  const used = new Set(
    outcome.results.flatMap(({ case: { cells } }) =>
      cells.map(({ site, kind }) => `${site.protocol} ${kind}`),
    ),
  );
  return {
    version: REPORT_VERSION,
    made_by: madeBy,
    command,
    seed: settings.seed,
    started,
    took_ms: Math.round(took),
    workers,
    stopped: outcome.stop === null ? null : STOPPED[outcome.stop],
    baselines: outcome.baselines.map(baselineReport),
    controls: outcome.controls,
    runs: outcome.runs,
    sites: [...sites.map(siteReport), ...outcome.underFaults.map(underFaultsReport)],
    kinds: kinds.filter(({ name, protocol }) => used.has(`${protocol} ${name}`)),
    cases: outcome.results.map((result) => caseReport(result, numbers.get(result.case.id) ?? null)),
    findings: [...outcome.findings].sort(byWeight).map((finding) => findingReport(finding, parts)),
    coverage: coverageReport(outcome, settings),
    strict: settings.strict,
    exit_code: exitOf(outcome, settings).code,
  };
}

function baselineReport({ ms, exit, record }: RunResult): BaselineReport {
  return {
    ms: Math.round(ms),
    exit: exitText(exit),
    exchanges: record.exchanges.length,
    connections: record.connections.length,
    queries: record.queries.length,
    flows: record.flows.length,
  };
}

function siteReport(site: Site): SiteReport {
  const { id, protocol, proxy, botClass, steadiness, counts } = site;
  return {
    id,
    protocol,
    proxy,
    bot: botClass,
    name: siteNameOf(site),
    steadiness,
    counts,
    only_under_faults: false,
  };
}

function underFaultsReport({ id, proxy, bot, name }: UnderFaults): SiteReport {
  return { id, protocol: "http", proxy, bot, name, steadiness: "rare", counts: [], only_under_faults: true };
}

function caseReport(result: CaseResult, finding: number | null): CaseReport {
  const { case: of, verdict, alarms, confirmation, run, note } = result;
  return {
    id: of.id,
    name: of.name,
    cells: of.cells.map(({ site, kind, ordinal }) => ({ site: site.id, kind, ordinal: ordinal.word })),
    verdict,
    alarms: alarms.map(({ verdict: word, oracle, signature, text }) => ({
      verdict: word,
      oracle,
      signature,
      text,
    })),
    confirmation,
    ms: run === null ? null : Math.round(run.ms),
    exit: run === null ? null : exitText(run.exit),
    note: note ?? null,
    finding,
    folder: run?.folder ?? null,
  };
}

function findingReport(finding: Finding, { outcome, place }: ReportParts): FindingReport {
  const { number, verdict, signature, title, confirmation, results, file } = finding;
  const run = results[0]?.run ?? null;
  const nameOf = (exchange: Parameters<PlaceOf>[0]): string => `${exchange.bot} ${place(exchange).site}`;
  const usual = usualOf(
    outcome.baselines.map(({ record }) => record),
    nameOf,
  );
  return {
    number,
    verdict,
    signature,
    title,
    confirmation,
    case: results[0]?.case.id ?? "",
    cases: results.map((result) => result.case.id),
    file,
    replay: file === null ? null : `squall replay ${file}`,
    timeline: run === null ? [] : timelineOf(run.record, usual, nameOf),
    journal: run === null ? [] : journalOf(run.record.hits),
    stderr:
      run === null
        ? []
        : unusualLines(
            run.output.stderr,
            outcome.baselines.map(({ output }) => output.stderr),
          ),
  };
}

function coverageReport(
  { results, singles }: SweepOutcome,
  { requireCoverage }: SweepSettings,
): CoverageReport {
  const cells = new Map<string, { hit: number; applicable: number }>();
  for (const result of results.slice(0, singles.length)) {
    const word = result.case.cells[0]?.ordinal.word ?? "first";
    const count = cells.get(word) ?? { hit: 0, applicable: 0 };
    count.applicable++;
    if (isHit(result)) count.hit++;
    cells.set(word, count);
  }
  const pairs = results.slice(singles.length);
  return {
    cells: [...cells].map(([ordinal, count]) => ({ ordinal, ...count })),
    pairs: { hit: pairs.filter(isHit).length, applicable: pairs.length },
    required: requireCoverage,
  };
}
