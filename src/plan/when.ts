/** `when`: which of the matching subjects are hit. Skip and every, or only; then probability, then count. */
import type { MatchEntry } from "../config/match.js";
import { perKeys, type PerKey, type WhenEntry } from "../config/conditions.js";
import type { Millis } from "../core/clock.js";
import { BoundedMap } from "../core/lru.js";
import { hashOf, READ_MAX_BYTES } from "../core/digest.js";
import { retryMark } from "../core/request-words.js";
import type { Admission, Decision, Mismatch } from "../pipeline/armed.js";
import type { DrawBy } from "../pipeline/keyed-draws.js";
import type { WhenReason } from "../core/verdict-reasons.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";
import { compileDraw } from "./draw-by.js";
import type { Misses } from "./misses.js";
import { mismatchOf } from "./mismatch.js";
import type { Ordinals } from "./ordinals.js";
import { asksStatus, asksUpstream, compileBeforehand, compileMatch, compileRoute } from "./match.js";
import type { CompiledFault } from "./value.js";

interface Counters {
  seen: number;
  hits: number;
}

/** How many keys a `per` remembers; beyond it the longest unused one starts anew. As many requests are known again by `follow`. */
export const KEYS_REMEMBERED = 10_000;

/** Bodies of requests that were hit and are alike as far as their heads tell; null where one of them was not known. */
type Bodies = Set<string> | null;

/** More of them are not told apart. */
const BODIES_REMEMBERED = 64;

/** What it has counted and hit, which outlives a change of its text. */
class Memory {
  readonly counters = new BoundedMap<string, Counters>(KEYS_REMEMBERED);
  /** Requests that were hit, by what their retries have in common with them. */
  readonly followed = new BoundedMap<string, Bodies>(KEYS_REMEMBERED);
  /** When the outage is over that a hit began; see `lasts`. */
  outageEnds: Millis = -Infinity;
}

function withBody(bodies: Bodies | undefined, body: string | null): Bodies {
  if (bodies === null || body === null) return null;
  if (bodies === undefined) return new Set([body]);
  return bodies.size < BODIES_REMEMBERED ? bodies.add(body) : null;
}

export class WhenAdmission implements Admission {
  readonly needsStatus: boolean;
  readonly paths: readonly string[];
  readonly drawBy: DrawBy | null;
  readonly #when: WhenEntry;
  /** Whether subjects have to be counted for it. */
  readonly #counted: boolean;
  readonly #only: ReadonlySet<number> | null;
  readonly #probability: () => number;
  readonly #matches: ((subject: SubjectInfo) => boolean) | null;
  readonly #except: ((subject: SubjectInfo) => boolean) | null;
  readonly #mayMatch: (subject: SubjectInfo) => boolean;
  readonly #route: (subject: SubjectInfo) => string;
  readonly #keyOf: (subject: SubjectInfo) => string;
  readonly #memory: Memory;
  readonly #entries: { readonly match: readonly MatchEntry[]; readonly except: readonly MatchEntry[] };
  readonly #misses: Misses | null;
  readonly #ordinals: Ordinals | null;
  readonly #now: () => Millis;

  constructor(
    fault: CompiledFault,
    proxyExcept: readonly MatchEntry[],
    probability: () => number,
    misses: Misses | null = null,
    ordinals: Ordinals | null = null,
    now: () => Millis = () => 0,
    memory = new Memory(),
  ) {
    this.#when = fault.when;
    this.drawBy = fault.draw === undefined ? null : compileDraw(fault.draw);
    const { skip = 0, every = 1, count = Infinity, only } = fault.when;
    this.#counted = skip > 0 || every > 1 || count < Infinity || only !== undefined;
    this.#only = only === undefined ? null : new Set(only);
    this.#keyOf = keyOf(perKeys(fault.when), (subject) => this.routeOf(subject));
    this.#probability = probability;
    this.#matches = fault.match.length === 0 ? null : compileMatch(fault.match);
    const except = [...fault.except, ...proxyExcept];
    this.#entries = { match: fault.match, except };
    this.#except = except.length === 0 ? null : compileMatch(except);
    this.#route = compileRoute(fault.match);
    this.paths = fault.match.flatMap(({ path }) => path ?? []);
    this.needsStatus = asksStatus(fault.match) || asksStatus(except);
    this.#mayMatch =
      this.needsStatus || asksUpstream(fault.match) || asksUpstream(except)
        ? compileBeforehand(fault.match, except)
        : (subject) => this.matches(subject);
    this.#memory = memory;
    this.#misses = misses;
    this.#ordinals = ordinals;
    this.#now = now;
  }

  /** The same counters under new rules, for a fault whose text was changed while it was in force. */
  replacedBy(
    fault: CompiledFault,
    proxyExcept: readonly MatchEntry[],
    probability: () => number,
    misses: Misses | null = null,
    ordinals: Ordinals | null = null,
  ): WhenAdmission {
    return new WhenAdmission(fault, proxyExcept, probability, misses, ordinals, this.#now, this.#memory);
  }

  get evicted(): number {
    const { counters, followed } = this.#memory;
    return counters.evicted + followed.evicted;
  }

  routeOf(subject: SubjectInfo): string {
    return this.#route(subject);
  }

  mayMatch(subject: SubjectInfo): boolean {
    return this.#mayMatch(subject);
  }

  matches(subject: SubjectInfo): boolean {
    if (this.#matches !== null && !this.#matches(subject)) return false;
    return this.#except === null || !this.#except(subject);
  }

  missed(subject: SubjectInfo): void {
    if (this.#misses === null) return;
    // Only `except` can have kept out what matches.
    if (this.#except !== null && (this.#matches === null || this.#matches(subject))) this.#misses.spared();
    else this.#misses.missed(subject);
  }

  fires(subject: SubjectInfo, draw: () => number): boolean {
    const fires = this.#decides(subject, draw);
    const { exchange } = subject;
    if (this.#when.follow === undefined || exchange === undefined) return fires;
    const { followed } = this.#memory;
    const { method, target } = exchange;
    const mark = retryMark({ method, target, header: (name) => exchange.headers(name)[0] });
    const same = `${subject.bot.length}:${subject.bot}${mark}`;
    // A key says more than any body; without one, the body does as far as it came with the head.
    const ahead = mark.startsWith("key ") ? null : (exchange.bodyAhead?.() ?? null);
    const body = ahead === null ? null : hashOf(ahead.subarray(0, READ_MAX_BYTES));
    const bodies = followed.get(same);
    if (fires) followed.set(same, withBody(bodies, body));
    return fires || (bodies !== undefined && (bodies === null || body === null || bodies.has(body)));
  }

  /** By its own rules, whatever of the same request was hit before. */
  #decides(subject: SubjectInfo, draw: () => number): boolean {
    const { skip = 0, every = 1, count = Infinity, lasts } = this.#when;
    const now = lasts === undefined ? 0 : this.#now();
    // Within an outage nobody is asked, and no other one begins.
    const isOut = lasts !== undefined && now < this.#memory.outageEnds;
    const counters = this.#counted ? this.#countersOf(subject) : null;
    if (counters !== null) {
      const ordinal = ++counters.seen - skip;
      this.#ordinals?.came(counters.seen);
      if (isOut) return true;
      if (this.#only === null ? ordinal <= 0 || ordinal % every !== 0 : !this.#only.has(ordinal))
        return false;
    }
    if (isOut) return true;
    const probability = this.#probability();
    if (probability <= 0 || (probability < 1 && draw() >= probability)) return false;
    if (counters !== null) {
      if (counters.hits >= count) return false;
      counters.hits++;
    }
    if (lasts !== undefined) this.#memory.outageEnds = now + lasts;
    return true;
  }

  weighs(draw: () => number): boolean | null {
    const { probability = 1, follow, lasts } = this.#when;
    if (this.#counted || follow !== undefined || lasts !== undefined || typeof probability !== "number")
      return null;
    return probability >= 1 || draw() < probability;
  }

  mismatch(subject: SubjectInfo): Mismatch {
    return mismatchOf(this.#entries.match, this.#entries.except, subject);
  }

  /** From what is counted by now, this one included. */
  decision(subject: SubjectInfo, fired: boolean, draw: () => number): Decision {
    const { skip = 0, every = 1, count = Infinity, only } = this.#when;
    const per = perKeys(this.#when);
    const counters = this.#counted ? this.#countersOf(subject) : null;
    const was = counters?.seen ?? 0;
    const probability = this.#probability();
    const drawn = probability > 0 && probability < 1 ? { probability, drawn: draw() } : null;
    const isDue =
      counters === null ||
      (this.#only === null ? was > skip && (was - skip) % every === 0 : this.#only.has(was - skip));
    const when: WhenReason | null =
      counters === null
        ? null
        : only !== undefined
          ? { rule: "only", wanted: only, was, per }
          : was <= skip
            ? { rule: "skip", wanted: skip, was, per }
            : every > 1
              ? { rule: "every", wanted: every, was: was - skip, per }
              : null;
    const spent: WhenReason | null =
      counters === null || count === Infinity
        ? null
        : { rule: "count", wanted: count, was: counters.hits, per };
    const isDrawn = probability > 0 && (drawn === null || drawn.drawn < probability);
    if (fired) {
      const itself = isDue && isDrawn && (spent === null || counters === null || counters.hits <= count);
      const follows: WhenReason = { rule: "follow", wanted: 1, was: 1, per };
      return { judgement: "hit", when: itself ? (when ?? spent) : follows, draw: isDue ? drawn : null };
    }
    if (!isDue) return { judgement: "not_due", when, draw: null };
    if (!isDrawn) return { judgement: "not_drawn", when, draw: drawn ?? { probability, drawn: draw() } };
    return { judgement: "spent", when: spent, draw: drawn };
  }

  #countersOf(subject: SubjectInfo): Counters {
    const key = this.#keyOf(subject);
    const known = this.#memory.counters.get(key);
    if (known) return known;
    const counters = { seen: 0, hits: 0 };
    this.#memory.counters.set(key, counters);
    return counters;
  }
}

/** What a subject is counted under. Several keys are told apart by the length of the first, since bots choose their names. */
function keyOf(
  per: readonly PerKey[],
  routeOf: (subject: SubjectInfo) => string,
): (subject: SubjectInfo) => string {
  const parts = per.map((key): ((subject: SubjectInfo) => string) => {
    switch (key) {
      case "proxy":
        return () => "";
      case "bot":
        return ({ bot }) => bot;
      case "connection":
        return ({ connection }) => String(connection);
      case "route":
        return routeOf;
    }
  });
  const [first, ...others] = parts;
  if (first === undefined) return () => "";
  if (others.length === 0) return first;
  return (subject) =>
    parts
      .map((part) => part(subject))
      .map((text) => `${text.length}:${text}`)
      .join("");
}
