/** Which of several upstreams is next. Pure: the same asks in the same order get the same answers. */
import type { Balance } from "../../config/pool.js";
import { drawKey, LANE, Random, type DrawKey } from "../../core/random.js";
import type { Asker } from "../../faults/contract/index.js";

/** One that may be chosen. */
export interface Choice {
  readonly name: string;
  /** Its place in the configuration. */
  readonly index: number;
  /** Connections, or exchanges, that it has at the moment. */
  readonly busy: number;
}

export class Balancer {
  readonly #balance: Balance;
  readonly #key: DrawKey;
  #last = -1;
  #draws = 0;

  constructor(balance: Balance, seed: number, proxy: string) {
    this.#balance = balance;
    this.#key = drawKey({ seed, activation: "balance", phase: "", pass: 0, fault: balance, proxy, bot: "" });
  }

  /** Of those that are given, in the order of the configuration; null of none. */
  pick<C extends Choice>(choices: readonly C[], asker: Asker): C | null {
    const [first] = choices;
    if (first === undefined || choices.length === 1) return first ?? null;
    switch (this.#balance) {
      case "first":
      // Decided before: one is left at most.
      case "sni":
        return first;
      case "round_robin":
        return this.#next(choices, first);
      case "random":
        return choices[new Random(this.#key, this.#draws++, LANE.subject).integer(choices.length)] ?? first;
      case "least_connections": {
        const least = Math.min(...choices.map(({ busy }) => busy));
        // In turn among equals, or the first would get all the traffic that does not overlap.
        return this.#next(
          choices.filter(({ busy }) => busy === least),
          first,
        );
      }
      case "hash_client":
        return highest(choices, asker.client) ?? first;
      case "hash_bot":
        return highest(choices, asker.bot) ?? first;
    }
  }

  /** The one behind the last in the order of the configuration, however many are away. */
  #next<C extends Choice>(choices: readonly C[], first: C): C {
    const next = choices.find(({ index }) => index > this.#last) ?? choices[0] ?? first;
    this.#last = next.index;
    return next;
  }
}

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): the highest of the scores of key and name wins, so that only those
 * whose upstream went away go elsewhere, and they come back to it.
 */
function highest<C extends Choice>(choices: readonly C[], key: string): C | undefined {
  let best: C | undefined;
  let bestScore = -1;
  for (const choice of choices) {
    const score = hash(`${key}\0${choice.name}`);
    if (score > bestScore) {
      best = choice;
      bestScore = score;
    }
  }
  return best;
}

/** FNV-1a, 32 bits, with the finish of MurmurHash3: FNV alone leaves names that differ in the last letter close together. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
