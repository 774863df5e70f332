/**
 * DNS messages as far as a proxy must understand them (RFC 1035, section 4): the question of a query, read strictly
 * since it comes from strangers, and the replies that are made here. What is passed on stays as bytes.
 */
import { textOfName } from "./names.js";

export const HEADER_BYTES = 12;
/** What a client without EDNS takes over UDP (RFC 1035, section 4.2.1). */
export const UDP_BYTES_MIN = 512;
export const MESSAGE_BYTES_MAX = 65_535;
/** What the replies that are made here say that they take (RFC 9715). */
const UDP_BYTES_OWN = 1_232;

const TYPE_OPT = 41;
export const CLASS_IN = 1;
const FLAG_QR = 0x8000;
const FLAG_AA = 0x0400;
const FLAG_TC = 0x0200;
const FLAG_RD = 0x0100;
const FLAG_RA = 0x0080;
const FLAG_CD = 0x0010;
const OPT_BYTES = 11;

export const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [12, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
  [35, "NAPTR"],
  [43, "DS"],
  [46, "RRSIG"],
  [48, "DNSKEY"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [255, "ANY"],
  [257, "CAA"],
]);
const TYPE_NUMBERS: ReadonlyMap<string, number> = new Map([...TYPE_NAMES].map(([n, name]) => [name, n]));

export const RCODES: readonly string[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** `A`; types without a name of ours as RFC 3597 writes them: `TYPE65280`. */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

export function typeNumber(name: string): number | null {
  const digits = /^TYPE(\d{1,5})$/u.exec(name)?.[1];
  return TYPE_NUMBERS.get(name) ?? (digits === undefined ? null : Number(digits));
}

export function rcodeName(rcode: number): string {
  return RCODES[rcode] ?? `RCODE${rcode}`;
}

/** A question that can be answered. */
export interface Query {
  readonly id: number;
  readonly flags: number;
  /** In lower case, without the last dot; the root is the empty text. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Where the question ends. */
  readonly end: number;
  /** What the client takes over UDP: 512 without EDNS. */
  readonly udpBytes: number;
  readonly edns: boolean;
  /** As it came. */
  readonly message: Buffer;
}

/** A message that is answered without asking anybody, and with what; null for what deserves no answer. */
export type Unreadable = { readonly rcode: number; readonly id: number; readonly flags: number } | null;

/**
 * Reads a query. Answers to questions that nobody asked, and what is no DNS at all, get no answer, so that nobody can
 * make two servers talk to each other for ever.
 */
export function readQuery(message: Buffer): Query | { readonly unreadable: Unreadable } {
  if (message.length < HEADER_BYTES) return { unreadable: null };
  const id = message.readUInt16BE(0);
  const flags = message.readUInt16BE(2);
  if ((flags & FLAG_QR) !== 0) return { unreadable: null };
  if ((flags & 0x7800) !== 0) return { unreadable: { rcode: 4, id, flags } };
  const formerr = { unreadable: { rcode: 1, id, flags } };
  if (message.readUInt16BE(4) !== 1) return formerr;
  const nameEnd = plainNameEnd(message, HEADER_BYTES);
  if (nameEnd === null || nameEnd + 4 > message.length) return formerr;
  const opt = findOpt(message, nameEnd + 4);
  if (opt === undefined) return formerr;
  return {
    id,
    flags,
    name: textOfName(message, HEADER_BYTES),
    type: message.readUInt16BE(nameEnd),
    class: message.readUInt16BE(nameEnd + 2),
    end: nameEnd + 4,
    udpBytes: opt === null ? UDP_BYTES_MIN : Math.max(UDP_BYTES_MIN, message.readUInt16BE(opt + 3)),
    edns: opt !== null,
    message,
  };
}

/** Where a name without pointers ends, behind its last byte; null if it does not, or is too long. */
function plainNameEnd(message: Buffer, start: number): number | null {
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return null;
    at += 1 + length;
    if (at - start > 255) return null;
    if (length === 0) return at;
  }
}

/** Where a name ends that may end in a pointer, which is not followed. */
export function nameEnd(message: Buffer, start: number): number | null {
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) return null;
    if (length >= 0xc0) return at + 2 > message.length ? null : at + 2;
    if (length > 63) return null;
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** Where the OPT record begins, behind its name; null if there is none, undefined if the records cannot be read. */
function findOpt(message: Buffer, start: number): number | null | undefined {
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  let found: number | null = null;
  let at = start;
  for (let n = 0; n < records; n++) {
    const behind = nameEnd(message, at);
    if (behind === null || behind + 10 > message.length) return undefined;
    const next = behind + 10 + message.readUInt16BE(behind + 8);
    if (next > message.length) return undefined;
    if (message.readUInt16BE(behind) === TYPE_OPT) {
      // RFC 6891, section 6.1.1: at most one, and its name is the root.
      if (found !== null || behind !== at + 1) return undefined;
      found = behind - 1;
    }
    at = next;
  }
  return found;
}

/** A reply to what could not be read: its header alone. */
export function errorReply({ rcode, id, flags }: NonNullable<Unreadable>): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES);
  reply.writeUInt16BE(id, 0);
  reply.writeUInt16BE(FLAG_QR | (flags & (0x7800 | FLAG_RD)) | rcode, 2);
  return reply;
}

export interface ReplyHead {
  readonly rcode: number;
  /** From our own records. */
  readonly authoritative: boolean;
  readonly truncated: boolean;
}

/** A reply of our own making: the question as it was asked, these records, and an OPT record if the client sent one. */
export function buildReply(
  query: Query,
  { rcode, authoritative, truncated }: ReplyHead,
  records: readonly Buffer[],
): Buffer {
  const { message, end, edns } = query;
  let length = end + (edns ? OPT_BYTES : 0);
  for (const record of records) length += record.length;
  const reply = Buffer.allocUnsafe(length);
  message.copy(reply, 0, 0, end);
  const kept = query.flags & (FLAG_RD | FLAG_CD);
  reply.writeUInt16BE(
    FLAG_QR | kept | FLAG_RA | (authoritative ? FLAG_AA : 0) | (truncated ? FLAG_TC : 0) | (rcode & 15),
    2,
  );
  reply.writeUInt16BE(records.length, 6);
  reply.writeUInt16BE(0, 8);
  reply.writeUInt16BE(edns ? 1 : 0, 10);
  let at = end;
  for (const record of records) at += record.copy(reply, at);
  if (edns) {
    reply.fill(0, at);
    reply.writeUInt16BE(TYPE_OPT, at + 1);
    reply.writeUInt16BE(UDP_BYTES_OWN, at + 3);
  }
  return reply;
}

/** The bytes that go out over UDP: a message that the client cannot take becomes one that says so. */
export function fitted(query: Query, reply: Buffer): Buffer {
  if (reply.length <= query.udpBytes) return reply;
  const flags = reply.readUInt16BE(2);
  return buildReply(
    query,
    { rcode: flags & 15, authoritative: (flags & FLAG_AA) !== 0, truncated: true },
    [],
  );
}

export function isTruncated(reply: Buffer): boolean {
  return (reply.readUInt16BE(2) & FLAG_TC) !== 0;
}

/** Whether a message is the answer to this question: a response to it, with the very question in it, to the byte. */
export function answers(query: Query, id: number, reply: Buffer): boolean {
  if (reply.length < HEADER_BYTES || reply.readUInt16BE(0) !== id) return false;
  if ((reply.readUInt16BE(2) & FLAG_QR) === 0) return false;
  const asked = reply.readUInt16BE(4);
  // A server that could not read the question may leave it out (FORMERR, NOTIMP).
  if (asked === 0) return [1, 4].includes(rcodeOf(reply)) && reply.length === HEADER_BYTES;
  if (asked !== 1 || reply.length < query.end) return false;
  return sameQuestion(query, reply);
}

/** Names are the same in any case (RFC 4343), and some servers give them back in another one. */
function sameQuestion({ message, end }: Query, reply: Buffer): boolean {
  for (let at = HEADER_BYTES; at < end; at++) {
    const a = message[at] ?? 0;
    const b = reply[at] ?? 0;
    if (a !== b && (at >= end - 4 || lower(a) !== lower(b))) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

export function rcodeOf(message: Buffer): number {
  return message.readUInt16BE(2) & 15;
}

/** The same message under another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}
