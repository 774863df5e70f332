/**
 * The chunked coding (RFC 9112 7.1), read and written. The scanner finds where payload lies between the framing and
 * copies neither; framing that is not exactly right is refused at its first wrong byte.
 */
import { CR, HEX, LF, SEMICOLON, TEXT } from "./octets.js";
import type { RefusalReason } from "./refusal.js";

const enum At {
  FirstDigit,
  Digit,
  Extension,
  SizeLf,
  Data,
  DataCr,
  DataLf,
  /** Behind the line of the last chunk: an empty line, or a trailer section. */
  Last,
  LastLf,
}

/** What a step came to. */
export type ChunkStep = "more" | "done" | "trailers" | "refused";

export class ChunkScanner {
  readonly #lineBytesMax: number;
  #at: At = At.FirstDigit;
  #size = 0;
  #left = 0;
  #lineBytes = 0;
  /** Where the payload of the step that was just made lies in the chunk; equal when it has none. */
  payloadStart = 0;
  payloadEnd = 0;
  /** Where the step ended: what lies before belongs to the body, as framing or payload. */
  end = 0;
  fault: RefusalReason = "bad_chunk_size";

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  reset(): void {
    this.#at = At.FirstDigit;
    this.#size = 0;
    this.#lineBytes = 0;
  }

  /** One step: framing, at most one run of payload, and the framing behind it. "more" may leave bytes for another step. */
  step(chunk: Buffer, from: number): ChunkStep {
    const length = chunk.length;
    let at = from;
    let paid = false;
    this.payloadStart = this.payloadEnd = from;
    while (at < length) {
      const octet = chunk[at] ?? 0;
      switch (this.#at) {
        case At.Data: {
          if (paid) return this.#ends(at, "more");
          paid = true;
          const taken = Math.min(this.#left, length - at);
          this.payloadStart = at;
          at += taken;
          this.payloadEnd = at;
          this.#left -= taken;
          if (this.#left === 0) this.#at = At.DataCr;
          continue;
        }
        case At.DataCr:
          if (octet !== CR) return this.#refuse(octet === LF ? "bare_lf" : "bad_chunk_end", at);
          this.#at = At.DataLf;
          break;
        case At.DataLf:
          if (octet !== LF) return this.#refuse("bare_cr", at);
          this.reset();
          break;
        case At.FirstDigit:
        case At.Digit: {
          const digit = HEX[octet] ?? -1;
          if (digit >= 0) {
            this.#size = this.#size * 16 + digit;
            if (this.#size > Number.MAX_SAFE_INTEGER) return this.#refuse("bad_chunk_size", at);
            this.#at = At.Digit;
          } else if (this.#at === At.Digit && octet === CR) this.#at = At.SizeLf;
          else if (this.#at === At.Digit && octet === SEMICOLON) this.#at = At.Extension;
          else return this.#refuse(octet === LF ? "bare_lf" : "bad_chunk_size", at);
          if (octet !== CR && this.#tooLong()) return this.#refuse("chunk_line_too_long", at);
          break;
        }
        case At.Extension:
          if (octet === CR) this.#at = At.SizeLf;
          else if (octet === LF) return this.#refuse("bare_lf", at);
          else if (TEXT[octet] !== 1) return this.#refuse("bad_chunk_extension", at);
          if (octet !== CR && this.#tooLong()) return this.#refuse("chunk_line_too_long", at);
          break;
        case At.SizeLf:
          if (octet !== LF) return this.#refuse("bare_cr", at);
          this.#left = this.#size;
          this.#at = this.#size === 0 ? At.Last : At.Data;
          break;
        case At.Last:
          // Whatever is no empty line is for the scanner of fields to judge.
          if (octet !== CR) return this.#ends(at, "trailers");
          this.#at = At.LastLf;
          break;
        case At.LastLf:
          if (octet !== LF) return this.#refuse("bare_cr", at);
          return this.#ends(at + 1, "done");
      }
      at += 1;
    }
    return this.#ends(at, "more");
  }

  #tooLong(): boolean {
    this.#lineBytes += 1;
    return this.#lineBytes > this.#lineBytesMax;
  }

  #ends(at: number, step: ChunkStep): ChunkStep {
    this.end = at;
    return step;
  }

  #refuse(fault: RefusalReason, at: number): ChunkStep {
    this.fault = fault;
    this.end = at;
    return "refused";
  }
}

/** What stands before the payload of a chunk; CRLF stands behind it. A size of 0 would end the body. */
export function chunkLine(size: number): Buffer {
  if (!Number.isSafeInteger(size) || size <= 0) throw new RangeError(`no chunk has ${size} bytes`);
  return Buffer.from(`${size.toString(16)}\r\n`, "latin1");
}

/** A whole chunk. For large payloads write `chunkLine`, the payload and CRLF instead: this copies. */
export function chunkOf(payload: Buffer): Buffer {
  return Buffer.concat([chunkLine(payload.length), payload, CRLF]);
}

export const CRLF = Buffer.from("\r\n");

/** The last chunk and an empty trailer section. */
export const LAST_CHUNK = Buffer.from("0\r\n\r\n");
