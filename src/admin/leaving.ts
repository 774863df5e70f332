/**
 * How an answer leaves: in pieces, each only when the one before was taken, within what all answers together may keep in
 * memory, and within a time that a client which reads needs by no means.
 */
import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../core/clock.js";
import type { AdminLimits } from "./house.js";
import type { Ledger } from "./ledger.js";

const PIECE_BYTES = 64 * 1_024;
/** Bytes in a millisecond that a client must take of a long answer, besides the time that it has for any. */
const RATE_MIN = 16;

export interface LeavingParts {
  readonly clock: Clock;
  readonly limits: Pick<AdminLimits, "answerTimeout">;
  readonly ledger: Ledger;
}

/**
 * Sends the body whose head is set already. Throws SQ_TOO_MANY, and sends nothing, when too much is under way. A client that
 * takes nothing for `answerTimeout`, or less than 16 KiB a second of a long answer, is dropped.
 */
export function leave(response: ServerResponse, body: Buffer, { clock, limits, ledger }: LeavingParts): void {
  if (response.destroyed) return;
  const account = ledger.open(() => response.destroy());
  account.set(body.length);
  const until = clock.now() + limits.answerTimeout + body.length / RATE_MIN;
  let timer: Timer | null = null;
  let at = 0;
  const wait = (): void => {
    timer?.cancel();
    timer = clock.at(Math.min(until, clock.now() + limits.answerTimeout), () => response.destroy());
  };
  response.once("close", () => {
    timer?.cancel();
    account.close();
  });
  const next = (): void => {
    wait();
    account.moved();
    const piece = body.subarray(at, at + PIECE_BYTES);
    at += piece.length;
    if (at >= body.length) response.end(piece);
    else
      response.write(piece, (error) => {
        if (error === null || error === undefined) next();
      });
  };
  next();
}
