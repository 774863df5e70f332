/** Takes one direction of a connection in whatever pieces it comes, and keeps what comes while its reader is stopped. */
import { invariant } from "../../core/invariant.js";

/** Whoever reads is made of it: `step` is given bytes only while the reader is not stopped. */
export abstract class Intake<S> {
  readonly #heldMax: number;
  /** Copies of what was pushed while the reader was stopped. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #paused = false;
  #running = false;
  #ending = false;
  #ended = false;
  /** Where in the stream the chunk at hand begins. */
  protected base = 0;
  /** The reader has stopped by itself. */
  protected waiting = false;

  constructor(heldMax: number) {
    this.#heldMax = heldMax;
  }

  /** Reads on at `at` and says how far it came: always further, or on to another state. */
  protected abstract step(chunk: Buffer, at: number, sink: S): number;
  /** The stream has ended, and all of it was read. */
  protected abstract finish(sink: S): void;

  /** Reads nothing on for the moment: the source should be paused. */
  get stopped(): boolean {
    return this.#paused || this.waiting;
  }

  /** What came while the reader was stopped. */
  protected get earlyBytes(): number {
    return this.#heldBytes;
  }

  /** Reads on. The chunk is looked at within this call only, and copied where that is not enough. */
  push(chunk: Buffer, sink: S): void {
    invariant(!this.#ending && !this.#running, "bytes after the end of a stream, or from within a callback");
    if (chunk.length === 0) return;
    if (this.stopped || this.#held.length > 0) this.#hold(chunk);
    else this.#run(chunk, sink);
  }

  /** The stream has ended in order. While the reader is stopped this waits, like bytes do. */
  end(sink: S): void {
    invariant(!this.#ending && !this.#running, "a second end of a stream, or from within a callback");
    this.#ending = true;
    if (!this.stopped && this.#held.length === 0) this.#finish(sink);
  }

  /**
   * Stops reading, also from within a callback: nothing but the end of a message without a body is told any more.
   * Bytes that are left in the chunk at hand are copied and wait for `resume`.
   */
  pause(): void {
    this.#paused = true;
  }

  resume(sink: S): void {
    this.#paused = false;
    this.drain(sink);
  }

  protected drain(sink: S): void {
    // From within a callback: whoever called it reads on.
    if (this.#running) return;
    while (!this.stopped) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#heldBytes -= chunk.length;
      this.#run(chunk, sink);
    }
    if (this.#ending && !this.#ended && !this.stopped) this.#finish(sink);
  }

  #hold(chunk: Buffer): void {
    invariant(
      this.#heldBytes + chunk.length <= this.#heldMax,
      "a stopped reader was pushed more than it may hold",
    );
    this.#held.push(Buffer.from(chunk));
    this.#heldBytes += chunk.length;
  }

  #run(chunk: Buffer, sink: S): void {
    let at = 0;
    this.#running = true;
    while (at < chunk.length) {
      if (this.stopped) {
        this.#held.unshift(Buffer.from(chunk.subarray(at)));
        this.#heldBytes += chunk.length - at;
        break;
      }
      at = this.step(chunk, at, sink);
    }
    this.#running = false;
    this.base += at;
  }

  #finish(sink: S): void {
    this.#ended = true;
    this.finish(sink);
  }
}
