/**
 * The pump: the one place that moves bytes. It carries one direction of a stream through its stages,
 * inside single turns of the event loop, so that stages come and go between two chunks and there is
 * nothing to lock, interrupt or drain.
 *
 *     source -> stage -> stage -> sink      back-pressure acts on the source alone
 */
import type { Clock, Millis, Timer } from "../core/clock.js";
import { contained, type Owner } from "../core/containment.js";
import { invariant } from "../core/invariant.js";
import type { Sever, StreamStage } from "../faults/contract/index.js";
import type { HeldBudget, Waiter } from "./budget.js";
import { Slot, type SlotHost } from "./slot.js";

export interface Source {
  pause(): unknown;
  resume(): unknown;
}

export interface Sink {
  /** Takes the chunk; false asks for a pause until `drained`. */
  write(chunk: Buffer): boolean;
  end(): unknown;
  /** What is written from here to `uncork` leaves in one write. */
  cork(): unknown;
  uncork(): unknown;
}

/** How a stream ended at its source: in order (FIN), or torn down (RST). Stages hold either back alike. */
export type Ending = "fin" | "reset";

/** What the pump must tell its owner. */
export interface PumpOwner extends Owner {
  /** A stage asks for the whole connection to be severed. */
  severed(how: Sever): void;
  /** An RST has come through all stages. */
  resetArrived(pump: Pump): void;
  /** A mistake of ours: this connection must go, the daemon stays. */
  failed(error: unknown): void;
}

export interface PumpParts {
  readonly source: Source;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly budget: HeldBudget;
  readonly owner: PumpOwner;
  /** Called before bytes, or the end, enter the first stage. */
  readonly entering?: () => void;
}

/** What a piece weighs beside its bytes, measured: a buffer, its memory's own books, its place in a line. */
const PIECE_BYTES = 250;
/** What few pieces weigh is not worth counting. */
const FREE_PIECES = 16;

export class Pump implements Waiter, SlotHost {
  readonly #source: Source;
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #budget: HeldBudget;
  readonly #owner: PumpOwner;
  readonly #entering: (() => void) | undefined;
  #first: Slot | null = null;
  #timer: Timer | null = null;
  #armedFor: Millis = Infinity;
  #heldBooked = 0;
  #blocked = false;
  #sinkLost = false;
  #paused = false;
  #severed = false;
  #ending: Ending | null = null;
  #endDelivered = false;
  /** A cut that is on its way behind bytes that are still held. */
  #severing: Sever | null = null;
  /** It was the owner who made it. */
  #cut = false;
  /** Those who wait until nothing is held. */
  #onEmpty: (() => void)[] = [];
  /** The books of stages that have been taken out again. */
  #droppedBefore = 0;
  #insertedBefore = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Those who wait until so many bytes have left, in that order; null while nobody watches. */
  #onLeft: { readonly bytes: number; readonly then: () => void }[] | null = null;

  constructor(parts: PumpParts) {
    this.#source = parts.source;
    this.#sink = parts.sink;
    this.#clock = parts.clock;
    this.#budget = parts.budget;
    this.#owner = parts.owner;
    this.#entering = parts.entering;
  }

  // -- events of the two sockets ------------------------------------------------------------------

  data(chunk: Buffer): void {
    this.bytesIn += chunk.length;
    if (this.#first === null && !this.#severed) {
      // No faults: one comparison over writing straight to the socket.
      this.bytesOut += chunk.length;
      if (!this.#sink.write(chunk)) {
        this.#blocked = true;
        this.#regulate(false);
      }
      return;
    }
    // Behind a cut of the owner's, or an RST, nothing follows, whatever is still handed in.
    if (this.#severed || this.#cut || this.#ending === "reset") return;
    try {
      this.#entering?.();
      this.#first?.push(chunk);
      this.#settle();
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  /** Several chunks that leave in one write where no stage takes its time with them. */
  together(chunks: readonly Buffer[]): void {
    this.#sink.cork();
    for (const chunk of chunks) this.data(chunk);
    this.#sink.uncork();
  }

  end(how: Ending): void {
    if (this.#severed || this.#ending !== null) {
      // A reset may overtake a FIN that is still under way, and still has to follow one that has gone.
      if (how === "reset") this.#ending = how;
      if (how === "reset" && this.#endDelivered && !this.#severed) this.#owner.resetArrived(this);
      return;
    }
    this.#ending = how;
    try {
      this.#entering?.();
      if (this.#first) this.#first.endArrived();
      else this.#deliverEnd();
      this.#settle();
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  /** The owner ends the connection here: behind all bytes that were handed in so far, like an end would come. */
  cut(how: Sever): void {
    if (this.#severed || this.#severing !== null) return;
    if (this.#first === null || this.held === 0) {
      this.#owner.severed(how);
      return;
    }
    this.#severing = how;
    this.#cut = true;
    if (this.#ending === null) this.end("fin");
  }

  /** Calls back, once, when no stage holds a byte; at once if none does, and never if it is closed before. */
  whenEmpty(then: () => void): void {
    if (this.#first === null || this.held === 0) then();
    else this.#onEmpty.push(then);
  }

  /** Calls back, once, when so many bytes have left it in all; never if it is closed before. Where no stage is nothing waits. */
  whenLeft(bytes: number, then: () => void): void {
    if (this.#first === null || this.bytesOut >= bytes) then();
    else {
      this.#onLeft ??= [];
      this.#onLeft.push({ bytes, then });
    }
  }

  /** The same for the first of those that are handed in next, behind so many that are about to be. */
  whenNextLeft(pending: number, then: () => void): void {
    this.whenLeft(this.bytesOut + this.held + pending + 1, then);
  }

  #tellLeft(): void {
    const waiting = this.#onLeft ?? [];
    this.#onLeft = waiting.filter(({ bytes }) => bytes > this.bytesOut);
    for (const { bytes, then } of waiting) if (bytes <= this.bytesOut) then();
    if (this.#onLeft.length === 0) this.#onLeft = null;
  }

  drained(): void {
    if (!this.#blocked || this.#sinkLost) return;
    this.#blocked = false;
    this.#settle();
  }

  /** The sink is gone: nothing more is read, and what still leaves a stage is lost. */
  sinkLost(): void {
    this.#sinkLost = true;
    this.#blocked = true;
    this.#settle();
  }

  /** Called by whoever has given something back to the budget, who must not pay for what goes wrong here. */
  relieved(): void {
    try {
      this.#settle();
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  // -- changes of plan ----------------------------------------------------------------------------

  /** Puts a stage before the one that stands at `index` now. */
  insert(index: number, stage: StreamStage): void {
    const slot = new Slot(stage, this);
    let before: Slot | null = null;
    for (let i = 0; i < index; i++) before = before === null ? this.#first : before.next;
    if (before === null) {
      slot.next = this.#first;
      this.#first = slot;
    } else {
      slot.next = before.next;
      before.next = slot;
    }
    // An end that has already gone past, or waits further on, never comes by here again.
    if (this.#ending !== null && (before === null || before.endSent)) slot.skipEnd();
    this.#settle();
  }

  /** How many bytes a stage has destroyed so far. */
  droppedBy(stage: StreamStage): number {
    for (let slot = this.#first; slot !== null; slot = slot.next) {
      if (slot.stage === stage) return slot.bytesDropped;
    }
    return 0;
  }

  /** Takes a stage out; its held bytes go on, in order. Answers how many bytes it had destroyed. */
  remove(stage: StreamStage): number {
    let before: Slot | null = null;
    let slot = this.#first;
    while (slot !== null && slot.stage !== stage) {
      before = slot;
      slot = slot.next;
    }
    invariant(slot !== null, "removing a stage that is not in the pipeline");
    try {
      if (!this.#severed) slot.release();
    } catch (error) {
      this.#owner.failed(error);
    }
    if (before === null) this.#first = slot.next;
    else before.next = slot.next;
    this.#droppedBefore += slot.bytesDropped;
    this.#insertedBefore += slot.bytesInserted;
    this.#settle();
    return slot.bytesDropped;
  }

  /** Parameters were assigned anew behind a stage: let it look again at what it holds. */
  assigned(stage: StreamStage): void {
    try {
      for (let slot = this.#first; slot !== null && !this.#severed; slot = slot.next) {
        if (slot.stage === stage) slot.assigned();
      }
      this.#settle();
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  /** Something that stages share has changed (a bucket, a budget): look at the deadlines again. */
  settle(): void {
    this.#settle();
  }

  close(): void {
    if (this.#severed) return;
    this.#severed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#budget.add(-this.#heldBooked);
    this.#heldBooked = 0;
    this.#budget.forget(this);
  }

  /** No stage holds a byte: what was handed in has left, or is counted as dropped. */
  get keepsNothing(): boolean {
    return this.#first === null || this.held === 0;
  }

  get held(): number {
    let sum = 0;
    for (let slot = this.#first; slot !== null; slot = slot.next) sum += slot.stage.held;
    return sum;
  }

  /** Bytes that stages have destroyed, those included that are gone by now. */
  get bytesDropped(): number {
    let sum = this.#droppedBefore;
    for (let slot = this.#first; slot !== null; slot = slot.next) sum += slot.bytesDropped;
    return sum;
  }

  /** Bytes that no fault destroyed and nobody got: held when the connection was severed, arrived afterwards, or left for a sink that was gone. */
  get bytesLost(): number {
    let inserted = this.#insertedBefore;
    for (let slot = this.#first; slot !== null; slot = slot.next) inserted += slot.bytesInserted;
    const accounted = this.bytesOut + this.bytesDropped + (this.#severed ? 0 : this.held);
    return this.bytesIn + inserted - accounted;
  }

  get ended(): boolean {
    return this.#ending !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** A stage takes nothing more, and no time will change that. */
  get stuck(): boolean {
    for (let slot = this.#first; slot !== null; slot = slot.next)
      if (slot.stage.held >= slot.stage.capacity && slot.stage.wakeAt === Infinity) return true;
    return false;
  }

  /** An end or a cut is on its way through the stages, or has come out of them: nothing new follows. */
  get closing(): boolean {
    return this.#ending !== null || this.#severing !== null;
  }

  // -- for Slot -----------------------------------------------------------------------------------

  now(): Millis {
    return this.#clock.now();
  }

  deliver(from: Slot, chunk: Buffer): void {
    if (chunk.length === 0 || this.#severed) return;
    if (from.next !== null) {
      from.next.push(chunk);
      return;
    }
    if (this.#sinkLost) return;
    this.bytesOut += chunk.length;
    if (this.#onLeft !== null) this.#tellLeft();
    if (!this.#sink.write(chunk)) this.#blocked = true;
  }

  deliverEndAfter(from: Slot): void {
    if (this.#severed) return;
    if (from.next !== null) from.next.endArrived();
    else this.#deliverEnd();
  }

  /**
   * A stage severs the connection. What it let through before may still be held by stages behind it; the
   * cut follows those bytes, as an end would, so that "so many bytes and then the end" holds in any order of faults.
   */
  severedBy(from: Slot, how: Sever): void {
    if (this.#severed || this.#severing !== null) return;
    let behind = 0;
    for (let slot = from.next; slot !== null; slot = slot.next) behind += slot.stage.held;
    if (behind === 0) {
      this.#owner.severed(how);
      return;
    }
    this.#severing = how;
    from.cutOff();
  }

  get isSevered(): boolean {
    return this.#severed;
  }

  // -- inside -------------------------------------------------------------------------------------

  #deliverEnd(): void {
    if (this.#severing !== null) {
      this.#owner.severed(this.#severing);
      return;
    }
    this.#endDelivered = true;
    if (this.#ending === "reset") this.#owner.resetArrived(this);
    else if (!this.#sinkLost) this.#sink.end();
  }

  #settle(): void {
    if (this.#severed) return;
    let earliest = Infinity;
    let held = 0;
    let pieces = 0;
    let full = this.#blocked;
    for (let slot = this.#first; slot !== null; slot = slot.next) {
      const { stage } = slot;
      const due = stage.wakeAt;
      if (due < earliest) earliest = due;
      const stageHeld = stage.held;
      held += stageHeld;
      pieces += Math.max(0, (stage.pieces ?? 0) - FREE_PIECES);
      if (stageHeld >= stage.capacity) full = true;
    }
    const weight = held + pieces * PIECE_BYTES;
    if (weight !== this.#heldBooked) {
      const change = weight - this.#heldBooked;
      this.#heldBooked = weight;
      this.#budget.add(change);
    }
    if (held === 0 && this.#onEmpty.length > 0) {
      // Whoever waits may hand in bytes in turn, which must not happen in the middle of this.
      for (const empty of this.#onEmpty) queueMicrotask(contained(this.#owner, empty));
      this.#onEmpty = [];
    }
    if (earliest !== this.#armedFor || (this.#timer === null && earliest !== Infinity)) this.#rearm(earliest);
    this.#regulate(full);
  }

  #rearm(earliest: Millis): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#armedFor = earliest;
    if (earliest !== Infinity) this.#timer = this.#clock.exactly(earliest, this.#wake);
  }

  readonly #wake = (): void => {
    this.#timer = null;
    try {
      const now = this.#clock.now();
      for (let slot = this.#first; slot !== null && !this.#severed; slot = slot.next) {
        if (slot.stage.wakeAt > now) continue;
        slot.wake();
        invariant(this.#severed || slot.stage.wakeAt > now, "a stage woke and is still due");
      }
      this.#settle();
    } catch (error) {
      this.#owner.failed(error);
    }
  };

  /** Bytes inside never number more than the capacities and a chunk each, since only the source is held up. */
  #regulate(full: boolean): void {
    let hold = full || this.#blocked;
    if (!hold && this.#heldBooked > 0 && this.#budget.exhausted) {
      this.#budget.await(this);
      hold = true;
    }
    if (hold === this.#paused) return;
    this.#paused = hold;
    if (hold) this.#source.pause();
    else this.#source.resume();
  }
}
