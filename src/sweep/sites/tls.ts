/**
 * Handshakes as sites: one for each proxy and name that was asked for (SNI). Nobody has told its name when a handshake begins, so they are
 * counted for all clients of the proxy together.
 */
import type { RunRecord, SeenHandshake } from "../contract/record.js";
import type { Site } from "../contract/site.js";
import { steadinessOf } from "./aim.js";
import { byName } from "./bots.js";

type TlsSite = Extract<Site, { protocol: "tls" }>;

export function tlsSiteId({ proxy, sni }: Pick<SeenHandshake, "proxy" | "sni">): string {
  return `tls ${proxy}${sni === null ? "" : ` ${sni}`}`;
}

export function tlsSites(runs: readonly RunRecord[]): TlsSite[] {
  const all = runs.flatMap(({ handshakes = [] }) => handshakes);
  const groups = new Map<string, SeenHandshake[]>();
  for (const one of all) {
    const id = tlsSiteId(one);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [one]);
    else group.push(one);
  }
  return [...groups].flatMap(([id, own]) => {
    const [first] = own;
    if (first === undefined) return [];
    const { proxy, sni } = first;
    const bots = [...new Set(own.map(({ bot }) => bot))].sort(byName);
    const counts = runs.map(
      ({ handshakes = [] }) => handshakes.filter((one) => tlsSiteId(one) === id).length,
    );
    return [
      {
        protocol: "tls",
        id,
        proxy,
        botClass: "*",
        bot: "*",
        bots,
        steadiness: steadinessOf(counts),
        counts,
        sni,
        others: [
          ...new Set(all.flatMap((one) => (one.proxy === proxy && one.sni !== sni ? (one.sni ?? []) : []))),
        ].sort(byName),
        ended: own.some(({ version }) => version !== null),
      } satisfies TlsSite,
    ];
  });
}

/** Connections that began with a handshake, as `proxy connection`. */
export function securedConnections({ handshakes = [] }: RunRecord): ReadonlySet<string> {
  return new Set(handshakes.map(({ proxy, connection }) => `${proxy} ${connection}`));
}
