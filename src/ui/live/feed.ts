/** The stream of `GET /live`, and the picture that it keeps up to date. */
import type { LiveEvents, LiveExchange, LiveState } from "../../live/contract.js";
import type { Api } from "../api.js";
import type { ServerEvent } from "../server-events.js";
import { Streaming, type StreamStatus } from "../streaming.js";
import { LiveStore } from "./store.js";
import { unseenBetween, type Unseen } from "./unseen.js";

export type FeedStatus = StreamStatus;

/**
 * Told of exchanges: all that the daemon has kept (`whole`), or those that are new or have changed. `unseen` lies between those and what
 * was told before.
 */
export type ExchangeListener = (
  exchanges: readonly LiveExchange[],
  whole: boolean,
  unseen: Unseen | null,
) => void;

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
  readonly #stream: Streaming;
  /** Until when all is known, on the daemon's clock. */
  #known = 0;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#stream = new Streaming({
      api: parts.api,
      path: () => (this.#listeners.size > 0 ? "/live?exchanges=true" : "/live"),
      hear: (event) => {
        this.#hear(event);
      },
      changed: () => {
        // Also a sign of life says that there was nothing else.
        if (this.status.is === "live") this.#knows();
        parts.changed();
      },
    });
  }

  get status(): FeedStatus {
    return this.#stream.status;
  }

  /** Opens the stream anew, at once. */
  open(): void {
    this.#stream.open();
  }

  /** Nobody looks: all is known up to now, and nothing from now on. */
  pause(): void {
    if (this.status.is === "live") this.#knows();
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Lets the daemon go: it does nothing for a page that nobody sees. */
  close(): void {
    this.#stream.close();
  }

  /**
   * Asks for exchanges as well, for as long as somebody listens. Answers with what ends it. Each call opens the stream anew, and so
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

  #hear({ event, data }: ServerEvent): void {
    const at = performance.now();
    if (event === "state") {
      const state = JSON.parse(data) as LiveEvents["state"];
      const restarted = this.store.run !== "" && this.store.run !== state.run;
      const unseen = unseenBetween({ run: this.store.run, until: this.#known }, state);
      this.store.begin(state, at);
      this.#tell(state.exchanges, true, unseen);
      if (restarted) this.#parts.restarted(state);
    } else if (event === "tick") {
      const tick = JSON.parse(data) as LiveEvents["tick"];
      this.store.change(tick, at);
      this.#tell(tick.exchanges, false, null);
    }
  }

  #knows(): void {
    this.#known = this.store.now(performance.now());
  }

  #tell(exchanges: readonly LiveExchange[] | undefined, whole: boolean, unseen: Unseen | null): void {
    if (exchanges === undefined) return;
    for (const listener of this.#listeners) listener(exchanges, whole, unseen);
  }
}
