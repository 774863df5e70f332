/** Who may make a run now: several at a time, or one that wants to be alone, in the order in which they came. */

interface Waiting {
  readonly alone: boolean;
  readonly begin: () => void;
}

export class Turns {
  #underWay = 0;
  #isAlone = false;
  readonly #waiting: Waiting[] = [];

  /** Resolves when it may begin, with what is to be called when it is over. */
  async take(alone: boolean): Promise<() => void> {
    if (this.#waiting.length > 0 || !this.#isFree(alone))
      await new Promise<void>((begin) => this.#waiting.push({ alone, begin }));
    else this.#begin(alone);
    return () => {
      this.#underWay--;
      this.#isAlone = false;
      this.#next();
    };
  }

  /** Nobody overtakes one that waits to be alone: it would wait for ever. */
  #next(): void {
    for (
      let [first] = this.#waiting;
      first !== undefined && this.#isFree(first.alone);
      [first] = this.#waiting
    ) {
      this.#waiting.shift();
      this.#begin(first.alone);
      first.begin();
    }
  }

  #isFree(alone: boolean): boolean {
    return alone ? this.#underWay === 0 : !this.#isAlone;
  }

  #begin(alone: boolean): void {
    this.#underWay++;
    this.#isAlone = alone;
  }
}
