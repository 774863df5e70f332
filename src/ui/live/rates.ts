/** Rates of counters that are told only when they have changed: how much each grew in the last seconds. Pure. */

/** What is seen moves within seconds, and two of a second still look steady. */
const WINDOW = 4_000;

interface Sample {
  readonly at: number;
  readonly total: number;
}

export class Rates {
  readonly #samples = new Map<string, Sample[]>();

  clear(): void {
    this.#samples.clear();
  }

  forget(id: string): void {
    this.#samples.delete(id);
  }

  /** `before`: what it had counted when it was not known yet; of a counter that has just come into being that is nothing. */
  count(id: string, total: number, at: number, before = total): void {
    const samples = this.#samples.get(id) ?? [{ at, total: before }];
    this.#samples.set(id, samples);
    samples.push({ at, total });
    // The last one from before the window says what had been counted when it began.
    while ((samples[1]?.at ?? Number.POSITIVE_INFINITY) <= at - WINDOW) samples.shift();
  }

  /** Of a second, over the last four of them; a counter that has not been told for so long has not moved. */
  perSecond(id: string, at: number): number {
    const samples = this.#samples.get(id) ?? [];
    const begin = at - WINDOW;
    const last = samples.at(-1);
    const first = samples.findLast((sample) => sample.at <= begin) ?? samples[0];
    if (last === undefined || first === undefined) return 0;
    return Math.max(0, last.total - first.total) / (WINDOW / 1_000);
  }
}
