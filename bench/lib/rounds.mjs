/** Interleaved rounds: every contender is measured in every round, so that what the machine does meanwhile hits all alike. */
import { atLeast, atMost, atMostTimes, emptyRow, never, row, unmeasured } from "./claims.mjs";
import { format } from "./format.mjs";

/**
 * `lanes` are `{ name, measure }`; `measure(seconds)` answers an object of numbers. One that is not here is `{ name,
 * missing }`, one that could not be started `{ name, failed }`, with the reason. The order is turned round in every other
 * round. A lane that fails is left out from then on, and the others go on without it. `keep` is handed the results at the
 * beginning, to be written down with all that was measured.
 */
export async function interleave({ rounds, seconds, warmUp, log, keep }, lanes) {
  const results = new Results(lanes);
  keep?.(results);
  const measure = async (lane, time, keep) => {
    if (results.trouble(lane.name) !== undefined) return;
    try {
      const measured = await lane.measure(time);
      if (keep) results.add(lane.name, measured);
    } catch (error) {
      log(`  ${lane.name} failed: ${error.message}`);
      results.fail(lane.name, error.message);
    }
  };
  if (warmUp > 0) for (const lane of lanes) await measure(lane, warmUp, false);
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? lanes : [...lanes].reverse();
    for (const lane of order) await measure(lane, seconds, true);
    log(`  round ${round + 1}/${rounds}: ${results.lastRound()}`);
  }
  return results;
}

/** What the rounds of each lane measured, and why some measured nothing. */
export class Results {
  #rounds = new Map();
  #troubles = new Map();

  constructor(lanes) {
    for (const { name, missing, failed } of lanes) {
      this.#rounds.set(name, []);
      if (missing !== undefined) this.#troubles.set(name, { missing });
      if (failed !== undefined) this.#troubles.set(name, { failed });
    }
  }

  add(name, measured) {
    this.#rounds.get(name).push(measured);
  }

  /** Rounds that were worked out of others. */
  derive(name, rounds) {
    this.#rounds.set(name, rounds);
  }

  fail(name, reason) {
    this.#troubles.set(name, { failed: reason });
  }

  /** `{ missing }` or `{ failed }`, or undefined where all is well. */
  trouble(name) {
    return this.#troubles.get(name);
  }

  /** The figures of one key, round by round. Undefined where they are not complete. */
  values(name, key) {
    if (this.#troubles.has(name)) return undefined;
    return this.#rounds.get(name).map((measured) => measured[key]);
  }

  /** A row of the table, or what is in its place; `also` adds to a row that was measured. */
  row({ lane, key, name = lane, unit, note = "", change = (values) => values, also = () => ({}) }) {
    const values = this.values(lane, key);
    if (values === undefined) return emptyRow(name, unit, this.trouble(lane));
    return { ...row(name, unit, change(values), note), ...also(lane) };
  }

  /** See `atLeast`; `own` and `base` are names of lanes. */
  atLeast(target, own, base, { key = "rate", text = `${own} / ${base}` } = {}) {
    const reason = this.#reasonWhyNot([own, base]);
    if (reason !== undefined) return unmeasured(text, { sign: ">=", target }, reason);
    return atLeast(text, target, this.values(own, key), this.values(base, key));
  }

  /** See `atMostTimes`. */
  atMostTimes(target, own, base, { key, text = `${own} / ${base}` }) {
    const reason = this.#reasonWhyNot([own, base]);
    if (reason !== undefined) return unmeasured(text, { sign: "<=", target }, reason);
    return atMostTimes(text, target, this.values(own, key), this.values(base, key));
  }

  /** See `atMost`. */
  atMost(target, unit, lane, { key, text = lane, change = (values) => values }) {
    const reason = this.#reasonWhyNot([lane]);
    if (reason !== undefined) return unmeasured(text, { sign: "<=", target, unit }, reason);
    return atMost(text, target, unit, change(this.values(lane, key)));
  }

  /** See `never`. */
  never(unit, lane, { key, text = lane }) {
    const reason = this.#reasonWhyNot([lane]);
    if (reason !== undefined) return unmeasured(text, { sign: "<=", target: 0, unit }, reason);
    return never(text, unit, this.values(lane, key));
  }

  #reasonWhyNot(names) {
    for (const name of names) {
      const trouble = this.trouble(name);
      if (trouble !== undefined) return trouble.missing ?? `${name} failed: ${trouble.failed}`;
    }
    return undefined;
  }

  /** Everything: each lane with all that each of its rounds measured. */
  all() {
    return Object.fromEntries(this.#rounds);
  }

  lastRound() {
    return [...this.#rounds]
      .filter(([name, rounds]) => rounds.length > 0 && !this.#troubles.has(name))
      .map(([name, rounds]) => `${name} ${brief(rounds.at(-1))}`)
      .join("  ");
  }
}

function brief(measured) {
  return Object.entries(measured)
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name}=${format(value)}`)
    .join(",");
}
