/**
 * What a view asks the daemon for while somebody looks: one call at a time, again when it says so, none while the tab is hidden, and none
 * after its end.
 */

/** Milliseconds until it asks again; null for not before somebody says so. Aborted, its answer counts for nothing. */
export type Ask = (signal: AbortSignal) => Promise<number | null>;

export class Asking {
  readonly #ask: Ask;
  readonly #ended = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  /** Somebody wants what is newer than the call that is under way. */
  #again = false;
  #isPaused = false;

  /** Asks at once. `ask` never rejects. */
  constructor(ask: Ask) {
    this.#ask = ask;
    this.now();
  }

  get ended(): boolean {
    return this.#ended.signal.aborted;
  }

  now(): void {
    if (this.#isAsking) this.#again = true;
    else void this.#once();
  }

  pause(): void {
    this.#isPaused = true;
    clearTimeout(this.#timer);
  }

  resume(): void {
    this.#isPaused = false;
    this.now();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  async #once(): Promise<void> {
    const { signal } = this.#ended;
    if (signal.aborted) return;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    this.#again = false;
    const wait = await this.#ask(signal);
    this.#isAsking = false;
    if (signal.aborted || this.#isPaused) return;
    if (this.#again) this.now();
    else if (wait !== null)
      this.#timer = setTimeout(() => {
        this.now();
      }, wait);
  }
}
