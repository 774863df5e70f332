/** Waits until a server answers, or tells why it never will. */
import { setTimeout as pause } from "node:timers/promises";
import { fetchAnyPort } from "../../core/any-port.js";
import { formatDuration } from "../../core/units.js";
import { HarnessError } from "../contract/run.js";
import { accepts } from "./ports.js";

const TRY_MS = 2_000;

export interface ReadyOptions {
  /** `http://…`, `https://…` or `tcp://host:port`. */
  readonly urls: readonly string[];
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Why there is nobody to wait for any more; null while there is. */
  readonly gone: () => string | null;
}

/** Throws HarnessError, or what the signal was aborted with. */
export async function untilReady({ urls, limit, signal, gone }: ReadyOptions): Promise<void> {
  const until = performance.now() + limit;
  for (const url of urls) {
    for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
      signal.throwIfAborted();
      const why = await notReady(url, Math.max(1, Math.min(TRY_MS, until - performance.now())));
      if (why === null) break;
      const end = gone();
      if (end !== null) throw new HarnessError(end);
      if (performance.now() > until)
        throw new HarnessError(`${url} was not ready within ${formatDuration(limit)}: ${why}`);
      await pause(wait);
    }
  }
}

async function notReady(url: string, limit: number): Promise<string | null> {
  if (url.startsWith("tcp:")) {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/gu, "");
    return (await accepts(host, Number(port), limit)) ? null : "nobody accepts connections there";
  }
  try {
    const response = await fetchAnyPort(url, { signal: AbortSignal.timeout(limit) });
    await response.body?.cancel();
    return response.status < 400 ? null : `it answers ${response.status}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** `fetch failed` says nothing; its cause does. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error ? cause.message : error.message;
}
