/**
 * What the admin port keeps in memory for its clients: bodies that are still arriving, answers that are still leaving, and what waits
 * for those who read a stream. So many
 * bytes for all of them; when they are used up, whoever has moved nothing for longest makes room.
 */
import { SquallError } from "../core/errors.js";
import { formatSize } from "../core/units.js";
import type { Clock, Millis } from "../core/clock.js";

/** Whatever is smaller is not worth a look, since connections are limited as well. */
const SMALL_BYTES = 16 * 1_024;
/** Whoever has moved within this time keeps what is his. */
const LIVELY_MS = 1_000;

/** What is kept for one body or answer. */
export interface Account {
  /** That it is so large now. Throws SQ_TOO_MANY, and is left as it was, when there is no room for what it has grown by. */
  set(bytes: number): void;
  /** That its client has sent or taken something. */
  moved(): void;
  close(): void;
}

export interface LedgerOptions {
  /** What is kept, as the error says it: `bodies and answers` if missing. */
  readonly what?: string;
  /**
   * It grows by what we have to say, not by what its client sends: that is no sign of life, and whoever has taken nothing for longest
   * makes room at once for whoever has been waiting for less.
   */
  readonly ours?: boolean;
}

interface Kept {
  bytes: number;
  movedAt: Millis;
  readonly drop: () => void;
}

export class Ledger {
  readonly limit: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #what: string;
  readonly #ours: boolean;
  /** Whoever has moved nothing for longest comes first. */
  readonly #kept = new Set<Kept>();
  #bytes = 0;

  constructor(limit: number, clock: Pick<Clock, "now">, options: LedgerOptions = {}) {
    this.limit = limit;
    this.#clock = clock;
    this.#what = options.what ?? "bodies and answers";
    this.#ours = options.ours ?? false;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `drop` ends the connection whose body or answer it is. */
  open(drop: () => void): Account {
    const kept: Kept = { bytes: 0, movedAt: this.#clock.now(), drop };
    let isClosed = false;
    const close = (): void => {
      isClosed = true;
      this.#kept.delete(kept);
      this.#bytes -= kept.bytes;
      kept.bytes = 0;
    };
    return {
      set: (size) => {
        // What was on its way when its client left is taken, or not, behind that.
        if (isClosed) return;
        const bytes = size <= SMALL_BYTES ? 0 : size;
        const more = bytes - kept.bytes;
        if (more > 0) this.#makeRoom(more, kept);
        this.#bytes += more;
        kept.bytes = bytes;
        if (bytes === 0) this.#kept.delete(kept);
        else if (more > 0 && !(this.#ours && this.#kept.has(kept))) this.#touch(kept);
      },
      moved: () => {
        if (kept.bytes > 0) this.#touch(kept);
      },
      close,
    };
  }

  #touch(kept: Kept): void {
    kept.movedAt = this.#clock.now();
    this.#kept.delete(kept);
    this.#kept.add(kept);
  }

  #makeRoom(bytes: number, own: Kept): void {
    const now = this.#clock.now();
    const until = !this.#ours ? now - LIVELY_MS : this.#kept.has(own) ? own.movedAt : now;
    for (const other of this.#kept) {
      if (this.#bytes + bytes <= this.limit) return;
      if (other === own) continue;
      if (this.#ours ? other.movedAt >= until : other.movedAt > until) break;
      this.#kept.delete(other);
      this.#bytes -= other.bytes;
      other.bytes = 0;
      other.drop();
    }
    if (this.#bytes + bytes <= this.limit) return;
    throw new SquallError(
      "SQ_TOO_MANY",
      `${formatSize(this.limit)} of ${this.#what} are under way at the admin port already`,
      { hint: "ask for less at once, or again in a moment" },
    );
  }
}
