/**
 * Who is coming in. Node accepts one connection in each turn of the event loop, so that with a long call in each turn whoever
 * comes behind a hundred others would wait for a hundred calls before anybody looks at him.
 */

/** Turns after which a call goes on though somebody comes in each: nobody is kept waiting for good by those who come and come. */
const TURNS_MAX = 500;

export class Door {
  readonly #turn: (run: () => void) => void;
  #came = 0;

  constructor(turn: (run: () => void) => void = setImmediate) {
    this.#turn = turn;
  }

  came(): void {
    this.#came++;
  }

  /** Calls back after a turn of the event loop in which nobody came. */
  whenCalm(run: () => void, turns = 0): void {
    const before = this.#came;
    this.#turn(() => {
      if (this.#came === before || turns >= TURNS_MAX) run();
      else this.whenCalm(run, turns + 1);
    });
  }
}
