/** Tries of one logical call: the same words again, by the same bot, for as long as the client was not told that all is well. */
import type { SeenExchange } from "../contract/record.js";
import type { FaultInput } from "../contract/run.js";
import { faultsOn, grouped, wordingOf } from "./calls.js";

/** Faults after which an answer looks good and is not. */
const SPOILING: ReadonlySet<string> = new Set(["http_body", "http_truncate"]);

/** The body that the client got is not the one that the upstream sent. */
export function isSpoiled(exchange: SeenExchange, faults: readonly FaultInput[]): boolean {
  return faultsOn(exchange, faults).some(({ type }) => SPOILING.has(type));
}

/** The client has reason to ask again: no answer, none that it can use, or one that says "later". */
export function isUnclear(exchange: SeenExchange, faults: readonly FaultInput[]): boolean {
  const { clientStatus: status, end } = exchange;
  if (status === null || status >= 500 || status === 408 || status === 425 || status === 429) return true;
  return end !== "complete" || isSpoiled(exchange, faults);
}

/** Two tries and more, in order; all but the last were unclear. */
export function chainsOf(
  exchanges: readonly SeenExchange[],
  faults: readonly FaultInput[],
): readonly (readonly SeenExchange[])[] {
  const chains: SeenExchange[][] = [];
  for (const group of grouped(exchanges, wordingOf).values()) {
    let chain: SeenExchange[] = [];
    for (const one of group) {
      chain.push(one);
      if (isUnclear(one, faults)) continue;
      chains.push(chain);
      chain = [];
    }
    chains.push(chain);
  }
  return chains.filter(({ length }) => length > 1);
}
