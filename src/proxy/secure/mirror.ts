/**
 * What an upstream agrees to of the protocols that a client offers (RFC 7301), so that the client is told the same. An upstream is
 * asked for each list once in a while, by a handshake of its own: which connection a client gets is not known before its TLS is there.
 */
import type { Clock, Millis } from "../../core/clock.js";
import { contained, type Owner } from "../../core/containment.js";
import { BoundedMap } from "../../core/lru.js";

/**
 * What it says: the protocol that it agrees to, null where it leaves the matter open, and `refused` where it speaks none of them and
 * ends the handshake. `unknown` where it could not be asked.
 */
export type Agreement = { readonly protocol: string | null } | "refused" | "unknown";

/** Asks the upstream. Calls back once, perhaps from within the call. */
export type AskUpstream = (offered: readonly string[], done: (agreement: Agreement) => void) => void;

interface Known {
  readonly agreement: Agreement;
  readonly until: Millis;
}

/** How long an upstream's word holds: it may be another server behind the same address tomorrow. */
const HOLDS: Millis = 30_000;
/** How long one that cannot be asked is let be: as soon as it is there, its clients are to be told what it says. */
const LET_BE: Millis = 1_000;
/** Lists of protocols that are kept: bots of one kind offer the same. */
const LISTS_MAX = 100;

export class Mirror {
  readonly #clock: Clock;
  readonly #ask: AskUpstream;
  readonly #owner: Owner;
  readonly #known = new BoundedMap<string, Known>(LISTS_MAX);
  readonly #waiting = new Map<string, ((agreement: Agreement) => void)[]>();

  constructor(clock: Clock, ask: AskUpstream, owner: Owner) {
    this.#clock = clock;
    this.#ask = ask;
    this.#owner = owner;
  }

  agreed(offered: readonly string[], then: (agreement: Agreement) => void): void {
    if (offered.length === 0) {
      then({ protocol: null });
      return;
    }
    const key = offered.join("\n");
    const known = this.#known.get(key);
    if (known !== undefined && this.#clock.now() < known.until) {
      then(known.agreement);
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
      contained(this.#owner, (agreement) => {
        const holds = agreement === "unknown" ? LET_BE : HOLDS;
        this.#known.set(key, { agreement, until: this.#clock.now() + holds });
        const callers = this.#waiting.get(key) ?? [];
        this.#waiting.delete(key);
        for (const one of callers) one(agreement);
      }),
    );
  }
}
