/**
 * The PROXY protocol, versions 1 and 2: who the client of a load balancer in front of us is. Pure: bytes
 * in, a source address out. Source: HAProxy, doc/proxy-protocol.txt.
 */

import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

export interface ProxyEndpoint {
  /** IPv4 or IPv6, in canonical text (RFC 5952), as `socket.remoteAddress` has it. */
  readonly address: string;
  readonly port: number;
}

export type ProxyHeaderResult =
  | { readonly state: "more" }
  /** `source` is null when the header names nobody: the peer of the socket is then the client. */
  | { readonly state: "done"; readonly source: ProxyEndpoint | null; readonly rest: Buffer }
  | { readonly state: "invalid"; readonly reason: string };

type Header = { readonly length: number; readonly source: ProxyEndpoint | null };
type Invalid = Extract<ProxyHeaderResult, { state: "invalid" }>;

const V1_SIGNATURE = Buffer.from("PROXY ");
/** The longest line, `PROXY UNKNOWN` with two IPv6 addresses, CRLF included (section 2.1). */
const V1_MAX_BYTES = 107;
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
const V2_FIXED_BYTES = 16;
/** The format allows 65,535. Addresses take 216 at most, and a client certificate among the TLVs is the rare rest. */
const V2_MAX_LENGTH = 4_096;

const V2_LOCAL = 0;
const V2_PROXY = 1;
const V2_FAMILIES = { unspecified: 0, inet: 1, inet6: 2, unix: 3 };
const V2_TRANSPORTS = { unspecified: 0, stream: 1, datagram: 2 };

const CR = 0x0d;
const LF = 0x0a;

/** Reads one header from the start of a connection, however its bytes are split. Never throws. */
export class ProxyHeaderParser {
  #held: Buffer = Buffer.alloc(0);
  #result: ProxyHeaderResult = { state: "more" };

  /** Once it has answered `done`, everything is `rest`; once `invalid`, it stays so. */
  push(chunk: Buffer): ProxyHeaderResult {
    if (this.#result.state === "done") return { ...this.#result, rest: chunk };
    if (this.#result.state === "invalid") return this.#result;
    const bytes = Buffer.concat([this.#held, chunk]);
    const header = parseHeader(bytes);
    if (header === null) {
      // Shorter than the longest header, or it would have been judged: what is held stays bounded.
      this.#held = bytes;
      return this.#result;
    }
    this.#held = Buffer.alloc(0);
    if ("state" in header) {
      this.#result = header;
      return header;
    }
    this.#result = { state: "done", source: header.source, rest: this.#held };
    return { ...this.#result, rest: bytes.subarray(header.length) };
  }
}

/** Null when the bytes may be the beginning of a header. */
function parseHeader(bytes: Buffer): Header | Invalid | null {
  if (bytes.length === 0) return null;
  if (startsLike(bytes, V1_SIGNATURE)) return parseV1(bytes);
  if (startsLike(bytes, V2_SIGNATURE)) return parseV2(bytes);
  return invalid("the connection does not begin with a PROXY protocol header");
}

/** Compares as much as there is, so that a stranger is refused at the first byte and not waited for. */
function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function invalid(reason: string): Invalid {
  return { state: "invalid", reason };
}

function parseV1(bytes: Buffer): Header | Invalid | null {
  const limit = Math.min(bytes.length, V1_MAX_BYTES);
  let end = 0;
  while (end < limit && bytes[end] !== CR && bytes[end] !== LF) end++;
  if (end + 1 >= V1_MAX_BYTES) return invalid(`version 1 header longer than ${V1_MAX_BYTES} bytes`);
  if (bytes[end] === LF) return invalid("version 1 header must end in CR LF, not in LF alone");
  const afterEnd = bytes[end + 1];
  if (afterEnd === undefined) return null;
  if (afterEnd !== LF) return invalid("version 1 header must end in CR LF, not in CR alone");
  const line = bytes.toString("latin1", 0, end);
  const source = parseV1Line(line);
  if (source === undefined) return invalid(`malformed version 1 header ${JSON.stringify(line)}`);
  return { length: end + 2, source };
}

/** Undefined when the line is malformed. */
function parseV1Line(line: string): ProxyEndpoint | null | undefined {
  const [, family, source = "", destination = "", sourcePort = "", destinationPort = "", ...more] =
    line.split(" ");
  // Whatever follows UNKNOWN must be ignored.
  if (family === "UNKNOWN") return null;
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isUnscopedIPv6 : undefined;
  if (isAddress === undefined || more.length > 0) return undefined;
  if (!isAddress(source) || !isAddress(destination)) return undefined;
  if (!isCanonicalPort(sourcePort) || !isCanonicalPort(destinationPort)) return undefined;
  return { address: canonical(ipaddr.parse(source)), port: Number(sourcePort) };
}

/** A zone (`%eth0`) means something on one machine only. */
function isUnscopedIPv6(address: string): boolean {
  return isIPv6(address) && !address.includes("%");
}

function isCanonicalPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseV2(bytes: Buffer): Header | Invalid | null {
  const versionAndCommand = bytes[12];
  if (versionAndCommand === undefined) return null;
  const version = versionAndCommand >> 4;
  const command = versionAndCommand & 0x0f;
  if (version !== 2) return invalid(`version ${version} behind the signature of version 2`);
  if (command !== V2_LOCAL && command !== V2_PROXY) return invalid(`unknown command ${command}`);
  if (bytes.length < V2_FIXED_BYTES) return null;

  const family = bytes.readUInt8(13) >> 4;
  const transport = bytes.readUInt8(13) & 0x0f;
  const addressLength = bytes.readUInt16BE(14);
  const length = V2_FIXED_BYTES + addressLength;
  if (addressLength > V2_MAX_LENGTH) {
    return invalid(`length ${addressLength} is more than the ${V2_MAX_LENGTH} bytes accepted`);
  }
  const nobody = { length, source: null };
  // A LOCAL connection is the balancer's own, a health check for one; its family must be ignored.
  if (command === V2_LOCAL) return bytes.length < length ? null : nobody;

  if (family > V2_FAMILIES.unix) return invalid(`unknown address family ${family}`);
  if (transport > V2_TRANSPORTS.datagram) return invalid(`unknown transport ${transport}`);
  const addressBytes = family === V2_FAMILIES.inet ? 4 : family === V2_FAMILIES.inet6 ? 16 : 0;
  const portBytes = addressBytes > 0 ? 2 : 0;
  if (addressLength < 2 * (addressBytes + portBytes)) {
    return invalid(`length ${addressLength} is too short for two addresses of ${addressBytes} bytes`);
  }
  if (bytes.length < length) return null;
  if (addressBytes === 0 || transport === V2_TRANSPORTS.unspecified) return nobody;
  const address = ipaddr.fromByteArray([...bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes)]);
  const port = bytes.readUInt16BE(V2_FIXED_BYTES + 2 * addressBytes);
  return { length, source: { address: canonical(address), port } };
}

/** One text for one address, whichever version named it; an IPv4-mapped one as Node's sockets write it. */
function canonical(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address instanceof ipaddr.IPv4) return address.toString();
  if (address.isIPv4MappedAddress()) return `::ffff:${address.toIPv4Address().toString()}`;
  return address.toRFC5952String();
}

/** Both ends of a connection, as a header tells them. */
export interface ProxyEndpoints {
  readonly source: ProxyEndpoint;
  readonly destination: ProxyEndpoint;
}

/** Null writes `UNKNOWN`. Throws a RangeError when an address or a port is none. */
export function encodeProxyV1(endpoints: ProxyEndpoints | null): Buffer {
  if (endpoints === null) return Buffer.from("PROXY UNKNOWN\r\n");
  const { source, destination } = endpoints;
  const [from, to] = sameFamily(source, destination);
  const family = from instanceof ipaddr.IPv4 ? "TCP4" : "TCP6";
  const addresses = `${canonical(from)} ${canonical(to)}`;
  return Buffer.from(`PROXY ${family} ${addresses} ${source.port} ${destination.port}\r\n`);
}

/** Null writes `LOCAL`. `tlvs` is appended as it is. Throws a RangeError when an address or a port is none. */
export function encodeProxyV2(endpoints: ProxyEndpoints | null, tlvs: Buffer = Buffer.alloc(0)): Buffer {
  if (endpoints === null) return assembleV2(V2_LOCAL, 0, tlvs);
  const { source, destination } = endpoints;
  const [from, to] = sameFamily(source, destination);
  const family = from instanceof ipaddr.IPv4 ? V2_FAMILIES.inet : V2_FAMILIES.inet6;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const body = Buffer.concat([Buffer.from(from.toByteArray()), Buffer.from(to.toByteArray()), ports, tlvs]);
  return assembleV2(V2_PROXY, (family << 4) | V2_TRANSPORTS.stream, body);
}

function assembleV2(command: number, familyAndTransport: number, body: Buffer): Buffer {
  const fixed = Buffer.alloc(V2_FIXED_BYTES);
  V2_SIGNATURE.copy(fixed);
  fixed.writeUInt8(0x20 | command, 12);
  fixed.writeUInt8(familyAndTransport, 13);
  fixed.writeUInt16BE(body.length, 14);
  return Buffer.concat([fixed, body]);
}

/** A header has one family for both ends: IPv4 if it can be, else IPv6 with the other end mapped into it. */
function sameFamily(
  source: ProxyEndpoint,
  destination: ProxyEndpoint,
): readonly [ipaddr.IPv4, ipaddr.IPv4] | readonly [ipaddr.IPv6, ipaddr.IPv6] {
  const from = parseEndpoint(source);
  const to = parseEndpoint(destination);
  if (from instanceof ipaddr.IPv4 && to instanceof ipaddr.IPv4) return [from, to];
  return [
    from instanceof ipaddr.IPv4 ? from.toIPv4MappedAddress() : from,
    to instanceof ipaddr.IPv4 ? to.toIPv4MappedAddress() : to,
  ];
}

function parseEndpoint({ address, port }: ProxyEndpoint): ipaddr.IPv4 | ipaddr.IPv6 {
  const unscoped = address.replace(/%.*$/, "");
  if (!isIPv4(unscoped) && !isIPv6(unscoped)) throw new RangeError(`not an IP address: ${address}`);
  if (!isCanonicalPort(String(port))) throw new RangeError(`not a port: ${port}`);
  return ipaddr.process(unscoped);
}
