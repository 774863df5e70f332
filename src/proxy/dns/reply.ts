/** Replies between the wire and what faults are shown of them: records as text, as they stand in a zone file. */
import { isIP } from "node:net";
import { decode, encode, type Answer } from "dns-packet";
import type { DnsRecord, DnsReply } from "../../faults/contract/index.js";
import {
  buildReply,
  CLASS_IN,
  isTruncated,
  rcodeName,
  rcodeOf,
  RCODES,
  typeName,
  typeNumber,
  type Query,
} from "./codec.js";
import { bytesOfName } from "./names.js";

const TTL_MAX = 2 ** 31 - 1;
const RECORD_FIXED_BYTES = 10;
const HEADER_BYTES = 12;
/** The question's name, where every message has it (RFC 1035, section 4.1.4). */
const POINTER_TO_QUESTION = Buffer.from([0xc0, HEADER_BYTES]);

/** What a message says; null if it cannot be read to its end. */
export function readReply(message: Buffer): DnsReply | null {
  try {
    const { answers = [] } = decode(message);
    return {
      rcode: rcodeName(rcodeOf(message)),
      truncated: isTruncated(message),
      answers: answers.flatMap(readRecord),
    };
  } catch {
    // Upstreams are strangers as well, and the library says of bad bytes by throwing.
    return null;
  }
}

function readRecord(answer: Answer): DnsRecord[] {
  if (answer.type === "OPT") return [];
  const { name, type } = answer;
  const ttl = "ttl" in answer ? (answer.ttl ?? 0) : 0;
  // What the library has no name for it calls UNKNOWN_n.
  const known = type.replace(/^UNKNOWN_/u, "TYPE");
  return [{ name: lowered(name), type: known, ttl, data: textOf(answer) }];
}

function textOf(answer: Exclude<Answer, { type: "OPT" }>): string {
  switch (answer.type) {
    case "A":
    case "AAAA":
      return answer.data;
    case "CNAME":
    case "NS":
    case "PTR":
    case "DNAME":
      return lowered(answer.data);
    case "MX":
      return `${answer.data.preference ?? 0} ${lowered(answer.data.exchange)}`;
    case "SRV": {
      const { priority = 0, weight = 0, port, target } = answer.data;
      return `${priority} ${weight} ${port} ${lowered(target)}`;
    }
    case "TXT":
      return [answer.data].flat().map(quoted).join(" ");
    default:
      return opaque(libraryData(answer));
  }
}

function lowered(name: string): string {
  return name === "." ? "" : name.toLowerCase();
}

/** RFC 3597, section 5. */
function opaque(data: Buffer): string {
  return data.length === 0 ? "\\# 0" : `\\# ${data.length} ${data.toString("hex")}`;
}

/** RFC 1035, section 5.1. */
export function quoted(text: string | Buffer): string {
  const latin = typeof text === "string" ? Buffer.from(text).toString("latin1") : text.toString("latin1");
  const escaped = latin.replace(/["\\]|[^ -~]/gu, (byte) =>
    byte === '"' || byte === "\\" ? `\\${byte}` : `\\${String(byte.charCodeAt(0)).padStart(3, "0")}`,
  );
  return `"${escaped}"`;
}

function unquoted(text: string): Buffer[] {
  return [...text.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/gu)].map(([, inner = ""]) =>
    Buffer.from(
      inner.replace(/\\(\d{3}|[\s\S])/gu, (_, escaped: string) =>
        escaped.length === 3 ? String.fromCharCode(Number(escaped) & 255) : escaped,
      ),
      "latin1",
    ),
  );
}

/** The data of a record in the bytes that the library makes of it. */
function libraryData(answer: Answer): Buffer {
  return encode({ type: "response", answers: [{ ...answer, name: "." } as Answer] }).subarray(
    HEADER_BYTES + 1 + RECORD_FIXED_BYTES,
  );
}

/** Data as text to data as bytes. Null if it is none of its type. */
export function dataBytes(type: string, text: string): Buffer | null {
  try {
    return bytesOf(type, text);
  } catch {
    return null;
  }
}

function bytesOf(type: string, text: string): Buffer | null {
  const generic = /^\\# (\d+)(?: ([0-9a-f\s]*))?$/iu.exec(text);
  if (generic !== null) return Buffer.from((generic[2] ?? "").replace(/\s/gu, ""), "hex");
  switch (type) {
    case "A":
    case "AAAA":
      // The library makes some bytes of any text.
      return isIP(text) === (type === "A" ? 4 : 6) ? libraryData({ type, name: ".", data: text }) : null;
    case "CNAME":
    case "NS":
    case "PTR":
    case "DNAME":
      return bytesOfName(text);
    case "TXT":
      return libraryData({ type: "TXT", name: ".", data: unquoted(text) });
    case "MX":
    case "SRV": {
      const words = text.split(" ");
      const target = bytesOfName(words.pop() ?? "");
      if (target === null) return null;
      const numbers = Buffer.alloc(words.length * 2);
      for (const [index, word] of words.entries()) numbers.writeUInt16BE(Number(word), index * 2);
      return Buffer.concat([numbers, target]);
    }
    default:
      return null;
  }
}

/** A record on the wire; null for what cannot be written. A record of the name that was asked points at the question. */
export function recordBytes({ name, type, ttl, data }: DnsRecord, asked: string): Buffer | null {
  const number = typeNumber(type);
  const owner = name === asked ? POINTER_TO_QUESTION : bytesOfName(name);
  const bytes = dataBytes(type, data);
  if (number === null || owner === null || bytes === null || bytes.length > 65_535) return null;
  const fixed = Buffer.alloc(RECORD_FIXED_BYTES);
  fixed.writeUInt16BE(number, 0);
  fixed.writeUInt16BE(CLASS_IN, 2);
  fixed.writeUInt32BE(Math.min(Math.max(Math.round(ttl), 0), TTL_MAX), 4);
  fixed.writeUInt16BE(bytes.length, 8);
  return Buffer.concat([owner, fixed, bytes]);
}

/** The message for a reply; records that cannot be written are left out. */
export function writeReply(query: Query, reply: DnsReply, authoritative = false): Buffer {
  const records = reply.answers.flatMap((record) => recordBytes(record, query.name) ?? []);
  const number = RCODES.indexOf(reply.rcode);
  const rcode = number >= 0 ? number : Number(/^RCODE(\d+)$/u.exec(reply.rcode)?.[1] ?? 2);
  return buildReply(query, { rcode, authoritative, truncated: reply.truncated }, records);
}

/** A question of our own about another name, for the same client: flags and limits are those of its query. */
export function askAbout(name: string, query: Query): Buffer | null {
  const bytes = bytesOfName(name);
  if (bytes === null) return null;
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt16BE(query.flags & 0x0110, 2);
  head.writeUInt16BE(1, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(query.type, 0);
  tail.writeUInt16BE(query.class, 2);
  return Buffer.concat([head, bytes, tail]);
}

export function describedQuestion({ name, type }: Pick<Query, "name" | "type">): string {
  return `${typeName(type)} ${name === "" ? "." : name}`;
}
