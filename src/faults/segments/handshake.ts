/** The handshake of a new connection on a path with losses: when a SYN is sent again, and how long it takes to be answered. */
import type { Millis } from "../../core/clock.js";
import type { LossProcess } from "../loss.js";

/**
 * When Linux sends a SYN again, counted from the first (6.5 and later: tcp_syn_linear_timeouts = 4, tcp_syn_retries = 6).
 */
export const SYN_AGAIN: readonly Millis[] = [1, 2, 3, 4, 5, 7, 11, 19, 35, 67].map(
  (seconds) => seconds * 1000,
);
/** After the last it waits 64 s more, and connect() fails with ETIMEDOUT. */
export const SYN_GIVES_UP: Millis = 131_000;

export interface Handshake {
  /** How long the SYN that got through was sent after the first. */
  readonly late: Millis;
  readonly lost: number;
  readonly connected: boolean;
}

/** `syn` loses what the client sends, `answer` what comes back. */
export function handshake(syn: LossProcess, answer: LossProcess, now: Millis): Handshake {
  let lost = 0;
  for (const late of [0, ...SYN_AGAIN]) {
    // A SYN that was lost is answered by nobody.
    if (syn?.lost(now + late) !== true && answer?.lost(now + late) !== true)
      return { late, lost, connected: true };
    lost++;
  }
  return { late: SYN_GIVES_UP, lost, connected: false };
}
