/** Shared parts of faults: what several kinds would otherwise each write again. */
import type { Millis } from "../core/clock.js";
import { invariant } from "../core/invariant.js";
import { LANE, Random } from "../core/random.js";
import type {
  DatagramFault,
  Direction,
  Dispatch,
  FieldList,
  Hang,
  Outlet,
  ResponseInfo,
  Sever,
  StreamStage,
  UpstreamFailure,
} from "./contract/index.js";
import type { Extent } from "./params.js";

interface Waiting<Note> {
  /** null stands for the end of the stream, which must not overtake bytes. */
  readonly chunk: Buffer | null;
  readonly note: Note;
  due: Millis;
}

/**
 * In-order bytes that leave when they are due: what latency, slow closes and lost segments have in common.
 * The line is first in, first out: what is due earlier than what came before it waits for that.
 */
export class DelayLine<Note> {
  #items: Waiting<Note>[] = [];
  #head = 0;
  held = 0;

  add(chunk: Buffer | null, due: Millis, note: Note): void {
    this.#items.push({ chunk, note, due });
    this.held += chunk?.length ?? 0;
  }

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  get pieces(): number {
    return this.#items.length - this.#head;
  }

  get due(): Millis {
    return this.#items[this.#head]?.due ?? Infinity;
  }

  /** Works out all deadlines anew, after parameters were assigned. */
  reschedule(dueOf: (note: Note) => Millis): void {
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined) item.due = dueOf(item.note);
    }
  }

  flush(out: Outlet, until: Millis): void {
    for (let item = this.#items[this.#head]; item && item.due <= until; item = this.#items[this.#head]) {
      this.#head++;
      if (item.chunk) {
        this.held -= item.chunk.length;
        out.emit(item.chunk);
      } else {
        out.end();
      }
    }
    if (this.#head === this.#items.length) {
      // One that was alone is taken out of its place, which the next one gets: most lines hold one at a time.
      if (this.#head === 1) this.#items.pop();
      else if (this.#head > 1) this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** A stage that looks at each chunk and keeps nothing. */
export function passing(each: (chunk: Buffer, out: Outlet) => void): StreamStage {
  return { push: each, release: () => undefined, wakeAt: Infinity, held: 0, capacity: Infinity };
}

/**
 * The same fault for the datagrams of each direction, with draws of its own: the two run each at its own pace, and from
 * one generator they would take each other's.
 */
export function eachDirection(
  { random }: { readonly random: Random },
  make: (random: Random, direction: Direction) => DatagramFault,
): DatagramFault {
  const key = { high: random.integer(2 ** 32), low: random.integer(2 ** 32) };
  const upstream = make(new Random(key, 0, LANE.upstream), "upstream");
  const downstream = make(new Random(key, 0, LANE.downstream), "downstream");
  const of = (direction: Direction): DatagramFault => (direction === "upstream" ? upstream : downstream);
  return {
    datagram: (payload, direction) => of(direction).datagram(payload, direction),
    ...(upstream.rewrite === undefined
      ? {}
      : { rewrite: (payload, direction) => of(direction).rewrite?.(payload, direction) ?? payload }),
  };
}

/** Whether a fault of this configured direction acts on that one. */
export function acts(on: Direction | "both" | null, direction: Direction): boolean {
  return on === "both" || on === direction;
}

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

/**
 * Lets a stream leave in pieces, apart in time, that a fault measures. The first piece behind a pause leaves at once,
 * and the pause is not made up for.
 */
export abstract class SpacedStage implements StreamStage {
  readonly #queue = new ByteQueue();
  /** When the piece before this one left. */
  #lastAt = -Infinity;
  #ending = false;

  protected abstract get gap(): Millis;
  /** Bytes of the next piece. */
  protected abstract piece(): number;
  /** So many pieces have left. */
  protected abstract left(pieces: number): void;

  push(chunk: Buffer, out: Outlet): void {
    if (this.#queue.length === 0) this.#lastAt = Math.max(this.#lastAt, out.now - this.gap);
    this.#queue.add(chunk);
    this.wake(out);
  }

  end(out: Outlet): void {
    this.#ending = true;
    this.wake(out);
  }

  /** Writes all that is due: a timer that comes late, or is too coarse for the gap, must not stretch the whole. */
  wake(out: Outlet): void {
    const { gap } = this;
    let pieces = 0;
    for (; this.#queue.length > 0 && this.#lastAt + gap <= out.now; pieces++) {
      this.#lastAt += gap;
      out.emit(this.#queue.take(this.piece()));
    }
    if (pieces > 0) this.left(pieces);
    if (!this.#ending || this.#queue.length > 0) return;
    this.#ending = false;
    out.end();
  }

  release(out: Outlet): void {
    this.#queue.pour(out);
  }

  get wakeAt(): Millis {
    return this.#queue.length > 0 ? this.#lastAt + this.gap : Infinity;
  }

  get held(): number {
    return this.#queue.length;
  }

  /** Bytes kept before the sender is slowed down; a read of the socket may add one chunk to it. */
  readonly capacity = 64 * 1024;
}

/**
 * Burns down with time or with bytes, from the moment it is lit: what cuts a connection "after 30s" or
 * "after 64KiB". The bytes of both directions count together.
 */
export class Fuse {
  #litAt: Millis | null = null;
  #bytes = 0;

  /** `after` answers the extent as it is now; undefined means at once. */
  constructor(private readonly after: () => Extent | undefined) {}

  light(now: Millis): void {
    this.#litAt ??= now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many more bytes may pass at this moment; 0 when it has burnt down. */
  left(now: Millis): number {
    this.light(now);
    const after = this.after();
    if (after === undefined) return 0;
    if (after.kind === "size") return Math.max(0, after.bytes - this.#bytes);
    return now < this.deadline ? Infinity : 0;
  }

  pass(bytes: number): void {
    this.#bytes += bytes;
  }

  get deadline(): Millis {
    const after = this.after();
    return after?.kind === "duration" && this.#litAt !== null ? this.#litAt + after.millis : Infinity;
  }
}

/** A stage that lets bytes by until the fuse has burnt down; then `burnt`, and nothing passes any more. */
export class FusedStage implements StreamStage {
  constructor(
    private readonly fuse: Fuse,
    private readonly burnt: (now: Millis) => Sever | Hang,
    /** True once it has burnt down for good, even if parameters would give it more time. */
    private readonly spent: () => boolean,
  ) {}

  push(chunk: Buffer, out: Outlet): void {
    const left = this.spent() ? 0 : this.fuse.left(out.now);
    const passing = Math.min(chunk.length, left);
    this.fuse.pass(passing);
    if (passing > 0) out.emit(passing === chunk.length ? chunk : chunk.subarray(0, passing));
    if (passing < chunk.length) out.drop(chunk.length - passing);
    // At the exact byte, without waiting for another that may never come.
    if (left !== Infinity && passing === left) this.#blow(out);
  }

  end(out: Outlet): void {
    if (!this.spent() && this.fuse.left(out.now) > 0) out.end();
    else this.#blow(out);
  }

  #blow(out: Outlet): void {
    const how = this.burnt(out.now);
    if (how.do !== "hang") out.sever(how);
  }

  release(): void {
    // Nothing is ever held here.
  }

  readonly wakeAt = Infinity;
  readonly held = 0;
  readonly capacity = Infinity;
}

/** Bytes that a bucket has promised: they may leave once it has served as far as `position`. */
export interface Booking {
  readonly bytes: number;
  readonly position: number;
}

/** Differences below this many bytes are rounding. */
const ROUNDING = 1e-6;

/**
 * A token bucket that takes bookings, so that those who share it are served in turn and a timer that
 * comes late costs no throughput. It counts in bytes: `served` is what the rate has earned so far, each
 * booking stands behind the one before it, and whoever was idle may reach back by `burst` at most.
 */
export class TokenBucket {
  #served = 0;
  #tail = -Infinity;
  #at: Millis;
  #rate: number;

  constructor(
    private readonly terms: () => { readonly rate: number; readonly burst: number },
    now: Millis,
  ) {
    this.#at = now;
    this.#rate = terms().rate;
  }

  /** Books up to `wanted` bytes: `quantum`, or more if they may leave at once. */
  book(wanted: number, quantum: number, now: Millis, waiting: boolean): Booking {
    this.advance(now);
    // Who has been waiting all along loses nothing to a late timer; who was idle saves up a burst and no more.
    const base = waiting ? this.#tail : Math.max(this.#tail, this.#served - this.terms().burst);
    const bytes = Math.min(wanted, Math.max(quantum, Math.floor(this.#served - base + ROUNDING)));
    this.#tail = base + bytes;
    return { bytes, position: this.#tail };
  }

  /** Bytes that are booked and not earned yet. */
  backlog(now: Millis): number {
    this.advance(now);
    return Math.max(0, this.#tail - this.#served);
  }

  /** Gives a booking back unused. */
  cancel(booking: Booking): void {
    this.#tail -= booking.bytes;
  }

  ready(booking: Booking, now: Millis): boolean {
    this.advance(now);
    return this.#served >= booking.position - ROUNDING;
  }

  /** When the booking should be ready if the rate stays as it is; Infinity at a rate of zero. */
  dueAt(booking: Booking, now: Millis): Millis {
    this.advance(now);
    const missing = booking.position - this.#served;
    if (missing <= ROUNDING) return now;
    return this.#rate > 0 ? now + (missing / this.#rate) * 1000 : Infinity;
  }

  /**
   * Earns what the time since the last call is worth. Ramps are linear, so the mean of both ends is exact;
   * after an assignment (`stepped`) the old rate counts up to now.
   */
  advance(now: Millis, stepped = false): void {
    const rate = this.terms().rate;
    const mean = stepped ? this.#rate : (this.#rate + rate) / 2;
    this.#served += (mean * Math.max(0, now - this.#at)) / 1000;
    this.#at = Math.max(now, this.#at);
    this.#rate = rate;
  }
}

/** A time as it stands in a journal entry: milliseconds, to the microsecond. */
export function inJournal(millis: Millis): number {
  return Math.round(millis * 1000) / 1000;
}

// ------------------------------------------------------------------------------------------------
// Heads of HTTP messages.

export function failed(answer: ResponseInfo | UpstreamFailure): answer is UpstreamFailure {
  return "failed" in answer;
}

/** Sent on once; the upstream finishes its work although the client may be gone. */
export const DETACHED: Dispatch = {
  copies: 0,
  gap: 0,
  connection: "another",
  detached: true,
  // Of no copies: those that another fault wants are not smaller for it.
  limit: Infinity,
};

/** The value of the first field of that name, in any case. */
export function fieldOf(fields: FieldList, name: string): string | undefined {
  return fields.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
}

/** With that field in the place of the first of its name and without the others; behind all if there was none. */
export function withField(fields: FieldList, name: string, value: string): FieldList {
  const wanted = name.toLowerCase();
  const at = fields.findIndex(([other]) => other.toLowerCase() === wanted);
  if (at < 0) return [...fields, [name, value]];
  const rest = fields.slice(at + 1).filter(([other]) => other.toLowerCase() !== wanted);
  return [...fields.slice(0, at), [name, value], ...rest];
}

export function withoutField(fields: FieldList, name: string): FieldList {
  const unwanted = name.toLowerCase();
  return fields.filter(([other]) => other.toLowerCase() !== unwanted);
}

/** Fields that say where a message ends, or what becomes of the connection behind it. They belong to whoever sends it. */
export const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** As Retry-After counts: whole seconds, never fewer than were meant. What is less than a microsecond over is rounding. */
export function wholeSeconds(millis: Millis): number {
  return Math.max(0, Math.ceil((millis - 0.001) / 1000));
}

/** IMF-fixdate, RFC 9110 5.6.7. */
export function httpDate(wallTime: Millis): string {
  return new Date(wallTime).toUTCString();
}
