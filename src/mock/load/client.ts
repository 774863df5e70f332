/** The load's way to the job server: JSON over HTTP, repeated until it gets through or the time is up. */
import { createHash } from "node:crypto";
import type { Agent } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { fetchAnyPort } from "../../core/any-port.js";
import type { Millis } from "../../core/clock.js";
import type { Bytes } from "../../core/units.js";
import { within } from "../../core/within.js";

const ANSWER_WAIT: Millis = 30_000;
const PAUSE_FIRST: Millis = 100;
const PAUSE_MAX: Millis = 5_000;
/** Bytes in a millisecond. */
const SLOWEST = 10;
const CHUNK: Bytes = 64 * 1024;

/** The server has understood, and will not do it. */
export class LoadRefused extends Error {}

export interface LoadRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** A body of that many bytes, in place of `json`. */
  readonly bytes?: Bytes;
}

export class LoadClient {
  readonly #server: URL;
  /** Aborted when the time is up. */
  readonly #signal: AbortSignal;
  /** Where it is not trusted what is usual. */
  readonly #agent: Agent | undefined;
  retries = 0;

  constructor(server: string, signal: AbortSignal, agent?: Agent) {
    this.#agent = agent;
    this.#server = new URL(server.endsWith("/") ? server : `${server}/`);
    this.#signal = signal;
  }

  /** `tries` bounds what is otherwise repeated for ever. Rejects with the signal's reason in the end. */
  async call(request: LoadRequest, tries = Infinity, wait = ANSWER_WAIT): Promise<unknown> {
    // A large body may take as long as a slow line makes it.
    const patience = wait + Math.ceil((request.bytes ?? 0) / SLOWEST);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#once(request, patience).catch((error: unknown) => {
        // `fetch failed`, a time-out, or an answer that is not JSON; all else is an answer, or our own mistake.
        const passes =
          error instanceof TypeError || error instanceof SyntaxError || error instanceof DOMException;
        if (passes) return error;
        throw error;
      });
      if (!(outcome instanceof Error) && "answer" in outcome) return outcome.answer;
      if (attempt >= tries)
        throw outcome instanceof Error ? outcome : new LoadRefused(`it answers ${outcome.status} each time`);
      this.#signal.throwIfAborted();
      this.retries++;
      // Half of it by chance: those who fail together should not come back together.
      const backOff =
        Math.min(PAUSE_FIRST * 2 ** Math.min(attempt, 10), PAUSE_MAX) * (0.5 + Math.random() / 2);
      const until = outcome instanceof Error ? backOff : Math.max(backOff, outcome.retryAfter);
      await pause(until, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted());
    }
  }

  async #once({ method, path, headers, json, bytes }: LoadRequest, patience: Millis): Promise<Answered> {
    const body = bytes === undefined ? JSON.stringify(json) : () => chunksOf(bytes);
    const { signal, end } = within(patience, this.#signal);
    try {
      return await answered(
        await fetchAnyPort(new URL(path, this.#server).href, {
          method,
          headers: {
            "content-type": bytes === undefined ? "application/json" : "application/octet-stream",
            ...(bytes !== undefined && { digest: `sha-256=${digestOf(bytes)}` }),
            ...headers,
          },
          signal,
          ...(this.#agent && { agent: this.#agent }),
          ...(method === "POST" && { body }),
        }),
        `${method} ${path.slice(0, 100)}`,
      );
    } finally {
      end();
    }
  }
}

type Answered = { readonly answer: unknown } | { readonly retryAfter: Millis; readonly status: number };

async function answered(response: Response, asked: string): Promise<Answered> {
  const text = await response.text();
  if (response.ok) return { answer: JSON.parse(text) as unknown };
  if (response.status === 429 || response.status >= 500)
    return {
      status: response.status,
      retryAfter: 1_000 * (Number(response.headers.get("retry-after")) || 0),
    };
  throw new LoadRefused(
    `it answers ${asked} with ${response.status} ${text.replace(/\s+/gu, " ").slice(0, 100)}`,
  );
}

/** The same bytes for the same size: a pattern that no compression or truncation hides behind. */
function* chunksOf(size: Bytes): Generator<Uint8Array> {
  for (let from = 0; from < size; from += CHUNK) {
    const chunk = Buffer.alloc(Math.min(CHUNK, size - from), `squall ${from} `);
    yield chunk;
  }
}

const digests = new Map<Bytes, string>();

function digestOf(size: Bytes): string {
  const known = digests.get(size);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  for (const chunk of chunksOf(size)) hash.update(chunk);
  const digest = hash.digest("base64");
  digests.set(size, digest);
  return digest;
}
