/** How long a mock process runs: until it is told to stop, or until nobody is left who would want it. */
import type { EventEmitter } from "node:events";

export interface Lifetime {
  readonly signal: AbortSignal;
  /** Stops listening, so that nothing here keeps the process alive. */
  end(): void;
}

/**
 * The signal is aborted by SIGTERM, SIGINT or the end of the IPC parent. Not by a standard output that cannot be written:
 * whoever reads what a bot says has no part in its work.
 */
export function lifetime(process: Pick<EventEmitter, "on" | "off"> = globalThis.process): Lifetime {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const reasons = ["SIGTERM", "SIGINT", "disconnect"] as const;
  for (const reason of reasons) process.on(reason, stop);
  return {
    signal: controller.signal,
    end: () => {
      for (const reason of reasons) process.off(reason, stop);
    },
  };
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
