/**
 * The draws of subjects that are known by a key of their own and not by their number: whichever daemon a request comes to,
 * and however many came before it, the same key draws the same.
 */
import { BoundedMap } from "../core/lru.js";
import { keyedDrawKey, type DrawName, type Lot } from "../core/random.js";
import type { DrawnBy } from "../core/verdict-reasons.js";
import type { SubjectInfo } from "./subject-info.js";

/** `draw` of a fault. */
export interface DrawBy {
  /** As in the profile: `header:idempotency-key`, `path`, `body`, `name`. */
  readonly by: string;
  /** Each subject with the same key draws anew. */
  readonly attempt: boolean;
  /** The hash of the subject's key; null for one that has none. `payload` is that of a datagram. */
  keyOf(subject: SubjectInfo, payload: Buffer | null): string | null;
}

/** A subject's draws, and what they are named by. */
export interface KeyedLot extends Lot {
  readonly by: DrawnBy;
}

/** How many keys a fault remembers the attempts of; beyond it the longest unused one starts anew. */
export const ATTEMPTS_REMEMBERED = 10_000;

/** Of one fault on one proxy. */
export class KeyedDraws {
  readonly #name: Omit<DrawName, "bot">;
  readonly #attempts: BoundedMap<string, { count: number }>;

  constructor(name: Omit<DrawName, "bot">, evicted: () => void) {
    this.#name = name;
    this.#attempts = new BoundedMap(ATTEMPTS_REMEMBERED, evicted);
  }

  /** Asked once for each subject. Null for one without a key. */
  lotOf(draw: DrawBy, subject: SubjectInfo, payload: Buffer | null): KeyedLot | null {
    const hash = draw.keyOf(subject, payload);
    if (hash === null) return null;
    const { by } = draw;
    const key = keyedDrawKey({ ...this.#name, bot: subject.bot, by, key: hash });
    if (!draw.attempt) return { key, n: 0, by: { by, key: hash } };
    const n = this.#attempt(`${hash}${subject.bot}`);
    return { key, n, by: { by, key: hash, attempt: n + 1 } };
  }

  /** From 0. */
  #attempt(of: string): number {
    const known = this.#attempts.get(of);
    if (known !== undefined) return known.count++;
    this.#attempts.set(of, { count: 1 });
    return 0;
  }
}
