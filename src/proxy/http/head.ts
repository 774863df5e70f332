/**
 * Heads as views of the bytes they came in: what is forwarded is `raw`, and strings are made only for whoever asks.
 *
 * A view is good until the call that handed it out returns, since read buffers are used again; `keep` makes
 * it good for longer.
 */
import type { Framing } from "./message-framing.js";
import { HTAB, LOWER, SP } from "./octets.js";

/** Three marks for each field: where its name begins, where its colon stands, where its value ends (at the CR). */
export const MARKS = 3;

/** Field lines in the order, case and number in which they came: of a head, or of a trailer section. */
export class Fields {
  #raw: Buffer;
  readonly #marks: readonly number[];
  #kept: boolean;

  constructor(raw: Buffer, marks: readonly number[], kept: boolean) {
    this.#raw = raw;
    this.#marks = marks;
    this.#kept = kept;
  }

  /** MARKS for each field, as they were scanned. */
  protected get marks(): readonly number[] {
    return this.#marks;
  }

  /** Every byte of it, as it came, the closing empty line included. */
  get raw(): Buffer {
    return this.#raw;
  }

  /** Copies the bytes unless they are its own already, so that the view outlives the call that handed it out. */
  keep(): this {
    if (!this.#kept) this.#raw = Buffer.from(this.#raw);
    this.#kept = true;
    return this;
  }

  get count(): number {
    return this.#marks.length / MARKS;
  }

  /** Where in `raw` the line of a field begins. */
  start(field: number): number {
    return this.#marks[field * MARKS] ?? 0;
  }

  /** Where in `raw` the line of a field ends: behind its CRLF. */
  end(field: number): number {
    return this.valueEnd(field) + 2;
  }

  colon(field: number): number {
    return this.#marks[field * MARKS + 1] ?? 0;
  }

  /** Where in `raw` the value ends, white space before the CR included. */
  valueEnd(field: number): number {
    return this.#marks[field * MARKS + 2] ?? 0;
  }

  /** The name as it was sent. */
  name(field: number): string {
    return this.#raw.toString("latin1", this.start(field), this.colon(field));
  }

  /** The value without the white space around it, one character for each byte. */
  value(field: number): string {
    const start = this.#valueStart(field);
    let end = this.valueEnd(field);
    while (end > start && isBlank(this.#raw[end - 1])) end -= 1;
    return this.#raw.toString("latin1", start, end);
  }

  #valueStart(field: number): number {
    let start = this.colon(field) + 1;
    const end = this.valueEnd(field);
    while (start < end && isBlank(this.#raw[start])) start += 1;
    return start;
  }

  /** Whether the value is this, given in lower case. White space behind it makes it another, for `value` to tell. */
  valueIs(field: number, lower: string): boolean {
    return this.#holds(this.#valueStart(field), this.valueEnd(field), lower);
  }

  /** The value if it is a number of up to 15 digits and nothing else, or -1, for `value` to tell what it is. */
  digits(field: number): number {
    const start = this.#valueStart(field);
    const end = this.valueEnd(field);
    if (start === end || end - start > 15) return -1;
    let number = 0;
    for (let at = start; at < end; at += 1) {
      const digit = (this.#raw[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
    }
    return number;
  }

  /** Whether the field has this name, given in lower case. */
  is(field: number, lower: string): boolean {
    return this.#holds(this.start(field), this.colon(field), lower);
  }

  #holds(start: number, end: number, lower: string): boolean {
    if (end - start !== lower.length) return false;
    for (let at = 0; at < lower.length; at += 1) {
      if (LOWER[this.#raw[start + at] ?? 0] !== lower.charCodeAt(at)) return false;
    }
    return true;
  }

  /** The first field of that name at or after `from`, or -1. Case does not matter. */
  indexOf(name: string, from = 0): number {
    const lower = name.toLowerCase();
    for (let field = from; field < this.count; field += 1) if (this.is(field, lower)) return field;
    return -1;
  }

  has(name: string): boolean {
    return this.indexOf(name) >= 0;
  }

  /** The value of the first field of that name. */
  get(name: string): string | undefined {
    const field = this.indexOf(name);
    return field < 0 ? undefined : this.value(field);
  }

  /** The values of all fields of that name, in order. */
  all(name: string): string[] {
    const values: string[] = [];
    for (let at = this.indexOf(name); at >= 0; at = this.indexOf(name, at + 1)) values.push(this.value(at));
    return values;
  }
}

function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === HTAB;
}

/** What a scanner found in a start line; positions in `raw`. */
export interface StartLine {
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minor: number;
  /** A request: where method and target end. A response: `second` is where the status line ends. */
  readonly first: number;
  readonly second: number;
  readonly status: number;
}

/** RFC 9112 3.2; `other` is a target of none of the four forms, which the server may judge. */
export type TargetForm = "origin" | "absolute" | "authority" | "asterisk" | "other";

const SLASH = 0x2f;
const STATUS_END = "HTTP/1.1 200".length;

abstract class Head extends Fields implements StartLine {
  readonly framing: Framing;
  readonly minor: number;
  readonly first: number;
  readonly second: number;
  readonly status: number;

  constructor(raw: Buffer, marks: readonly number[], kept: boolean, start: StartLine, framing: Framing) {
    super(raw, marks, kept);
    this.minor = start.minor;
    this.first = start.first;
    this.second = start.second;
    this.status = start.status;
    this.framing = framing;
  }

  /** The same head where its bytes have come once more, or are kept: `raw` is equal to its own. */
  abstract again(raw: Buffer, kept: boolean): Head;

  /** Whether this message leaves its connection open for another (RFC 9112 9.3), as far as its sender is concerned. */
  get persistent(): boolean {
    return this.framing.persistent;
  }
}

export class RequestHead extends Head {
  #method: string | null = null;
  #target: string | null = null;

  override again(raw: Buffer, kept: boolean): RequestHead {
    const head = new RequestHead(raw, this.marks, kept, this, this.framing);
    head.#method = this.method;
    head.#target = this.target;
    return head;
  }

  get method(): string {
    this.#method ??= this.raw.toString("latin1", 0, this.first);
    return this.#method;
  }

  /** As it was sent, one character for each byte. */
  get target(): string {
    this.#target ??= this.raw.toString("latin1", this.first + 1, this.second);
    return this.#target;
  }

  get form(): TargetForm {
    if (this.framing.connect) return this.raw[this.first + 1] === SLASH ? "other" : "authority";
    if (this.raw[this.first + 1] === SLASH) return "origin";
    const target = this.target;
    if (target === "*") return "asterisk";
    return /^[a-z][a-z0-9+.-]*:\/\//iu.test(target) ? "absolute" : "other";
  }

  /** RFC 9112 3.2 wants exactly one Host in HTTP/1.1. It is no matter of framing, so the server may judge it. */
  get hostFault(): "missing" | "several" | null {
    const hosts = this.framing.hosts;
    if (hosts > 1) return "several";
    return hosts === 0 && this.minor === 1 ? "missing" : null;
  }
}

export class ResponseHead extends Head {
  override again(raw: Buffer, kept: boolean): ResponseHead {
    return new ResponseHead(raw, this.marks, kept, this, this.framing);
  }

  get reason(): string {
    return this.raw.toString("latin1", STATUS_END + 1, this.second);
  }

  /** Announces another head for the same request: 1xx but 101 (RFC 9110 15.2). */
  get interim(): boolean {
    return this.status < 200 && this.status !== 101;
  }
}
