/**
 * Calls that may take tens of milliseconds of the processor go through here: one in each turn of the event loop, so that all
 * others are answered between two of them, and addresses take turns.
 */
type Pass = () => void;

export class Turnstile {
  /** Whose turn is next comes first. */
  readonly #queues = new Map<string, Pass[]>();
  readonly #later: (run: () => void) => void;
  #turning = false;

  /** `later` runs something when all that has arrived meanwhile was looked at. */
  constructor(later: (run: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** Resolves when it is the turn of that source. */
  pass(source: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#queues.get(source);
      if (queue === undefined) this.#queues.set(source, [resolve]);
      else queue.push(resolve);
      if (!this.#turning) this.#turn();
    });
  }

  #turn(): void {
    this.#turning = true;
    this.#later(() => {
      const [next] = this.#queues;
      if (next === undefined) {
        this.#turning = false;
        return;
      }
      const [source, queue] = next;
      const pass = queue.shift();
      this.#queues.delete(source);
      if (queue.length > 0) this.#queues.set(source, queue);
      pass?.();
      this.#turn();
    });
  }
}
