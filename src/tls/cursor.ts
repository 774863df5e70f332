/** Reads the fields of a TLS message in order and never beyond the vector that they stand in (RFC 8446, section 3). */

/** The message is not what its lengths say. Caught where the message is read, and told there as a reason. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

export class Cursor {
  readonly #bytes: Buffer;
  readonly #of: string;
  #at = 0;

  /** `of` names the message or the extension, for the reason of whatever is wrong with it. */
  constructor(bytes: Buffer, of: string) {
    this.#bytes = bytes;
    this.#of = of;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** An unsigned number of that many bytes, at most 3. */
  number(bytes: 1 | 2 | 3): number {
    // A hello has dozens of them: no view of the bytes is made for each.
    let at = this.#at;
    this.#pass(bytes);
    let value = 0;
    while (at < this.#at) value = value * 256 + (this.#bytes[at++] ?? 0);
    return value;
  }

  take(bytes: number): Buffer {
    this.#pass(bytes);
    return this.#bytes.subarray(this.#at - bytes, this.#at);
  }

  #pass(bytes: number): void {
    if (bytes > this.left) throw new Malformed(`${this.#of} ends in the middle of a field`);
    this.#at += bytes;
  }

  /** A vector whose length stands before it, in that many bytes; `min` and `max` are its lengths that the protocol allows. */
  vector(lengthBytes: 1 | 2 | 3, name: string, min = 0, max = Infinity): Cursor {
    const length = this.number(lengthBytes);
    if (length > this.left) throw new Malformed(`${name} is longer than ${this.#of} that it stands in`);
    if (length < min || length > max) throw new Malformed(`${name} cannot have ${length} bytes`);
    return new Cursor(this.take(length), name);
  }

  /** Goes past the vector of an extension, which nobody reads. */
  pass(lengthBytes: 1 | 2 | 3, extension: number): void {
    const length = this.number(lengthBytes);
    if (length > this.left)
      throw new Malformed(`its extension ${extension} is longer than ${this.#of} that it stands in`);
    this.#pass(length);
  }

  /** All that is left. */
  rest(): Buffer {
    return this.take(this.left);
  }

  /** Nothing may be left. */
  finish(): void {
    if (this.left > 0) throw new Malformed(`${this.#of} has ${this.left} bytes too many`);
  }
}
