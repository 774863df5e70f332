/** Waits until a server answers, or tells why it never will. */
import { setTimeout as pause } from "node:timers/promises";
import { fetchAnyPort } from "../../core/any-port.js";
import { formatDuration } from "../../core/units.js";
import { HarnessError } from "../contract/run.js";
import { accepts, takesDatagrams } from "./ports.js";

const TRY_MS = 2_000;
/** So long for a port that takes datagrams: whoever has it may be in a network that nobody sees from here, and is not to blame for that. */
const DATAGRAMS_MS = 10_000;

export interface ReadyOptions {
  /** `http://…`, `https://…` or `tcp://host:port`; `udp://host:port` where nothing but datagrams come. */
  readonly urls: readonly string[];
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Why there is nobody to wait for any more; null while there is. */
  readonly gone: () => string | null;
}

/** Throws HarnessError, or what the signal was aborted with. */
export async function untilReady({ urls, limit, signal, gone }: ReadyOptions): Promise<void> {
  const from = performance.now();
  const until = from + limit;
  for (const url of urls) {
    let last: string | null = null;
    for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
      signal.throwIfAborted();
      const rest = until - performance.now();
      const why = await notReady(url, Math.max(1, Math.min(TRY_MS, rest)));
      if (why === null) break;
      const end = gone();
      if (end !== null) throw new HarnessError(end);
      if (url.startsWith("udp:") && performance.now() - from >= DATAGRAMS_MS) break;
      // A try that the limit cut short says nothing of the server, and the one before it does.
      const over = performance.now() >= until;
      if (!(over && rest < TRY_MS)) last = why;
      if (over)
        throw new HarnessError(`${url} was not ready within ${formatDuration(limit)}: ${last ?? why}`);
      await pause(wait);
    }
  }
}

async function notReady(url: string, limit: number): Promise<string | null> {
  if (url.startsWith("udp:"))
    return takesDatagrams(Number(new URL(url).port)) ? null : "nobody takes datagrams there";
  if (url.startsWith("tcp:")) {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/gu, "");
    return (await accepts(host, Number(port), limit)) ? null : "nobody accepts connections there";
  }
  try {
    const response = await fetchAnyPort(url, { signal: AbortSignal.timeout(Math.ceil(limit)) });
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
