/**
 * What the admin port keeps in memory for its clients: bodies that are still arriving, answers that are still leaving. So many
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
  /** That it is so large now. Throws SQ_TOO_MANY when there is no room for what it has grown by. */
  set(bytes: number): void;
  /** That its client has sent or taken something. */
  moved(): void;
  close(): void;
}

interface Kept {
  bytes: number;
  movedAt: Millis;
  readonly drop: () => void;
}

export class Ledger {
  readonly limit: number;
  readonly #clock: Pick<Clock, "now">;
  /** Whoever has moved nothing for longest comes first. */
  readonly #kept = new Set<Kept>();
  #bytes = 0;

  constructor(limit: number, clock: Pick<Clock, "now">) {
    this.limit = limit;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `drop` ends the connection whose body or answer it is. */
  open(drop: () => void): Account {
    const kept: Kept = { bytes: 0, movedAt: this.#clock.now(), drop };
    const close = (): void => {
      this.#kept.delete(kept);
      this.#bytes -= kept.bytes;
      kept.bytes = 0;
    };
    return {
      set: (bytes) => {
        if (bytes <= SMALL_BYTES || bytes <= kept.bytes) return;
        const more = bytes - kept.bytes;
        this.#makeRoom(more, kept);
        this.#bytes += more;
        kept.bytes = bytes;
        this.#touch(kept);
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
    for (const other of this.#kept) {
      if (this.#bytes + bytes <= this.limit) return;
      if (other === own) continue;
      if (this.#clock.now() - other.movedAt < LIVELY_MS) break;
      this.#kept.delete(other);
      this.#bytes -= other.bytes;
      other.bytes = 0;
      other.drop();
    }
    if (this.#bytes + bytes <= this.limit) return;
    throw new SquallError(
      "SQ_TOO_MANY",
      `${formatSize(this.limit)} of bodies and answers are under way at the admin port already`,
      { hint: "ask for less at once, or again in a moment" },
    );
  }
}
