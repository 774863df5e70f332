/** The ordinals that `only` names: which of them have come, and how they are said. */

/** So many are told where some were not reached. */
const TOLD_MAX = 100;
/** So many are read out; of more, how many there are. */
const SPOKEN_MAX = 8;

/** Of one fault on one proxy, over all its phases and over all that `per` counts by itself. */
export class Ordinals {
  #only: readonly number[];
  /** The highest that any of them came to. */
  #most = 0;

  constructor(only: readonly number[]) {
    this.#only = only;
  }

  /** It has other rules from now on. */
  changed(only: readonly number[]): void {
    this.#only = only;
  }

  /** Somebody is the n-th, by whatever is counted. */
  came(n: number): void {
    if (n > this.#most) this.#most = n;
  }

  /** Those for which nobody has come, the lowest first and not more than are told. */
  get notReached(): readonly number[] {
    return this.#only.filter((n) => n > this.#most).slice(0, TOLD_MAX);
  }
}

/** "the 3rd and the 7th" */
export function ordinalsInWords(ordinals: readonly number[]): string {
  const spoken = ordinals.slice(0, SPOKEN_MAX).map((n) => `the ${ordinal(n)}`);
  const more = ordinals.length - spoken.length;
  return allOf(more > 0 ? [...spoken, `${more} more`] : spoken);
}

/** "a, b and c" */
export function allOf(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}

export function ordinal(n: number): string {
  const tens = n % 100;
  const suffix = tens > 10 && tens < 14 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th");
  return `${n}${suffix}`;
}
