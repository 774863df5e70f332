/**
 * Calls that may take tens of milliseconds of the processor go through here: one in each turn of the event loop, so that all
 * others are answered between two of them. Addresses take turns, and of one address whoever has had the fewest: an operator
 * who comes for the first time passes a hundred connections that ask on and on.
 */
interface Waiting {
  readonly connection: Passer;
  /** How often its connection has passed before. */
  readonly passed: number;
  readonly pass: () => void;
}

/** A connection. */
export interface Passer {
  readonly destroyed?: boolean;
}

export class Turnstile {
  /** Whose turn is next comes first. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #passed = new WeakMap<object, number>();
  readonly #later: (run: () => void) => void;
  #turning = false;
  #newest = false;

  /** `later` runs something when all that has arrived meanwhile was looked at. */
  constructor(later: (run: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** Resolves when it is the turn of that connection of that source, or some time after it has gone. */
  pass(source: string, connection: Passer): Promise<void> {
    const passed = this.#passed.get(connection) ?? 0;
    this.#passed.set(connection, passed + 1);
    return new Promise((resolve) => {
      const waiting = { connection, passed, pass: resolve };
      const queue = this.#queues.get(source);
      if (queue === undefined) this.#queues.set(source, [waiting]);
      else queue.push(waiting);
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
      this.#queues.delete(source);
      for (const gone of takeGone(queue)) gone.pass();
      this.#newest = !this.#newest;
      takeFirst(queue, this.#newest)?.pass();
      if (queue.length > 0) this.#queues.set(source, queue);
      this.#turn();
    });
  }
}

/**
 * Of those that have passed least often the one that has waited for longest, or the one that came last: by turns, so that one
 * who comes behind a hundred others need not wait for all of them, and nobody waits for good.
 */
function takeFirst(queue: Waiting[], newest: boolean): Waiting | undefined {
  const least = Math.min(...queue.map(({ passed }) => passed));
  const isFirst = ({ passed }: Waiting): boolean => passed === least;
  return queue.splice(newest ? queue.findLastIndex(isFirst) : queue.findIndex(isFirst), 1)[0];
}

/** Who has left takes nobody's turn. */
function takeGone(queue: Waiting[]): Waiting[] {
  const isGone = ({ connection }: Waiting): boolean => connection.destroyed === true;
  const gone = queue.filter(isGone);
  if (gone.length > 0) queue.splice(0, Infinity, ...queue.filter((one) => !isGone(one)));
  return gone;
}
