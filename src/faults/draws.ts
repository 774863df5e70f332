/**
 * Draws by a name and a number of the fault's own, for faults whose one subject is a whole proxy: what they draw must
 * be a function of the cycle's number, or of whose how-manyeth choice it is, and never of how often somebody looked.
 *
 * The rule, told in docs/determinism.md: `base` is the first draw of the subject times 2^53, the key is the first
 * 8 bytes of SHA-256 of the JSON text of ["squall/1", base, purpose, name], and the draws with number n are those of
 * subject n in lane 1 under that key.
 */
import { createHash } from "node:crypto";
import { BoundedMap } from "../core/lru.js";
import { DRAW_RULE, LANE, Random, type DrawKey } from "../core/random.js";
import type { Asker } from "./contract/index.js";
import { choice } from "./params.js";

export class NamedDraws {
  readonly #base: number;

  constructor(random: Random) {
    this.#base = random.integer(2 ** 53);
  }

  key(purpose: string, name: string): DrawKey {
    const text = JSON.stringify([DRAW_RULE, this.#base, purpose, name]);
    const digest = createHash("sha256").update(text).digest();
    return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
  }
}

/** The draws with that number. */
export function numbered(key: DrawKey, number: number): Random {
  return new Random(key, number, LANE.subject);
}

/** Beyond it whoever asked longest ago is forgotten. */
export const ASKERS_MAX = 10_000;

interface Turn {
  readonly key: DrawKey;
  taken: number;
}

/** For each choice its own draw, by who asks and how often he has: bots do not disturb each other's. */
export class Turns {
  readonly #turns: BoundedMap<string, Turn>;

  constructor(
    private readonly draws: NamedDraws,
    evicted: () => void,
  ) {
    this.#turns = new BoundedMap(ASKERS_MAX, evicted);
  }

  next(name: string): Random {
    let turn = this.#turns.get(name);
    if (turn === undefined) {
      turn = { key: this.draws.key("choice", name), taken: 0 };
      this.#turns.set(name, turn);
    }
    return numbered(turn.key, turn.taken++);
  }
}

/** Whom a balancer keeps apart. */
export const ASKER_KINDS = ["bot", "client"] as const;

export function askerKind(): ReturnType<typeof choice<typeof ASKER_KINDS>> {
  return choice(ASKER_KINDS);
}

export function askerName(asker: Asker, per: (typeof ASKER_KINDS)[number]): string {
  return per === "bot" ? asker.bot : asker.client;
}
