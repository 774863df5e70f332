/** Lets a server's part of a handshake out to a point and no further, until it is opened: see `Stall` in the contract. */
import type { Stall } from "../faults/contract/index.js";
import { ByteQueue } from "../faults/byte-queue.js";
import { ALERT_BYTES, RECORD, type RecordHead } from "./records.js";

/** What is known of the server's side, as the client sees it. */
export interface ServerSide {
  /** By its number; null before the ServerHello. */
  readonly version: number | null;
  /** A ServerHello, and in TLS 1.3 something encrypted behind it, has gone out. */
  readonly answered: boolean;
}

const TLS_1_3 = 0x0304;

export class StallGate {
  readonly #stall: Stall;
  readonly #server: ServerSide;
  readonly #stalled: () => void;
  readonly #queue = new ByteQueue();
  #left: number;
  #shut = false;
  #over = false;
  #changedCipherSpec = false;

  /** `stalled` is called once, when it shuts: within the turn in which the bytes came. */
  constructor(stall: Stall, server: ServerSide, stalled: () => void) {
    this.#stall = stall;
    this.#server = server;
    this.#stalled = stalled;
    this.#left = stall.at === "our_flight" ? stall.bytes : Infinity;
  }

  /** Answers what may go out of it; the rest is kept. */
  toClient(chunk: Buffer): Buffer {
    if (this.#over) return chunk;
    if (this.#shut) {
      this.#queue.add(chunk);
      return EMPTY;
    }
    if (chunk.length <= this.#left) {
      this.#left -= chunk.length;
      return chunk;
    }
    const out = chunk.subarray(0, this.#left);
    this.#queue.add(chunk.subarray(this.#left));
    this.#left = 0;
    this.#shutNow();
    return out;
  }

  /** A record of the client begins, and the engine has nothing of it yet: it answers within the same turn. */
  fromClient(head: RecordHead): void {
    if (this.#over || this.#shut) return;
    const { version, answered } = this.#server;
    if (this.#stall.at === "our_flight") {
      // Whoever answers the flight has had it whole: there were fewer bytes than it takes to stall. A ChangeCipherSpec of TLS 1.3
      // means nothing and may come before (RFC 8446, appendix D.4); Go sends it so.
      if (answered && (version !== TLS_1_3 || head.type !== RECORD.change_cipher_spec)) this.#over = true;
      return;
    }
    // A client that refuses what it was shown sends an alert in place of its Finished.
    const finished =
      version === TLS_1_3
        ? answered && head.type === RECORD.application_data && !ALERT_BYTES.has(head.length)
        : this.#changedCipherSpec && head.type === RECORD.handshake;
    if (version !== null && head.type === RECORD.change_cipher_spec) this.#changedCipherSpec = true;
    if (finished) this.#shutNow();
  }

  get isShut(): boolean {
    return this.#shut;
  }

  get held(): number {
    return this.#queue.length;
  }

  /** Opens it for good, and answers what it kept. */
  open(): Buffer {
    this.#over = true;
    this.#shut = false;
    return this.#queue.take(Infinity);
  }

  /** The next bytes of what it keeps, taken out of it. */
  take(bytes: number): Buffer {
    return this.#queue.take(bytes);
  }

  #shutNow(): void {
    this.#shut = true;
    this.#stalled();
  }
}

const EMPTY = Buffer.alloc(0);
