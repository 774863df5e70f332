/** Ends activations from wherever they are shown, and says what came of it. */
import type { LiveActivation } from "../live/contract.js";
import { ApiError } from "./api.js";
import type { Page } from "./view.js";

export class Healing {
  /** Ids of those that are being ended just now. */
  readonly under = new Set<string>();
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async heal({ id, profile, fleet }: LiveActivation): Promise<void> {
    this.under.add(id);
    this.#page.changed();
    try {
      await this.#page.api.json(`/active/${encodeURIComponent(id)}`, { method: "DELETE" });
      this.#page.announce(`Healed: ${profile === "" ? "the faults" : profile}.${elsewhere(fleet ? 1 : 0)}`);
    } catch (error) {
      const gone = error instanceof ApiError && error.code === "SQ_ACTIVATION_NOT_FOUND";
      const why = error instanceof ApiError ? error.message : "That could not be done.";
      this.#page.announce(gone ? "It had ended by itself." : why, gone ? "done" : "failed");
    }
    this.under.delete(id);
    this.#page.changed();
  }
}

/** What healing here leaves on: of so many that the fleet had on, their like at other daemons. */
export function elsewhere(ofFleet: number): string {
  if (ofFleet === 0) return "";
  return ` That is for this daemon alone: the fleet goes on with ${ofFleet === 1 ? "it" : `${ofFleet} of them`} elsewhere.`;
}
