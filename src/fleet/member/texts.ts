/** Texts of profiles by their names, which never change: each is asked for once, and the last few are kept. */
import { BoundedMap } from "../../core/lru.js";
import type { FleetEngine } from "../contract/engine.js";
import type { FleetText } from "../contract/plan.js";
import { hashIn, readText } from "../text-format.js";

/** As many as a plan can have. */
const TEXTS_KEPT = 100;

export class Texts {
  readonly #engine: Pick<FleetEngine, "text">;
  readonly #known = new BoundedMap<string, FleetText>(TEXTS_KEPT);

  constructor(engine: Pick<FleetEngine, "text">) {
    this.#engine = engine;
  }

  get(name: string): FleetText | undefined {
    return this.#known.get(name);
  }

  /**
   * Asks for those that are not known, and answers the names of those that there are none of, or none yet.
   * Rejects with a SquallError where one is not what its name says, or with what the engine said.
   */
  async fetch(names: readonly string[]): Promise<readonly string[]> {
    const unknown = [...new Set(names)].filter((name) => this.#known.get(name) === undefined);
    const found = await Promise.all(
      unknown.map(async (name) => [name, await this.#engine.text(hashIn(name))] as const),
    );
    const missing: string[] = [];
    for (const [name, bytes] of found) {
      if (bytes === null) missing.push(name);
      else this.#known.set(name, readText(bytes, name));
    }
    return missing;
  }
}
