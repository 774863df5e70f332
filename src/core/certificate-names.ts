/**
 * Names as certificates have them: DNS names in ASCII, addresses in their one spelling, and which of them a constrained CA
 * may sign for. They come from ClientHellos too, so anything may stand in them.
 */
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";

const NAME_MAX = 253;
const DNS_NAME = /^(?=.{1,253}$)(?:\*\.)?(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/u;

export function isAddress(name: string): boolean {
  return ipaddr.isValid(name) && (name.includes(":") || ipaddr.IPv4.isValidFourPartDecimal(name));
}

/** `10.0.0.0/8`. */
export function isSubnet(name: string): boolean {
  return name.includes("/") && ipaddr.isValidCIDR(name);
}

/** As it stands in a certificate; null for what no certificate can have. IPv4 in IPv6 is IPv4, a zone is left out. */
export function certificateName(name: string): string | null {
  const host = name.replace(/^\[(.*)\]$/u, "$1").replace(/%.*$/u, "");
  if (isAddress(host)) return ipaddr.process(host).toString();
  const plain = host.replace(/\.$/u, "").toLowerCase();
  if (DNS_NAME.test(plain)) return plain;
  const ascii = plain.startsWith("*.") ? `*.${domainToASCII(plain.slice(2))}` : domainToASCII(plain);
  return DNS_NAME.test(ascii) ? ascii : null;
}

/** Those that can stand in a certificate, each once, in their order. */
export function certificateNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map(certificateName))].filter((name) => name !== null);
}

/**
 * What a CA may be confined to, as a certificate says it: a DNS name stands for all below it as well, with or without `*.` before
 * it; an address for itself, a subnet for its addresses. Null for what is none of these.
 */
export function constraintOf(name: string): string | null {
  if (isSubnet(name)) {
    const [address, length] = ipaddr.parseCIDR(name);
    return `${address.toString()}/${length}`;
  }
  return certificateName(name.replace(/^\*?\./u, ""));
}

/** Whether a CA with these constraints may sign for the name (RFC 5280, 4.2.1.10); all, without any. */
export function isPermitted(name: string, constraints: readonly string[]): boolean {
  if (constraints.length === 0) return true;
  if (isAddress(name)) {
    const address = ipaddr.parse(name);
    return constraints.some((constraint) => {
      if (isAddress(constraint)) return constraint === name;
      if (!isSubnet(constraint)) return false;
      const [subnet, length] = ipaddr.parseCIDR(constraint);
      return address.kind() === subnet.kind() && address.match(subnet, length);
    });
  }
  const bare = name.replace(/^\*\./u, "");
  return constraints.some((constraint) => bare === constraint || bare.endsWith(`.${constraint}`));
}

/** A name beneath the one of the bot, or beneath one that the CA may sign for: nobody has asked for it. */
export function strangeName(label: string, names: readonly string[], constraints: readonly string[]): string {
  const isName = (name: string): boolean => !isAddress(name) && !isSubnet(name);
  const parent =
    constraints.length > 0
      ? constraints.find(isName)
      : names.find((name) => isName(name) && label.length + name.length < NAME_MAX);
  const strange = `${label}.${parent?.replace(/^\*\./u, "") ?? "invalid"}`;
  return names.includes(strange) ? `not-${strange}` : strange;
}
