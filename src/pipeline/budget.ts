/** The daemon's budget for bytes that faults hold back: over it, sources are paused until some have left. */

export interface Waiter {
  /** There is room again. */
  relieved(): void;
}

export class HeldBudget {
  readonly limit: number;
  held = 0;
  heldPeak = 0;
  readonly #waiting = new Set<Waiter>();

  constructor(limit: number = Infinity) {
    this.limit = limit;
  }

  get exhausted(): boolean {
    return this.held >= this.limit;
  }

  add(bytes: number): void {
    const wasExhausted = this.exhausted;
    this.held += bytes;
    if (this.held > this.heldPeak) this.heldPeak = this.held;
    if (!wasExhausted || this.exhausted || this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const waiter of waiting) waiter.relieved();
  }

  await(waiter: Waiter): void {
    this.#waiting.add(waiter);
  }

  forget(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }
}
