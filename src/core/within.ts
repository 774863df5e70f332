/**
 * A limit of time for something that takes a signal. Its timer keeps the process alive, since `fetch` forgets a connection that is closed
 * before it has sent anything, and is not made of other signals, which may be collected before they fire on Node 20.
 */
import { setMaxListeners } from "node:events";
import type { Millis } from "./clock.js";

export interface Within {
  /** Aborted when the time is up, with a TimeoutError, or with the other. */
  readonly signal: AbortSignal;
  /** Aborts it now. */
  readonly stop: () => void;
  /** It has begun in time, and may take as long as it likes. */
  readonly begun: () => void;
  /** It is over in time. */
  readonly end: () => void;
}

export function within(time: Millis, other?: AbortSignal): Within {
  const controller = new AbortController();
  // As many wait for it as there are calls under way.
  setMaxListeners(0, controller.signal);
  const stop = (): void => {
    controller.abort(other?.reason);
  };
  const timer = setTimeout(() => {
    controller.abort(new DOMException("it did not answer in time", "TimeoutError"));
  }, time);
  other?.addEventListener("abort", stop);
  if (other?.aborted === true) stop();
  return {
    signal: controller.signal,
    stop,
    begun: () => {
      clearTimeout(timer);
    },
    end: () => {
      clearTimeout(timer);
      other?.removeEventListener("abort", stop);
    },
  };
}
