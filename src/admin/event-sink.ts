/** What the streams of server-sent events (WHATWG HTML, section 9.2) have in common: their head, what one reader takes, and signs of life. */
import type { Response } from "express";
import type { Clock, Timer } from "../core/clock.js";

export function beginEvents(response: Response): void {
  response.status(200).set({
    "content-type": "text/event-stream; charset=utf-8",
    // Nothing between here and the reader should collect events first.
    "x-accel-buffering": "no",
  });
}

export interface EventSinkParts {
  readonly clock: Clock;
  /** Milliseconds between signs of life. */
  readonly heartbeat: number;
  /** There is room again. */
  readonly drained: () => void;
  /** Asked at each sign of life: it is too far behind to be kept. */
  readonly isTooFarBehind?: () => boolean;
}

/** One reader. It is dropped when it takes nothing from one sign of life to the next. */
export class EventSink {
  readonly #response: Response;
  readonly #parts: EventSinkParts;
  #full = false;
  /** It was full at the last sign of life, and nothing was taken since. */
  #stuck = false;
  #heartbeat: Timer | null = null;

  constructor(response: Response, parts: EventSinkParts) {
    this.#response = response;
    this.#parts = parts;
    response.on("drain", () => {
      this.#full = false;
      this.#stuck = false;
      parts.drained();
    });
  }

  /** What is written now waits in this process. */
  get full(): boolean {
    return this.#full;
  }

  write(text: string): void {
    if (!this.#response.write(text)) this.#full = true;
  }

  /** From now on it is shown a sign of life when nothing waits for it. */
  beat(): void {
    const { clock, heartbeat, isTooFarBehind } = this.#parts;
    this.#heartbeat = clock.at(clock.now() + heartbeat, () => {
      if (this.#stuck || isTooFarBehind?.() === true) {
        this.#response.destroy();
        return;
      }
      this.#stuck = this.#full;
      if (!this.#full) this.write(": still here\n\n");
      this.beat();
    });
  }

  close(): void {
    this.#heartbeat?.cancel();
  }
}
