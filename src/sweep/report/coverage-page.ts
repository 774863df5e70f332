/**
 * `coverage.md`: what a suite withstands, in the form in which teams write down what their tests cover: areas, their rows, how much of
 * each was tried, the gaps, and which of them come first.
 */
import type { Verdict } from "../contract/finding.js";
import type { CaseReport, SweepReport } from "../contract/report.js";
import { several } from "../../drawing/figures.js";
import { commandText, heavier } from "./cells.js";
import { code, inCell, table } from "./markdown.js";

interface AreaRow {
  readonly area: string;
  readonly row: string;
  /** The kinds that try it, with their protocols, since some have the same name: `tcp silent`. */
  readonly kinds: readonly string[];
}

/** In the order of the page. A kind that stands nowhere has a row of its own under "Other". */
export const AREAS: readonly AreaRow[] = [
  {
    area: "Server failures",
    row: "Crash after the work, before the response",
    kinds: [
      "http lost",
      "http lost-silent",
      "http closed",
      "http 500",
      "http 502",
      "tcp lost",
      "tcp lost-silent",
      "tcp closed",
    ],
  },
  {
    area: "Server failures",
    row: "Crash before the work",
    kinds: [
      "http request-lost",
      "http request-cut",
      "http upload-cut",
      "tcp reset",
      "tcp refused",
      "tcp request-cut",
    ],
  },
  {
    area: "Server failures",
    row: "Data corruption",
    kinds: [
      "http garbled",
      "http empty",
      "http cut",
      "http shortened",
      "http html",
      "http malformed",
      "tcp cut",
      "tcp cut-closed",
      "tcp cut-silent",
    ],
  },
  { area: "Server failures", row: "Overload", kinds: ["http 503", "http late", "tcp slow"] },
  {
    area: "Server failures",
    row: "Stale responses, requests carried out twice",
    kinds: ["http stale", "http twice"],
  },
  {
    area: "Network",
    row: "Connections that end or fall silent",
    kinds: ["http race", "tcp silent", "tcp half-open", "tcp end-reset"],
  },
  {
    area: "Network",
    row: "TLS handshakes that fail or stall",
    kinds: [
      "tls reset",
      "tls closed",
      "tls silent",
      "tls alert",
      "tls slow",
      "tls stuck",
      "tls late-alert",
      "tls unsaid-end",
    ],
  },
  {
    area: "Network",
    row: "Datagrams lost, doubled, out of order",
    kinds: ["udp lost", "udp answer-lost", "udp twice", "udp answer-twice", "udp swapped"],
  },
  {
    area: "Network",
    row: "DNS failure",
    kinds: [
      "dns nxdomain",
      "dns servfail",
      "dns silent",
      "dns truncated",
      "dns wrong-address",
      "dns no-address",
      "dns ttl-0",
    ],
  },
  { area: "Recovery", row: "Retries that fail as well", kinds: ["http blocked"] },
  { area: "Recovery", row: "Outages that outlast a lease or a session", kinds: ["http outage"] },
  {
    area: "Security",
    row: "Wrong certificates, old versions of TLS",
    kinds: [
      "tls unknown-ca",
      "tls wrong-host",
      "tls expired",
      "tls self-signed",
      "tls not-yet-valid",
      "tls bad-signature",
      "tls incomplete-chain",
      "tls wrong-usage",
      "tls no-san",
      "tls weak-key",
      "tls sha1",
      "tls revoked",
      "tls huge",
      "tls old-version",
      "tls certificate-wanted",
    ],
  },
  { area: "Security", row: "Token expiration", kinds: ["http 401"] },
  { area: "Security", row: "Rate limiting", kinds: ["http 429"] },
];

export type State = "covered" | "gap" | "in doubt" | "not reached" | "not tried";

interface Line extends AreaRow {
  readonly state: State;
  readonly survived: number;
  readonly cases: readonly CaseReport[];
  readonly worst: Verdict | null;
}

export function coveragePage(report: SweepReport): string {
  const lines = linesOf(report);
  const rows = lines.map((line) => [
    line.area,
    line.row,
    line.kinds.map((kind) => `\`${code(kind)}\``).join(" "),
    line.cases.length === 0 ? "" : `${String(line.survived)} of ${String(line.cases.length)}`,
    line.state,
    priorityOf(line),
    gapText(report, line),
  ]);
  const recovery = report.sites.filter((site) => site.only_under_faults);
  const parts = [
    "# What this suite withstands",
    `Made by \`squall sweep\` for \`${code(commandText(report.command))}\`. A case that survived was run once.`,
    table(["area", "row", "kinds", "survived", "state", "priority", "gap"], rows),
    recovery.length === 0
      ? ""
      : `Calls that only faults brought about, which no other test makes: ${recovery.map(({ name }) => `\`${code(name)}\``).join(", ")}.`,
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function linesOf(report: SweepReport): Line[] {
  const known = new Set(AREAS.flatMap(({ kinds }) => kinds));
  const protocols = new Map(report.sites.map(({ id, protocol }) => [id, protocol]));
  const named = (site: string, kind: string): string => `${protocols.get(site) ?? ""} ${kind}`;
  const others = report.kinds
    .map(({ name, protocol, about }) => ({ area: "Other", row: about, kinds: [`${protocol} ${name}`] }))
    .filter(({ kinds }) => kinds.every((kind) => !known.has(kind)));
  return [...AREAS, ...others].map((row) => {
    const cases = report.cases.filter((one) =>
      one.cells.some(({ site, kind }) => row.kinds.includes(named(site, kind))),
    );
    let worst: Verdict | null = null;
    for (const { verdict } of cases) if (worst === null || heavier(verdict, worst)) worst = verdict;
    const survived = cases.filter(({ verdict }) => verdict.startsWith("survived")).length;
    return { ...row, cases, worst, survived, state: stateOf(worst, survived) };
  });
}

function stateOf(worst: Verdict | null, survived: number): State {
  switch (worst) {
    case null:
      return "not tried";
    case "FAILED":
    case "HUNG":
    case "WRONG":
    case "STUCK":
      return "gap";
    case "FLAKY":
    case "SUSPECT":
    case "harness error":
      return "in doubt";
    case "not reached":
    case "not run":
      // Others of the row may have been hit all the same.
      return survived > 0 ? "covered" : worst === "not run" ? "not tried" : "not reached";
    default:
      return "covered";
  }
}

/** Work that is lost or done wrongly comes before a bot that says that it failed. */
function priorityOf({ state, worst }: Line): string {
  if (state === "gap") return worst === "FAILED" ? "medium" : "high";
  return state === "in doubt" ? "medium" : state === "covered" ? "" : "low";
}

function gapText(report: SweepReport, { cases }: Line): string {
  const numbers = [...new Set(cases.map(({ finding }) => finding).filter((number) => number !== null))];
  const shown = numbers.slice(0, 3).flatMap((number) => {
    const finding = report.findings.find((one) => one.number === number);
    return finding === undefined ? [] : [`${String(number)}: ${inCell(finding.title)}`];
  });
  const more = numbers.length > 3 ? [`and ${several(numbers.length - 3, "other finding")}`] : [];
  return [...shown, ...more].join("<br>");
}
