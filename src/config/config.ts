/** squall.yaml -> `Config`: file, then environment, then flags, checked as one and resolved to plain values. */
import { dirname, resolve } from "node:path";
import type { Problem } from "../core/errors.js";
import { shown } from "../faults/params.js";
import { clash, formatAddress, type Address } from "./address.js";
import { readMatch, type MatchEntry } from "./conditions.js";
import { environmentLookup, interpolate } from "./interpolate.js";
import {
  child,
  SourceText,
  under,
  withoutBlanks,
  type Located,
  type LocatedEntry,
  type LocatedMap,
} from "./located.js";
import { applyOverride, environmentOverrides, type Override } from "./overrides.js";
import { Problems } from "./problems.js";
import { configShape, type Settings } from "./settings.js";
import { NAME_PATTERN } from "./shapes.js";
import { readDocuments } from "./source.js";
import { check } from "./validate.js";

export interface ProxyConfig {
  readonly name: string;
  readonly protocol: "tcp";
  readonly listen: Address;
  readonly upstream: Address;
  readonly identify: readonly "client"[];
  readonly except: readonly MatchEntry[];
  /** Milliseconds. */
  readonly dialTimeout: number;
  readonly proxyProtocol: "off" | "accept";
  readonly enabled: boolean;
  /** null: only the limit of the daemon. */
  readonly connections: number | null;
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
    readonly body: number;
  };
  readonly profiles: readonly string[];
  readonly journal: {
    readonly keep: number;
    readonly file: string | null;
    readonly rotate: number;
    readonly files: number;
  };
  readonly limits: {
    readonly connections: number;
    readonly header: number;
    readonly held: number;
    readonly drain: number;
  };
  readonly seed: number | null;
  readonly log: Settings["log"];
  readonly proxies: readonly ProxyConfig[];
  readonly activate: readonly ActivationConfig[];
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
}

export interface ReadConfig {
  readonly config: Config;
  readonly warnings: readonly Problem[];
}

/** Throws SQ_INVALID_CONFIG with everything that is wrong. */
export function readConfig(input: ConfigInput): ReadConfig {
  const problems = new Problems();
  const env = input.env ?? {};
  let root = readRoot(input, problems);
  problems.throwIfAny("SQ_INVALID_CONFIG");
  const written = interpolate(root, environmentLookup(env), problems);
  if (written.kind === "map") root = written;
  for (const override of [...environmentOverrides(env), ...(input.overrides ?? [])]) {
    root = applyOverride(root, override, problems);
  }
  root = tidy(root);
  const refused = refuseLater(root, problems);
  const settings = check(configShape, refused, problems);
  const except = readExcepts(refused, problems);
  checkNames(refused, problems);
  if (settings !== undefined) checkAddresses(settings, refused, problems);
  problems.throwIfAny("SQ_INVALID_CONFIG");
  if (settings === undefined) throw problems.error("SQ_INVALID_CONFIG");
  return { config: configOf(settings, except, input), warnings: [] };
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

function mapValues(
  entries: ReadonlyMap<string, LocatedEntry>,
  change: (node: Located) => Located,
): Map<string, LocatedEntry> {
  return new Map([...entries].map(([key, entry]) => [key, { ...entry, value: change(entry.value) }]));
}

function isNone(node: Located): boolean {
  return node.kind === "scalar" && node.value === "none";
}

const LATER_KEYS: Readonly<Record<string, string>> = {
  upstreams: "a pool of upstreams is not part of this version: expected one upstream",
  balance: "a pool of upstreams is not part of this version, so there is nothing to balance",
  health: "a pool of upstreams is not part of this version, so no health is checked",
};

/** What later versions will know is refused in so many words, and taken out before the schema sees it. */
function refuseLater(root: LocatedMap, problems: Problems): LocatedMap {
  const proxies = root.entries.get("proxies");
  if (proxies?.value.kind !== "map") return root;
  const entries = mapValues(proxies.value.entries, (proxy) => {
    if (proxy.kind !== "map") return proxy;
    const kept = [...proxy.entries].filter(([key, entry]) => {
      if (key === "identify") return !refuseIdentify(entry.value, problems);
      const reason = Object.hasOwn(LATER_KEYS, key) ? LATER_KEYS[key] : undefined;
      if (reason !== undefined) problems.add({ place: entry.place, path: under(proxy.path, key) }, reason);
      return reason === undefined;
    });
    return { ...proxy, entries: new Map(kept) };
  });
  const value = { ...proxies.value, entries };
  return { ...root, entries: new Map(root.entries).set("proxies", { ...proxies, value }) };
}

const LATER_RULES: readonly string[] = ["header", "bearer", "query"];

function refuseIdentify(node: Located, problems: Problems): boolean {
  const before = problems.count;
  for (const rule of node.kind === "list" ? node.items : [node]) {
    const word =
      rule.kind === "map" ? [...rule.entries.keys()][0] : rule.kind === "scalar" ? rule.value : undefined;
    if (typeof word !== "string" || !LATER_RULES.includes(word)) continue;
    problems.add(
      rule,
      `${shown(word)} identifies bots by their HTTP requests, and a tcp proxy sees only bytes`,
      'use "client"',
    );
  }
  return problems.count > before;
}

// ------------------------------------------------------------------------------------------------
// Beside the schema.

function proxiesOf(root: LocatedMap): readonly LocatedEntry[] {
  const proxies = child(root, "proxies");
  return proxies?.kind === "map" ? [...proxies.entries.values()] : [];
}

function readExcepts(root: LocatedMap, problems: Problems): Map<string, readonly MatchEntry[]> {
  const excepts = new Map<string, readonly MatchEntry[]>();
  for (const { key, value } of proxiesOf(root)) {
    excepts.set(key, readMatch(child(value, "except"), "a tcp proxy", problems) ?? []);
  }
  return excepts;
}

function checkNames(root: LocatedMap, problems: Problems): void {
  for (const { key, place, value } of proxiesOf(root)) {
    if (NAME_PATTERN.test(key)) continue;
    problems.add(
      { place, path: value.path },
      'expected a name of lower-case letters, digits, ".", "_" and "-" as the name of a proxy',
    );
  }
}

function checkAddresses(settings: Settings, root: LocatedMap, problems: Problems): void {
  const used: { readonly who: string; readonly address: Address }[] = [
    { who: "the admin port", address: settings.admin.listen },
  ];
  for (const { key, value } of proxiesOf(root)) {
    const address = settings.proxies[key]?.listen;
    if (address === undefined) continue;
    const other = used.find((one) => clash(one.address, address));
    if (other !== undefined) {
      problems.add(
        child(value, "listen") ?? value,
        `cannot listen on ${formatAddress(address)}: ${other.who} has ${formatAddress(other.address)}`,
      );
    }
    used.push({ who: `the proxy ${JSON.stringify(key)}`, address });
  }
}

// ------------------------------------------------------------------------------------------------
// After the schema.

function configOf(
  settings: Settings,
  excepts: ReadonlyMap<string, readonly MatchEntry[]>,
  input: ConfigInput,
): Config {
  const base = input.file === undefined ? input.folder : dirname(resolve(input.folder ?? ".", input.file));
  const path = (written: string): string => (base === undefined ? written : resolve(base, written));
  const { admin, journal, limits, log, seed, watch } = settings;
  return {
    admin: {
      listen: admin.listen,
      token: admin.token === undefined || admin.token === "" ? null : admin.token,
      hosts: admin.hosts,
      body: admin.body,
    },
    profiles: settings.profiles.map(path),
    journal: { ...journal, file: journal.file === undefined ? null : path(journal.file) },
    limits,
    seed: seed ?? null,
    log,
    proxies: Object.entries(settings.proxies).map(([name, proxy]) => ({
      name,
      protocol: "tcp",
      listen: proxy.listen,
      upstream: proxy.upstream,
      identify: proxy.identify,
      except: excepts.get(name) ?? [],
      dialTimeout: proxy.dial_timeout,
      proxyProtocol: proxy.proxy_protocol,
      enabled: proxy.enabled,
      connections: proxy.limits.connections ?? null,
    })),
    activate: settings.activate.map((one) => {
      if (typeof one === "string")
        return { profile: one, params: {}, seed: null, ttl: null, proxies: null, mode: "inject" as const };
      return { ...one, seed: one.seed ?? null, ttl: one.ttl ?? null, proxies: one.proxies ?? null };
    }),
    watch,
  };
}
