/** Asks DNS for the addresses of a name under one set of servers and search list, and remembers the answers. */
import type { Clock, Millis } from "../../core/clock.js";
import {
  bothFamilies,
  type Family,
  type FamilyAnswer,
  type FamilyOutcome,
  type FamilyQuestion,
} from "./families.js";
import type { AddressRecord, Lookup } from "./lookup.js";
import { searchNames, type ResolvConf } from "./resolv-conf.js";
import { explainLookupError, ResolveError, type Explanation } from "./resolve-error.js";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: Family;
}

/** There is no minimum, so an answer with TTL 0 serves only those who already wait for it. */
const TTL_MAX: Millis = 3_600_000;
const TTL_OF_FAILURE: Millis = 1_000;
const NAMES_MAX = 1_000;
/** A name whose addresses do not answer is asked for again so often at most, however many find that they do not. */
const RENEWED_EVERY: Millis = 1_000;
/** How long whoever could do with what is remembered waits for something newer. */
const RENEWAL_PATIENCE: Millis = 250;

/** How long after it was asked a family that `resolve` did not wait for may still be of use: a packet that was lost is sent again by then. */
const LATE: Millis = 1_000;

interface Found {
  readonly addresses: readonly ResolvedAddress[];
  readonly ttl: Millis;
  /** The family that was waited for no longer. */
  readonly late: FamilyQuestion | null;
}

interface Remembered {
  answer: readonly ResolvedAddress[] | ResolveError | null;
  until: Millis;
  /** When it was asked for again last because nobody was found there. */
  renewedAt: Millis;
  /** Somebody has found since that nobody is there. */
  doubted: boolean;
  /** The question for the family that is missing in the answer. */
  late: FamilyQuestion | null;
}

type DnsClock = Pick<Clock, "now" | "at">;

export interface DnsClientOptions {
  readonly lookup: Lookup;
  readonly conf: ResolvConf;
  readonly clock: DnsClock;
}

export class DnsClient {
  readonly #lookup: Lookup;
  readonly #conf: ResolvConf;
  readonly #clock: DnsClock;
  /** In the order of use, the least recent first. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #underWay = new Map<string, Promise<readonly ResolvedAddress[]>>();
  /** By family and name: one that is never answered is not asked anew by everybody who comes meanwhile. */
  readonly #questions = new Map<string, FamilyQuestion>();
  #cancelled = false;

  constructor({ lookup, conf, clock }: DnsClientOptions) {
    this.#lookup = lookup;
    this.#conf = conf;
    this.#clock = clock;
  }

  /** Whether no question is under way. */
  get idle(): boolean {
    return this.#underWay.size === 0 && this.#questions.size === 0;
  }

  /** Rejects with a `ResolveError`. */
  async resolve(name: string): Promise<readonly ResolvedAddress[]> {
    const known = this.#recall(name);
    if (known === null || known.answer === null || known.until <= this.#clock.now())
      return this.#renewed(name);
    if (!known.doubted || !this.#mayRenew(known)) return given(known.answer);
    known.renewedAt = this.#clock.now();
    return this.#inTime(this.#renewed(name), known.answer);
  }

  /**
   * For whoever found nobody at the addresses that `resolve` gave, so that what is remembered may be out of date: asks
   * again, once a second at most. Until then, and if nobody answers, what is known is given. Rejects with a `ResolveError`.
   */
  async renew(name: string): Promise<readonly ResolvedAddress[]> {
    const known = this.#recall(name);
    if (known === null || known.answer === null) return this.#renewed(name);
    if (this.#underWay.has(name)) return this.#renewed(name);
    if (!this.#mayRenew(known)) {
      known.doubted = true;
      return given(known.answer);
    }
    known.renewedAt = this.#clock.now();
    return this.#renewed(name);
  }

  /**
   * What is known when the family that `resolve` did not wait for has its answer, or when a second has passed since it was
   * asked; null if nothing is to be waited for. Never rejects.
   */
  late(name: string): Promise<readonly ResolvedAddress[]> | null {
    const known = this.#remembered.get(name);
    const question = known?.late ?? null;
    if (known === undefined || question === null) return null;
    const until = question.askedAt + LATE;
    if (until <= this.#clock.now()) return null;
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        resolve(known.answer === null || known.answer instanceof ResolveError ? [] : known.answer);
      };
      const timer = this.#clock.at(until, done);
      question.answer.then(done, done);
    });
  }

  #mayRenew({ renewedAt }: Remembered): boolean {
    return this.#clock.now() - renewedAt >= RENEWED_EVERY;
  }

  #inTime(
    answer: Promise<readonly ResolvedAddress[]>,
    old: readonly ResolvedAddress[] | ResolveError,
  ): Promise<readonly ResolvedAddress[]> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.at(this.#clock.now() + RENEWAL_PATIENCE, () => {
        given(old).then(resolve, reject);
      });
      answer
        .finally(() => {
          timer.cancel();
        })
        .then(resolve, reject);
    });
  }

  cancel(): void {
    this.#cancelled = true;
    this.#lookup.cancel();
  }

  #renewed(name: string): Promise<readonly ResolvedAddress[]> {
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const answer = this.#ask(name).finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, answer);
    return answer;
  }

  async #ask(name: string): Promise<readonly ResolvedAddress[]> {
    const before = this.#remembered.get(name) ?? null;
    const { renewedAt = -Infinity } = before ?? {};
    const next: Remembered = { answer: null, until: -Infinity, renewedAt, doubted: false, late: null };
    // What is known serves until there is something newer.
    if (before === null) this.#remember(name, next);
    else before.doubted = false;
    try {
      const { addresses, ttl, late } = await this.#search(name, (found) => {
        this.#join(next, found);
      });
      next.late = late;
      next.answer = addresses;
      next.until = this.#clock.now() + Math.min(ttl, TTL_MAX);
      this.#remember(name, next);
      return addresses;
    } catch (error) {
      if (!(error instanceof ResolveError) || this.#cancelled) throw error;
      return this.#failed(name, error, before, next);
    }
  }

  /** That nobody answers says nothing against what is remembered; that there is no such name does. */
  #failed(
    name: string,
    error: ResolveError,
    before: Remembered | null,
    next: Remembered,
  ): readonly ResolvedAddress[] {
    const now = this.#clock.now();
    const old = before?.answer ?? error;
    if (
      error.code !== "not_found" &&
      before !== null &&
      before.until > now &&
      !(old instanceof ResolveError)
    ) {
      before.doubted = true;
      return old;
    }
    next.answer = error;
    next.until = now + TTL_OF_FAILURE;
    this.#remember(name, next);
    throw error;
  }

  /** A family that was waited for no longer. */
  #join(known: Remembered, late: Found): void {
    known.late = null;
    if (known.answer === null || known.answer instanceof ResolveError) return;
    known.answer = [...known.answer, ...late.addresses].sort((a, b) => a.family - b.family);
    known.until = Math.min(known.until, this.#clock.now() + Math.min(late.ttl, TTL_MAX));
  }

  /**
   * Goes through the search list as glibc does: on to the next name when this one does not exist, has no address or its
   * server will not say; when nobody answers, to the name as it stands at once, since every name more would wait as long
   * again.
   */
  async #search(name: string, late: (found: Found) => void): Promise<Found> {
    let failure = new ResolveError("not_found", name, "there is no such name");
    let silent = false;
    let chosen: string | null = null;
    const complete = name.replace(/\.$/u, "");
    for (const candidate of searchNames(name, this.#conf)) {
      if (silent && candidate !== complete) continue;
      const found = await this.#query(name, candidate, (more) => {
        if (chosen === candidate) late(more);
      });
      if (!(found instanceof ResolveError)) {
        chosen = candidate;
        return found;
      }
      if (found.code !== "not_found" || failure.code === "not_found") failure = found;
      if (this.#cancelled) break;
      silent ||= found.code === "timeout" || found.code === "other";
    }
    throw failure;
  }

  async #query(asked: string, name: string, late: (found: Found) => void): Promise<Found | ResolveError> {
    const four = this.#question(4, name);
    const six = this.#conf.noAaaa ? this.#unasked() : this.#question(6, name);
    const both = await bothFamilies({
      clock: this.#clock,
      four,
      six,
      late: (family, answer) => {
        const records = recordsOf(answer);
        if (records.length > 0) late(foundOf(tagged(records, family), records, null));
      },
    });
    const records4 = recordsOf(both[4]);
    const records6 = recordsOf(both[6]);
    if (records4.length + records6.length > 0) {
      const missing = both[4] === "unanswered" ? four : both[6] === "unanswered" ? six : null;
      return foundOf([...tagged(records4, 4), ...tagged(records6, 6)], [...records4, ...records6], missing);
    }
    const explained4 = explain(both[4]);
    const explained6 = explain(both[6]);
    // "No IPv4 address" says little while the IPv6 question failed: the graver failure speaks.
    const { code, reason } = explained4.code === "not_found" ? explained6 : explained4;
    return new ResolveError(code, asked, reason);
  }

  #question(family: Family, name: string): FamilyQuestion {
    const key = `${family} ${name}`;
    const underWay = this.#questions.get(key);
    if (underWay !== undefined) return underWay;
    const lookup = this.#lookup;
    const answer = (family === 4 ? lookup.resolve4(name) : lookup.resolve6(name)).finally(() => {
      this.#questions.delete(key);
    });
    const question = { answer, askedAt: this.#clock.now() };
    this.#questions.set(key, question);
    return question;
  }

  #unasked(): FamilyQuestion {
    return { answer: Promise.resolve([]), askedAt: this.#clock.now() };
  }

  #recall(name: string): Remembered | null {
    const known = this.#remembered.get(name);
    if (known === undefined) return null;
    this.#remembered.delete(name);
    this.#remembered.set(name, known);
    return known;
  }

  #remember(name: string, known: Remembered): void {
    this.#remembered.delete(name);
    this.#remembered.set(name, known);
    if (this.#remembered.size <= NAMES_MAX) return;
    for (const leastRecent of this.#remembered.keys()) {
      this.#remembered.delete(leastRecent);
      break;
    }
  }
}

async function given(answer: readonly ResolvedAddress[] | ResolveError): Promise<readonly ResolvedAddress[]> {
  if (answer instanceof ResolveError) throw answer;
  return answer;
}

function recordsOf(answer: FamilyOutcome | FamilyAnswer): readonly AddressRecord[] {
  return answer === "unanswered" || "error" in answer ? [] : answer;
}

function foundOf(
  addresses: readonly ResolvedAddress[],
  records: readonly AddressRecord[],
  late: FamilyQuestion | null,
): Found {
  return { addresses, ttl: Math.min(...records.map((record) => record.ttl * 1_000)), late };
}

/** A server may also answer with success and no records; a family that was not waited for is not there either. */
function explain(answer: FamilyOutcome): Explanation {
  if (answer === "unanswered") return explainLookupError(Object.assign(new Error(), { code: "ENOTFOUND" }));
  return explainLookupError("error" in answer ? answer.error : "ENODATA");
}

function tagged(records: readonly AddressRecord[], family: Family): ResolvedAddress[] {
  return records.map(({ address }) => ({ address, family }));
}
