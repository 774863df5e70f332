/**
 * Keeps the state on disk: whoever changes something asks to be told when it is there. All who ask while one write is
 * under way share the next one, nothing is written that is there already, and a disk that fails costs no more than the state.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";
import type { Facts } from "../core/events.js";
import { messageOf } from "./file.js";

/** So long an answer waits for the disk. One that takes longer is told like one that fails. */
const WAIT_MAX_MS: Millis = 2_000;
/** After a failure it is tried again, even if nothing changes. */
const RETRY_MS: Millis = 5_000;

export interface KeeperOptions {
  readonly file: { readonly name: string; write(text: string): Promise<void> };
  /** What should be in the file now. */
  readonly collect: () => string;
  /** What is in it; null if there is none. */
  readonly found: string | null;
  readonly clock: Clock;
  readonly facts: Facts;
}

export interface KeeperStatus {
  /** Whether all that was answered is on disk. */
  readonly saved: boolean;
  /** Why not, since it last was. */
  readonly error: string | null;
  readonly writes: number;
  readonly failures: number;
}

export class Keeper {
  readonly #options: KeeperOptions;
  #written: string | null;
  #waiting: (() => void)[] = [];
  #running = false;
  /** Before it is opened, what is in force is not all there yet. */
  #state: "new" | "open" | "closed" = "new";
  #again: Timer | null = null;
  #error: string | null = null;
  #writes = 0;
  #failures = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#written = options.found;
  }

  get status(): KeeperStatus {
    return {
      saved: this.#error === null,
      error: this.#error,
      writes: this.#writes,
      failures: this.#failures,
    };
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  /** From now on what is in force is what there is to keep. */
  async open(): Promise<void> {
    if (this.#state === "new") this.#state = "open";
    await this.saved();
  }

  /** Something may have changed. */
  touch(): void {
    void this.saved();
  }

  /** Resolves when what is in force now is on disk; also when the disk has failed, or takes too long to wait for. */
  saved(): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const late = clock.at(clock.now() + WAIT_MAX_MS, () => {
        // Before it is open there is nothing that could be late.
        if (this.#state !== "new") this.#failed(`no answer from the disk within ${WAIT_MAX_MS / 1_000} s`);
        resolve();
      });
      this.#waiting.push(() => {
        late.cancel();
        resolve();
      });
      this.#runSoon();
    });
  }

  /** Writes what is in force now, and nothing that comes later: what ends because the daemon does is not to be kept. */
  async close(): Promise<void> {
    this.#again?.cancel();
    this.#again = null;
    if (this.#state === "open") {
      const last = this.saved();
      this.#state = "closed";
      await last;
    }
    this.#state = "closed";
    // What is in force is taken down next: nobody who waits may have it collected.
    for (const waiter of this.#waiting.splice(0)) waiter();
  }

  #runSoon(): void {
    if (this.#state === "new") return;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // A verb may change several things in its turn: they are kept together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const served = this.#waiting.splice(0);
      await this.#write();
      for (const waiter of served) waiter();
    }
    // In the same turn in which nobody was found waiting, or somebody might come who is never looked at.
    this.#running = false;
  }

  async #write(): Promise<void> {
    this.#again?.cancel();
    this.#again = null;
    try {
      const text = this.#options.collect();
      if (text === this.#written) {
        this.#worked();
        return;
      }
      await this.#options.file.write(text);
      this.#written = text;
      this.#writes++;
      this.#worked();
    } catch (error) {
      this.#failures++;
      this.#failed(messageOf(error));
      const { clock } = this.#options;
      if (this.#state !== "open") return;
      this.#again = clock.at(clock.now() + RETRY_MS, () => {
        this.#again = null;
        this.touch();
      });
    }
  }

  #worked(): void {
    if (this.#error === null) return;
    this.#error = null;
    this.#options.facts.tell({ kind: "state_saved", file: this.#options.file.name });
  }

  /** Told once, until it works again. */
  #failed(reason: string): void {
    const first = this.#error === null;
    this.#error = reason;
    if (first) this.#options.facts.tell({ kind: "state_failed", file: this.#options.file.name, reason });
  }
}
