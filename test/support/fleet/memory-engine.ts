/**
 * An engine in memory, as one client sees it, with faults of its own: answers that are late or lost, a link that is cut, hints that are
 * silent, stale or made up, and a half of a split. On any clock; with a virtual one it does nothing but when that moves.
 */
import type { Clock, Millis } from "../../../src/core/clock.js";
import {
  EngineError,
  type Announced,
  type FleetEngine,
  type Hint,
  type HintOptions,
  type PlanRead,
} from "../../../src/fleet/contract/engine.js";
import type { JournalBatch, KeptBatch } from "../../../src/fleet/contract/journal.js";
import type { Heard, Presence } from "../../../src/fleet/contract/presence.js";
import type { MemoryServer } from "./memory-server.js";

/** No call waits longer. */
const LIMIT: Millis = 5_000;

/** What is wrong with one client's link. */
export class Link {
  /** Nothing gets through, and the client does not know it yet. */
  isCut = false;
  /** From the client to the server, and from there back. */
  there: Millis = 0;
  back: Millis = 0;
  /** So many of the next calls are carried out, and their answers lost. */
  losesAnswers = 0;
  /** So many of the next hints are lost. */
  losesHints = 0;
  /** What these credentials may not do. */
  forbids: "nothing" | "plan" | "presence" = "nothing";
  /** A hint comes so late. */
  hintsAfter: Millis = 0;
}

export class MemoryEngine implements FleetEngine {
  readonly name = "memory://test";
  readonly link = new Link();
  #server: MemoryServer;
  readonly #clock: Clock;
  readonly #hearing = new Set<(what: Hint) => void>();
  readonly #waiting = new Set<(error: EngineError) => void>();
  #deaf: () => void;
  readonly #announced = new Set<string>();
  #connected = true;
  #closed = false;

  constructor(server: MemoryServer, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    this.#deaf = this.#listen(server);
  }

  get connected(): boolean {
    return this.#connected && !this.#closed;
  }

  // -- what happens to it -------------------------------------------------------------------------

  /** Is connected to another half, or to a server that took the place of the one before. */
  moveTo(server: MemoryServer): void {
    this.#deaf();
    this.#server = server;
    this.#deaf = this.#listen(server);
  }

  /** Notices that its link is gone, or there again. */
  notice(connected: boolean): void {
    if (this.#closed || this.#connected === connected) return;
    this.#connected = connected;
    if (!connected) this.#failAll(new EngineError("away", "the connection was lost"));
    this.hint(connected ? "connected" : "disconnected");
  }

  hint(what: Hint): void {
    for (const hear of [...this.#hearing]) hear(what);
  }

  #listen(server: MemoryServer): () => void {
    return server.onHint((what) => {
      const { isCut, losesHints, hintsAfter } = this.link;
      if (losesHints > 0) this.link.losesHints--;
      if (isCut || !this.#connected || losesHints > 0) return;
      if (hintsAfter === 0) this.hint(what);
      else
        this.#clock.at(this.#clock.now() + hintsAfter, () => {
          if (!this.#closed) this.hint(what);
        });
    });
  }

  // -- the contract -------------------------------------------------------------------------------

  read(): Promise<PlanRead> {
    return this.#call(() => {
      this.#mayNot("plan", "read the plan");
      return this.#server.read();
    });
  }

  put(bytes: Uint8Array, serial: number | "any"): Promise<number> {
    return this.#call(() => {
      this.#mayNot("plan", "write the plan");
      return this.#server.put(bytes, serial);
    });
  }

  history(limit: number): Promise<readonly (PlanRead & { readonly time: number })[]> {
    return this.#call(() => this.#server.plans.toReversed().slice(0, limit));
  }

  text(sha256: string): Promise<Uint8Array | null> {
    return this.#call(() => this.#server.texts.get(sha256) ?? null);
  }

  putText(sha256: string, bytes: Uint8Array): Promise<void> {
    return this.#call(() => {
      this.#server.putText(sha256, bytes);
    });
  }

  onHint(hear: (what: Hint) => void, { members = false }: HintOptions = {}): () => void {
    const own = (what: Hint): void => {
      if (what !== "members" || members) hear(what);
    };
    this.#hearing.add(own);
    return () => this.#hearing.delete(own);
  }

  async announce(me: Presence): Promise<Announced> {
    const sent = this.#clock.now();
    const { at, before } = await this.#call(() => {
      this.#mayNot("presence", "say that it is there");
      return this.#server.announce(me);
    });
    const isFirst = !this.#announced.has(me.life);
    this.#announced.add(me.life);
    const over = isFirst || before?.presence.life === me.life ? null : before;
    return { engine: at, sent, received: this.#clock.now(), over };
  }

  leave(daemon: string, life: string): Promise<void> {
    return this.#call(() => {
      this.#server.leave(daemon, life);
    });
  }

  members(): Promise<readonly Heard[]> {
    return this.#call(() => this.#server.members());
  }

  append(batch: JournalBatch): Promise<void> {
    return this.#call(() => {
      this.#server.append(batch);
    });
  }

  async *tail({
    from,
    follow,
    signal,
  }: Parameters<FleetEngine["tail"]>[0]): AsyncGenerator<KeptBatch | null> {
    let cursor = "";
    let batches = await this.#call(() => {
      if (from === null) return this.#server.allBatches();
      if (typeof from !== "string")
        return from.newest === 0 ? [] : this.#server.allBatches().slice(-from.newest);
      return this.#behind(from);
    });
    if (batches.length === 0) cursor = this.#server.allBatches().at(-1)?.cursor ?? "";
    while (!signal.aborted) {
      for (const batch of batches) {
        if (signal.aborted) return;
        cursor = batch.cursor;
        yield batch;
      }
      if (!follow || isOver(signal)) return;
      batches = cursor === "" ? this.#server.allBatches() : this.#behind(cursor);
      if (batches.length === 0) await this.#woken(signal);
      if (this.#closed) throw new EngineError("away", "it was closed");
    }
  }

  #behind(cursor: string): readonly KeptBatch[] {
    const found = this.#server.batches(cursor);
    if (found !== null) return found;
    return this.#server.allBatches().map((batch, index) => (index === 0 ? { ...batch, anew: true } : batch));
  }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        over();
        resolve();
      };
      const fail = (error: EngineError): void => {
        over();
        reject(error);
      };
      const deaf = this.#server.onBatch(wake);
      const over = (): void => {
        deaf();
        signal.removeEventListener("abort", wake);
        this.#waiting.delete(fail);
      };
      signal.addEventListener("abort", wake);
      this.#waiting.add(fail);
    });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#deaf();
      this.#hearing.clear();
      this.#failAll(new EngineError("away", "it was closed"));
    }
    return Promise.resolve();
  }

  // -- calls --------------------------------------------------------------------------------------

  #mayNot(what: Link["forbids"], words: string): void {
    if (this.link.forbids === what) throw new EngineError("forbidden", `these credentials may not ${words}`);
  }

  /** There, done, and back; each of which may fail. */
  #call<T>(act: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new EngineError("away", "it was closed"));
    if (!this.#connected) return Promise.reject(new EngineError("away", "nobody is connected"));
    const { link } = this;
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (settle: () => void): void => {
        if (over) return;
        over = true;
        limit?.cancel();
        this.#waiting.delete(fail);
        settle();
      };
      const fail = (error: EngineError): void => {
        end(() => {
          reject(error);
        });
      };
      this.#waiting.add(fail);
      const arrived = (): void => {
        if (link.isCut) return;
        const loses = link.losesAnswers > 0;
        if (loses) link.losesAnswers--;
        const answer = attempted(act);
        if (loses) return;
        this.#after(link.back, () => {
          if (!link.isCut) end(() => (answer.ok ? resolve(answer.value) : reject(answer.error)));
        });
      };
      const isSure = link.there === 0 && link.back === 0 && !link.isCut && link.losesAnswers === 0;
      const limit = isSure
        ? null
        : this.#clock.at(this.#clock.now() + LIMIT, () => {
            fail(new EngineError("away", `no answer within ${LIMIT / 1_000} s`));
          });
      this.#after(link.there, arrived);
    });
  }

  #after(wait: Millis, run: () => void): void {
    if (wait === 0) run();
    else this.#clock.at(this.#clock.now() + wait, run);
  }

  #failAll(error: EngineError): void {
    for (const fail of [...this.#waiting]) fail(error);
  }
}

/** As a call, since it may have changed while a batch was looked at. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Error };

function attempted<T>(act: () => T): Answer<T> {
  try {
    return { ok: true, value: act() };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error : new Error(String(error)) };
  }
}
