/** Light or dark: as the system has it, or as the switch says. Canvases ask here for the colours of the style sheet. */

export type Choice = "system" | "light" | "dark";

const KEY = "squall.theme";
const NEXT: Readonly<Record<Choice, Choice>> = { system: "light", light: "dark", dark: "system" };

export class Theme {
  #choice: Choice;
  #colours = new Map<string, string>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#choice = stored();
    this.#changed = changed;
    this.#apply();
    for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"])
      matchMedia(query).addEventListener("change", () => {
        this.#forget();
      });
  }

  get choice(): Choice {
    return this.#choice;
  }

  next(): void {
    this.#choice = NEXT[this.#choice];
    try {
      if (this.#choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, this.#choice);
    } catch {
      // It holds for this page, then.
    }
    this.#apply();
    this.#forget();
  }

  /** The value of a custom property of the style sheet, such as `--cut`. */
  colour(property: string): string {
    const known = this.#colours.get(property);
    if (known !== undefined) return known;
    const value = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
    this.#colours.set(property, value);
    return value;
  }

  #apply(): void {
    if (this.#choice === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = this.#choice;
  }

  #forget(): void {
    this.#colours = new Map();
    this.#changed();
  }
}

/** Whether people asked for less motion. */
export function calm(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function stored(): Choice {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}
