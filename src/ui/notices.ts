/** What was done, or could not be, said for some seconds at the edge of the page. */

export interface Notice {
  readonly text: string;
  readonly kind: "done" | "failed";
}

const SHOWN_MS = 8_000;
const SHOWN_MAX = 3;

export class Notices {
  #shown: readonly Notice[] = [];
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get shown(): readonly Notice[] {
    return this.#shown;
  }

  say(text: string, kind: Notice["kind"]): void {
    const notice = { text, kind };
    this.#shown = [...this.#shown, notice].slice(-SHOWN_MAX);
    this.#changed();
    // A failure stays until somebody has seen it.
    if (kind === "done") setTimeout(() => this.dismiss(notice), SHOWN_MS);
  }

  dismiss(notice: Notice): void {
    this.#shown = this.#shown.filter((one) => one !== notice);
    this.#changed();
  }
}
