/** An engine whose answers to what is appended a test gives, one by one, and what it has then. */
import { EngineError, type EngineFailure, type Hint } from "../../../src/fleet/contract/engine.js";
import type { JournalBatch } from "../../../src/fleet/contract/journal.js";

interface Asked {
  readonly batch: JournalBatch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SlowEngine {
  connected = true;
  /** What it has, in the order in which it came. */
  readonly has: JournalBatch[] = [];
  readonly asked: Asked[] = [];
  appends = 0;
  #hear: (what: Hint) => void = () => undefined;

  append(batch: JournalBatch): Promise<void> {
    this.appends++;
    return new Promise((resolve, reject) => {
      this.asked.push({ batch, resolve, reject });
    });
  }

  onHint(hear: (what: Hint) => void): () => void {
    this.#hear = hear;
    return () => {
      this.#hear = () => undefined;
    };
  }

  hint(what: Hint): void {
    this.#hear(what);
  }

  /** Takes the oldest that waits, and says so. */
  async ack(): Promise<void> {
    const one = this.asked.shift();
    if (one === undefined) return;
    this.has.push(one.batch);
    one.resolve();
    await settled();
  }

  /** Refuses the oldest that waits; it may have kept it all the same. */
  async fail(failure: EngineFailure, kept = false): Promise<void> {
    const one = this.asked.shift();
    if (one === undefined) return;
    if (kept) this.has.push(one.batch);
    one.reject(new EngineError(failure, `it is ${failure}`));
    await settled();
  }
}

/** Lets promises that are kept be heard. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 5; n++) await Promise.resolve();
}
