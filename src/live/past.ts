/**
 * What is known of one that nobody watched: the journal's entries, and what can be worked out of them. Whether `match` holds can be, as far
 * as it asks for what the journal has; which of those that match was meant cannot, since that is counted as they come.
 */
import type { MatchEntry } from "../config/match.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";
import type { ActivationMoments } from "../plan/activation.js";
import type { LivePlan } from "../plan/live.js";
import { mismatchOf } from "../plan/mismatch.js";
import type { CompiledFault } from "../plan/value.js";
import type { JournalEntry } from "../telemetry/entry.js";
import type { Journal } from "../telemetry/journal.js";
import type { ExchangeTrace, JournalLine, LiveAct, Moment, Outcome, Verdict } from "./contract.js";
import { JOURNAL_MAX } from "./limits.js";
import { pastDraw, whyUnknown, type PastSubject } from "./past-draws.js";
import { maskedReason } from "./trace-reason.js";
import { verdictText } from "./verdict-text.js";

export interface PastSources {
  readonly telemetry: { readonly journal: Pick<Journal, "query"> };
  readonly plan: Pick<LivePlan, "moments" | "again">;
}

/** Keys of `match` whose values the journal has. */
const KNOWN_KEYS = ["method", "path", "bot", "upstream", "status", "qname", "qtype", "transport"] as const;
/** Entries that are looked through. */
const READ_MAX = 10_000;

interface Found {
  readonly bot: string;
  readonly connection: number;
  readonly exchange: { readonly id: number; readonly method: string; readonly path: string } | undefined;
  readonly query: { readonly name: string; readonly type: string; readonly transport: string } | undefined;
  readonly upstream: string;
  readonly status: number | null;
}

export class Past {
  readonly #sources: PastSources;

  constructor(sources: PastSources) {
    this.#sources = sources;
  }

  /** Entries about it, oldest first. */
  entries(proxy: string, id: string): readonly JournalLine[] {
    return this.#entries(proxy, id).slice(0, JOURNAL_MAX) as unknown as JournalLine[];
  }

  #entries(proxy: string, id: string): JournalEntry[] {
    const [, letter = "", digits = ""] = /^([cqf]?)(\d+)$/u.exec(id) ?? [];
    const number = Number(digits);
    const all =
      letter === ""
        ? this.#sources.telemetry.journal.query({ proxy, limit: READ_MAX })
        : this.#sources.telemetry.journal.query({ proxy, connection: number, limit: READ_MAX });
    return all.filter((entry) => {
      const { exchange } = entry as { readonly exchange?: { readonly id: number } };
      return letter === "" ? exchange?.id === number : exchange === undefined;
    });
  }

  /** Null if the journal has nothing of it. */
  trace(proxy: string, id: string, moment: Moment): ExchangeTrace | null {
    const entries = this.#entries(proxy, id);
    const found = foundIn(entries);
    const [first] = entries;
    if (found === null || first === undefined) return null;
    const began = Date.parse(first.time);
    const hits = hitsIn(entries, moment);
    const verdicts: Verdict[] = [];
    const on = this.#sources.plan.moments().filter(({ value }) => value.startedAt <= began);
    for (const { value } of on)
      for (const [phase, fault] of faultsOf(value.compiled)) {
        const subject = subjectIn(value, phase, proxy, found);
        const hit = hits.get(keyOf(value.id, fault.name));
        if (hit !== undefined) {
          hits.set(keyOf(value.id, fault.name), drawn(hit, fault, subject, entries));
          continue;
        }
        const elsewhere = [value.proxies, fault.proxies].some((list) => list?.includes(proxy) === false);
        verdicts.push(worked(value, phase, fault, { elsewhere, found, subject }));
      }
    verdicts.unshift(...hits.values());
    return {
      ...moment,
      exchange: null,
      source: "journal",
      missing:
        "nobody was watching: of faults that did nothing to it only what `match` says can be worked out, and its heads are gone",
      verdicts,
      request: null,
      answer: null,
      journal: entries.slice(0, JOURNAL_MAX) as unknown as JournalLine[],
      again: Object.fromEntries(on.map(({ value }) => [value.id, this.#sources.plan.again(value)])),
    };
  }
}

function faultsOf({
  faults,
  phases,
}: ActivationMoments["value"]["compiled"]): (readonly [string, CompiledFault])[] {
  return [
    ...faults.map((fault) => ["", fault] as const),
    ...phases.flatMap(({ phase, faults: own }) => own.map((fault) => [phase, fault] as const)),
  ];
}

function keyOf(activation: string, fault: string): string {
  return JSON.stringify([activation, fault]);
}

/** Who it was, from the entry that knows most of it. */
function foundIn(entries: readonly JournalEntry[]): Found | null {
  let found = null as Found | null;
  for (const entry of entries) {
    const { bot, connection, exchange, query, upstream, upstream_status } = entry as Partial<Found> & {
      readonly upstream_status?: number | null;
    };
    if (bot === undefined || connection === undefined) continue;
    found = {
      bot,
      connection,
      exchange: exchange ?? found?.exchange,
      query: query ?? found?.query,
      upstream: upstream ?? found?.upstream ?? "",
      status: upstream_status ?? found?.status ?? null,
    };
  }
  return found;
}

type Hit = Extract<JournalEntry, { kind: "fault_hit" }>;

/** What faults did, as the journal has it. */
function hitsIn(entries: readonly JournalEntry[], { now, now_wall }: Moment): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const entry of entries) {
    if (entry.kind !== "fault_hit") continue;
    const hit: Hit = entry;
    const { activation, profile, phase, fault, type, observed = false } = hit;
    const act: LiveAct = {
      activation,
      profile,
      phase,
      fault,
      type,
      effect: hit.effect,
      amount: hit.amount,
      at: Date.parse(hit.time) - now_wall + now,
      detail: hit.detail ?? null,
      observed,
    };
    const before = verdicts.get(keyOf(activation, fault));
    const acts = [...(before?.acts ?? []), act];
    const nothing = { match: null, when: null, draw: null };
    verdicts.set(keyOf(activation, fault), {
      activation,
      profile,
      phase,
      fault,
      type,
      observe: observed,
      at: act.at,
      outcome: "hit",
      text: verdictText("hit", { ...nothing, acts }, observed),
      ...nothing,
      acts,
      recomputed: false,
    });
  }
  return verdicts;
}

function subjectIn(
  { id: activation, seed, compiled }: ActivationMoments["value"],
  phase: string,
  proxy: string,
  { bot, exchange, query }: Found,
): PastSubject {
  const [path, name] = [exchange?.path ?? null, query?.name ?? null];
  return { seed, activation, phase, repeat: compiled.repeat, proxy, bot, path, name };
}

/** With the number that hit it, where that can be drawn again. */
function drawn(
  hit: Verdict,
  fault: CompiledFault,
  subject: PastSubject,
  entries: readonly JournalEntry[],
): Verdict {
  const entry = entries.find(
    (one): one is Hit =>
      one.kind === "fault_hit" && one.activation === hit.activation && one.fault === hit.fault,
  );
  if (entry?.draw === undefined) return hit;
  const draw = pastDraw(fault, entry.draw, subject);
  return draw === null
    ? hit
    : { ...hit, draw, text: verdictText("hit", { ...hit, draw }, hit.observe), recomputed: true };
}

/** What can be worked out of one that did nothing to it. */
function worked(
  { id: activation, profile, mode }: ActivationMoments["value"],
  phase: string,
  fault: CompiledFault,
  {
    elsewhere,
    found,
    subject,
  }: { readonly elsewhere: boolean; readonly found: Found; readonly subject: PastSubject },
): Verdict {
  const observe = mode === "observe";
  const match = elsewhere ? null : knownMismatch(fault.match, found);
  const again = elsewhere || match !== null ? null : pastDraw(fault, undefined, subject);
  // One that was drawn, and did nothing, may not have been asked.
  const draw = again !== null && again.drawn >= again.probability ? again : null;
  const outcome: Outcome = elsewhere
    ? "not_in_force"
    : match !== null
      ? "no_match"
      : draw !== null
        ? "not_drawn"
        : "unknown";
  const why =
    outcome === "not_in_force"
      ? "it is for other proxies"
      : again === null
        ? whyUnknown(fault)
        : "its draw was for it, and it did nothing; nobody was watching why";
  const nothing = { when: null, draw, acts: [] };
  return {
    activation,
    profile,
    phase,
    fault: fault.name,
    type: fault.type,
    observe,
    at: null,
    outcome,
    text: verdictText(outcome, { ...nothing, match }, observe, why),
    match,
    ...nothing,
    recomputed: outcome !== "unknown",
  };
}

/** The key that fails for certain: of what the journal has not, anything may hold. */
function knownMismatch(match: readonly MatchEntry[], found: Found): Verdict["match"] {
  const known = match.map((entry): MatchEntry =>
    Object.fromEntries(KNOWN_KEYS.flatMap((key) => (entry[key] === undefined ? [] : [[key, entry[key]]]))),
  );
  // One that asks for nothing that is known may have held.
  if (known.length === 0 || known.some((entry) => Object.keys(entry).length === 0)) return null;
  const reason = mismatchOf(known, [], subjectOf(found)).match;
  return reason === null ? null : maskedReason(reason);
}

function subjectOf({ bot, connection, exchange, query, upstream, status }: Found): SubjectInfo {
  return {
    bot,
    connection,
    client: "",
    ...(query === undefined ? {} : { query }),
    ...(exchange === undefined
      ? {}
      : {
          exchange: {
            ...exchange,
            target: exchange.path,
            host: "",
            upstream,
            status,
            headers: () => [],
            queries: () => [],
          },
        }),
  };
}
