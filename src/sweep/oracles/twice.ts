/**
 * O6, twice: the upstream did the same thing again. Whoever asks again after an answer that never came must do so under the same key, or
 * of something that may be done twice (RFC 9110, section 9.2.2); whoever was told that all is well must not ask again at all.
 */
import type { Alarm } from "../contract/finding.js";
import type { SeenExchange } from "../contract/record.js";
import { faultsOn, grouped, isAccepted, isGood, isIdempotent, isSafe, wordingOf } from "./calls.js";
import type { Evidence, Oracle } from "./evidence.js";
import { isSpoiled } from "./tries.js";

export const twice: Oracle = (evidence) => {
  const alarms = new Map<string, Alarm>();
  /** Of calls that a timer may repeat: one of them by itself means nothing. */
  const timed = new Map<string, Alarm>();
  for (const group of grouped(evidence.run.record.exchanges, wordingOf).values()) {
    const [first] = group;
    if (first === undefined || group.length < 2 || isSafe(first)) continue;
    if (evidence.options.idempotent(first)) continue;
    const { site, name } = evidence.place(first);
    for (const [index, one] of group.entries()) {
      const found = isAccepted(one) ? repeated(one, group.slice(index + 1), evidence) : null;
      if (found === null) continue;
      const signature = `${found.word} ${name}`;
      const certain = found.word !== "again" || first.method === "PUT";
      (certain ? alarms : timed).set(signature, {
        verdict: "SUSPECT",
        oracle: "O6",
        signature,
        text: found.text,
        site,
      });
      break;
    }
  }
  if (timed.size < WHOLE_STEPS) return [...alarms.values()];
  return [...alarms.values(), ...timed.values()];
};

/** Heartbeats come again by themselves; that several calls about one thing come again is work that is done again. */
const WHOLE_STEPS = 2;

interface Repetition {
  /** `twice`, `rekeyed` or `again`. */
  readonly word: string;
  readonly text: string;
}

function repeated(one: SeenExchange, later: readonly SeenExchange[], evidence: Evidence): Repetition | null {
  const { run, faults, normal, place } = evidence;
  const { site, name, about } = place(one);
  const alike = normal.sites.get(site)?.alike ?? 0;
  const accepted = later.filter(isAccepted);
  const { key } = one.request;
  const told = isGood(one) && !isSpoiled(one, faults) && one.end === "complete";
  if (!told) {
    if (isIdempotent(one) || accepted.length === 0) return null;
    if (key !== null) {
      // Any other call under the key is the repetition; those under other keys are other calls.
      if (later.some(({ request }) => request.key === key)) return null;
      return {
        word: "rekeyed",
        text: `${name} was carried out, its answer did not come, and it was asked again under another key: the server cannot know it again`,
      };
    }
    // What is asked again and again without faults is meant to be.
    if (alike > 1) return null;
    return {
      word: "twice",
      text: `${name} was carried out ${accepted.length + 1} times: its answer did not come, and it was asked again without a key`,
    };
  }
  // A fault that repeats requests of its own, and calls that have to do with nothing in particular, such as signing in again.
  if (about.length === 0 || faultsOn(one, faults).some(({ type }) => type === "duplicate_request"))
    return null;
  const others = accepted.filter(({ request }) => key === null || request.key !== key);
  if (others.length + 1 <= Math.max(1, alike)) return null;
  const next = others[0];
  // Work that was handed out anew in between may be done anew.
  if (next === undefined || run.record.exchanges.some((call) => isNews(call, one, next, evidence)))
    return null;
  return {
    word: "again",
    text: `${name} was carried out and its answer came, and ${others.length === 1 ? "it was" : `${others.length} times it was`} asked again all the same`,
  };
}

function isNews(call: SeenExchange, from: SeenExchange, to: SeenExchange, { place }: Evidence): boolean {
  const between =
    call.at >= from.over && call.at < to.at && call.bot === from.bot && call.proxy === from.proxy;
  return between && isAccepted(call) && place(call).about.length === 0;
}
