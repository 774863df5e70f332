/**
 * Pieces of a message that are kept until all of it is there: their bytes in one buffer that grows, since a peer may send
 * them one by one, and an object for each would weigh a hundred times as much.
 */
const FIRST_BYTES = 1024;
/** Where a piece ends, and where the payload in it begins and ends. */
const NUMBERS = 3;

export class KeptPieces {
  #bytes: Buffer | null = null;
  #length = 0;
  #places = new Float64Array(0);
  #count = 0;

  /** Bytes of memory that it takes up. */
  get weight(): number {
    return (this.#bytes?.length ?? 0) + this.#places.byteLength;
  }

  /** Copies the piece: read buffers are used again. */
  add(raw: Buffer, start: number, end: number): void {
    const from = this.#length;
    this.#room(from + raw.length);
    if (this.#bytes !== null) raw.copy(this.#bytes, from);
    this.#length = from + raw.length;
    // Nothing but payload behind a piece that ended with payload: both are one.
    const at = (this.#count - 1) * NUMBERS;
    if (start === 0 && end === raw.length && at >= 0 && this.#places[at] === this.#places[at + 2]) {
      this.#places[at] = this.#places[at + 2] = this.#length;
      return;
    }
    if ((this.#count + 1) * NUMBERS > this.#places.length) {
      const more = new Float64Array(Math.max(8 * NUMBERS, this.#places.length * 2));
      more.set(this.#places);
      this.#places = more;
    }
    this.#places.set([this.#length, from + start, from + end], this.#count * NUMBERS);
    this.#count++;
  }

  #room(length: number): void {
    if ((this.#bytes?.length ?? 0) >= length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(length))));
    this.#bytes?.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  /** All of them in order, as they came; keeps nothing. */
  takeAll(each: (raw: Buffer, start: number, end: number) => void): void {
    const bytes = this.#bytes;
    const places = this.#places;
    const count = this.#count;
    this.clear();
    if (bytes === null) return;
    let from = 0;
    for (let at = 0; at < count * NUMBERS; at += NUMBERS) {
      const to = places[at] ?? from;
      each(bytes.subarray(from, to), (places[at + 1] ?? from) - from, (places[at + 2] ?? to) - from);
      from = to;
    }
  }

  /** The payload alone, in one piece; keeps nothing. */
  takePayload(): Buffer {
    const parts: Buffer[] = [];
    this.takeAll((raw, start, end) => {
      if (end > start) parts.push(raw.subarray(start, end));
    });
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  clear(): void {
    this.#bytes = null;
    this.#length = 0;
    this.#places = new Float64Array(0);
    this.#count = 0;
  }
}
