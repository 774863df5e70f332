/**
 * Others that go by this daemon's name, as after a configuration was copied. The engine keeps one presence for a name, so each of them
 * overwrites what the others said, and tells of them in its own instead. A daemon that was restarted is no namesake of its former self.
 */
import type { Clock, Millis } from "../../core/clock.js";
import type { Facts } from "../../core/events.js";
import {
  NAMESAKES_MAX,
  PRESENCE_EVERY,
  PRESENCE_MAX_AGE,
  type Heard,
  type Namesake,
  type Presence,
} from "../contract/presence.js";

/** Who was heard so much later than others know is told of again. */
const WORTH_TELLING: Millis = PRESENCE_EVERY / 2;

export interface NamesakesParts {
  readonly clock: Clock;
  readonly facts: Facts;
  readonly name: string;
  readonly life: string;
}

interface Known {
  readonly presence: Omit<Presence, "namesakes">;
  /** On the monotonic clock. */
  readonly heardAt: Millis;
}

export class Namesakes {
  readonly #parts: NamesakesParts;
  readonly #known = new Map<string, Known>();
  #told = false;

  constructor(parts: NamesakesParts) {
    this.#parts = parts;
  }

  /** Those that are not gone, for the engine. */
  list(now: Millis): readonly Namesake[] {
    return [...this.#known.values()].flatMap(({ presence, heardAt }) =>
      now - heardAt < PRESENCE_MAX_AGE ? [{ ...presence, age_ms: Math.max(0, now - heardAt) }] : [],
    );
  }

  /** This daemon was heard, in the place of that one; answers whether others are to know what has come of it. */
  heard(over: Heard | null): boolean {
    const { clock, facts, name } = this.#parts;
    const now = clock.now();
    for (const [life, { heardAt }] of this.#known)
      if (now - heardAt >= PRESENCE_MAX_AGE) this.#known.delete(life);
    const isNews = over !== null && this.#learn(over, now);
    const [first] = this.#known.values();
    if (first !== undefined && !this.#told)
      facts.tell({ kind: "fleet_namesake", name, other: first.presence.life, admin: first.presence.admin });
    if (first === undefined && this.#told) facts.tell({ kind: "fleet_namesake_gone", name });
    const isOver = first === undefined && this.#told;
    this.#told = first !== undefined;
    return isNews || isOver;
  }

  #learn({ presence: { namesakes, ...presence }, age }: Heard, now: Millis): boolean {
    // What it says itself is the newest that there is of it, whatever moments are made of ages that come with a delay.
    let isNews = this.#take({ presence, heardAt: now - age }, now);
    for (const { age_ms: ago, ...other } of namesakes) {
      const heardAt = now - age - ago;
      const known = this.#known.get(other.life);
      if (known !== undefined && known.heardAt >= heardAt) continue;
      if (this.#take({ presence: other, heardAt }, now)) isNews = true;
    }
    return isNews;
  }

  #take(one: Known, now: Millis): boolean {
    const { life, serial, state, why } = one.presence;
    if (life === this.#parts.life || now - one.heardAt >= PRESENCE_MAX_AGE) return false;
    const before = this.#known.get(life);
    if (before === undefined && this.#known.size >= NAMESAKES_MAX) return false;
    this.#known.set(life, one);
    if (before === undefined || one.heardAt - before.heardAt >= WORTH_TELLING) return true;
    const was = before.presence;
    return serial !== was.serial || state !== was.state || why !== was.why;
  }
}
