/** Where callers of the admin port come from, so that nobody's address takes all there is. */
import { isIPv4 } from "node:net";
import ipaddr from "ipaddr.js";

/** An address, or for IPv6 the network of 64 bits that one machine usually has to itself. */
export function sourceOf(address: string | undefined): string {
  // Asked of everybody who comes, so that the common case is to cost little.
  if (address !== undefined && isIPv4(address)) return address;
  const bare = (address ?? "").replace(/%.*$/u, "");
  if (!ipaddr.isValid(bare)) return "";
  const known = ipaddr.process(bare);
  if (known.kind() === "ipv4") return known.toString();
  return `${(known as ipaddr.IPv6).parts.slice(0, 4).join(":")}/64`;
}

/** Three quarters of all places, one of few at least. */
export function placesOfOne(places: number): number {
  return places < 4 ? places : Math.floor((places * 3) / 4);
}
