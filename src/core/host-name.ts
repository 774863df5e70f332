/**
 * Hosts as what they name and not as they are written: `API.example.com.` and `api.example.com` are one name (RFC 3986,
 * section 3.2.2; RFC 1034, section 3.1), and so are an internationalized name and its A-labels (RFC 5890), and the
 * spellings of one IPv6 address (RFC 5952).
 */
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";

/** What stands between `//` and the path of a URL, or in a Host field. */
export interface Authority {
  /** In its one spelling; IPv6 in brackets. */
  readonly host: string;
  /** As digits; null if there is none. */
  readonly port: string | null;
}

const PLAIN = /^[a-z0-9_.-]*[a-z0-9_-]$/u;
const ASCII = /^[\u0000-\u007f]*$/u;

/** The one spelling of a name or address; what is neither is only put into lower case. */
export function canonicalHostName(host: string): string {
  if (PLAIN.test(host)) return host;
  if (host.startsWith("[") && host.endsWith("]")) return canonicalIPv6(host);
  const ascii = ASCII.test(host) ? host.toLowerCase() : domainToASCII(host) || host.toLowerCase();
  return ascii.length > 1 && ascii.endsWith(".") ? ascii.slice(0, -1) : ascii;
}

function canonicalIPv6(bracketed: string): string {
  const address = bracketed.slice(1, -1);
  return ipaddr.IPv6.isValid(address)
    ? `[${ipaddr.IPv6.parse(address).toRFC5952String()}]`
    : bracketed.toLowerCase();
}

/** Parts an authority without user information: `host`, `host:port`, `[::1]:port`. */
export function parseAuthority(text: string): Authority {
  const [, host = text, port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/u.exec(text) ?? [];
  return { host: canonicalHostName(host), port: port === "" ? null : port.replace(/^0+(?=\d)/u, "") };
}

/** A field's octets stand for UTF-8 where they can be nothing else; HTTP's readers hand them over as Latin-1. */
export function fieldText(octets: string): string {
  if (ASCII.test(octets)) return octets;
  const text = Buffer.from(octets, "latin1").toString("utf8");
  return text.includes("\ufffd") ? octets : text;
}
