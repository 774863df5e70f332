/**
 * Judges how a message is framed (RFC 9112 6.3) and what it says about its connection, from the fields of its
 * head. What two readers could frame differently is refused here, never guessed at.
 */
import { endsWithHead } from "../../core/message-rules.js";
import type { Fields } from "./head.js";
import type { StartLine } from "./head.js";
import { isHttp2 } from "./h2c.js";
import type { RefusalReason } from "./refusal.js";
import type { Framing } from "./message-framing.js";

/** What a response must know of the request that it answers. */
export interface Asked {
  readonly head: boolean;
  readonly connect: boolean;
  readonly upgrade: boolean;
}

/** Why a head was refused, and the position in it that did it. */
export class Unframed {
  readonly reason: RefusalReason;
  readonly at: number;
  constructor(reason: RefusalReason, at: number) {
    this.reason = reason;
    this.at = at;
  }
}

const CONNECT = Buffer.from("CONNECT");
const LENGTH_DIGITS = /^[0-9]+$/u;

/** What the fields say, before it is known which of it counts. Of one head after the other: each is judged within one call. */
class Findings {
  /** -1 for none. */
  length = -1;
  codings: "none" | "chunked" | "other" = "none";
  fault: Unframed | null = null;
  /** Where the field stands that came second, of the two kinds of length. */
  lengthAt = -1;
  codingsAt = -1;
  close = false;
  keepAlive = false;
  upgradeOption = false;
  /** It names something else than HTTP/2. */
  upgradeField = false;
  h2c = false;
  expectsContinue = false;
  hosts = 0;

  read(fields: Fields): void {
    this.length = -1;
    this.codings = "none";
    this.fault = null;
    this.lengthAt = -1;
    this.codingsAt = -1;
    this.close = false;
    this.keepAlive = false;
    this.upgradeOption = false;
    this.upgradeField = false;
    this.h2c = false;
    this.expectsContinue = false;
    this.hosts = 0;
    for (let field = 0; field < fields.count; field += 1) {
      // The length of a name tells almost all fields apart, so that most are never looked at.
      switch (fields.colon(field) - fields.start(field)) {
        case 4:
          if (fields.is(field, "host")) this.hosts += 1;
          break;
        case 6:
          if (fields.is(field, "expect")) {
            this.expectsContinue = fields.value(field).toLowerCase() === "100-continue";
          }
          break;
        case 7:
          if (fields.is(field, "upgrade")) this.#upgrade(fields.value(field));
          break;
        case 10:
          if (fields.is(field, "connection")) this.#connection(fields, field);
          break;
        case 14:
          if (fields.is(field, "content-length")) this.#contentLength(fields, field);
          break;
        case 17:
          if (fields.is(field, "transfer-encoding")) this.#transferEncoding(fields, field);
          break;
      }
    }
  }

  // The values that are nearly always there are told from their bytes; strings are made for all others.

  #connection(fields: Fields, field: number): void {
    if (fields.valueIs(field, "keep-alive")) {
      this.keepAlive = true;
      return;
    }
    for (const option of fields.value(field).split(",")) {
      const name = option.trim().toLowerCase();
      if (name === "close") this.close = true;
      else if (name === "keep-alive") this.keepAlive = true;
      else if (name === "upgrade") this.upgradeOption = true;
    }
  }

  #upgrade(value: string): void {
    for (const protocol of value.split(",")) {
      if (isHttp2(protocol)) this.h2c = true;
      else this.upgradeField = true;
    }
  }

  /** Several equal lengths are one length; RFC 9112 6.3 allows to take them so, and no reader could take them otherwise. */
  #contentLength(fields: Fields, field: number): void {
    if (this.lengthAt < 0) {
      this.lengthAt = fields.start(field);
      this.length = fields.digits(field);
      if (this.length >= 0) return;
    }
    for (const part of fields.value(field).split(",")) {
      const digits = trimBlanks(part);
      const length = LENGTH_DIGITS.test(digits) ? Number(digits) : NaN;
      if (!Number.isSafeInteger(length)) this.#refuse("bad_content_length", fields.start(field));
      else if (this.length >= 0 && this.length !== length) {
        this.#refuse("differing_content_lengths", fields.start(field));
      } else this.length = length;
    }
  }

  #transferEncoding(fields: Fields, field: number): void {
    if (this.codingsAt < 0) {
      this.codingsAt = fields.start(field);
      if (fields.valueIs(field, "chunked")) {
        this.codings = "chunked";
        return;
      }
    }
    for (const part of fields.value(field).split(",")) {
      const coding = trimBlanks(part).toLowerCase();
      const name = trimBlanks(coding.split(";", 1)[0] ?? "");
      // An empty element, chunked twice, before another coding, or with parameters: readers differ on all of them.
      if (name === "" || this.codings === "chunked" || (name === "chunked" && coding !== name)) {
        this.#refuse("bad_transfer_encoding", fields.start(field));
      }
      this.codings = name === "chunked" ? "chunked" : "other";
    }
  }

  #refuse(reason: RefusalReason, at: number): void {
    this.fault ??= new Unframed(reason, at);
  }

  persistent(minor: number): boolean {
    return !this.close && (minor === 1 || this.keepAlive);
  }

  /** What makes the two kinds of length useless, if anything does. */
  ambiguity(minor: number): Unframed | null {
    if (this.codings !== "none") {
      if (this.lengthAt >= 0) return new Unframed("both_lengths", Math.max(this.lengthAt, this.codingsAt));
      if (minor === 0) return new Unframed("transfer_encoding_in_http10", this.codingsAt);
    }
    return this.fault;
  }
}

const found = new Findings();

export function frameRequest(fields: Fields, start: StartLine): Framing | Unframed {
  found.read(fields);
  const ambiguity = found.ambiguity(start.minor);
  if (ambiguity !== null) return ambiguity;
  if (found.codings === "other") return new Unframed("unchunked_request", found.codingsAt);
  const connect = start.first === CONNECT.length && CONNECT.compare(fields.raw, 0, CONNECT.length) === 0;
  if (connect && (found.codings !== "none" || found.length > 0)) {
    return new Unframed("connect_with_body", Math.max(found.lengthAt, found.codingsAt));
  }
  return {
    body: found.codings === "chunked" ? "chunked" : found.length > 0 ? "length" : "none",
    length: Math.max(found.length, 0),
    persistent: found.persistent(start.minor),
    connect,
    upgrade: start.minor === 1 && found.upgradeField && found.upgradeOption && !connect,
    h2c: found.h2c,
    expectsContinue: start.minor === 1 && found.expectsContinue,
    hosts: found.hosts,
  };
}

export function frameResponse(fields: Fields, start: StartLine, asked: Asked): Framing | Unframed {
  found.read(fields);
  const { status } = start;
  const framing: Framing = {
    body: "none",
    length: Math.max(found.length, 0),
    persistent: found.persistent(start.minor),
    connect: false,
    upgrade: false,
    h2c: false,
    expectsContinue: false,
    hosts: found.hosts,
  };
  if (status === 101) {
    if (!asked.upgrade) return new Unframed("unasked_upgrade", 0);
    framing.body = "tunnel";
    return framing;
  }
  // RFC 9112 6.3, rules 1 and 2: these end with their head "regardless of the header fields".
  if (status >= 200 && status < 300 && asked.connect) {
    framing.body = "tunnel";
    return framing;
  }
  if (endsWithHead({ method: asked.head ? "HEAD" : "", status })) return framing;
  const ambiguity = found.ambiguity(start.minor);
  if (ambiguity !== null) return ambiguity;
  if (found.codings === "chunked") framing.body = "chunked";
  else if (found.codings === "none" && found.length >= 0) framing.body = found.length > 0 ? "length" : "none";
  else {
    framing.body = "close";
    framing.persistent = false;
  }
  return framing;
}

/** SP and HTAB only: what else `trim` takes for white space is part of a value that is wrong. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/gu, "");
}
