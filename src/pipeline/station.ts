/** Where one fault holds the datagrams of one direction: in the order in which they are due, and of arrival where that is the same. */
import type { Millis } from "../core/clock.js";
import type { DatagramHold } from "../faults/contract/index.js";

export interface Held {
  readonly payload: Buffer;
  /** Counts those that this station has held. */
  readonly order: number;
  /** null for copies, which nobody is asked about again. */
  readonly hold: DatagramHold | null;
  due: Millis;
}

/** Less than this is rounding: nobody waits for it. */
const MOMENT: Millis = 1e-6;

export class Station {
  /** A binary heap: mostly they come in the order in which they leave, and then an addition costs one comparison. */
  readonly #heap: Held[] = [];
  #order = 0;
  #lastDue: Millis = -Infinity;

  get due(): Millis {
    return this.#heap[0]?.due ?? Infinity;
  }

  get empty(): boolean {
    return this.#heap.length === 0;
  }

  add(payload: Buffer, wait: Millis, hold: DatagramHold | null, now: Millis): void {
    this.#place({ payload, order: this.#order++, hold, due: now + wait });
  }

  #place(held: Held): void {
    if (held.hold?.inOrder === true) {
      held.due = Math.max(held.due, this.#lastDue);
      this.#lastDue = held.due;
    }
    this.#rise(held);
  }

  /** The one that is due, taken out; null if none is. One whose time was a guess may turn out to have more. */
  take(now: Millis): Held | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.due > now) return null;
      this.#removeFirst();
      const left = first.hold?.guessed === true ? (first.hold.left?.() ?? 0) : 0;
      if (left <= MOMENT) return first;
      first.due = now + left;
      this.#rise(first);
    }
  }

  /** All of them, in order, taken out. */
  takeAll(): Held[] {
    const all = this.#heap.splice(0).sort((a, b) => (before(a, b) ? -1 : 1));
    this.#lastDue = -Infinity;
    return all;
  }

  /** Asks all how long they have left. */
  ask(now: Millis): void {
    const all = this.#heap.splice(0).sort((a, b) => a.order - b.order);
    this.#lastDue = -Infinity;
    for (const held of all) {
      const left = held.hold?.left?.();
      if (left !== undefined) held.due = now + Math.max(0, left);
      this.#place(held);
    }
  }

  #rise(held: Held): void {
    const heap = this.#heap;
    let at = heap.push(held) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !before(held, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = held;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const down = this.#earlierChild(at);
      const child = heap[down];
      if (child === undefined || !before(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }

  #earlierChild(at: number): number {
    const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]];
    return left !== undefined && right !== undefined && before(right, left) ? 2 * at + 2 : 2 * at + 1;
  }
}

function before(a: Held, b: Held): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
