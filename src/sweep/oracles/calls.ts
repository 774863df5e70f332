/** Words about single calls that oracles share: where one belongs, what came of it, and what repeats it. */
import type { SeenExchange } from "../contract/record.js";
import type { FaultInput } from "../contract/run.js";

/** Where an exchange belongs: whoever names sites says so. */
export interface Place {
  /** The id of its site, known or not: the same for all calls of one route by bots of one class. */
  readonly site: string;
  /** For people and for signatures: `POST /v1/jobs/:n/complete`. */
  readonly name: string;
  /** The values of the template's variables in this path: what the call is about. */
  readonly about: readonly string[];
}

export type PlaceOf = (exchange: SeenExchange) => Place;

/** As RFC 9110 section 9.2.1 has it. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export const isSafe = ({ method }: { readonly method: string }): boolean => SAFE.has(method);

/** RFC 9110 section 9.2.2: to send it twice is to mean it once. */
export const isIdempotent = (call: { readonly method: string }): boolean =>
  isSafe(call) || call.method === "PUT" || call.method === "DELETE";

/** The upstream did what it was asked. */
export const isAccepted = ({ forwarded, upstreamStatus: status }: SeenExchange): boolean =>
  forwarded && status !== null && status >= 200 && status < 300;

/** The client was told so, as far as its status goes. */
export const isGood = ({ clientStatus: status }: SeenExchange): boolean =>
  status !== null && status >= 200 && status < 400;

/** The faults of the case that acted on an exchange. */
export function faultsOn(exchange: SeenExchange, faults: readonly FaultInput[]): FaultInput[] {
  return faults.filter(({ name }) => exchange.faults.includes(name));
}

/** Exchanges in groups, each in the order of the record. */
export function grouped(
  exchanges: Iterable<SeenExchange>,
  keyOf: (exchange: SeenExchange) => string,
): Map<string, SeenExchange[]> {
  const groups = new Map<string, SeenExchange[]>();
  for (const exchange of exchanges) {
    const key = keyOf(exchange);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [exchange]);
    else group.push(exchange);
  }
  return groups;
}

/** What a repetition repeats: the same bot asks the same of the same path. */
export function wordingOf({ proxy, bot, method, path, request }: SeenExchange): string {
  return [proxy, bot, method, path, request.hash ?? "", request.bytes, request.operation ?? ""].join("\n");
}

/** Seconds, as sentences have them: `0.4 s`, `12 s`. */
export function seconds(ms: number): string {
  const value = ms / 1000;
  return `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} s`;
}
