/**
 * Reads the start line and the fields of a head, or the fields of a trailer section, looking once at each byte
 * wherever the reads happen to end. It keeps positions, never bytes: those are its owner's to keep.
 */
import { COLON, CR, HTAB, LF, SP, TARGET, TEXT, TOKEN } from "./octets.js";
import type { StartLine } from "./head.js";
import type { RefusalReason } from "./refusal.js";

/** What `scan` answers when it is not the end: more bytes are needed, or none will help. */
export const MORE = -1;
export const REFUSED = -2;

const HTTP = Buffer.from("HTTP/1.");

const enum At {
  Method,
  Target,
  Version,
  Minor,
  LineCr,
  Status,
  AfterStatus,
  Reason,
  LineLf,
  Line,
  Name,
  Value,
  ValueLf,
  EndLf,
}

export interface ScanLimits {
  readonly bytes: number;
  readonly fields: number;
}

export class HeadScanner implements StartLine {
  readonly #kind: "request" | "response" | "trailers";
  readonly #limits: ScanLimits;
  /** Written over by the next head: an array that is emptied gives its memory away, and takes it anew field by field. */
  readonly #marks: number[] = [];
  #marked = 0;
  #at: At = At.Line;
  #digits = 0;
  #scanned = 0;
  #budget = 0;
  #fields = 0;
  minor = 0;
  first = 0;
  second = 0;
  status = 0;
  /** Set when `scan` answers REFUSED: why, and which byte of the chunk it was. */
  fault: RefusalReason = "bad_request_line";
  faultAt = 0;

  constructor(kind: "request" | "response" | "trailers", limits: ScanLimits) {
    this.#kind = kind;
    this.#limits = limits;
  }

  /** The next byte begins a new head or section: to be called before each. `already` counts against its limit. */
  reset(already = 0): void {
    this.#at = this.#kind === "request" ? At.Method : this.#kind === "response" ? At.Version : At.Line;
    this.#digits = 0;
    this.#scanned = 0;
    this.#budget = this.#limits.bytes - already;
    this.#fields = 0;
    this.#marked = 0;
    this.status = 0;
  }

  /** Three for each field, see MARKS. A copy: the next head is written over the scanner's own. */
  marks(): number[] {
    return this.#marks.slice(0, this.#marked);
  }

  /** Reads on at `from`: the position behind the last byte, or MORE, or REFUSED. */
  scan(chunk: Buffer, from: number): number {
    // Positions in the head are positions in the chunk plus this.
    const shift = this.#scanned - from;
    const length = Math.min(chunk.length, this.#budget - shift);
    let at = from;
    while (at < length) {
      const octet = chunk[at] ?? 0;
      switch (this.#at) {
        case At.Value:
          while (at < length && TEXT[chunk[at] ?? 0] === 1) at += 1;
          if (at === length) break;
          if (chunk[at] !== CR) return this.#refuse(chunk[at] === LF ? "bare_lf" : "bad_field_value", at);
          this.#marks[this.#marked++] = at + shift;
          this.#at = At.ValueLf;
          at += 1;
          break;
        case At.Name:
          while (at < length && TOKEN[chunk[at] ?? 0] === 1) at += 1;
          if (at === length) break;
          if (chunk[at] !== COLON) return this.#refuse(nameFault(chunk[at] ?? 0), at);
          this.#marks[this.#marked++] = at + shift;
          this.#at = At.Value;
          at += 1;
          break;
        case At.LineLf:
        case At.ValueLf:
          if (octet !== LF) return this.#refuse("bare_cr", at);
          this.#at = At.Line;
          at += 1;
          break;
        case At.Line:
          if (TOKEN[octet] === 1) {
            this.#fields += 1;
            if (this.#fields > this.#limits.fields) return this.#refuse("too_many_fields", at);
            this.#marks[this.#marked++] = at + shift;
            this.#at = At.Name;
          } else if (octet === CR) {
            this.#at = At.EndLf;
          } else {
            return this.#refuse(octet === SP || octet === HTAB ? "folded_field" : nameFault(octet), at);
          }
          at += 1;
          break;
        case At.EndLf:
          if (octet !== LF) return this.#refuse("bare_cr", at);
          return at + 1;
        case At.Method:
          while (at < length && TOKEN[chunk[at] ?? 0] === 1) at += 1;
          if (at === length) break;
          if (chunk[at] !== SP || at + shift === 0) return this.#badLine(chunk, at);
          this.first = at + shift;
          this.#at = At.Target;
          at += 1;
          break;
        case At.Target:
          while (at < length && TARGET[chunk[at] ?? 0] === 1) at += 1;
          if (at === length) break;
          if (chunk[at] !== SP || at + shift === this.first + 1) return this.#badLine(chunk, at);
          this.second = at + shift;
          this.#at = At.Version;
          at += 1;
          break;
        case At.Version:
          if (octet !== HTTP[this.#digits]) {
            // Behind "HTTP/" it is a version, if one that we do not speak.
            return this.#digits < 5 ? this.#badLine(chunk, at) : this.#refuse("bad_version", at);
          }
          this.#digits += 1;
          if (this.#digits === HTTP.length) this.#at = At.Minor;
          at += 1;
          break;
        case At.Minor:
          if (octet !== 0x31 && octet !== 0x30) return this.#refuse("bad_version", at);
          this.minor = octet - 0x30;
          this.#digits = 0;
          this.#at = this.#kind === "request" ? At.LineCr : At.Status;
          at += 1;
          break;
        case At.LineCr:
          if (octet !== CR) return this.#badLine(chunk, at);
          this.#at = At.LineLf;
          at += 1;
          break;
        case At.Status: {
          const wrong =
            this.#digits === 0
              ? octet !== SP
              : octet < 0x30 || octet > 0x39 || (this.#digits === 1 && octet === 0x30);
          if (wrong) return this.#badLine(chunk, at);
          if (this.#digits > 0) this.status = this.status * 10 + octet - 0x30;
          this.#digits += 1;
          if (this.#digits === 4) this.#at = At.AfterStatus;
          at += 1;
          break;
        }
        case At.AfterStatus:
          if (octet !== SP && octet !== CR) return this.#badLine(chunk, at);
          this.second = at + shift;
          this.#at = octet === SP ? At.Reason : At.LineLf;
          at += 1;
          break;
        case At.Reason:
          while (at < length && TEXT[chunk[at] ?? 0] === 1) at += 1;
          if (at === length) break;
          if (chunk[at] !== CR) return this.#badLine(chunk, at);
          this.second = at + shift;
          this.#at = At.LineLf;
          at += 1;
          break;
      }
    }
    this.#scanned += length - from;
    if (length === chunk.length) return MORE;
    return this.#refuse(this.#kind === "trailers" ? "trailers_too_large" : "head_too_large", at);
  }

  #badLine(chunk: Buffer, at: number): number {
    if (chunk[at] === LF) return this.#refuse("bare_lf", at);
    return this.#refuse(this.#kind === "request" ? "bad_request_line" : "bad_status_line", at);
  }

  #refuse(fault: RefusalReason, at: number): number {
    this.fault = fault;
    this.faultAt = at;
    return REFUSED;
  }
}

function nameFault(octet: number): RefusalReason {
  if (octet === LF) return "bare_lf";
  return octet === SP || octet === HTAB ? "space_before_colon" : "bad_field_name";
}
