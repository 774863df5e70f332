/**
 * A stream of server-sent events, read with `fetch` since EventSource cannot send a token. It comes back by itself when it is lost, and
 * says in the meantime that it is.
 */
import { ApiError, type Api } from "./api.js";
import { ServerEventReader, type ServerEvent } from "./server-events.js";

export type StreamStatus =
  | { readonly is: "connecting" }
  | { readonly is: "live" }
  /** Nobody looks. */
  | { readonly is: "paused" }
  /** A token is needed first. */
  | { readonly is: "refused" }
  /** `since` is the moment of the loss, and `next` that of the next attempt, both on the page's clock. */
  | { readonly is: "lost"; readonly why: string; readonly since: number; readonly next: number };

export interface StreamParts {
  readonly api: Api;
  /** Asked for each time. */
  readonly path: () => string;
  readonly headers?: () => Readonly<Record<string, string>>;
  readonly hear: (event: ServerEvent) => void;
  /** The status has changed, or events were heard: once for all of a piece. */
  readonly changed: () => void;
}

const RETRY_MIN = 500;
const RETRY_MAX = 5_000;
/** There is a sign of life every 15 s. */
const SILENCE_MAX = 40_000;
/** Whoever was stopped for as long, as a laptop that slept, has its timers first: what came meanwhile is read before it is called silence. */
const GRACE = 2_000;

export class Streaming {
  readonly #parts: StreamParts;
  #status: StreamStatus = { is: "connecting" };
  #stream: AbortController | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  /** It was opened, and not closed since. */
  #wanted = false;
  #paused = false;

  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  get status(): StreamStatus {
    return this.#status;
  }

  /** Opens the stream anew, at once. */
  open(): void {
    this.#end();
    this.#wanted = true;
    if (this.#paused) {
      this.#status = { is: "paused" };
      return;
    }
    const stream = new AbortController();
    this.#stream = stream;
    void this.#read(stream);
  }

  close(): void {
    this.#wanted = false;
    this.#end();
  }

  /** Lets it go until `resume`, also if it is opened meanwhile. */
  pause(): void {
    this.#paused = true;
    if (this.#wanted) this.open();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#wanted) return;
    this.#attempts = 0;
    this.#status = { is: "connecting" };
    this.open();
  }

  #end(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#stream?.abort();
    this.#stream = null;
  }

  async #read(stream: AbortController): Promise<void> {
    const { signal } = stream;
    const { api, path, headers, hear, changed } = this.#parts;
    try {
      this.#listen(stream);
      const accept = { accept: "text/event-stream", ...headers?.() };
      const { body } = await api.open(path(), { headers: accept, signal });
      if (body === null) throw new ApiError("ODD_ANSWER", "The daemon answered without a body.");
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new ServerEventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (signal.aborted) return;
        if (done) throw new ApiError("UNREACHABLE", "The daemon has ended the stream.");
        this.#listen(stream);
        this.#attempts = 0;
        this.#status = { is: "live" };
        for (const event of events.read(value)) hear(event);
        changed();
      }
    } catch (error) {
      if (this.#stream === stream) this.#lost(error);
    }
  }

  /** Breaks the stream off if it stays silent. */
  #listen(stream: AbortController): void {
    clearTimeout(this.#silence);
    const breakOff = (): void => {
      if (this.#stream !== stream) return;
      stream.abort();
      this.#lost(new ApiError("UNREACHABLE", "The daemon has been silent for too long."));
    };
    this.#silence = setTimeout(() => {
      this.#silence = setTimeout(breakOff, GRACE);
    }, SILENCE_MAX);
  }

  #lost(error: unknown): void {
    clearTimeout(this.#silence);
    this.#stream = null;
    if (error instanceof ApiError && error.code === "SQ_UNAUTHORIZED") {
      this.#status = { is: "refused" };
      this.#parts.changed();
      return;
    }
    const wait = Math.min(RETRY_MAX, RETRY_MIN * 2 ** this.#attempts);
    this.#attempts += 1;
    const now = performance.now();
    this.#status = {
      is: "lost",
      why: error instanceof ApiError ? error.message : "The stream cannot be read.",
      since: this.#status.is === "lost" ? this.#status.since : now,
      next: now + wait,
    };
    this.#retry = setTimeout(() => {
      this.open();
    }, wait);
    this.#parts.changed();
  }
}
