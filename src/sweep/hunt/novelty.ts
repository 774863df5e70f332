/**
 * What a run looked like from outside, so that trials which show something new are kept: calls two by two in their order, each with what
 * the upstream and the client saw, how often it was tried and how long after the one before. As fuzzers keep inputs by the branches they
 * take, with a bitmap.
 */
import type { SeenExchange } from "../contract/record.js";
import type { RunResult } from "../contract/run.js";
import type { PlaceOf } from "../oracles/calls.js";

const BITS = 2 ** 16;

export class Novelty {
  readonly #seen = new Uint8Array(BITS);

  /** Takes a run in; whether anything of it was never seen before. */
  take(run: RunResult, place: PlaceOf): boolean {
    let isNew = false;
    for (const pair of pairsOf(run, place)) {
      const bit = hashOf(pair) % BITS;
      if (this.#seen[bit] === 0) isNew = true;
      this.#seen[bit] = 1;
    }
    return isNew;
  }
}

export function pairsOf({ record, exit }: RunResult, place: PlaceOf): string[] {
  const byBot = new Map<string, SeenExchange[]>();
  for (const one of record.exchanges) byBot.set(one.bot, [...(byBot.get(one.bot) ?? []), one]);
  const end = exit.kind === "exit" ? `exit ${exit.code}` : exit.kind;
  return [...byBot.values()].flatMap((exchanges) => {
    const tries = new Map<string, number>();
    let last = 0;
    const looks = exchanges.map((one) => {
      const call = `${one.method} ${one.path}`;
      const count = (tries.get(call) ?? 0) + 1;
      tries.set(call, count);
      const gap = one.at - last;
      last = one.over;
      const { site } = place(one);
      return [
        site,
        classOf(one.upstreamStatus),
        classOf(one.clientStatus),
        one.end,
        triesClass(count),
        gapClass(gap),
      ].join(" ");
    });
    return [...looks, end].map((look, index) => `${looks[index - 1] ?? "start"} > ${look}`);
  });
}

function classOf(status: number | null): string {
  return status === null ? "-" : `${Math.floor(status / 100)}xx`;
}

function triesClass(count: number): string {
  return count <= 2 ? String(count) : count <= 5 ? "3-5" : "6+";
}

/** By tens: what waits a tenth of a second is another program than what waits ten. */
function gapClass(ms: number): number {
  return ms <= 30 ? 0 : Math.floor(Math.log10(ms));
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
