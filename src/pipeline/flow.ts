/**
 * What the bytes of one direction belong to. It is told before bytes are pushed into a pump and travels with them
 * from stage to stage, also where one of them holds bytes back: so each stage knows of each byte whether it is
 * meant, whatever has begun or ended in the meantime.
 */
import type { Outlet, Sever } from "../faults/contract/index.js";
import type { Millis } from "../core/clock.js";
import type { Subject } from "./armed.js";

/** What part of a message a byte is of. */
export type Part = "wire" | "head" | "body";

/** A byte fault on one connection, and as whose subject it acts on some of its bytes. */
export interface ByteHit {
  readonly binding: object;
  readonly subject: Subject;
}

/** The way of one exchange, or of a relayed connection: who acts on its bytes. */
export interface Passage {
  readonly streams: readonly ByteHit[];
}

/** As whose subject this one acts on its bytes; null if it does not. */
export function subjectOf({ streams }: Passage, binding: object): Subject | null {
  for (const hit of streams) if (hit.binding === binding) return hit.subject;
  return null;
}

export interface Mark {
  readonly passage: Passage | null;
  readonly part: Part;
}

const NOBODYS: Mark = { passage: null, part: "wire" };

export class Flow {
  /** Of the bytes that are pushed at this moment. */
  now: Mark = NOBODYS;
  /** Of those that are read from now on. */
  next: Mark = NOBODYS;

  begin(passage: Passage | null): void {
    this.next = passage === null ? NOBODYS : { passage, part: "wire" };
  }

  reach(part: Part): void {
    if (this.next.part !== part) this.next = { passage: this.next.passage, part };
  }
}

interface Stretch {
  mark: Mark;
  bytes: number;
}

/** Hands on what a stage says, each byte with the mark that it came in with: stages keep order, and say what they drop. */
export class Tracker implements Outlet {
  /** Where it goes; set before the stage is called. */
  out: Outlet | null = null;
  readonly #flow: Flow;
  /** What is in the stage, in order: the first, of no bytes where there is none, and those behind it. Most have one at a time. */
  readonly #first: Stretch = { mark: NOBODYS, bytes: 0 };
  readonly #behind: Stretch[] = [];
  #last: Mark = NOBODYS;
  endMark: Mark = NOBODYS;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  /** So many bytes of what is pushed at this moment go into the stage. */
  take(bytes: number): void {
    const mark = this.#flow.now;
    const last = this.#behind.at(-1) ?? this.#first;
    if (last.bytes === 0) {
      last.mark = mark;
      last.bytes = bytes;
    } else if (last.mark === mark) last.bytes += bytes;
    else this.#behind.push({ mark, bytes });
  }

  get now(): Millis {
    return this.out?.now ?? 0;
  }

  emit(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const bytes = this.#leave(chunk.length - at);
      this.#flow.now = this.#last;
      this.out?.emit(bytes === chunk.length ? chunk : chunk.subarray(at, at + bytes));
      at += bytes;
    }
  }

  drop(bytes: number): void {
    for (let left = bytes; left > 0;) left -= this.#leave(left);
    this.out?.drop(bytes);
  }

  /** Made up by the stage, it belongs to what comes next. */
  insert(chunk: Buffer): void {
    this.#flow.now = this.#first.bytes > 0 ? this.#first.mark : this.#last;
    this.out?.insert(chunk);
  }

  end(): void {
    this.#flow.now = this.endMark;
    this.out?.end();
  }

  sever(how: Sever): void {
    this.out?.sever(how);
  }

  /** Takes up to so many bytes of one mark off the books; answers how many. */
  #leave(bytes: number): number {
    const first = this.#first;
    // More than came in: the pump's audit says so.
    if (first.bytes === 0) return bytes;
    this.#last = first.mark;
    const left = Math.min(bytes, first.bytes);
    first.bytes -= left;
    const next = first.bytes === 0 ? this.#behind.shift() : undefined;
    if (next !== undefined) {
      first.mark = next.mark;
      first.bytes = next.bytes;
    }
    return left;
  }
}
