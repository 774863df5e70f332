/** Which exchange looks like a second try of an earlier one: of the same bot, and of the same request by its key or by its method and path. */
import { BoundedMap } from "../core/lru.js";
import type { Sight } from "../pipeline/sight.js";
import type { Again } from "./contract.js";
import { idOf } from "./exchange-view.js";
import { AGAIN_MS } from "./limits.js";

interface Earlier {
  readonly id: string;
  /** When it ended badly; null while it is under way. */
  badAt: number | null;
}

const REMEMBERED = 4_000;

export class Retries {
  readonly #failed = new BoundedMap<string, Earlier>(REMEMBERED);
  readonly #keys = new BoundedMap<string, string>(REMEMBERED);

  /** It begins. */
  begins(sight: Sight): { readonly id: string; readonly by: Again } | null {
    const { of, key, at } = sight;
    const id = idOf(of.kind, of.number);
    if (key !== null) {
      const known = this.#keys.get(keyed(sight));
      this.#keys.set(keyed(sight), id);
      if (known !== undefined) return { id: known, by: "key" };
    }
    const before = this.#failed.get(named(sight));
    if (before === undefined || before.badAt === null || at - before.badAt > AGAIN_MS) return null;
    // Of several that follow only the first is a second try, unless that one fails as well.
    before.badAt = null;
    return { id: before.id, by: "failed" };
  }

  /** It is over. */
  ends(sight: Sight): void {
    if (!endedBadly(sight)) return;
    const { kind, number } = sight.of;
    this.#failed.set(named(sight), { id: idOf(kind, number), badAt: sight.over ?? sight.clock.now() });
  }
}

function named({ of: { proxy, bot, kind }, method, path }: Sight): string {
  return JSON.stringify([proxy, kind, bot, method, path]);
}

function keyed({ of: { proxy, bot }, method, key }: Sight): string {
  return JSON.stringify([proxy, bot, method, key]);
}

/** What clients try again: no whole answer, or a status that asks for it (RFC 9110, section 15; RFC 6585, section 4). */
function endedBadly({ end, clientStatus, of: { kind }, failure, rcode }: Sight): boolean {
  if (kind === "query") return rcode === null || rcode === "SERVFAIL";
  if (kind === "connection")
    return failure !== null || !(end === "client_closed" || end === "upstream_closed");
  if (kind === "flow") return end === "unanswered";
  if (end !== "complete" || clientStatus === null) return true;
  return clientStatus >= 500 || clientStatus === 429 || clientStatus === 408 || clientStatus === 425;
}
