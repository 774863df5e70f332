/** What every stream socket is made with, on whatever side and plane: options for whoever dials, and for whoever listens. */
import type { Millis } from "./clock.js";

/**
 * How long a connection is silent before its peer is asked whether it is still there; null never asks (RFC 9293, section
 * 3.8.4). libuv then asks each second, and gives up after ten: a peer that vanished is noticed after this and ten seconds.
 */
export type Keepalive = Millis | null;

/** As Go has it, and so Toxiproxy. */
export const KEEPALIVE_DEFAULT: Millis = 15_000;
/** The kernel counts in whole seconds. */
export const KEEPALIVE_MIN: Millis = 1_000;
/** Linux takes up to 32,767 seconds (MAX_TCP_KEEPIDLE), and silently none beyond. */
export const KEEPALIVE_MAX: Millis = 32_767_000;

export interface StreamOptions {
  /** Small exchanges would otherwise wait for delayed ACKs. */
  readonly noDelay: true;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelay: Millis;
}

/** For `net.connect`, `net.createServer`, `http.createServer` and `http.Agent` alike. */
export function streamOptions(keepalive: Keepalive): StreamOptions {
  return {
    noDelay: true,
    keepAlive: keepalive !== null,
    keepAliveInitialDelay: Math.max(keepalive ?? 0, KEEPALIVE_MIN),
  };
}
