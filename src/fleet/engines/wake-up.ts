/** The wait of who follows a journal, which a message or the end cuts short. */

export class WakeUp {
  readonly #signal: AbortSignal;
  #timer: NodeJS.Timeout | null = null;
  #done: (() => void) | null = null;
  #isSoon = false;
  readonly #now = (): void => {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isSoon = false;
    this.#done?.();
    this.#done = null;
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#now);
  }

  async wait(time: number): Promise<void> {
    if (this.#signal.aborted) return;
    await new Promise<void>((done) => {
      this.#done = done;
      this.#timer ??= setTimeout(this.#now, time);
    });
  }

  /** Not later than that, for who waits now or is about to. */
  soon(time: number): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#now, time);
  }

  end(): void {
    this.#signal.removeEventListener("abort", this.#now);
    this.#now();
  }
}
