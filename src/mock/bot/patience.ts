/** Waiting, as a bot does it: on a clock that can be handed in, and only as long as it makes sense. */
import type { Clock, Millis } from "../../core/clock.js";

/** Resolves after `wait`, or rejects with the signal's reason. */
export function sleep(clock: Clock, wait: Millis, signal: AbortSignal): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const rest = new Promise<void>((resolve) => {
    timer = clock.at(clock.now() + wait, resolve);
  });
  return unless(signal, rest).finally(() => timer?.cancel());
}

/** The promise, unless the signal is aborted first: then it rejects with the signal's reason. */
export function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(signal.reason);
    if (signal.aborted) abandon();
    else signal.addEventListener("abort", abandon, { once: true });
    // In any case, so that a rejection that comes too late is not an unhandled one.
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abandon));
  });
}

export interface BackOff {
  /** The upper end of the first wait; each further one doubles it. */
  readonly first: Millis;
  readonly max: Millis;
}

/**
 * How long to wait after the `attempt`th failure, counted from 1. Between half of the whole and the
 * whole, by chance: bots that lost the server together must not come back together. What the server
 * asked for with Retry-After is kept, and spread as well.
 */
export function backOff({ first, max }: BackOff, attempt: number, retryAfter: Millis, luck: number): Millis {
  const whole = Math.min(max, first * 2 ** Math.min(attempt - 1, 30));
  const spread = (whole / 2) * (1 + luck);
  return Math.round(retryAfter > 0 ? retryAfter + spread : spread);
}
