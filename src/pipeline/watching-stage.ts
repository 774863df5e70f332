/**
 * A byte fault that is only observed: everything passes at once, and the fault's own stage is shown as many bytes, whose
 * delays, drops and cuts are carried out on nobody. Its memory is bounded by its capacity, as it is where it acts.
 */
import type { Millis } from "../core/clock.js";
import type { Direction, Outlet, StreamStage } from "../faults/contract/index.js";
import type { Fate } from "./fate.js";

/** What it is shown: faults on bytes reckon with how many there are, and know no messages. */
const BLANK = Buffer.alloc(65_536);
/** Seen at most while it holds: what would have been kept back from the sender is not followed. */
const WATCHED_MAX = 1_048_576;

export class WatchingStage implements StreamStage {
  readonly #make: () => StreamStage;
  readonly #fate: () => Fate;
  readonly #direction: Direction;
  readonly #shadow = new ShadowOutlet();
  #inner: StreamStage;
  /** Whose bytes the stage was made for, or has seen. */
  #of: Fate | null = null;

  constructor(make: () => StreamStage, first: StreamStage, fate: () => Fate, direction: Direction) {
    this.#make = make;
    this.#inner = first;
    this.#fate = fate;
    this.#direction = direction;
  }

  push(chunk: Buffer, out: Outlet): void {
    const fate = this.#fate();
    const before = fate.muted[this.#direction];
    if (!before && this.#follows(fate)) fate.muted[this.#direction] = this.#show(chunk.length, out);
    // What stands behind it would not see these bytes either.
    out.emit(chunk);
    fate.muted[this.#direction] = before;
  }

  #follows(fate: Fate): boolean {
    if (this.#nothing(fate)) return false;
    if (this.#shadow.severed && fate !== this.#of) {
      // The connection would have been another one.
      this.#inner = this.#make();
      this.#shadow.severed = false;
    }
    this.#of = fate;
    const { held, capacity } = this.#inner;
    return !this.#shadow.severed && (held === 0 || held < Math.min(capacity, WATCHED_MAX));
  }

  /** Whether nothing would come this way any more. */
  #nothing({ over, answered }: Fate): boolean {
    return over && !(answered && this.#direction === "downstream");
  }

  /** Answers whether nothing of it comes out. */
  #show(bytes: number, out: Outlet): boolean {
    const shadow = this.#shadow;
    shadow.now = out.now;
    shadow.dropped = 0;
    for (let left = bytes; left > 0; left -= BLANK.length)
      this.#guarded(() => {
        this.#inner.push(BLANK.subarray(0, Math.min(left, BLANK.length)), shadow);
      });
    return shadow.severed || shadow.dropped >= bytes || this.#inner.capacity === 0;
  }

  end(out: Outlet): void {
    this.#shadow.now = out.now;
    this.#guarded(() => this.#inner.end?.(this.#shadow));
    out.end();
  }

  wake(out: Outlet): void {
    this.#shadow.now = out.now;
    this.#guarded(() => this.#inner.wake?.(this.#shadow));
  }

  assigned(out: Outlet): void {
    this.#shadow.now = out.now;
    this.#guarded(() => {
      if (this.#inner.assigned === undefined) this.#inner.wake?.(this.#shadow);
      else this.#inner.assigned(this.#shadow);
    });
  }

  release(out: Outlet): void {
    this.#shadow.now = out.now;
    this.#inner.release(this.#shadow);
  }

  /** What the stage says of the connection ends what is asked of it. */
  #guarded(run: () => void): void {
    if (this.#idle) return;
    run();
    if (!this.#shadow.severed || this.#of === null) return;
    this.#of.over = true;
    this.#of.answered = false;
  }

  get wakeAt(): Millis {
    return this.#idle ? Infinity : this.#inner.wakeAt;
  }

  get #idle(): boolean {
    return this.#shadow.severed || this.#nothing(this.#fate());
  }

  readonly held = 0;
  readonly capacity = Infinity;
}

/** Where nothing goes. */
class ShadowOutlet implements Outlet {
  now: Millis = -Infinity;
  dropped = 0;
  severed = false;

  emit(): void {
    // The bytes themselves have passed.
  }

  drop(bytes: number): void {
    this.dropped += bytes;
  }

  insert(): void {
    // Nobody is sent what never was.
  }

  end(): void {
    // The end itself has passed.
  }

  sever(): void {
    this.severed = true;
  }
}
