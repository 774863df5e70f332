/** Finds the records in one direction of a TLS connection (RFC 8446, section 5.1), whatever the pieces in which its bytes come. */
import type { Bytes } from "../core/units.js";

export const RECORD = { change_cipher_spec: 20, alert: 21, handshake: 22, application_data: 23 } as const;

export const RECORD_HEADER_BYTES = 5;

/** The payload of an encrypted alert in TLS 1.3: two bytes, the type, and the tag of the AEAD (16, or 8 of CCM_8). */
export const ALERT_BYTES: ReadonlySet<number> = new Set([2 + 1 + 16, 2 + 1 + 8]);

export interface RecordHead {
  readonly type: number;
  /** As the header has it: 0x0303 in TLS 1.3, too. */
  readonly version: number;
  /** Bytes of the payload. */
  readonly length: Bytes;
}

export interface RecordListener {
  /** A header is whole. Answers whether the payload is wanted when that is whole, too. */
  began(head: RecordHead): boolean;
  /** A record is whole. Its payload is null where it was not wanted. */
  ended(head: RecordHead, payload: Buffer | null): void;
}

export class RecordReader {
  readonly #listener: RecordListener;
  readonly #header = Buffer.alloc(RECORD_HEADER_BYTES);
  #headerLength = 0;
  #head: RecordHead | null = null;
  #lastHead: RecordHead | null = null;
  #left = 0;
  /** The payload as far as it has come, where it is wanted; at most 64 KiB, since its length has two bytes. */
  #parts: Buffer[] | null = null;
  #position = 0;
  #recordAt = 0;
  /** Whole records so far. */
  count = 0;

  constructor(listener: RecordListener) {
    this.#listener = listener;
  }

  /** How many bytes must come before more can be said: to the end of a header or of a payload that has begun. 0 between two records. */
  get missing(): Bytes {
    if (this.#head !== null) return this.#left;
    return this.#headerLength === 0 ? 0 : RECORD_HEADER_BYTES - this.#headerLength;
  }

  /** The record that began last, as far as its bytes have come; its head is null before that is whole. */
  get last(): { readonly head: RecordHead | null; readonly bytes: Bytes } {
    const inHeader = this.#head === null && this.#headerLength > 0;
    return { head: inHeader ? null : this.#lastHead, bytes: this.#position - this.#recordAt };
  }

  push(chunk: Buffer): void {
    const from = this.#position;
    this.#position += chunk.length;
    for (let at = 0; at < chunk.length;) {
      if (this.#head === null) {
        if (this.#headerLength === 0) this.#recordAt = from + at;
        const taken = chunk.copy(this.#header, this.#headerLength, at);
        at += taken;
        this.#headerLength += taken;
        if (this.#headerLength < RECORD_HEADER_BYTES) return;
        this.#begin();
      } else {
        const part = chunk.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.#parts?.push(part);
      }
      if (this.#left === 0) this.#end();
    }
  }

  #begin(): void {
    this.#headerLength = 0;
    const head = {
      type: this.#header.readUInt8(0),
      version: this.#header.readUInt16BE(1),
      length: this.#header.readUInt16BE(3),
    };
    this.#head = head;
    this.#lastHead = head;
    this.#left = head.length;
    this.#parts = this.#listener.began(head) ? [] : null;
  }

  #end(): void {
    const head = this.#head;
    if (head === null) return;
    const payload = this.#parts === null ? null : Buffer.concat(this.#parts);
    this.#head = null;
    this.#parts = null;
    this.count++;
    this.#listener.ended(head, payload);
  }
}
