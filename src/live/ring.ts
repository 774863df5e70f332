/** The last exchanges, connections, questions and flows that were seen, oldest first, with what is told of each. Bounded. */
import type { Sight } from "../pipeline/sight.js";
import type { HandshakeSeen } from "../pipeline/dealings.js";
import type { LiveExchange, Plane } from "./contract.js";
import { exchangeView, idOf } from "./exchange-view.js";
import { RING_MAX } from "./limits.js";
import { Retries } from "./retries.js";

export class Entry {
  readonly sight: Sight;
  readonly again: ReturnType<Retries["begins"]>;
  view: LiveExchange;

  constructor(sight: Sight, again: ReturnType<Retries["begins"]>, view: LiveExchange) {
    this.sight = sight;
    this.again = again;
    this.view = view;
  }
}

/** What has changed last has the highest. It outlives rings: a reader who was away for longer than one was kept goes on by the same numbers. */
export interface Ranks {
  last: number;
}

export class Ring {
  readonly #entries = new Map<string, Entry>();
  readonly #retries = new Retries();
  readonly #planeOf: (proxy: string) => Plane;
  readonly #handshakeOf: (proxy: string, connection: number) => HandshakeSeen | null;
  readonly #ranks: Ranks;
  readonly since: number;
  forgotten = 0;

  constructor(parts: {
    readonly since: number;
    /** Of the daemon. */
    readonly ranks?: Ranks;
    readonly planeOf: (proxy: string) => Plane;
    readonly handshakeOf: (proxy: string, connection: number) => HandshakeSeen | null;
  }) {
    this.since = parts.since;
    this.#ranks = parts.ranks ?? { last: 0 };
    this.#planeOf = parts.planeOf;
    this.#handshakeOf = parts.handshakeOf;
  }

  /** Those that have changed, in the order in which they first did: answers what is told of them now. */
  take(changed: readonly Sight[]): LiveExchange[] {
    return changed.flatMap((sight) => this.#look(sight) ?? []);
  }

  #look(sight: Sight): LiveExchange | null {
    sight.dirty = false;
    const { kind, proxy, number, connection } = sight.of;
    const key = keyOf(proxy, idOf(kind, number));
    const known = this.#entries.get(key);
    // It has made room for others, and is not to come back.
    if (known === undefined && sight.told) return null;
    const again = known?.again ?? (sight.told ? null : this.#retries.begins(sight));
    sight.told = true;
    if (sight.done) this.#retries.ends(sight);
    const handshake = this.#handshakeOf(proxy, connection);
    const view = exchangeView(sight, {
      rank: ++this.#ranks.last,
      plane: this.#planeOf(proxy),
      again,
      handshake,
    });
    if (known !== undefined) known.view = view;
    else {
      this.#entries.set(key, new Entry(sight, again, view));
      if (this.#entries.size > RING_MAX) this.#forgetOldest();
    }
    return view;
  }

  /** Those that are over go first: what is under way is what people look for. */
  #forgetOldest(): void {
    let looked = 0;
    for (const [key, entry] of this.#entries) {
      if (entry.sight.done || ++looked > RING_MAX / 2) {
        this.#entries.delete(key);
        this.forgotten++;
        return;
      }
    }
  }

  /** Those of a connection are to be looked at again; says whether there are any. */
  touch(proxy: string, connection: number): boolean {
    let known = false;
    for (const { sight } of this.#entries.values()) {
      if (sight.of.proxy !== proxy || sight.of.connection !== connection) continue;
      sight.touch();
      known = true;
    }
    return known;
  }

  get rank(): number {
    return this.#ranks.last;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(proxy: string, id: string): Entry | undefined {
    return this.#entries.get(keyOf(proxy, id));
  }

  *views(): Iterable<LiveExchange> {
    for (const { view } of this.#entries.values()) yield view;
  }
}

function keyOf(proxy: string, id: string): string {
  return `${proxy}\n${id}`;
}
