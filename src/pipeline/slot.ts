/** A stage in its place among those of a pump, with its books: what came in, what went out, and what it destroyed or made up. */
import type { Millis } from "../core/clock.js";
import { invariant } from "../core/invariant.js";
import type { Outlet, Sever, StreamStage } from "../faults/contract/index.js";

/** What it needs of its pump. */
export interface SlotHost {
  now(): Millis;
  /** Hands bytes to what stands behind. */
  deliver(from: Slot, chunk: Buffer): void;
  deliverEndAfter(from: Slot): void;
  severedBy(from: Slot, how: Sever): void;
  readonly isSevered: boolean;
}

/** A stage in its place, with its books. */
export class Slot implements Outlet {
  readonly stage: StreamStage;
  readonly #pump: SlotHost;
  next: Slot | null = null;
  #bytesIn = 0;
  #bytesOut = 0;
  bytesInserted = 0;
  bytesDropped = 0;
  #endReceived = false;
  #cut = false;
  endSent = false;

  constructor(stage: StreamStage, pump: SlotHost) {
    this.stage = stage;
    this.#pump = pump;
  }

  // -- what the pump calls

  push(chunk: Buffer): void {
    invariant(!this.#endReceived, "bytes after the end");
    this.#bytesIn += chunk.length;
    this.stage.push(chunk, this);
    this.#audit();
  }

  /** The end has come to this stage; `end` is for the stage to pass it on. */
  endArrived(): void {
    invariant(!this.#endReceived, "a second end");
    this.#endReceived = true;
    if (this.stage.end) this.stage.end(this);
    else this.end();
    this.#audit();
  }

  wake(): void {
    this.stage.wake?.(this);
    this.#audit();
  }

  assigned(): void {
    if (this.stage.assigned) this.stage.assigned(this);
    else this.stage.wake?.(this);
    this.#audit();
  }

  release(): void {
    this.stage.release(this);
    this.#audit();
    if (this.#pump.isSevered) return;
    invariant(this.stage.held === 0, "a released stage still holds bytes");
    if (this.#endReceived && !this.endSent) this.end();
  }

  /** Nothing comes from here any more but the end; what the stage still says is lost. */
  cutOff(): void {
    const ended = this.endSent;
    this.#cut = true;
    this.endSent = true;
    if (!ended) this.#pump.deliverEndAfter(this);
  }

  skipEnd(): void {
    this.#endReceived = true;
    this.endSent = true;
  }

  // -- what the stage calls

  get now(): Millis {
    return this.#pump.now();
  }

  emit(chunk: Buffer): void {
    if (this.#cut) {
      this.bytesDropped += chunk.length;
      return;
    }
    invariant(!this.endSent, "a stage emitted after the end");
    this.#bytesOut += chunk.length;
    this.#pump.deliver(this, chunk);
  }

  insert(chunk: Buffer): void {
    this.bytesInserted += chunk.length;
    this.emit(chunk);
  }

  drop(bytes: number): void {
    this.bytesDropped += bytes;
  }

  end(): void {
    if (this.#cut) return;
    invariant(!this.endSent, "a stage ended twice");
    this.endSent = true;
    this.#pump.deliverEndAfter(this);
  }

  sever(how: Sever): void {
    this.#pump.severedBy(this, how);
  }

  #audit(): void {
    const held = this.stage.held;
    if (this.#bytesIn + this.bytesInserted === this.#bytesOut + this.bytesDropped + held) return;
    invariant(
      false,
      `a stage lost count: ${this.#bytesIn} in + ${this.bytesInserted} inserted, ` +
        `${this.#bytesOut} out + ${this.bytesDropped} dropped + ${held} held`,
    );
  }
}
