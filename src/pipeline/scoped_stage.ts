/**
 * A stage for some of the bytes of a stream: those of the exchanges that its fault hits, or only their heads or
 * their payload. All others go past it, and none overtakes another.
 */
import type { Millis } from "../core/clock.js";
import type { Outlet, StreamStage } from "../faults/contract.js";

interface Waiting {
  readonly chunk: Buffer;
  /** Whether it is for the stage. */
  readonly inside: boolean;
}

export class ScopedStage implements StreamStage {
  /** Whether what is pushed now is for the stage. */
  open = false;
  #inner: StreamStage;
  /** What must wait until the stage has let go of what came before. */
  #queue: Waiting[] = [];
  #queued = 0;
  #ending: "inside" | "outside" | null = null;
  #ended = false;

  constructor(inner: StreamStage) {
    this.#inner = inner;
  }

  /** Another stage takes the place of one that holds nothing: a body's own. Answers whether it could. */
  renew(inner: StreamStage): boolean {
    if (this.held > 0) return false;
    this.#inner = inner;
    return true;
  }

  push(chunk: Buffer, out: Outlet): void {
    if (this.#queue.length === 0) {
      if (this.open) {
        this.#inner.push(chunk, out);
        return;
      }
      if (this.#inner.held === 0) {
        out.emit(chunk);
        return;
      }
    }
    this.#queue.push({ chunk, inside: this.open });
    this.#queued += chunk.length;
  }

  end(out: Outlet): void {
    this.#ending = this.open ? "inside" : "outside";
    this.#drain(out);
  }

  wake(out: Outlet): void {
    this.#inner.wake?.(out);
    this.#drain(out);
  }

  assigned(out: Outlet): void {
    if (this.#inner.assigned) this.#inner.assigned(out);
    else this.#inner.wake?.(out);
    this.#drain(out);
  }

  /** In order: what is inside may follow at once, what is outside only when the stage is empty. */
  #drain(out: Outlet): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (!next.inside && this.#inner.held > 0) return;
      this.#queue.shift();
      this.#queued -= next.chunk.length;
      if (next.inside) this.#inner.push(next.chunk, out);
      else out.emit(next.chunk);
    }
    if (this.#ending === null || (this.#ending === "outside" && this.#inner.held > 0)) return;
    const inside = this.#ending === "inside";
    this.#ending = null;
    this.#ended = true;
    if (inside && this.#inner.end) this.#inner.end(out);
    else out.end();
  }

  release(out: Outlet): void {
    this.#inner.release(out);
    for (const { chunk } of this.#queue) out.emit(chunk);
    this.#queue = [];
    this.#queued = 0;
  }

  get wakeAt(): Millis {
    // A stage that would act on nothing yet (a truncation after 0 bytes) waits until there is something to act on.
    return this.open || this.#ended || this.#inner.held > 0 ? this.#inner.wakeAt : Infinity;
  }

  get held(): number {
    return this.#inner.held + this.#queued;
  }

  get capacity(): number {
    // What waits behind the stage counts as well: a long answer behind a short one that is held has no other bound.
    return this.open || this.held > 0 ? this.#inner.capacity : Infinity;
  }
}
