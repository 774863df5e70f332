/** What of a body is kept to compare it by: a hash of its first 4 KiB and of its length, and those bytes while it is read. */
import { createHash } from "node:crypto";

/** Of a body, so much is read. */
export const READ_MAX_BYTES = 4_096;
/** Hexadecimal digits that are kept of a hash: 64 bits tell the bodies of a run apart. */
const DIGITS = 16;

export class Digest {
  readonly #pieces: Buffer[] = [];
  #kept = 0;
  bytes = 0;

  /** Bytes of the body, which are somebody else's behind this call. */
  add(raw: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    const kept = Math.min(end - start, READ_MAX_BYTES - this.#kept);
    if (kept <= 0) return;
    this.#pieces.push(Buffer.from(raw.subarray(start, start + kept)));
    this.#kept += kept;
  }

  /** All that is read of it. */
  get beginning(): Buffer {
    return this.#pieces.length === 1 ? (this.#pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#pieces);
  }

  /** All of it is in `beginning`. */
  get whole(): boolean {
    return this.bytes === this.#kept;
  }

  /** Null for no body. */
  get hash(): string | null {
    return this.bytes === 0 ? null : hashOf(this.beginning, String(this.bytes));
  }
}

export function hashOf(...parts: readonly (Buffer | string)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, DIGITS);
}
