/**
 * Says what this daemon does: every ten seconds, and at once when that changes; what was not heard, again soon. Each time the engine says when it heard it, which is
 * how its clock is known.
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import type { Announced, EngineError, FleetEngine } from "../contract/engine.js";
import { PRESENCE_EVERY, type Presence } from "../contract/presence.js";
import type { EngineClock } from "../engine-clock.js";
import { asEngineError } from "./poller.js";

/** The first of a connection is slow, and would be all that is known for ten seconds. */
const FIRST_SAMPLES = 3;
/** What was not heard is said again so much later, and then after twice as long each time: others wait for it. */
const AGAIN_FIRST: Millis = 500;

export interface AnnouncerParts {
  readonly engine: Pick<FleetEngine, "announce">;
  readonly clock: Clock;
  readonly time: EngineClock;
  readonly presence: () => Presence;
  /** The engine's clock is known, or known better. */
  readonly timed: () => void;
  /** The engine has it; comes before `timed`. */
  readonly heard: (announced: Announced) => void;
  /** Null once it is heard again. */
  readonly trouble: (error: EngineError | null) => void;
}

export class Announcer {
  readonly #parts: AnnouncerParts;
  #timer: Timer | null = null;
  #saying = false;
  #again = false;
  #samples = 0;
  /** In a row. */
  #failures = 0;
  #closed = false;
  #said: Promise<void> = Promise.resolve();

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Something has changed; what changes while it is being said is said afterwards. */
  now(): void {
    if (this.#closed) return;
    if (this.#saying) {
      this.#again = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#saying = true;
    this.#said = this.#say();
  }

  /** Resolves when nothing is being said any more: whoever leaves must not be announced afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    await this.#said;
  }

  async #say(): Promise<void> {
    const { engine, clock, time, presence, heard: told, timed, trouble } = this.#parts;
    this.#again = false;
    let heard = false;
    try {
      const announced = await engine.announce(presence());
      heard = true;
      this.#failures = 0;
      time.add(announced);
      this.#samples++;
      if (!this.#isClosed()) told(announced);
    } catch (error) {
      this.#failures++;
      if (!this.#isClosed()) trouble(asEngineError(error));
    }
    this.#saying = false;
    if (this.#isClosed()) return;
    if (heard) {
      trouble(null);
      timed();
    }
    if (heard && (this.#again || this.#samples < FIRST_SAMPLES)) {
      this.now();
      return;
    }
    const pause = heard ? PRESENCE_EVERY : Math.min(PRESENCE_EVERY, AGAIN_FIRST * 2 ** (this.#failures - 1));
    this.#timer = clock.at(clock.now() + pause, () => {
      this.#timer = null;
      this.now();
    });
  }

  /** As a call, since it may have changed behind an `await`. */
  #isClosed(): boolean {
    return this.#closed;
  }
}
