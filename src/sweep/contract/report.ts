/**
 * A sweep as one value of plain data: `report.json` is this, and the table, `report.html`, JUnit, Markdown and the coverage page are made
 * from it and from nothing else. Times in milliseconds unless a name says otherwise; version 1 of the schema.
 */
import type { SequenceRow } from "../../drawing/sequence.js";
import type { Confirmation, Verdict } from "./finding.js";

export const REPORT_VERSION = 1;

export interface SweepReport {
  readonly version: typeof REPORT_VERSION;
  readonly made_by: { readonly squall: string; readonly node: string };
  /** As it was given: words, or one text for the shell. */
  readonly command: string | readonly string[];
  readonly seed: number;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly took_ms: number;
  readonly workers: number;
  /** Why it ended before all cases were run: a budget, an interrupt; null if it did not. */
  readonly stopped: string | null;
  readonly baselines: readonly BaselineReport[];
  /** Fault-free runs during the sweep, the baselines among them. */
  readonly controls: { readonly failed: number; readonly runs: number };
  /** All runs of the command, with confirmations and controls. */
  readonly runs: number;
  readonly sites: readonly SiteReport[];
  /** The kinds that were asked for, in the order of columns. */
  readonly kinds: readonly KindReport[];
  readonly cases: readonly CaseReport[];
  readonly findings: readonly FindingReport[];
  readonly coverage: CoverageReport;
  /** Whether SUSPECT and FLAKY count as findings. */
  readonly strict: boolean;
  readonly exit_code: number;
}

export interface BaselineReport {
  readonly ms: number;
  readonly exit: string;
  readonly exchanges: number;
  readonly connections: number;
  readonly queries: number;
  readonly flows: number;
}

export interface SiteReport {
  readonly id: string;
  readonly protocol: "http" | "tcp" | "udp" | "dns" | "tls";
  readonly proxy: string;
  readonly bot: string;
  /** For people: `POST /v1/jobs/:n/complete`. */
  readonly name: string;
  readonly steadiness: "stable" | "wavering" | "rare";
  readonly counts: readonly number[];
  /** Seen only while faults acted: the code that recovers, where no other test goes. */
  readonly only_under_faults: boolean;
}

export interface KindReport {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  readonly protocol: "http" | "tcp" | "udp" | "dns" | "tls";
}

export interface CaseReport {
  readonly id: string;
  readonly name: string;
  readonly cells: readonly { readonly site: string; readonly kind: string; readonly ordinal: string }[];
  readonly verdict: Verdict;
  readonly alarms: readonly AlarmReport[];
  readonly confirmation: Confirmation | null;
  readonly ms: number | null;
  /** How the command ended, for people: `exit 1`, `hung for 30 s`; null if it was not run. */
  readonly exit: string | null;
  /** Why it has no verdict, or why a suspicion or an alarm was dropped; null for nothing to say. */
  readonly note: string | null;
  /** The number of the finding that it belongs to; null for none. */
  readonly finding: number | null;
  readonly folder: string | null;
}

export interface AlarmReport {
  readonly verdict: string;
  readonly oracle: string;
  readonly signature: string;
  readonly text: string;
}

export interface FindingReport {
  readonly number: number;
  readonly verdict: Verdict;
  readonly signature: string;
  readonly title: string;
  readonly confirmation: Confirmation;
  /** The id of the case that is replayed, and of all that show the same. */
  readonly case: string;
  readonly cases: readonly string[];
  readonly file: string | null;
  /** `squall replay .squall/failures/0001.yaml`; null if there is no file. */
  readonly replay: string | null;
  /** What client and upstream saw in the run that failed. */
  readonly timeline: readonly TimelineRow[];
  /** Lines of the journal of that run about what was hit, as JSON. */
  readonly journal: readonly string[];
  /** Lines of stderr that no fault-free run printed. */
  readonly stderr: readonly string[];
}

/** One call on both sides, in milliseconds since the command was started; the report draws it as the dashboard does. */
export type TimelineRow = SequenceRow;

export interface CoverageReport {
  /** Cells that were hit, of those that apply, by the ordinal. */
  readonly cells: readonly {
    readonly ordinal: string;
    readonly hit: number;
    readonly applicable: number;
  }[];
  readonly pairs: { readonly hit: number; readonly applicable: number };
  /** The share of cells that must be hit, from 0 to 1; null if none was asked for. */
  readonly required: number | null;
}
