/**
 * Why nothing matches: which keys of `match` have held for nobody so far. Asked only while a fault has matched nobody, and each key
 * only until it has held once, so that it costs little, and nothing as soon as somebody is matched.
 */
import type { MatchEntry } from "../config/match.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";
import { compileMatch } from "./match.js";

type Test = (subject: SubjectInfo) => boolean;

export class Misses {
  /** What it was made of: under other rules it is another. */
  readonly text: string;
  /** By what people call them, in the order of the entries; those that have held are taken out. */
  readonly #unheld = new Map<string, Test>();
  readonly #keys: readonly string[];
  #excepted = false;

  constructor(match: readonly MatchEntry[], text: string) {
    this.text = text;
    for (const [name, entries] of byKey(match)) this.#unheld.set(name, compileMatch(entries));
    this.#keys = [...this.#unheld.keys()];
  }

  /** A subject came by that did not match. One key alone needs no look: it has held for nobody. */
  missed(subject: SubjectInfo): void {
    if (this.#keys.length < 2) return;
    for (const [name, holds] of this.#unheld) if (holds(subject)) this.#unheld.delete(name);
  }

  /** A subject came by that matches, and that `except` spares. */
  spared(): void {
    this.#excepted = true;
  }

  /** As it stands behind "0 of 66 exchanges: "; null where there is nothing to say. */
  why(): string | null {
    if (this.#excepted) return "except spares all that match";
    if (this.#keys.length === 0) return null;
    const unheld = [...this.#unheld.keys()];
    if (unheld.length > 0) return `no ${unheld.join(" and no ")} matches`;
    return `none matches in ${this.#keys.join(" and ")} at once`;
  }
}

/** Each key with the entries that ask for it, and for nothing else. */
function byKey(match: readonly MatchEntry[]): Map<string, MatchEntry[]> {
  const keys = new Map<string, MatchEntry[]>();
  const add = (name: string, entry: MatchEntry): void => {
    keys.set(name, [...(keys.get(name) ?? []), entry]);
  };
  for (const { header = {}, query = {}, ...others } of match) {
    for (const [key, value] of Object.entries(others)) add(key, { [key]: value });
    for (const [name, value] of Object.entries(header)) add(`header ${name}`, { header: { [name]: value } });
    for (const [name, value] of Object.entries(query))
      add(`query parameter ${name}`, { query: { [name]: value } });
  }
  return keys;
}
