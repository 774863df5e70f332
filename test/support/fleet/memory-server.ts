/** What an engine keeps, in memory: the server of `MemoryEngine`. It can be restored from older data, made anew, and split in two. */
import { createHash } from "node:crypto";
import { EngineError, type Hint, type PlanRead } from "../../../src/fleet/contract/engine.js";
import type { JournalBatch, KeptBatch } from "../../../src/fleet/contract/journal.js";
import { PRESENCE_MAX_AGE, type Heard, type Presence } from "../../../src/fleet/contract/presence.js";

export interface KeptPlan {
  readonly bytes: Uint8Array;
  readonly serial: number;
  readonly time: number;
}

const HISTORY_MAX = 64;
const TEXTS_MAX = 200;

export class MemoryServer {
  /** Milliseconds since 1970, by its own clock. */
  readonly now: () => number;
  plans: readonly KeptPlan[] = [];
  texts: ReadonlyMap<string, Uint8Array> = new Map();
  #members = new Map<string, { readonly presence: Presence; readonly at: number }>();
  #journal: KeptBatch[] = [];
  /** Which life of the journal it is: cursors of another one mean nothing. */
  #volume = 1;
  readonly #hearing = new Set<(what: Hint) => void>();
  readonly #following = new Set<() => void>();

  constructor(now: () => number) {
    this.now = now;
  }

  get serial(): number {
    return this.plans.at(-1)?.serial ?? 0;
  }

  read(): PlanRead {
    return { bytes: this.plans.at(-1)?.bytes ?? null, serial: this.serial };
  }

  put(bytes: Uint8Array, serial: number | "any"): number {
    if (serial !== "any" && serial !== this.serial)
      throw new EngineError("conflict", `the plan has the serial ${this.serial} by now`);
    this.plans = [...this.plans, { bytes, serial: this.serial + 1, time: this.now() }].slice(-HISTORY_MAX);
    this.tell("plan");
    return this.serial;
  }

  putText(sha256: string, bytes: Uint8Array): void {
    if (createHash("sha256").update(bytes).digest("hex") !== sha256)
      throw new EngineError("failed", "the text has another hash");
    const texts = new Map(this.texts);
    texts.delete(sha256);
    texts.set(sha256, bytes);
    this.texts = new Map([...texts].slice(-TEXTS_MAX));
  }

  /** Answers when it heard it, and what stood there before. */
  announce(me: Presence): { readonly at: number; readonly before: Heard | null } {
    const at = this.now();
    const before = this.members().find(({ presence }) => presence.daemon === me.daemon) ?? null;
    this.#members.set(me.daemon, { presence: me, at });
    this.tell("members");
    return { at, before };
  }

  leave(daemon: string, life?: string): void {
    if (life !== undefined && this.#members.get(daemon)?.presence.life !== life) return;
    this.#members.delete(daemon);
    this.tell("members");
  }

  members(): readonly Heard[] {
    const now = this.now();
    return [...this.#members.values()]
      .map(({ presence, at }) => ({ presence, age: Math.max(0, now - at) }))
      .filter(({ age }) => age < PRESENCE_MAX_AGE);
  }

  append(batch: JournalBatch): void {
    this.#journal.push({ ...batch, cursor: `${this.#volume}:${this.#journal.length + 1}` });
    for (const wake of [...this.#following]) wake();
  }

  /** Batches behind the cursor; null for a cursor that is not known. */
  batches(cursor: string): readonly KeptBatch[] | null {
    const [volume, place] = cursor.split(":");
    if (Number(volume) !== this.#volume || !Number.isInteger(Number(place))) return null;
    return this.#journal.slice(Number(place));
  }

  allBatches(): readonly KeptBatch[] {
    return this.#journal;
  }

  loseJournal(): void {
    this.#volume++;
    this.#journal = [];
  }

  onBatch(wake: () => void): () => void {
    this.#following.add(wake);
    return () => this.#following.delete(wake);
  }

  onHint(hear: (what: Hint) => void): () => void {
    this.#hearing.add(hear);
    return () => this.#hearing.delete(hear);
  }

  tell(what: Hint): void {
    for (const hear of [...this.#hearing]) hear(what);
  }

  // -- what happens to it -------------------------------------------------------------------------

  /** Goes back to data of before: plans are numbered on from there. */
  rewind(plans: number): void {
    this.plans = this.plans.slice(0, Math.max(0, this.plans.length - plans));
    this.tell("plan");
  }

  /** Made anew: nobody has ever written here. */
  remake(): void {
    this.plans = [];
    this.texts = new Map();
    this.#members.clear();
    this.loseJournal();
    this.tell("plan");
  }

  /** The other half of a split: the same data, which from now on are others. */
  fork(): MemoryServer {
    const other = new MemoryServer(this.now);
    other.plans = this.plans;
    other.texts = this.texts;
    other.#members = new Map(this.#members);
    return other;
  }
}
