/** Heads out of parts, for what the proxy says itself: local answers and rewritten requests. What is passed on is never written anew. */
import { invariant } from "../../core/invariant.js";
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

function written(line: string, fields: FieldList): Buffer {
  let text = line;
  for (const [name, value] of fields) {
    invariant(name !== "" && consistsOf(TOKEN, name), "a field name that is no token");
    invariant(consistsOf(TEXT, value), "a field value that breaks out of its line");
    text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}

function consistsOf(table: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (table[text.charCodeAt(at)] !== 1) return false;
  return true;
}
