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

  async heal({ id, profile }: LiveActivation): Promise<void> {
    this.under.add(id);
    this.#page.changed();
    try {
      await this.#page.api.json(`/active/${encodeURIComponent(id)}`, { method: "DELETE" });
      this.#page.announce(`Healed: ${profile === "" ? "the faults" : profile}.`);
    } catch (error) {
      const gone = error instanceof ApiError && error.code === "SQ_ACTIVATION_NOT_FOUND";
      const why = error instanceof ApiError ? error.message : "That could not be done.";
      this.#page.announce(gone ? "It had ended by itself." : why, gone ? "done" : "failed");
    }
    this.under.delete(id);
    this.#page.changed();
  }
}
