/** `match` and `except`: which subjects a fault is about. */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { SubjectInfo } from "../pipeline/armed.js";
import type { MatchValue } from "./value.js";

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
