/**
 * Reads the plan again and again: when a hint comes, and without one after a while. One read at a time, so that no answer overtakes
 * another; a hint during one means that it is read once more.
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { EngineError, type FleetEngine, type Hint, type PlanRead } from "../contract/engine.js";

/** Waits grow up to so many times the usual one while the engine is away. */
const BACK_OFF_MAX = 4;

export interface PollerParts {
  readonly engine: Pick<FleetEngine, "read" | "onHint">;
  readonly clock: Clock;
  /** How long after a read the next one comes, at the latest. */
  readonly every: Millis;
  /** In [0, 1): daemons that were started together must not ask together for ever. */
  readonly random: () => number;
  /** Resolves when the plan has been dealt with. */
  readonly heard: (read: PlanRead) => Promise<void>;
  readonly failed: (error: EngineError) => void;
  /** The connection itself has come or gone. */
  readonly turned: (connected: boolean) => void;
}

export class Poller {
  readonly #parts: PollerParts;
  #timer: Timer | null = null;
  #reading = false;
  #again = false;
  #failures = 0;
  #closed = false;
  #deaf: () => void = () => undefined;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#deaf = this.#parts.engine.onHint((what) => {
      this.#hinted(what);
    });
    this.now();
  }

  close(): void {
    this.#closed = true;
    this.#deaf();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #hinted(what: Hint): void {
    if (this.#closed || what === "members") return;
    if (what === "disconnected") {
      this.#parts.turned(false);
      return;
    }
    if (what === "connected") {
      this.#failures = 0;
      this.#parts.turned(true);
    }
    this.now();
  }

  /** Reads at once, or right behind the read that is under way. */
  now(): void {
    if (this.#closed) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#reading = true;
    void this.#read();
  }

  async #read(): Promise<void> {
    const { engine, heard, failed } = this.#parts;
    this.#again = false;
    try {
      const read = await engine.read();
      this.#failures = 0;
      if (!this.#closed) await heard(read);
    } catch (error) {
      this.#failures++;
      if (!this.#closed) failed(asEngineError(error));
    }
    this.#reading = false;
    if (this.#closed) return;
    // A hint is no reason to ask an engine without a pause that does not answer.
    if (this.#again && this.#failures === 0) this.now();
    else this.#wait();
  }

  #wait(): void {
    const { clock, every, random } = this.#parts;
    const longer = Math.min(BACK_OFF_MAX, 2 ** Math.max(0, this.#failures - 1));
    // Never longer than is promised.
    const wait = every * longer * (0.75 + 0.25 * random());
    this.#timer = clock.at(clock.now() + wait, () => {
      this.#timer = null;
      this.now();
    });
  }
}

/** Whatever else an adapter throws is a mistake of ours, and no reason to stop. */
export function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EngineError("failed", message, { cause: error });
}
