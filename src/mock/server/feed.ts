/** Keeps a demo busy: submits a small job every so often, as long as not too many are waiting. */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { Refusal } from "./refusal.js";
import type { JobStore } from "./store.js";

const PENDING_MAX = 20;

/** Returns what ends it. */
export function startFeed(store: JobStore, clock: Clock, every: Millis): () => void {
  let number = 0;
  let timer: Timer;
  const submit = (): void => {
    timer = clock.at(clock.now() + every, submit);
    if (store.pending >= PENDING_MAX) return;
    const payload = { number: ++number };
    try {
      store.submit({ type: "demo", payload, depends_on: [], timeout: null, priority: 0 }, null);
    } catch (error) {
      // Somebody else has filled the queue: the next turn may find room.
      if (!(error instanceof Refusal)) throw error;
    }
  };
  timer = clock.at(clock.now(), submit);
  return () => timer.cancel();
}
