/** squall.yaml -> `Config`: file, then environment, then flags, checked as one and resolved to plain values. */
import { dirname, resolve } from "node:path";
import type { Problem, SquallError } from "../core/errors.js";
import type { Keepalive } from "../core/stream-options.js";
import { invariant } from "../core/invariant.js";
import type { DnsRecord, TlsVersion } from "../faults/contract/index.js";
import type { Persona } from "../faults/personas.js";
import { callsItself, clash, formatAddress, type Address } from "./address.js";
import { authorityOf, type AuthorityConfig } from "./authority.js";
import { checkFleet, fleetOf, type FleetConfig } from "./fleet.js";
import type { IdentifyRule } from "./identify.js";
import { environmentLookup, interpolate } from "./interpolate.js";
import {
  child,
  SourceText,
  withoutBlanks,
  type Located,
  type LocatedEntry,
  type LocatedMap,
} from "./located.js";
import type { MatchEntry } from "./match.js";
import { applyOverride, environmentOverrides, type Override } from "./overrides.js";
import type { ProfilesConfig } from "./places.js";
import { Problems } from "./problems.js";
import { checkPool, checkPresence, poolOf, type PoolConfig } from "./pool.js";
import { checkRecords, recordsOf } from "./records.js";
import { checkSecure, secureOf, type SecureConfig } from "./secure.js";
import { PROXIES_MAX, proxiesOf, readRules, refuseForeign, type ProxyRules } from "./proxy.js";
import { configShape, proxyShape, type Settings } from "./settings.js";
import { NAME_PATTERN } from "./shapes.js";
import { readDocuments } from "./source.js";
import { check, keysOf } from "./validate.js";

/** Of a dns proxy: far more than a machine's own server would take, and each costs a few kilobytes. */
const QUERIES_DEFAULT = 10_000;

export interface UpstreamTls {
  /** A file of certificates (PEM) to trust instead of the usual ones. */
  readonly ca: string | null;
  /** Any certificate will do. */
  readonly insecure: boolean;
  /** The name to ask for and to find in the certificate; null for the upstream's host. */
  readonly servername: string | null;
  /** Files of the certificate that the upstream is shown and of its key (PEM). */
  readonly own: { readonly cert: string; readonly key: string } | null;
  /** The oldest version; null for the runtime's own. */
  readonly min: TlsVersion | null;
}

export interface ProxyConfig {
  readonly name: string;
  readonly protocol: "tcp" | "http" | "udp" | "dns";
  readonly listen: Address;
  /** Of a pool, the first. */
  readonly upstream: Address;
  /** null for one upstream that is simply dialled. */
  readonly pool: PoolConfig | null;
  /** How the upstream is dialled; null for plain TCP. */
  readonly tls: UpstreamTls | null;
  /** How clients are spoken to over TLS; null for plain TCP. */
  readonly secure: SecureConfig | null;
  readonly identify: readonly IdentifyRule[];
  readonly except: readonly MatchEntry[];
  /** Whose words Squall's own 502, 503 and 504 are in. */
  readonly persona: Persona;
  /** Whether answers say in x-squall-fault what was done to them. */
  readonly faultHeader: boolean;
  /** A request whose framing can be read in two ways: 400 and the end, or the rest of the connection as opaque bytes. */
  readonly ambiguous: "reject" | "relay";
  /** The Host that requests go up with: `preserve`, `upstream`, or a name. */
  readonly host: string;
  /** What of answers is rewritten where it names the upstream itself. */
  readonly rewrite: readonly "location"[];
  /** Milliseconds that the head of a request may take to arrive. */
  readonly headTimeout: number;
  /** Milliseconds. */
  readonly dialTimeout: number;
  /** Milliseconds without a datagram after which a flow of a udp proxy is over. */
  readonly idleTimeout: number;
  readonly proxyProtocol: "off" | "accept";
  readonly enabled: boolean;
  /** null: only the limit of the daemon. */
  readonly connections: number | null;
  /** What a dns proxy answers itself, how many questions at once, and whom it asks for the rest. */
  readonly dns: {
    readonly records: readonly DnsRecord[];
    readonly queries: number;
    readonly source: "server" | "system" | "none";
  };
}

export interface ActivationConfig {
  readonly profile: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly seed: number | null;
  /** Milliseconds. */
  readonly ttl: number | null;
  readonly proxies: readonly string[] | null;
  readonly mode: "inject" | "observe";
}

/** Everything resolved: sizes in bytes, times in milliseconds, paths absolute if the file's folder is known. */
export interface Config {
  readonly admin: {
    readonly listen: Address;
    readonly token: string | null;
    readonly hosts: readonly string[];
    /** How it speaks HTTPS; null for plain HTTP. `own` is null for a certificate of the CA. */
    readonly tls: { readonly own: { readonly cert: string; readonly key: string } | null } | null;
    readonly body: number;
  };
  readonly profiles: ProfilesConfig;
  readonly journal: {
    readonly keep: number;
    readonly exchanges: "faulted" | "all";
    readonly file: string | null;
    readonly rotate: number;
    readonly files: number;
  };
  readonly limits: {
    readonly connections: number;
    readonly flows: number;
    readonly header: number;
    readonly held: number;
    /** Milliseconds; null for off. */
    readonly keepalive: Keepalive;
    readonly drain: number;
  };
  readonly ui: {
    /** Bytes of bodies that the dashboard shows; 0 for none. */
    readonly bodies: number;
  };
  /** The CA that bots are shown certificates of. */
  readonly tls: AuthorityConfig;
  readonly seed: number | null;
  /** The fleet that this daemon belongs to; null for none. */
  readonly fleet: FleetConfig | null;
  readonly log: Settings["log"];
  readonly proxies: readonly ProxyConfig[];
  readonly activate: readonly ActivationConfig[];
  /** Where what the API makes and changes is kept; null for nowhere. */
  readonly state: string | null;
  readonly watch: boolean;
}

export interface ConfigInput {
  /** The text of squall.yaml; without it there are only defaults and overrides. */
  readonly text?: string;
  /** Its path, for messages and as the base of relative paths. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** From flags: they win over the environment, which wins over the file. */
  readonly overrides?: readonly Override[];
  /** What relative paths start from if there is no file. */
  readonly folder?: string;
  /** Proxies that were written elsewhere, in the place of those of the same names; a mistake is told where it was made. */
  readonly proxies?: LocatedMap;
}

export interface ReadConfig {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** SQ_INVALID_CONFIG about the setting of that path, or the nearest that was written, with its place. */
  error(path: readonly string[], message: string, hint?: string): SquallError;
}

/** Throws SQ_INVALID_CONFIG with everything that is wrong. */
export function readConfig(input: ConfigInput): ReadConfig {
  const problems = new Problems();
  const env = input.env ?? {};
  let root = withProxies(readRoot(input, problems), input.proxies);
  problems.throwIfAny("SQ_INVALID_CONFIG");
  const written = interpolate(root, environmentLookup(env), problems);
  if (written.kind === "map") root = written;
  for (const override of [...environmentOverrides(env), ...(input.overrides ?? [])]) {
    root = applyOverride(inLongForm(root, override), override, problems);
  }
  root = tidy(root);
  const refused = refuseForeign(root, problems);
  const settings = check(configShape, refused, problems);
  const rules = readRules(refused, problems);
  checkNames(refused, problems);
  checkNumber(refused, problems);
  for (const entry of proxiesOf(refused)) checkPresence(entry, keysOf(proxyShape), problems);
  if (settings !== undefined)
    for (const look of [checkPools, checkAddresses, checkFleet]) look(settings, refused, problems);
  problems.throwIfAny("SQ_INVALID_CONFIG");
  if (settings === undefined) throw problems.error("SQ_INVALID_CONFIG");
  return {
    config: configOf(settings, rules, input),
    warnings: [],
    error: (path, message, hint) => {
      const found = new Problems();
      found.add(nearest(root, path), message, hint);
      return found.error("SQ_INVALID_CONFIG");
    },
  };
}

/** As much of the path as was written. Names may have dots, so a key may be several words of it. */
function nearest(root: Located, path: readonly string[]): Located {
  if (path.length === 0) return root;
  const [first = "", ...rest] = path;
  if (root.kind === "list") {
    const item = root.items[Number(first)];
    return item === undefined ? root : nearest(item, rest);
  }
  if (root.kind === "scalar") return root;
  for (let words = 1; words <= path.length; words++) {
    const entry = root.entries.get(path.slice(0, words).join("."));
    if (entry !== undefined) return nearest(entry.value, path.slice(words));
  }
  // One may stand where several can.
  return /^\d+$/u.test(first) ? nearest(root, rest) : root;
}

function readRoot({ text, file = "squall.yaml" }: ConfigInput, problems: Problems): LocatedMap {
  const empty: LocatedMap = {
    kind: "map",
    entries: new Map(),
    place: { text: new SourceText(file, null), offset: 0 },
    path: "",
  };
  if (text === undefined) return empty;
  const [document, second] = readDocuments(text, file, problems);
  if (second !== undefined) problems.add(second.tree, "expected one document, got a second one");
  if (document === undefined) return empty;
  if (document.tree.kind === "map") return document.tree;
  problems.add(document.tree, "expected settings (a mapping)");
  return empty;
}

/** `proxies` that is no mapping stays as it is: the schema says so. */
function withProxies(root: LocatedMap, more: LocatedMap | undefined): LocatedMap {
  if (more === undefined || more.entries.size === 0) return root;
  const written = root.entries.get("proxies");
  const none = written?.value.kind === "scalar" && written.value.value === null;
  if (written !== undefined && written.value.kind !== "map" && !none) return root;
  const before = written?.value.kind === "map" ? written.value.entries : new Map<string, LocatedEntry>();
  const value: LocatedMap = { ...more, entries: new Map([...before, ...more.entries]) };
  const entry = { key: "proxies", place: written?.place ?? more.place, value };
  return { ...root, entries: new Map(root.entries).set("proxies", entry) };
}

// ------------------------------------------------------------------------------------------------
// Before the schema.

/** A setting that was written and left empty is one that was not written. */
function tidy(root: LocatedMap): LocatedMap {
  const struct = (node: Located): Located => (node.kind === "map" ? withoutBlanks(node) : node);
  const entries = new Map<string, LocatedEntry>();
  for (const [key, entry] of withoutBlanks(root).entries) {
    const value =
      key === "proxies" && entry.value.kind === "map"
        ? { ...entry.value, entries: mapValues(entry.value.entries, struct) }
        : struct(entry.value);
    entries.set(key, {
      ...entry,
      value: key === "activate" && isNone(value) ? { ...value, kind: "list", items: [] } : value,
    });
  }
  return { ...root, entries };
}

/** `profiles: [a]` as `profiles: { paths: [a] }`, where one key of the long form is to be set. */
function inLongForm(root: LocatedMap, { path: [setting = "", key = ""] }: Override): LocatedMap {
  const entry = root.entries.get("profiles");
  if (setting.toLowerCase() !== "profiles" || key === "" || /^\d+$/u.test(key)) return root;
  if (entry === undefined || entry.value.kind === "map") return root;
  const { place, path } = entry.value;
  if (entry.value.kind === "scalar" && entry.value.value === null) return root;
  const paths = { key: "paths", place, value: entry.value };
  const value: LocatedMap = { kind: "map", entries: new Map([["paths", paths]]), place, path };
  return { ...root, entries: new Map(root.entries).set("profiles", { ...entry, value }) };
}

function mapValues(
  entries: ReadonlyMap<string, LocatedEntry>,
  change: (node: Located) => Located,
): Map<string, LocatedEntry> {
  return new Map([...entries].map(([key, entry]) => [key, { ...entry, value: change(entry.value) }]));
}

function isNone(node: Located): boolean {
  return node.kind === "scalar" && node.value === "none";
}

// ------------------------------------------------------------------------------------------------
// Beside the schema.

function checkNames(root: LocatedMap, problems: Problems): void {
  for (const { key, place, value } of proxiesOf(root)) {
    if (NAME_PATTERN.test(key)) continue;
    problems.add(
      { place, path: value.path },
      'expected a name of lower-case letters, digits, ".", "_" and "-" as the name of a proxy',
    );
  }
}

function checkNumber(root: LocatedMap, problems: Problems): void {
  const beyond = proxiesOf(root)[PROXIES_MAX];
  if (beyond !== undefined)
    problems.add(
      { place: beyond.place, path: beyond.value.path },
      `a daemon has at most ${PROXIES_MAX} proxies, and this is one too many`,
    );
}

function checkPools(settings: Settings, root: LocatedMap, problems: Problems): void {
  for (const entry of proxiesOf(root)) {
    const proxy = settings.proxies[entry.key];
    if (proxy === undefined) continue;
    checkPool(entry, proxy, problems);
    checkSecure(entry, proxy, protocolOf(proxy), problems);
    checkRecords(entry, proxy.records, problems);
  }
}

function protocolOf({ upstream, upstreams = {} }: Settings["proxies"][string]): string {
  return (upstream ?? Object.values(upstreams)[0])?.protocol ?? "tcp";
}

function checkAddresses(settings: Settings, root: LocatedMap, problems: Problems): void {
  const used: {
    readonly who: string;
    readonly address: Address;
    readonly udp: boolean;
    readonly tcp: boolean;
  }[] = [{ who: "the admin port", address: settings.admin.listen, udp: false, tcp: true }];
  for (const { key, value } of proxiesOf(root)) {
    const address = settings.proxies[key]?.listen;
    if (address === undefined) continue;
    // The ports of TCP and of UDP do not meet; DNS has both.
    const protocol = settings.proxies[key]?.upstream?.protocol;
    const udp = protocol === "udp" || protocol === "dns";
    const tcp = protocol !== "udp";
    const other = used.find((one) => ((one.udp && udp) || (one.tcp && tcp)) && clash(one.address, address));
    if (other !== undefined) {
      problems.add(
        child(value, "listen") ?? value,
        `cannot listen on ${formatAddress(address)}: ${other.who} has ${formatAddress(other.address)}`,
      );
    }
    const { upstream: own, upstreams = {} } = settings.proxies[key] ?? {};
    const dialled = [own, ...Object.values(upstreams)].flatMap((one) =>
      one?.source === undefined && one !== undefined ? [one.address] : [],
    );
    if (dialled.some((one) => callsItself(address, one)))
      problems.add(
        child(value, "upstream") ?? child(value, "upstreams") ?? value,
        `${formatAddress(address)} is where the proxy itself listens`,
      );
    used.push({ who: `the proxy ${JSON.stringify(key)}`, address, udp, tcp });
  }
}

// ------------------------------------------------------------------------------------------------
// After the schema.

function configOf(settings: Settings, rules: ReadonlyMap<string, ProxyRules>, input: ConfigInput): Config {
  const base = input.file === undefined ? input.folder : dirname(resolve(input.folder ?? ".", input.file));
  const path = (written: string): string => (base === undefined ? written : resolve(base, written));
  const { admin, journal, limits, log, seed, state, ui, watch } = settings;
  return {
    admin: {
      listen: admin.listen,
      token: admin.token === undefined || admin.token === "" ? null : admin.token,
      hosts: admin.hosts,
      tls: adminTlsOf(admin.tls ?? null, path),
      body: admin.body,
    },
    profiles: { ...settings.profiles, paths: settings.profiles.paths?.map(path) ?? null },
    journal: { ...journal, file: journal.file === undefined ? null : path(journal.file) },
    limits,
    ui,
    tls: authorityOf(settings.tls, path),
    seed: seed ?? null,
    fleet: fleetOf(settings.fleet, path, input.env ?? {}),
    log,
    proxies: Object.entries(settings.proxies).map(([name, proxy]) =>
      proxyOf(name, proxy, rules.get(name), path),
    ),
    activate: settings.activate.map((one) => {
      if (typeof one === "string")
        return { profile: one, params: {}, seed: null, ttl: null, proxies: null, mode: "inject" as const };
      return { ...one, seed: one.seed ?? null, ttl: one.ttl ?? null, proxies: one.proxies ?? null };
    }),
    state: state === undefined ? null : path(state),
    watch,
  };
}

function adminTlsOf(
  tls: NonNullable<Settings["admin"]["tls"]> | null,
  path: (written: string) => string,
): Config["admin"]["tls"] {
  if (tls === null) return null;
  const { own } = tls;
  return { own: own === null ? null : { cert: path(own.cert), key: path(own.key) } };
}

function proxyOf(
  name: string,
  { listen, tls, ...proxy }: Settings["proxies"][string],
  rules: ProxyRules | undefined,
  path: (written: string) => string,
): ProxyConfig {
  const found = poolOf(proxy);
  invariant(found !== null, "a proxy without an upstream has passed the checks");
  const { first: upstream, pool } = found;
  return {
    name,
    pool,
    protocol: upstream.protocol,
    listen,
    upstream: upstream.address,
    tls: upstream.tls
      ? {
          ca: tls.ca === undefined ? null : path(tls.ca),
          insecure: tls.insecure,
          servername: tls.servername ?? null,
          own:
            tls.cert === undefined || tls.key === undefined
              ? null
              : { cert: path(tls.cert), key: path(tls.key) },
          min: tls.min ?? null,
        }
      : null,
    secure: secureOf(proxy.secure, upstream.protocol, path),
    identify: rules?.identify ?? [],
    except: rules?.except ?? [],
    dialTimeout: proxy.dial_timeout,
    idleTimeout: proxy.idle_timeout,
    proxyProtocol: proxy.proxy_protocol,
    enabled: proxy.enabled,
    connections: proxy.limits.connections ?? null,
    dns: {
      records: recordsOf(proxy.records ?? {}),
      queries: proxy.limits.queries ?? QUERIES_DEFAULT,
      source: upstream.source ?? "server",
    },
    persona: proxy.persona,
    faultHeader: proxy.fault_header,
    ambiguous: proxy.ambiguous,
    host: proxy.host,
    rewrite: proxy.rewrite,
    headTimeout: proxy.head_timeout,
  };
}
