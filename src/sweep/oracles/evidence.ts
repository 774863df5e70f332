/**
 * What an oracle is handed, and the words that all of them share: one run with what was done to it, and what is normal. Oracles are pure:
 * the same evidence, the same alarms.
 */
import type { Alarm } from "../contract/finding.js";
import type { SeenExchange } from "../contract/record.js";
import type { FaultInput, RunResult } from "../contract/run.js";
import type { Normal } from "./normal.js";

/** Where an exchange belongs: whoever names sites says so. */
export interface Place {
  /** The id of its site, known or not: the same for all calls of one route by bots of one class. */
  readonly site: string;
  /** For people and for signatures: `POST /v1/jobs/:n/complete`. */
  readonly name: string;
  /** The values of the template's variables in this path: what the call is about. */
  readonly about: readonly string[];
}

export type PlaceOf = (exchange: SeenExchange) => Place;

/** Objectives, such as those of MockServer's verifySLO. */
export interface Objectives {
  /** The 95th percentile of what clients waited for their exchanges, in milliseconds. */
  readonly p95?: number | undefined;
  /** The share of exchanges that clients saw fail: no status, or one of 500 and above. */
  readonly errorRate?: number | undefined;
  /** With fewer exchanges nothing is said. */
  readonly minSamples: number;
}

export interface JudgeOptions {
  /** JSON pointers into the audit that may differ; `*` stands for any one step. */
  readonly ignore: readonly string[];
  /** How far a number of the audit may lie outside the range of the fault-free runs, as a share of its largest: 0.1 is 10 %. */
  readonly tolerance: number;
  /** `POST /v1/jobs/:n/complete`: calls that may be repeated without a key, because the server knows them again. */
  readonly idempotent: readonly string[];
  readonly slo: Objectives | null;
}

export interface Evidence {
  readonly run: RunResult;
  /** What was switched on. */
  readonly faults: readonly FaultInput[];
  readonly normal: Normal;
  readonly place: PlaceOf;
  readonly options: JudgeOptions;
}

/** One of O1 to O7, or a part of O6. */
export type Oracle = (evidence: Evidence) => readonly Alarm[];

/** As RFC 9110 section 9.2.1 has it. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export const isSafe = ({ method }: { readonly method: string }): boolean => SAFE.has(method);

/** RFC 9110 section 9.2.2: to send it twice is to mean it once. */
export const isIdempotent = (call: { readonly method: string }): boolean =>
  isSafe(call) || call.method === "PUT" || call.method === "DELETE";

/** The upstream did what it was asked. */
export const isAccepted = ({ forwarded, upstreamStatus: status }: SeenExchange): boolean =>
  forwarded && status !== null && status >= 200 && status < 300;

/** The client was told so, as far as its status goes. */
export const isGood = ({ clientStatus: status }: SeenExchange): boolean =>
  status !== null && status >= 200 && status < 400;

/** The faults of the case that acted on an exchange. */
export function faultsOn(exchange: SeenExchange, faults: readonly FaultInput[]): FaultInput[] {
  return faults.filter(({ name }) => exchange.faults.includes(name));
}

/** Exchanges in groups, each in the order of the record. */
export function grouped(
  exchanges: Iterable<SeenExchange>,
  keyOf: (exchange: SeenExchange) => string,
): Map<string, SeenExchange[]> {
  const groups = new Map<string, SeenExchange[]>();
  for (const exchange of exchanges) {
    const key = keyOf(exchange);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [exchange]);
    else group.push(exchange);
  }
  return groups;
}

/** What a repetition repeats: the same bot asks the same of the same path. */
export function wordingOf({ proxy, bot, method, path, request }: SeenExchange): string {
  return [proxy, bot, method, path, request.hash ?? "", request.bytes, request.operation ?? ""].join("\n");
}

/** Seconds, as sentences have them: `0.4 s`, `12 s`. */
export function seconds(ms: number): string {
  const value = ms / 1000;
  return `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} s`;
}
