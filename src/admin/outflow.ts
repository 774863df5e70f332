/**
 * How a stream leaves that is made for its reader: in pieces, each only when the one before was taken. What waits is counted, with what
 * waits for all others, so that those who do not read cannot fill the memory however many they are.
 */
import type { ServerResponse } from "node:http";
import type { Clock, Millis } from "../core/clock.js";
import { SquallError } from "../core/errors.js";
import type { Account, Ledger } from "./ledger.js";

const PIECE_CHARACTERS = 64 * 1_024;

export interface OutflowParts {
  readonly clock: Pick<Clock, "now">;
  readonly ledger: Ledger;
  /** All that waited was taken. */
  readonly drained: () => void;
}

export class Outflow {
  readonly #response: ServerResponse;
  readonly #clock: Pick<Clock, "now">;
  readonly #account: Account;
  readonly #drained: () => void;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  /** When a piece was taken last; null while nothing waits. */
  #movedAt: Millis | null = null;
  #isClosed = false;

  constructor(response: ServerResponse, { clock, ledger, drained }: OutflowParts) {
    this.#response = response;
    this.#clock = clock;
    this.#account = ledger.open(() => response.destroy());
    this.#drained = drained;
  }

  /** Bytes that wait here, the piece that is on its way among them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** For how long it has taken nothing of what waits, in milliseconds. */
  get stuckFor(): Millis {
    return this.#movedAt === null ? 0 : this.#clock.now() - this.#movedAt;
  }

  /** Throws SQ_TOO_MANY, and sends nothing of it, where too much waits for all readers together. */
  write(text: string): void {
    const bytes = Buffer.from(text);
    this.#account.set(this.#bytes + bytes.length);
    const isIdle = this.#bytes === 0;
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length; at += PIECE_CHARACTERS)
      this.#waiting.push(bytes.subarray(at, at + PIECE_CHARACTERS));
    if (!isIdle) return;
    this.#movedAt = this.#clock.now();
    this.#next();
  }

  /** The same; whoever there is no room for is dropped, and comes back. */
  writeOrDrop(text: string): void {
    try {
      this.write(text);
    } catch (error) {
      if (!(error instanceof SquallError)) throw error;
      this.#response.destroy();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#account.close();
  }

  #next(): void {
    const piece = this.#waiting.shift();
    if (piece === undefined) return;
    this.#response.write(piece, (error) => {
      if (this.#isClosed || (error !== null && error !== undefined)) return;
      this.#bytes -= piece.length;
      this.#account.set(this.#bytes);
      this.#account.moved();
      this.#movedAt = this.#bytes === 0 ? null : this.#clock.now();
      if (this.#bytes === 0) this.#drained();
      else this.#next();
    });
  }
}
