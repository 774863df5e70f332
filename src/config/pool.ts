/** `upstreams`, `balance`, `health` and `eject` of a proxy: several upstreams behind one listener. */
import { z } from "zod";
import { choice, count, duration, shown } from "../faults/params.js";
import { upstream, type Address, type Upstream } from "./address.js";
import { child, under, type LocatedEntry, type LocatedMap } from "./located.js";
import type { Problems } from "./problems.js";
import { NAME_PATTERN, text } from "./shapes.js";
import { misspelt } from "./validate.js";

export const BALANCES = [
  "round_robin",
  "random",
  "least_connections",
  "hash_client",
  "hash_bot",
  "sni",
  "first",
] as const;
export type Balance = (typeof BALANCES)[number];

/** More would make each choice dear. */
export const MEMBERS_MAX = 100;

export interface PoolConfig {
  readonly members: readonly (Address & { readonly name: string })[];
  readonly balance: Balance;
  readonly health: HealthConfig | null;
  readonly eject: { readonly failures: number; readonly for: number } | null;
}

export interface HealthConfig {
  /** null: a connection is opened and closed. */
  readonly path: string | null;
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly fall: number;
  readonly rise: number;
}

const healthPath = z
  .string({ error: (issue) => `expected a path such as /healthz, got ${shown(issue.input)}` })
  .regex(/^\/[\x21-\x7e]*$/u, {
    error: (issue) => `expected a path such as /healthz, got ${shown(issue.input)}`,
  });

export const poolShape = {
  upstreams: z
    .record(text(), upstream())
    .optional()
    .describe("several upstreams in place of one, by names of your own"),
  balance: choice(BALANCES).optional().describe("which of several upstreams is next; round_robin by default"),
  health: z
    .strictObject({
      path: healthPath
        .optional()
        .describe("what is asked for over HTTP; without it a connection is opened and closed"),
      interval: duration({ positive: true }).prefault("2s").describe("from one check to the next"),
      timeout: duration({ positive: true }).prefault("1s").describe("how long one may take"),
      fall: count({ min: 1 }).default(3).describe("so many failures in a row take an upstream out"),
      rise: count({ min: 1 }).default(2).describe("so many successes in a row bring it back"),
    })
    .optional()
    .describe("asks each upstream now and then whether it is well"),
  eject: z
    .strictObject({
      failures: count({ min: 1 }).default(5).describe("so many failures of clients in a row"),
      for: duration({ positive: true }).prefault("30s").describe("and it is left out for so long"),
    })
    .optional()
    .describe("takes out an upstream that fails its clients"),
};

/** What the schema made of them. */
export interface PoolSettings {
  readonly upstream?: Upstream | undefined;
  readonly upstreams?: Readonly<Record<string, Upstream>> | undefined;
  readonly balance?: Balance | undefined;
  readonly health?: (Omit<HealthConfig, "path"> & { readonly path?: string | undefined }) | undefined;
  readonly eject?: { readonly failures: number; readonly for: number } | undefined;
}

/** The first upstream, which says what protocol the proxy has, and the pool if there is more to say than that. */
export function poolOf(
  settings: PoolSettings,
): { readonly first: Upstream; readonly pool: PoolConfig | null } | null {
  const { upstream: only, upstreams = {}, balance = "round_robin", health, eject } = settings;
  const named = Object.entries(only === undefined ? upstreams : { main: only });
  const first = named[0]?.[1];
  if (first === undefined) return null;
  if (only !== undefined && health === undefined && eject === undefined) return { first, pool: null };
  return {
    first,
    pool: {
      members: named.map(([name, { address }]) => ({ name, ...address })),
      balance,
      health: health === undefined ? null : { ...health, path: health.path ?? null },
      eject: eject ?? null,
    },
  };
}

/** One upstream or several: said whatever else is wrong, since nothing can be done without. `settings` are all that a proxy may have. */
export function checkPresence(
  { key, value, place }: LocatedEntry,
  settings: readonly string[],
  problems: Problems,
): void {
  if (value.kind !== "map") return;
  const meant = misspelt(value.entries.keys(), settings);
  const one = value.entries.has("upstream");
  const several = value.entries.has("upstreams");
  if (one && several)
    problems.add(
      placeOf(value, "upstreams"),
      `expected either upstream or upstreams, got both for ${shown(key)}`,
    );
  if (!one && !several && !meant.has("upstream") && !meant.has("upstreams"))
    problems.add(
      { place, path: under(value.path, "upstream") },
      "is required: an upstream such as http://server:3000 or tcp://server:3000, or upstreams for several",
    );
}

/** What the schema cannot judge: each problem at the place where it was written. */
export function checkPool({ value }: LocatedEntry, settings: PoolSettings, problems: Problems): void {
  if (value.kind !== "map") return;
  const { upstream: only, upstreams, balance, health } = settings;
  if (upstreams !== undefined) checkMembers(value, upstreams, problems);
  else if (balance !== undefined)
    problems.add(placeOf(value, "balance"), "there is one upstream, so there is nothing to balance");
  const protocol = (only ?? Object.values(upstreams ?? {})[0])?.protocol;
  if (health?.path !== undefined && protocol === "tcp")
    problems.add(placeOf(value, "health"), 'a tcp proxy speaks no HTTP to its upstreams: leave "path" out');
  if (health !== undefined && health.timeout > health.interval)
    problems.add(placeOf(value, "health"), "a check may not take longer than the interval between two");
}

function checkMembers(
  proxy: LocatedMap,
  upstreams: Readonly<Record<string, Upstream>>,
  problems: Problems,
): void {
  const members = Object.entries(upstreams);
  const [first] = members;
  const all = placeOf(proxy, "upstreams");
  if (first === undefined || members.length > MEMBERS_MAX) {
    problems.add(all, `expected between 1 and ${MEMBERS_MAX} upstreams, got ${members.length}`);
    return;
  }
  for (const [name, { protocol, tls }] of members) {
    const node = child(proxy, "upstreams");
    const at = node?.kind === "map" ? placeOf(node, name) : all;
    if (!NAME_PATTERN.test(name))
      problems.add(at, 'expected a name of lower-case letters, digits, ".", "_" and "-" for an upstream');
    if (protocol !== first[1].protocol || tls !== first[1].tls)
      problems.add(
        at,
        `all upstreams of a proxy must be spoken to alike, and this one is unlike ${first[0]}`,
      );
  }
}

function placeOf(
  map: LocatedMap,
  key: string,
): { readonly place: LocatedMap["place"]; readonly path: string } {
  const entry = map.entries.get(key);
  return { place: entry?.place ?? map.place, path: under(map.path, key) };
}
