/** Which lanes are shown, and in which order: worst first, but nothing moves under the eyes of somebody who looks closer. Pure. */
import type { Lane, Ledger } from "./ledger.js";

export const LANES_MAX = 60;
/** So long an order lasts at least: what changes places all the time cannot be read. */
const STEADY_MS = 2_000;

export class Order {
  #bots: string[] = [];
  #sortedAt = -Infinity;

  /** `held`: somebody points at a lane, or looks at the past. `now` in milliseconds, of any clock. */
  lanes(
    ledger: Ledger,
    filter: string,
    held: boolean,
    now: number,
  ): { readonly shown: readonly Lane[]; readonly more: number } {
    const sorted = ledger.worstFirst();
    if (!held && now - this.#sortedAt >= STEADY_MS) {
      this.#bots = sorted.map(({ bot }) => bot);
      this.#sortedAt = now;
    }
    const places = new Map(this.#bots.map((bot, place) => [bot, place]));
    // New ones stand below.
    for (const { bot } of sorted)
      if (!places.has(bot)) {
        places.set(bot, this.#bots.length);
        this.#bots.push(bot);
      }
    const wanted = filter.trim().toLowerCase();
    const all = sorted
      .filter(({ bot }) => bot.toLowerCase().includes(wanted))
      .sort((one, other) => (places.get(one.bot) ?? 0) - (places.get(other.bot) ?? 0));
    return { shown: all.slice(0, LANES_MAX), more: Math.max(0, all.length - LANES_MAX) };
  }
}
