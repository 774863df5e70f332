/** A bar on the terminal of whoever runs the matrix, if there is one: test runners keep standard output for themselves. */
import { closeSync, openSync, writeSync } from "node:fs";

const WIDTH = 30;

export class Progress {
  readonly #all: number;
  readonly #terminal: number | null;
  #done = 0;
  #odd = 0;

  constructor(all: number) {
    this.#all = all;
    this.#terminal = openTerminal();
  }

  /** One run more is over; `odd` if it did not end as it should. */
  step(name: string, odd: boolean): void {
    this.#done++;
    if (odd) this.#odd++;
    const full = Math.round((WIDTH * this.#done) / this.#all);
    const bar = `${"█".repeat(full)}${"·".repeat(WIDTH - full)}`;
    const text = `${bar} ${this.#done}/${this.#all}, ${this.#odd} not as expected  ${name}`;
    if (this.#terminal !== null) writeSync(this.#terminal, `\r${text.slice(0, 100)}\u001b[K`);
  }

  end(): void {
    if (this.#terminal === null) return;
    writeSync(this.#terminal, "\n");
    closeSync(this.#terminal);
  }
}

function openTerminal(): number | null {
  try {
    return openSync("/dev/tty", "w");
  } catch {
    return null;
  }
}
