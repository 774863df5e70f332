/**
 * Sends a daemon's journal to the fleet's engine: batch by batch, one at a time and in order, again and again until the engine
 * has it. Nothing in the data path waits for it or pays for it: entries lie in the daemon's own journal until they are read here.
 *
 * | state | what is so |
 * |---|---|
 * | `idle` | nothing waits; the next entry wakes it |
 * | `waiting` | entries wait for others, a second at most, or for the pace |
 * | `sending` | a batch is under way |
 * | `away` | a batch was not taken, and is sent again later |
 * | `full` | the same, and more wait than are kept: the oldest are given up |
 * | `closing` | the daemon stops: what waits is sent without waiting |
 * | `closed` | nothing is sent any more |
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { messageOf } from "../../telemetry/entry.js";
import { EngineError, type EngineFailure, type FleetEngine } from "../contract/engine.js";
import { BATCH_ENTRIES, BATCH_EVERY_MS, type JournalBatch, type ShippingView } from "../contract/journal.js";
import { Batches, type Source } from "./batches.js";
import type { Which } from "./kinds.js";
import { Offsets } from "./offsets.js";

/** Between two batches at least: a daemon sends 4,000 entries a second at most, and others have their turns in between. */
export const BATCH_PACE: Millis = 50;
/** An adapter answers within 5 s; what does not is taken for away. */
export const APPEND_LIMIT: Millis = 10_000;
export const RETRY_FIRST: Millis = 1_000;
export const RETRY_MAX: Millis = 30_000;
/** Where credentials do not allow it, somebody has to change them first. */
export const RETRY_FORBIDDEN: Millis = 60_000;
const RETRY_CLOSING: Millis = 200;
/** All daemons hear at the same moment that the engine is back. */
const BACK_WITHIN: Millis = 500;
/** An entry alone that the engine has refused so often is given up. */
const REFUSALS_MAX = 3;

export interface ShipperOptions {
  readonly journal: Source;
  readonly clock: Clock;
  readonly engine: Pick<FleetEngine, "append" | "onHint" | "connected">;
  readonly daemon: string;
  readonly life: string;
  readonly which: Which;
  /** The engine's clock minus this daemon's wall clock now, in milliseconds; null if it is not known. */
  readonly offset: () => number | null;
  /** From 0 to 1, another one each time: daemons do not come back all at once. */
  readonly jitter: () => number;
  /** Sentences for the log. */
  readonly log: (text: string) => void;
}

export class Shipper {
  readonly #options: ShipperOptions;
  readonly #offsets = new Offsets();
  readonly #batches: Batches;
  readonly #stopHints: () => void;
  #state: Exclude<ShippingView["state"], "off" | "full"> = "idle";
  /** Under way, or to be sent again. */
  #batch: JournalBatch | null = null;
  /** Which attempt is under way; what an earlier one answers is not heard any more. */
  #attempt = 0;
  #underWay = false;
  #failures = 0;
  #refusals = 0;
  #limit = BATCH_ENTRIES;
  #upto = 0;
  #sentAt: Millis = -Infinity;
  #problem: string | null = null;
  #timer: Timer | null = null;
  #deadline: Timer | null = null;
  #closing: Promise<void> | null = null;
  #closed: () => void = () => undefined;

  constructor(options: ShipperOptions) {
    this.#options = options;
    const { journal, daemon, life, which } = options;
    this.#batches = new Batches(journal, { daemon, life, which }, this.#offsets);
    this.#stopHints = options.engine.onHint((what) => {
      if (what === "connected") this.#back();
    });
    this.#rest();
  }

  get view(): ShippingView {
    const { lost } = this.#batches;
    const unsent = this.#batches.waiting + (this.#batch?.entries.length ?? 0);
    const state = this.#state === "away" && this.#batches.overflows ? "full" : this.#state;
    return { state, upto: this.#upto, unsent, lost, problem: this.#problem };
  }

  /** Sends what waits and resolves when the engine has it, or when so many milliseconds are over. */
  close(within: Millis): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#closed = resolve;
      this.#state = "closing";
      const { clock } = this.#options;
      this.#deadline = clock.at(clock.now() + within, () => {
        this.#end();
      });
      if (!this.#underWay) this.#go();
    });
    return this.#closing;
  }

  /** Nothing is under way: waits for what comes, or for its turn. */
  #rest(): void {
    const { journal, clock } = this.#options;
    const waiting = this.#batches.waiting;
    if (this.#state === "closing") {
      if (waiting > 0) this.#later(clock.now());
      else this.#end();
    } else if (waiting === 0) {
      this.#state = "idle";
      journal.wakeAt(journal.lastSeq + 1, () => {
        this.#woken();
      });
    } else {
      this.#state = "waiting";
      const pace = this.#sentAt + BATCH_PACE;
      this.#later(waiting >= BATCH_ENTRIES ? pace : Math.max(pace, clock.now() + BATCH_EVERY_MS));
      if (waiting < BATCH_ENTRIES)
        journal.wakeAt(journal.lastSeq + BATCH_ENTRIES - waiting, () => {
          this.#woken();
        });
    }
  }

  /** In the data path: what there is to do is done in another turn. */
  #woken(): void {
    const { clock } = this.#options;
    if (this.#state === "waiting") this.#later(this.#sentAt + BATCH_PACE);
    if (this.#state === "away") this.#noteWhileAway();
    if (this.#state !== "idle") return;
    this.#state = "waiting";
    this.#later(clock.now() + BATCH_EVERY_MS);
    const { journal } = this.#options;
    journal.wakeAt(journal.lastSeq + BATCH_ENTRIES - 1, () => {
      this.#woken();
    });
  }

  /** Now and then, so that the clock may be set while entries wait. */
  #noteWhileAway(): void {
    const { journal } = this.#options;
    this.#note();
    journal.wakeAt(journal.lastSeq + BATCH_ENTRIES, () => {
      this.#woken();
    });
  }

  #back(): void {
    if (this.#state !== "away" || this.#underWay) return;
    const { clock, jitter } = this.#options;
    this.#later(clock.now() + jitter() * BACK_WITHIN);
  }

  #later(when: Millis): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.at(when, () => {
      this.#timer = null;
      this.#go();
    });
  }

  #note(): void {
    this.#offsets.note(this.#options.journal.lastSeq, this.#options.offset());
  }

  #go(): void {
    if (this.#state === "closed" || this.#underWay) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#note();
    if (this.#batch === null && this.#state !== "closing" && this.#batches.prepare(this.#limit)) {
      this.#later(this.#options.clock.now());
      return;
    }
    this.#batch ??= this.#batches.next(this.#limit);
    if (this.#batch !== null) this.#send(this.#batch);
    // Looked at as many as may be within a turn, and all were left out.
    else if (this.#batches.waiting > 0 && this.#state !== "closing") this.#later(this.#options.clock.now());
    else this.#rest();
  }

  #send(batch: JournalBatch): void {
    const { engine, clock } = this.#options;
    const attempt = ++this.#attempt;
    this.#underWay = true;
    if (this.#state !== "closing") this.#state = "sending";
    this.#sentAt = clock.now();
    const limit = clock.at(this.#sentAt + APPEND_LIMIT, () => {
      this.#failed(attempt, "away", "the engine does not answer");
    });
    let sending: Promise<void>;
    try {
      sending = engine.append(batch);
    } catch (error) {
      sending = Promise.reject(error as Error);
    }
    sending.then(
      () => {
        limit.cancel();
        this.#taken(attempt, batch);
      },
      (error: unknown) => {
        limit.cancel();
        const failure = error instanceof EngineError ? error.failure : "failed";
        this.#failed(attempt, failure, error instanceof EngineError ? error.message : messageOf(error));
      },
    );
  }

  #isOver(attempt: number): boolean {
    if (attempt !== this.#attempt || !this.#underWay) return true;
    this.#underWay = false;
    return this.#state === "closed";
  }

  #taken(attempt: number, batch: JournalBatch): void {
    if (this.#isOver(attempt)) return;
    this.#batches.taken(batch);
    this.#batch = null;
    this.#upto = batch.upto;
    if (this.#problem !== null) {
      this.#problem = null;
      this.#options.log("the journal is sent to the fleet again");
    }
    this.#failures = 0;
    this.#refusals = 0;
    this.#limit = Math.min(BATCH_ENTRIES, this.#limit * 2);
    this.#rest();
  }

  #failed(attempt: number, failure: EngineFailure, why: string): void {
    if (this.#isOver(attempt)) return;
    const { engine, clock, jitter, log } = this.#options;
    if (failure === "failed" || failure === "conflict") this.#refused();
    if (this.#problem === null) log(`the journal cannot be sent to the fleet, and waits: ${why}`);
    this.#problem = why;
    const wait = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(this.#failures++, 10));
    if (this.#state === "closing") {
      // Nobody there, or nobody who may: a stop is not held up for that.
      if (engine.connected && failure !== "forbidden") this.#later(clock.now() + RETRY_CLOSING);
      else this.#end();
      return;
    }
    this.#state = "away";
    this.#later(clock.now() + (failure === "forbidden" ? RETRY_FORBIDDEN : wait) * (0.5 + jitter() / 2));
    this.#noteWhileAway();
  }

  /** Perhaps for its size, or for something in it: halved until it is taken, or until it is known which entry it is. */
  #refused(): void {
    const batch = this.#batch;
    if (batch === null) return;
    if (batch.entries.length > 1) {
      this.#limit = Math.ceil(batch.entries.length / 2);
      this.#batch = this.#batches.half(batch);
    } else if (++this.#refusals >= REFUSALS_MAX) {
      this.#refusals = 0;
      this.#batches.drop(batch);
      this.#batch = null;
    }
  }

  #end(): void {
    if (this.#state === "closed") return;
    const { unsent } = this.view;
    this.#state = "closed";
    this.#timer?.cancel();
    this.#deadline?.cancel();
    this.#options.journal.wakeAt(Infinity, () => undefined);
    this.#stopHints();
    if (unsent > 0) this.#options.log(`${unsent} entries of the journal have not reached the fleet`);
    this.#closed();
  }
}
