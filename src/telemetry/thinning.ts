/** Of what the journal is told over and over it writes the first, and then one in ten seconds with the number of the others. */
import { BoundedMap } from "../core/lru.js";
import { DIFFERENT_MAX, type Sameness } from "./sameness.js";

const THINNED_TO_MS = 10_000;
const GROUPS_MAX = 1_000;

interface Repetition {
  /** Like ones are left out until then, in milliseconds of the clock. */
  until: number;
  /** How many have been left out since the last one that was written. */
  more: number;
}

interface Group {
  readonly apart: Map<string, Repetition>;
  /** Of all that are too many to be told apart. */
  readonly others: Repetition;
}

export class Thinning {
  readonly #groups = new BoundedMap<string, Group>(GROUPS_MAX);

  /** How many like it were left out before this one; null to leave this one out as well. `now` is in milliseconds. */
  take({ group: name, key }: Sameness, now: number): number | null {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { apart: new Map(), others: { until: -Infinity, more: 0 } };
      this.#groups.set(name, group);
    }
    const like = likeIn(group, key, now);
    if (now < like.until) {
      like.more++;
      return null;
    }
    const { more } = like;
    like.until = now + THINNED_TO_MS;
    like.more = 0;
    return more;
  }
}

function likeIn({ apart, others }: Group, key: string, now: number): Repetition {
  const known = apart.get(key);
  if (known !== undefined) return known;
  if (apart.size >= DIFFERENT_MAX)
    for (const [old, { until, more }] of apart)
      if (until <= now) {
        // It may never come again, and what was left out of it is still to be told.
        others.more += more;
        apart.delete(old);
      }
  if (apart.size >= DIFFERENT_MAX) return others;
  const fresh = { until: -Infinity, more: 0 };
  apart.set(key, fresh);
  return fresh;
}
