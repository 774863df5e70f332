/**
 * The stream of `GET /live`, read with `fetch` since EventSource cannot send a token. It comes back by itself when it is lost, and says
 * in the meantime that it is.
 */
import type { LiveEvents, LiveExchange, LiveState } from "../../live/contract.js";
import { ApiError, type Api } from "../api.js";
import { ServerEventReader, type ServerEvent } from "../server-events.js";
import { LiveStore } from "./store.js";

export type FeedStatus =
  | { readonly is: "connecting" }
  | { readonly is: "live" }
  /** A token is needed first. */
  | { readonly is: "refused" }
  /** `since` is the moment of the loss, and `next` that of the next attempt, both on the page's clock. */
  | { readonly is: "lost"; readonly why: string; readonly since: number; readonly next: number };

/** Told of exchanges: all that the daemon has kept (`whole`), or those that are new or have changed. */
export type ExchangeListener = (exchanges: readonly LiveExchange[], whole: boolean) => void;

const RETRY_MIN = 500;
const RETRY_MAX = 5_000;
/** There is a sign of life every 15 s. */
const SILENCE_MAX = 40_000;

export interface FeedParts {
  readonly api: Api;
  /** The status or the picture has changed. */
  readonly changed: () => void;
  /** The daemon is another one than before. */
  readonly restarted: (state: LiveState) => void;
}

export class LiveFeed {
  readonly store = new LiveStore();
  readonly #parts: FeedParts;
  readonly #listeners = new Set<ExchangeListener>();
  #status: FeedStatus = { is: "connecting" };
  #stream: AbortController | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  get status(): FeedStatus {
    return this.#status;
  }

  /** Opens the stream anew, at once. */
  open(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#stream?.abort();
    const stream = new AbortController();
    this.#stream = stream;
    void this.#read(stream);
  }

  /**
   * Asks for exchanges as well, for as long as somebody listens. Answers with what ends it. The first call opens the stream anew, and so
   * does the end of the last one.
   */
  onExchanges(listener: ExchangeListener): () => void {
    this.#listeners.add(listener);
    // All of them are told anew, also to those who have listened before: `whole` says so.
    this.open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.open();
    };
  }

  async #read(stream: AbortController): Promise<void> {
    const { signal } = stream;
    try {
      const path = this.#listeners.size > 0 ? "/live?exchanges=true" : "/live";
      this.#listen(stream);
      const { body } = await this.#parts.api.open(path, { headers: { accept: "text/event-stream" }, signal });
      if (body === null) throw new ApiError("ODD_ANSWER", "The daemon answered without a body.");
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new ServerEventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new ApiError("UNREACHABLE", "The daemon has ended the stream.");
        if (signal.aborted) return;
        this.#listen(stream);
        const heard = events.read(value);
        for (const event of heard) this.#hear(event);
        if (heard.length > 0) this.#parts.changed();
      }
    } catch (error) {
      if (this.#stream !== stream) return;
      this.#lost(error);
    }
  }

  /** Breaks the stream off if it stays silent. */
  #listen(stream: AbortController): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#stream !== stream) return;
      stream.abort();
      this.#lost(new ApiError("UNREACHABLE", "The daemon has been silent for too long."));
    }, SILENCE_MAX);
  }

  #hear({ event, data }: ServerEvent): void {
    const at = performance.now();
    if (event === "state") {
      const state = JSON.parse(data) as LiveEvents["state"];
      const restarted = this.store.run !== "" && this.store.run !== state.run;
      this.store.begin(state, at);
      this.#attempts = 0;
      this.#status = { is: "live" };
      this.#tell(state.exchanges, true);
      if (restarted) this.#parts.restarted(state);
    } else if (event === "tick") {
      const tick = JSON.parse(data) as LiveEvents["tick"];
      this.store.change(tick, at);
      this.#tell(tick.exchanges, false);
    }
  }

  #tell(exchanges: readonly LiveExchange[] | undefined, whole: boolean): void {
    if (exchanges === undefined) return;
    for (const listener of this.#listeners) listener(exchanges, whole);
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
