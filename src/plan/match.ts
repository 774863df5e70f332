/** `match` and `except`: which subjects a fault is about. Asked of each, so what can be done once is done here. */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { MatchEntry } from "../config/match.js";
import { BoundedMap } from "../core/lru.js";
import { pathTest, valueTest, type TextTest } from "../config/pattern.js";
import type { ExchangeKeys, SubjectInfo } from "../pipeline/subject-info.js";

type Block = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** An address or CIDR block, or null if it is neither. Mapped IPv4 is taken for the IPv4 that it is. */
export function parseBlock(text: string): Block | null {
  const [name = "", bits, ...more] = text.split("/");
  // isIP is strict, where ipaddr.js reads 10.1 and 010.0.0.1 as inet_aton does: not what anybody meant.
  const family = isIP(name);
  if (family === 0 || more.length > 0 || (bits !== undefined && !/^\d{1,3}$/u.test(bits))) return null;
  const whole = family === 4 ? 32 : 128;
  const length = bits === undefined ? whole : Number(bits);
  if (length > whole) return null;
  const address = ipaddr.parse(name);
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && length >= 96) {
    return [address.toIPv4Address(), length - 96];
  }
  return [address, length];
}

/** How many clients an entry remembers its answer for. */
const CLIENTS_REMEMBERED = 1_000;

type Test = (subject: SubjectInfo) => boolean;
type ExchangeTest = (exchange: ExchangeKeys) => boolean;

/**
 * One entry holds if all its keys hold; a list of entries holds if any does. Most subjects are none of a fault's, so
 * the cheapest keys are asked first, and nothing is made to find out. A connection has no key of an exchange.
 */
export function compileMatch(entries: readonly MatchEntry[]): Test {
  return anyOf(entries.map(compileEntry));
}

function compileEntry(entry: MatchEntry): Test {
  const { sni, alpn, ...others } = entry;
  if (sni === undefined && alpn === undefined) return compileOthers(entry);
  const peer = peerTest(sni, alpn);
  if (Object.keys(others).length === 0) return peer;
  const holds = compileOthers(others);
  return (subject) => peer(subject) && holds(subject);
}

/** Of what a ClientHello says; nobody who speaks no TLS is meant. */
function peerTest(sni: readonly string[] | undefined, alpn: readonly string[] | undefined): Test {
  const name = sni === undefined ? null : oneOfTexts(sni.map(hostTest));
  const protocol = alpn === undefined ? null : oneOfTexts(alpn.map(valueTest));
  return ({ peer }) =>
    peer !== undefined &&
    peer !== null &&
    (name === null || (peer.sni !== null && name(peer.sni))) &&
    (protocol === null || someText(peer.alpn, protocol));
}

function compileOthers(entry: MatchEntry): Test {
  if (isAboutQueries(entry)) return queryTest(entry);
  const asked = exchangeTests(entry);
  const exchange = asked.length === 0 ? null : allOf(asked);
  const client = entry.client === undefined ? null : clientTest(entry.client);
  if (exchange === null) return client === null ? () => true : (subject) => client(subject.client);
  if (entry.bot === undefined && client === null)
    return (subject) => subject.exchange !== undefined && exchange(subject.exchange);
  // Exchanges and DNS questions have bots; if nothing else is asked, it is all the same which of them it is.
  if (asksBotAlone(entry)) return queryTest(entry);
  const bot = entry.bot === undefined ? null : oneOfTexts(entry.bot.map(valueTest));
  return (subject) =>
    subject.exchange !== undefined &&
    (bot === null || bot(subject.bot)) &&
    exchange(subject.exchange) &&
    (client === null || client(subject.client));
}

function isAboutQueries({ qname, qtype, transport }: MatchEntry): boolean {
  return qname !== undefined || qtype !== undefined || transport !== undefined;
}

function asksBotAlone(entry: MatchEntry): boolean {
  return Object.keys(entry).every((key) => key === "bot" || key === "client");
}

/** Of what has a bot, and of DNS questions where the entry is about them. */
function queryTest(entry: MatchEntry): Test {
  const { qname, qtype, transport } = entry;
  const name = qname === undefined ? null : oneOfTexts(qname.map(valueTest));
  const bot = entry.bot === undefined ? null : oneOfTexts(entry.bot.map(valueTest));
  const client = entry.client === undefined ? null : clientTest(entry.client);
  const queriesOnly = isAboutQueries(entry);
  return (subject) => {
    const { query } = subject;
    if (query === undefined && (queriesOnly || subject.exchange === undefined)) return false;
    return (
      (qtype === undefined || qtype.includes(query?.type ?? "")) &&
      (transport === undefined || transport.includes(query?.transport ?? "")) &&
      (bot === null || bot(subject.bot)) &&
      (name === null || name(query?.name ?? "")) &&
      (client === null || client(subject.client))
    );
  };
}

/** Reading an address costs more than all other keys, and the same clients come again and again. */
function clientTest(patterns: readonly string[]): TextTest {
  const blocks = patterns.map(parseBlock).filter((block) => block !== null);
  const known = new BoundedMap<string, boolean>(CLIENTS_REMEMBERED);
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const inside = inAny(address, blocks);
    known.set(address, inside);
    return inside;
  };
}

/** From the cheapest to the dearest. */
function exchangeTests(entry: MatchEntry): ExchangeTest[] {
  const tests: ExchangeTest[] = [];
  const { method, status, path, host, upstream, bot } = entry;
  if (method !== undefined) tests.push(methodTest(method));
  if (status !== undefined) tests.push(statusTest(status));
  if (path !== undefined) {
    const holds = oneOfTexts(path.map(pathTest));
    tests.push((exchange) => holds(exchange.path));
  }
  if (host !== undefined) {
    const holds = oneOfTexts(host.map(hostTest));
    tests.push((exchange) => holds(exchange.host));
  }
  if (upstream !== undefined) {
    const holds = oneOfTexts(upstream.map(valueTest));
    tests.push((exchange) => holds(exchange.upstream));
  }
  for (const [name, patterns] of Object.entries(entry.query ?? {})) {
    const holds = oneOfTexts(patterns.map(valueTest));
    tests.push((exchange) => someText(exchange.queries(name), holds));
  }
  for (const [name, patterns] of Object.entries(entry.header ?? {})) {
    const holds = oneOfTexts(patterns.map(valueTest));
    tests.push((exchange) => someText(exchange.headers(name), holds));
  }
  // The bot stands beside the exchange, but only exchanges are asked for it.
  if (tests.length === 0 && bot !== undefined) tests.push(() => true);
  return tests;
}

function allOf(tests: readonly ExchangeTest[]): ExchangeTest {
  const [first, second, third] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (third === undefined) return (exchange) => first(exchange) && second(exchange);
  return (exchange) => {
    for (const test of tests) if (!test(exchange)) return false;
    return true;
  };
}

function anyOf(tests: readonly Test[]): Test {
  const [first, second] = tests;
  if (first === undefined) return () => false;
  if (second === undefined) return first;
  return (subject) => {
    for (const test of tests) if (test(subject)) return true;
    return false;
  };
}

function oneOfTexts(tests: readonly TextTest[]): TextTest {
  const [first, second] = tests;
  if (first === undefined) return () => false;
  if (second === undefined) return first;
  return (text) => {
    for (const test of tests) if (test(text)) return true;
    return false;
  };
}

function someText(texts: readonly string[], holds: TextTest): boolean {
  for (const text of texts) if (holds(text)) return true;
  return false;
}

function methodTest(methods: readonly string[]): ExchangeTest {
  const [first = "", second] = methods;
  if (second === undefined) return (exchange) => exchange.method === first;
  return (exchange) => methods.includes(exchange.method);
}

/** `example.com`, or `*.example.com` for all names below it, as certificates have it. */
function hostTest(host: string): TextTest {
  if (!host.startsWith("*.")) return (text) => text === host;
  const end = host.slice(1);
  return (text) => text.length > end.length && text.endsWith(end);
}

/** `503`, `5xx` or `500-599`. */
function statusTest(statuses: readonly string[]): ExchangeTest {
  const spans = statuses.map((status) => {
    const [from = "", to = from] = status.split("-");
    return { from: Number(from.replaceAll("x", "0")), to: Number(to.replaceAll("x", "9")) };
  });
  return ({ status }) => {
    if (status === null) return false;
    for (const { from, to } of spans) if (status >= from && status <= to) return true;
    return false;
  };
}

/** Whether some entry can only be decided when the upstream has answered. */
export function asksStatus(entries: readonly MatchEntry[]): boolean {
  return entries.some((entry) => entry.status !== undefined);
}

/** Whether some entry asks for the upstream that a balancer has chosen. */
export function asksUpstream(entries: readonly MatchEntry[]): boolean {
  return entries.some((entry) => entry.upstream !== undefined);
}

/**
 * Whether a subject may match, by what is its own: neither which upstream it is sent to, which others have a hand in, nor
 * what that answers. What is counted by this does not move when anything else does.
 */
export function compileBeforehand(match: readonly MatchEntry[], except: readonly MatchEntry[]): Test {
  const isLate = (entry: MatchEntry): boolean => entry.status !== undefined || entry.upstream !== undefined;
  const may = match.map((entry): Test => {
    if (!isLate(entry)) return compileEntry(entry);
    const { status: _status, upstream: _upstream, ...own } = entry;
    const holds = compileEntry(own);
    return (subject) => subject.exchange !== undefined && holds(subject);
  });
  const included = may.length === 0 ? (): boolean => true : anyOf(may);
  const excluded = anyOf(except.filter((entry) => !isLate(entry)).map(compileEntry));
  return (subject) => included(subject) && !excluded(subject);
}

/**
 * Method and the pattern of the first entry that knows the path, or else the path: exchanges of one route differ in
 * their ids only. Empty for subjects that have no path.
 */
export function compileRoute(entries: readonly MatchEntry[]): (subject: SubjectInfo) => string {
  const patterns = entries
    .flatMap((entry) => entry.path ?? [])
    .map((pattern) => ({ pattern, holds: pathTest(pattern) }));
  return ({ exchange }) => {
    if (exchange === undefined) return "";
    for (const { pattern, holds } of patterns) {
      if (holds(exchange.path)) return `${exchange.method} ${pattern}`;
    }
    return `${exchange.method} ${exchange.path}`;
  };
}

function inAny(address: string, blocks: readonly Block[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  // An IPv4 client of a dual-stack listener arrives as ::ffff:a.b.c.d; people write a.b.c.d.
  const parsed = ipaddr.process(address);
  return blocks.some(([range, bits]) => {
    if (parsed.kind() !== range.kind()) return false;
    return parsed.kind() === "ipv4"
      ? (parsed as ipaddr.IPv4).match(range as ipaddr.IPv4, bits)
      : (parsed as ipaddr.IPv6).match(range as ipaddr.IPv6, bits);
  });
}
