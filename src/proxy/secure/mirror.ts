/**
 * What an upstream agrees to of the protocols that a client offers (RFC 7301), so that the client is told the same. An upstream is
 * asked for each list once in a while, by a handshake of its own: which connection a client gets is not known before its TLS is there.
 */
import type { Clock, Millis } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import { BoundedMap } from "../../core/lru.js";

/** Asks the upstream; null for no agreement, also where it cannot be asked. Calls back once, perhaps from within the call. */
export type AskUpstream = (offered: readonly string[], done: (protocol: string | null) => void) => void;

interface Known {
  readonly protocol: string | null;
  readonly until: Millis;
}

/** How long an upstream's word holds: it may be another server behind the same address tomorrow. */
const HOLDS: Millis = 30_000;
/** Lists of protocols that are kept: bots of one kind offer the same. */
const LISTS_MAX = 100;

export class Mirror {
  readonly #clock: Clock;
  readonly #ask: AskUpstream;
  readonly #owner: Owner;
  readonly #known = new BoundedMap<string, Known>(LISTS_MAX);
  readonly #waiting = new Map<string, ((protocol: string | null) => void)[]>();

  constructor(clock: Clock, ask: AskUpstream, owner: Owner) {
    this.#clock = clock;
    this.#ask = ask;
    this.#owner = owner;
  }

  agreed(offered: readonly string[], then: (protocol: string | null) => void): void {
    if (offered.length === 0) {
      then(null);
      return;
    }
    const key = offered.join("\n");
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() < known.until) {
      then(known.protocol);
      return;
    }
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.push(then);
      return;
    }
    this.#waiting.set(key, [then]);
    this.#ask(
      offered,
      contained(this.#owner, (protocol) => {
        this.#known.set(key, { protocol, until: this.#clock.now() + HOLDS });
        const callers = this.#waiting.get(key) ?? [];
        this.#waiting.delete(key);
        for (const one of callers) one(protocol);
      }),
    );
  }
}
