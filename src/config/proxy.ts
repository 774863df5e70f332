/** What a schema alone cannot judge of a proxy: keys that hang on its protocol, `identify` and `except`. */
import { readIdentify, type IdentifyRule } from "./identify.js";
import { child, under, type Located, type LocatedEntry, type LocatedMap } from "./located.js";
import { readMatch, type Knowing, type MatchEntry } from "./match.js";
import type { Problems } from "./problems.js";
import { refuseTlsRules } from "./tls-rules.js";
import { hintFor } from "./validate.js";
import { shown } from "../faults/params.js";

/** Of a daemon, whoever made them. */
export const PROXIES_MAX = 1_000;

/** `unknown` if the upstream is missing or wrong: then nothing more is said about it. */
type Protocol = "tcp" | "tls" | "udp" | "dns" | "http" | "https" | "unknown";

const HTTP_KEYS: readonly string[] = [
  "persona",
  "fault_header",
  "ambiguous",
  "host",
  "rewrite",
  "head_timeout",
];
const STREAMS: readonly Protocol[] = ["tcp", "tls"];
/** What a proxy sees that sees no HTTP, and what it acts on. */
const SEES: Readonly<Record<string, string>> = {
  tcp: "bytes",
  tls: "bytes",
  udp: "datagrams",
  dns: "questions",
};
const ACTS_ON: Readonly<Record<string, string>> = {
  tcp: "connections",
  tls: "connections",
  udp: "datagrams",
  dns: "DNS queries",
};
/** What a udp proxy has not, and why. */
const NOT_OF_UDP: Readonly<Record<string, string>> = {
  upstreams: "a udp proxy has one upstream",
  balance: "a udp proxy has one upstream, so there is nothing to balance",
  health: "a udp proxy has one upstream, whose health nobody checks",
  dial_timeout: "a udp proxy dials nobody: datagrams are sent without a word before",
  proxy_protocol: "a PROXY protocol header comes before the bytes of a connection, and datagrams have none",
};
/** What a dns proxy has not, and why. */
const NOT_OF_DNS: Readonly<Record<string, string>> = {
  upstreams: "a dns proxy has one upstream",
  balance: "a dns proxy has one upstream, so there is nothing to balance",
  health: "a dns proxy has one upstream, whose health nobody checks",
  eject: "a dns proxy has one upstream, which cannot be left out",
  dial_timeout: "a dns proxy dials nobody: whoever asks it waits as long as it likes",
  proxy_protocol: "a PROXY protocol header comes before the bytes of a connection, and datagrams have none",
};
const HTTP_RULES: readonly string[] = ["header", "bearer", "query", "path"];

export function proxiesOf(root: LocatedMap): readonly LocatedEntry[] {
  const proxies = child(root, "proxies");
  return proxies?.kind === "map" ? [...proxies.entries.values()] : [];
}

/** Refuses in so many words what this version or this protocol does not have, and takes it out before the schema sees it. */
export function refuseForeign(root: LocatedMap, problems: Problems): LocatedMap {
  const proxies = root.entries.get("proxies");
  if (proxies?.value.kind !== "map") return root;
  const entries = new Map(
    [...proxies.value.entries].map(([name, entry]) => [
      name,
      { ...entry, value: withoutForeign(entry.value, problems) },
    ]),
  );
  const value = { ...proxies.value, entries };
  return { ...root, entries: new Map(root.entries).set("proxies", { ...proxies, value }) };
}

function withoutForeign(proxy: Located, problems: Problems): Located {
  if (proxy.kind !== "map") return proxy;
  const protocol = protocolOf(proxy);
  const kept = [...proxy.entries].filter(([key, entry]) => {
    // It is also how long a ClientHello may take.
    if (key === "head_timeout" && STREAMS.includes(protocol) && proxy.entries.has("secure")) return true;
    const reason = foreign(key, protocol);
    if (reason === undefined) return true;
    problems.add({ place: entry.place, path: under(proxy.path, key) }, reason);
    return false;
  });
  return { ...proxy, entries: new Map(kept) };
}

function protocolOf(proxy: Located): Protocol {
  const several = child(proxy, "upstreams");
  const first = several?.kind === "map" ? [...several.entries.values()][0]?.value : undefined;
  const upstream = child(proxy, "upstream") ?? first;
  const scheme =
    upstream?.kind === "scalar" && typeof upstream.value === "string"
      ? /^(tcp|tls|udp|dns|https?):\/\//u.exec(upstream.value)?.[1]
      : undefined;
  return (scheme as Protocol | undefined) ?? "unknown";
}

function foreign(key: string, protocol: Protocol): string | undefined {
  if (protocol === "unknown") return undefined;
  if (key === "tls" && protocol !== "https" && protocol !== "tls")
    return `"tls" says how an https:// or tls:// upstream is dialled, and this one is ${protocol}://`;
  const sees = SEES[protocol];
  if (sees !== undefined && HTTP_KEYS.includes(key))
    return `${shown(key)} is about HTTP exchanges, and a ${nameOf(protocol)} proxy sees only ${sees}`;
  if (protocol === "udp" && Object.hasOwn(NOT_OF_UDP, key)) return NOT_OF_UDP[key];
  if (protocol === "dns" && Object.hasOwn(NOT_OF_DNS, key)) return NOT_OF_DNS[key];
  if (protocol !== "dns" && key === "records")
    return `"records" are what a dns proxy answers, and this upstream is ${protocol}://`;
  if (protocol !== "udp" && key === "idle_timeout")
    return `"idle_timeout" says when the flow of a udp proxy is over, and this upstream is ${protocol}://`;
  return undefined;
}

/** A tls:// upstream makes a tcp proxy. */
function nameOf(protocol: string): string {
  return protocol === "tls" ? "tcp" : protocol;
}

export interface ProxyRules {
  readonly identify: readonly IdentifyRule[];
  readonly except: readonly MatchEntry[];
}

/** `identify` and `except` of each proxy, by its name. */
export function readRules(root: LocatedMap, problems: Problems): Map<string, ProxyRules> {
  return new Map(
    proxiesOf(root).map(({ key, value }) => {
      const protocol = protocolOf(value);
      const identify = child(value, "identify");
      const refused = protocol in SEES && refuseRules(identify, protocol, problems);
      refuseTlsRules(value, problems);
      return [
        key,
        {
          identify: (refused ? null : readIdentify(identify, problems)) ?? [],
          except: readExcept(child(value, "except"), protocol, problems),
        },
      ];
    }),
  );
}

function refuseRules(node: Located | undefined, protocol: Protocol, problems: Problems): boolean {
  if (node === undefined) return false;
  const before = problems.count;
  for (const rule of node.kind === "list" ? node.items : [node]) {
    const word =
      rule.kind === "map" ? [...rule.entries.keys()][0] : rule.kind === "scalar" ? rule.value : undefined;
    if (typeof word !== "string" || !HTTP_RULES.includes(word)) continue;
    problems.add(
      rule,
      `${shown(word)} identifies bots by their HTTP requests, and a ${nameOf(protocol)} proxy sees only ${SEES[protocol] ?? "bytes"}`,
      'use "client"',
    );
  }
  return problems.count > before;
}

function readExcept(
  node: Located | undefined,
  protocol: Protocol,
  problems: Problems,
): readonly MatchEntry[] {
  const knowing: Knowing =
    protocol in ACTS_ON
      ? {
          subjects: protocol === "dns" ? "queries" : "connections",
          acts: `a ${nameOf(protocol)} proxy acts on ${ACTS_ON[protocol] ?? ""}`,
        }
      : { subjects: "exchanges", acts: "a http proxy acts on HTTP exchanges" };
  const entries = readMatch(node, knowing, problems) ?? [];
  for (const entry of node?.kind === "list" ? node.items : node === undefined ? [] : [node]) {
    const status = child(entry, "status");
    if (status !== undefined && knowing.subjects === "exchanges")
      problems.add(
        status,
        "is known when the upstream has answered, and a proxy leaves alone what it knows before",
      );
  }
  return entries;
}

/** "unknown proxy", with the nearest name there is, else all of them while they can be read at a glance. */
export function unknownProxy(name: string, known: readonly string[]): { message: string; hint?: string } {
  const hint = known.length === 0 ? "there are no proxies" : hintFor(name, known);
  return { message: `no proxy is called ${JSON.stringify(name)}`, ...(hint === undefined ? {} : { hint }) };
}
