/** An engine's journal in memory, with what goes wrong with one: cut off, made anew, restored, too full, or holding what nobody can read. */
import { EngineError, type FleetEngine, type Hint } from "../../../src/fleet/contract/engine.js";
import type { JournalBatch, KeptBatch } from "../../../src/fleet/contract/journal.js";

type Tail = Parameters<FleetEngine["tail"]>[0];

export class KeptStream {
  readonly name = "memory://fleet";
  connected = true;
  forbidden = false;
  /** As those of real engines do, a call waits for the next connection where there is none. */
  isPatient = false;
  #life = 1;
  #first = 1;
  #kept: (JournalBatch | null)[] = [];
  readonly #hearers = new Set<(what: Hint) => void>();
  #waiting = new Set<() => void>();
  /** Batches that were handed out. */
  read = 0;
  tails = 0;

  get length(): number {
    return this.#kept.length;
  }

  append(batch: JournalBatch | null): Promise<void> {
    if (!this.connected) return Promise.reject(new EngineError("away", "nobody answers"));
    this.#kept.push(batch);
    this.#wake();
    return Promise.resolve();
  }

  cut(): void {
    this.connected = false;
    for (const hear of [...this.#hearers]) hear("disconnected");
    this.#wake();
  }

  mend(): void {
    this.connected = true;
    for (const hear of [...this.#hearers]) hear("connected");
    this.#wake();
  }

  /** All is gone, and numbers begin again. */
  wipe(): void {
    this.#life++;
    this.#kept = [];
    this.#first = 1;
    this.#wake();
  }

  /** The oldest grow too old. */
  age(count: number): void {
    this.#kept.splice(0, count);
    this.#first += count;
  }

  onHint(hear: (what: Hint) => void): () => void {
    this.#hearers.add(hear);
    return () => {
      this.#hearers.delete(hear);
    };
  }

  get hearers(): number {
    return this.#hearers.size;
  }

  async *tail({ from, follow, signal }: Tail): AsyncGenerator<KeptBatch | null> {
    this.tails++;
    let next = this.#first;
    let anew = false;
    if (typeof from === "string") {
      const [life, at] = from.split(":").map(Number);
      const known = life === this.#life && (at ?? 0) < this.#first + this.#kept.length;
      if (known) next = Math.max(this.#first, (at ?? 0) + 1);
      else anew = true;
    } else if (from !== null) next = Math.max(this.#first, this.#first + this.#kept.length - from.newest);
    const life = this.#life;
    for (;;) {
      await Promise.resolve();
      if (signal.aborted) return;
      if (this.forbidden) throw new EngineError("forbidden", "these credentials may not read");
      while (this.isPatient && !this.connected && !isOver(signal)) await this.#change(signal);
      if (isOver(signal)) return;
      if (!this.connected || life !== this.#life) throw new EngineError("away", "nobody answers");
      if (next < this.#first + this.#kept.length) {
        const batch = this.#kept[next - this.#first] ?? null;
        this.read++;
        const cursor = `${this.#life}:${next++}`;
        if (batch === null) yield null;
        else yield anew ? { ...batch, cursor, anew } : { ...batch, cursor };
        anew = false;
      } else if (follow) {
        await this.#change(signal);
      } else return;
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.#waiting.add(end);
      signal.addEventListener("abort", end);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const resolve of waiting) resolve();
  }
}

/** As a call, since it may have changed behind an `await`. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}
