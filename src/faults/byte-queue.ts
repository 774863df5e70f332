/** Bytes kept in order, and stages that are made of such a queue. */
import type { Millis } from "../core/clock.js";
import { invariant } from "../core/invariant.js";
import type { Outlet, StreamStage } from "./contract/index.js";

/** Behind so many chunks those that are smaller than this are copied together: each by itself weighs some 250 bytes more. */
const SINGLE_CHUNKS = 8;
const SMALL_BYTES = 512;
const JOINED_BYTES = 8_192;

/** Bytes in order, taken out in other portions than they came in. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #head = 0;
  /** Where small chunks are copied to, and how much of it is taken. */
  #joined: Buffer | null = null;
  #joinedTo = 0;
  length = 0;

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.length += chunk.length;
    if (chunk.length < SMALL_BYTES && this.#chunks.length - this.#head >= SINGLE_CHUNKS) this.#join(chunk);
    else this.#chunks.push(chunk);
  }

  #join(chunk: Buffer): void {
    const last = this.#chunks[this.#chunks.length - 1];
    const from = this.#joinedTo;
    const joined = this.#joined;
    if (joined === null || from + chunk.length > joined.length) {
      this.#joined = Buffer.allocUnsafeSlow(JOINED_BYTES);
      chunk.copy(this.#joined);
      this.#joinedTo = chunk.length;
      this.#chunks.push(this.#joined.subarray(0, chunk.length));
      return;
    }
    chunk.copy(joined, from);
    this.#joinedTo = from + chunk.length;
    // It may have been begun to be taken, or others may have come behind it.
    if (last?.buffer === joined.buffer && last.byteOffset + last.length === joined.byteOffset + from)
      this.#chunks[this.#chunks.length - 1] = joined.subarray(
        last.byteOffset - joined.byteOffset,
        this.#joinedTo,
      );
    else this.#chunks.push(joined.subarray(from, this.#joinedTo));
  }

  /** The next `bytes` bytes, or all there are, as one buffer; copied only where they span chunks. */
  take(bytes: number): Buffer {
    const parts: Buffer[] = [];
    for (let left = Math.min(bytes, this.length); left > 0;) {
      const part = this.#next(left);
      left -= part.length;
      parts.push(part);
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  /** Emits the next `bytes` bytes, or all there are, without copying. */
  pour(out: Outlet, bytes = Infinity): void {
    for (let left = Math.min(bytes, this.length); left > 0;) {
      const part = this.#next(left);
      left -= part.length;
      out.emit(part);
    }
  }

  /** What the first chunk has of the next `bytes` bytes. It is off the books before anybody sees it. */
  #next(bytes: number): Buffer {
    const first = this.#chunks[this.#head];
    invariant(first !== undefined, "a queue counted bytes that it does not have");
    const part = first.length <= bytes ? first : first.subarray(0, bytes);
    if (part === first) {
      this.#head++;
      if (this.#head === 1 && this.#chunks.length === 1) {
        // The place is kept for the next one: most queues hold one at a time.
        this.#chunks.pop();
        this.#head = 0;
      } else if (this.#head === this.#chunks.length || this.#head >= 1024) {
        this.#chunks = this.#chunks.slice(this.#head);
        this.#head = 0;
      }
    } else {
      this.#chunks[this.#head] = first.subarray(bytes);
    }
    this.length -= part.length;
    return part;
  }
}

/**
 * Lets everything by, or nothing: while it is shut the sender feels it, since nothing more is read, and
 * what was under way is kept. The end is kept too. Opened or taken out, it delivers all of it.
 */
export class Valve implements StreamStage {
  readonly #queue = new ByteQueue();
  #ending = false;

  constructor(
    private readonly shut: () => boolean,
    /** Told of each chunk and of the end, before it is judged. */
    private readonly seen: (now: Millis) => void = () => undefined,
  ) {}

  push(chunk: Buffer, out: Outlet): void {
    this.seen(out.now);
    this.#queue.add(chunk);
    this.wake(out);
  }

  end(out: Outlet): void {
    this.seen(out.now);
    this.#ending = true;
    this.wake(out);
  }

  wake(out: Outlet): void {
    if (this.shut()) return;
    this.#queue.pour(out);
    if (!this.#ending) return;
    this.#ending = false;
    out.end();
  }

  release(out: Outlet): void {
    this.#queue.pour(out);
  }

  get held(): number {
    return this.#queue.length;
  }

  /** While it is shut it takes a first chunk, so that it is known whose bytes are held up, and no second one. */
  get capacity(): number {
    return this.shut() ? 1 : Infinity;
  }

  readonly wakeAt = Infinity;
}

/** How a stream leaves in pieces; asked anew for each, since parameters change meanwhile. */
export interface Pace {
  /** Time from one piece to the next. */
  gap(): Millis;
  /** Bytes of the next piece. */
  piece(): number;
  /** So many pieces have left. */
  left(pieces: number): void;
}

/**
 * Lets a stream leave in pieces, apart in time, that a fault measures. The first piece behind a pause leaves at once,
 * and the pause is not made up for.
 */
export class SpacedStage implements StreamStage {
  readonly #pace: Pace;
  readonly #queue = new ByteQueue();
  /** When the piece before this one left. */
  #lastAt = -Infinity;
  #ending = false;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  push(chunk: Buffer, out: Outlet): void {
    if (this.#queue.length === 0) this.#lastAt = Math.max(this.#lastAt, out.now - this.#pace.gap());
    this.#queue.add(chunk);
    this.wake(out);
  }

  end(out: Outlet): void {
    this.#ending = true;
    this.wake(out);
  }

  /** Writes all that is due: a timer that comes late, or is too coarse for the gap, must not stretch the whole. */
  wake(out: Outlet): void {
    const gap = this.#pace.gap();
    let pieces = 0;
    for (; this.#queue.length > 0 && this.#lastAt + gap <= out.now; pieces++) {
      this.#lastAt += gap;
      out.emit(this.#queue.take(this.#pace.piece()));
    }
    if (pieces > 0) this.#pace.left(pieces);
    if (!this.#ending || this.#queue.length > 0) return;
    this.#ending = false;
    out.end();
  }

  release(out: Outlet): void {
    this.#queue.pour(out);
  }

  get wakeAt(): Millis {
    return this.#queue.length > 0 ? this.#lastAt + this.#pace.gap() : Infinity;
  }

  get held(): number {
    return this.#queue.length;
  }

  /** Bytes kept before the sender is slowed down; a read of the socket may add one chunk to it. */
  readonly capacity = 64 * 1024;
}
