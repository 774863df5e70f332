/** `match` and `except`: which subjects a fault is about. */
import ipaddr from "ipaddr.js";
import type { SubjectInfo } from "../pipeline/armed.js";
import type { MatchValue } from "./value.js";

type Block = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** An address or CIDR block, or null if it is neither. */
export function parseBlock(text: string): Block | null {
  try {
    if (text.includes("/")) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  } catch {
    return null;
  }
}

/** One entry holds if all its keys hold; a list of entries holds if any does. */
export function compileMatch(entries: readonly MatchValue[]): (subject: SubjectInfo) => boolean {
  const tests = entries.map((entry) => {
    const blocks = (entry.client ?? []).map(parseBlock).filter((block) => block !== null);
    return (subject: SubjectInfo): boolean => entry.client === undefined || inAny(subject.client, blocks);
  });
  return (subject) => tests.some((test) => test(subject));
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
