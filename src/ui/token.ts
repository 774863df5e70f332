/** The token of the admin API: asked for once, kept for as long as the tab, and sent in the Authorization header. */

const KEY = "squall.token";

export class Token {
  #value: string | null;
  #needed = false;
  #wrong = false;
  readonly #changed: () => void;

  /** `changed` is called when one is needed, and when one was given. */
  constructor(changed: () => void) {
    this.#value = stored();
    this.#changed = changed;
  }

  get value(): string | null {
    return this.#value;
  }

  /** The daemon wants one, and none that it takes is known. */
  get needed(): boolean {
    return this.#needed;
  }

  /** The last one that was given was refused. */
  get wrong(): boolean {
    return this.#wrong;
  }

  /** The daemon did not take this one. An answer to a call from before another was given says nothing. */
  refused(given: string | null): void {
    if (given !== this.#value || this.#needed) return;
    this.#wrong = given !== null;
    this.#needed = true;
    this.#changed();
  }

  give(value: string): void {
    this.#value = value;
    this.#needed = false;
    try {
      sessionStorage.setItem(KEY, value);
    } catch {
      // Kept until the page is loaded again, then.
    }
    this.#changed();
  }
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
