/** Where proxies and the admin port listen, and what they dial: `host:port`, `tcp://host:port`, `tls://host:port`, `udp://host:port`, `dns://host` and `http://host`. */
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { canonicalHostName } from "../core/host-name.js";
import { shown } from "../faults/params.js";

export interface Address {
  /** A name or an address without brackets; empty for all addresses of the machine. */
  readonly host: string;
  readonly port: number;
}

const HOST = String.raw`(?:\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}))`;
const ADDRESS = new RegExp(`^(${HOST}?):(\\d{1,5})$`, "u");
const UPSTREAM = new RegExp(`^(tcp|tls|udp|dns|https?)://(${HOST})(?::(\\d{1,5}))?/?$`, "u");

/** `host:port`, `:port` or `[::1]:port`; null if it is none of them. */
export function parseListen(text: string): Address | null {
  return fromMatch(ADDRESS.exec(text), 0);
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function fromMatch(match: RegExpExecArray | null, portMin: number): Address | null {
  return match === null ? null : addressOf(match[1] ?? "", match[2] ?? "", portMin);
}

function addressOf(written: string, digits: string, portMin: number): Address | null {
  const host = written.replace(/^\[|\]$/gu, "");
  const port = Number(digits);
  if (port < portMin || port > 65_535) return null;
  const address = host.split("%", 1)[0] ?? "";
  if (written.startsWith("[") && !ipaddr.IPv6.isValid(address)) return null;
  // Digits and dots alone are meant as an address, and 1.2.3 or 300.1.1.1 are none.
  if (/^[\d.]+$/u.test(host) && !ipaddr.IPv4.isValidFourPartDecimal(host)) return null;
  return { host, port };
}

export function listen(): z.ZodType<Address, string> {
  const expected = "expected an address to listen on such as 127.0.0.1:8474 or :8080";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((text, context): Address => {
      const address = parseListen(text);
      if (address !== null) return address;
      context.issues.push({ code: "custom", message: `${expected}, got ${shown(text)}`, input: text });
      return z.NEVER;
    });
}

/** The server behind a proxy, and how it is spoken to. */
export interface Upstream {
  readonly protocol: "tcp" | "http" | "udp" | "dns";
  /** Whether it is dialled with TLS. */
  readonly tls: boolean;
  readonly address: Address;
  /** Of dns: this machine's own servers, or nobody, in place of the server at the address. */
  readonly source?: "system" | "none";
}

const STANDARD_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443", dns: "53" };
/** Without a port they are words; with one, the names of servers. */
const DNS_SOURCES: ReadonlyMap<string, "system" | "none"> = new Map([
  ["dns://system", "system"],
  ["dns://none", "none"],
]);

/** `tcp://host:port`, `tls://host:port`, `udp://host:port`, `http://host[:port]` or `https://`, `dns://host[:port]`, `dns://system` or `dns://none`. */
export function upstream(): z.ZodType<Upstream, string> {
  const expected = "expected an upstream such as http://server:3000 or tcp://server:3000";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((text, context): Upstream => {
      const found = parseUpstream(text);
      if (typeof found !== "string") return found;
      context.issues.push({
        code: "custom",
        message: found === "" ? `${expected}, got ${shown(text)}` : found,
        input: text,
      });
      return z.NEVER;
    });
}

const PROTOCOLS: Readonly<Record<string, Upstream["protocol"]>> = {
  tcp: "tcp",
  tls: "tcp",
  udp: "udp",
  dns: "dns",
};

/** The upstream, or what is wrong with it; empty if nothing better than "expected an upstream" can be said. */
export function parseUpstream(text: string): Upstream | string {
  const match = UPSTREAM.exec(text);
  const scheme = match?.[1] ?? "";
  const port = match?.[3] ?? STANDARD_PORTS[scheme];
  const source = DNS_SOURCES.get(text.replace(/\/$/u, ""));
  const address = match === null || port === undefined ? null : addressOf(match[2] ?? "", port, 1);
  if (address !== null)
    return {
      protocol: PROTOCOLS[scheme] ?? "http",
      tls: scheme === "https" || scheme === "tls",
      address,
      ...(source === undefined ? {} : { source }),
    };
  const [, protocol, rest = ""] = /^([a-z]+):\/\/(.*)$/u.exec(text) ?? [];
  if (protocol === undefined) {
    if (fromMatch(ADDRESS.exec(text), 1) === null || text.startsWith(":")) return "";
    return `expected an upstream with its protocol: http://${text} or tcp://${text}`;
  }
  return protocol in STANDARD_PORTS ? urlMistake(rest) : "";
}

/** What a URL may have and an upstream has not. The text itself is not shown: there may be a password in it. */
function urlMistake(rest: string): string {
  const authority = /^[^/?#]*/u.exec(rest)?.[0] ?? "";
  if (authority.includes("@"))
    return "an upstream takes no user and password: what the bots send for it is passed on";
  if (/^[/?#]./u.test(rest.slice(authority.length)) || /^[?#]/u.test(rest.slice(authority.length)))
    return "an upstream takes no path and no query: those of the requests are passed on as they are";
  return "";
}

/** Whether two listeners cannot both have what they ask for. */
export function clash(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const [one, other] = [family(a.host), family(b.host)];
  if (one.host === other.host) return true;
  // "" and :: take IPv4 as well; 0.0.0.0 takes all of IPv4.
  return covers(one, other) || covers(other, one);
}

const LOOPBACK_OF: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Whether whoever listens there and dials that would call himself, for as long as there are ports. */
export function callsItself(listen: Address, upstream: Address): boolean {
  if (listen.port !== upstream.port || listen.port === 0) return false;
  // Whoever dials all addresses of the machine is connected to loopback.
  const dialled = LOOPBACK_OF[upstream.host] ?? upstream.host;
  const [one, other] = [canonicalHost(listen.host), canonicalHost(dialled)];
  return one === other || (one === "::" && isLoopback(other));
}

/** One spelling for each host to listen on; all addresses of the machine are one, however that was written. */
export function canonicalHost(host: string): string {
  const { host: one } = family(host);
  if (one === "localhost") return "127.0.0.1";
  return one === "0.0.0.0" ? "::" : one;
}

/** Whether nobody but this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  const { host: one, kind } = family(host);
  return kind === "name" ? one === "localhost" : ipaddr.parse(one).range() === "loopback";
}

interface Family {
  readonly host: string;
  readonly kind: "ipv4" | "ipv6" | "name";
}

function family(host: string): Family {
  if (host === "") return { host: "::", kind: "ipv6" };
  if (!ipaddr.isValid(host) || (!host.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(host))) {
    return { host: canonicalHostName(host), kind: "name" };
  }
  const address = ipaddr.process(host);
  return { host: address.toString(), kind: address.kind() };
}

function covers(wide: Family, other: Family): boolean {
  if (wide.host === "::") return true;
  return wide.host === "0.0.0.0" && other.kind !== "ipv6";
}
