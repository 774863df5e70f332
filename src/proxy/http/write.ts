/** Heads out of parts, for what the proxy says itself: local answers and rewritten requests. What is passed on is written anew only where it changes. */
import { invariant } from "../../core/invariant.js";
import type { Fields, RequestHead, ResponseHead } from "./head.js";
import { TARGET, TEXT, TOKEN } from "./octets.js";

/** Fields in the order in which they are to be sent. */
export type FieldList = readonly (readonly [name: string, value: string])[];

export interface RequestParts {
  readonly method: string;
  readonly target: string;
  readonly minor?: 0 | 1;
  readonly fields: FieldList;
}

export interface ResponseParts {
  readonly status: number;
  readonly reason: string;
  readonly minor?: 0 | 1;
  readonly fields: FieldList;
}

/** One character is one byte, as `Fields` reads them. A part that would break out of its place is a mistake of ours. */
export function writeRequestHead({ method, target, minor = 1, fields }: RequestParts): Buffer {
  invariant(method !== "" && consistsOf(TOKEN, method), "a method that is no token");
  invariant(target !== "" && consistsOf(TARGET, target), "a target that breaks out of its line");
  return written(`${method} ${target} HTTP/1.${minor}\r\n`, fields);
}

export function writeResponseHead({ status, reason, minor = 1, fields }: ResponseParts): Buffer {
  invariant(Number.isInteger(status) && status >= 100 && status <= 999, "a status that is no status");
  invariant(consistsOf(TEXT, reason), "a reason that breaks out of its line");
  return written(`HTTP/1.${minor} ${status} ${reason}\r\n`, fields);
}

/** The trailer section behind the line of the last chunk, which is part of it. */
export function writeLastChunk(trailers: FieldList): Buffer {
  return written("0\r\n", trailers);
}

/** The request's head with other fields: whatever was not changed keeps every byte that it came with. */
export function rewriteRequestHead(head: RequestHead, parts: RequestParts): Buffer {
  const same = parts.method === head.method && parts.target === head.target;
  const minor = head.minor === 0 ? 0 : 1;
  return rewritten(head, same ? null : writeRequestHead({ ...parts, minor, fields: NONE }), parts.fields);
}

export function rewriteResponseHead(head: ResponseHead, parts: ResponseParts): Buffer {
  const same = parts.status === head.status && parts.reason === head.reason;
  const minor = head.minor === 0 ? 0 : 1;
  return rewritten(head, same ? null : writeResponseHead({ ...parts, minor, fields: NONE }), parts.fields);
}

const NONE: FieldList = [];
const CRLF = Buffer.from("\r\n");

/** `other` is a head without fields, for its start line; null for that of the original. */
function rewritten(original: Fields, other: Buffer | null, fields: FieldList): Buffer {
  const { raw } = original;
  const lines: Buffer[] = [
    other === null
      ? raw.subarray(0, original.count > 0 ? original.start(0) : raw.length - CRLF.length)
      : other.subarray(0, other.length - CRLF.length),
  ];
  const known = new Map<string, number[]>();
  for (let field = 0; field < original.count; field++) {
    const key = fieldLine(original.name(field), original.value(field));
    const places = known.get(key);
    if (places === undefined) known.set(key, [field]);
    else places.push(field);
  }
  for (const [name, value] of fields) {
    const line = fieldLine(name, value);
    const place = known.get(line)?.shift();
    lines.push(
      place === undefined
        ? Buffer.from(line, "latin1")
        : raw.subarray(original.start(place), original.end(place)),
    );
  }
  lines.push(CRLF);
  return Buffer.concat(lines);
}

function written(line: string, fields: FieldList): Buffer {
  let text = line;
  for (const [name, value] of fields) text += fieldLine(name, value);
  return Buffer.from(`${text}\r\n`, "latin1");
}

function fieldLine(name: string, value: string): string {
  invariant(name !== "" && consistsOf(TOKEN, name), "a field name that is no token");
  invariant(consistsOf(TEXT, value), "a field value that breaks out of its line");
  return `${name}: ${value}\r\n`;
}

function consistsOf(table: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (table[text.charCodeAt(at)] !== 1) return false;
  return true;
}
