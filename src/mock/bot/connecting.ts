/**
 * How long a new connection may take until it can be used, TLS and all. Without this a handshake that stalls would only be noticed when
 * the answer is late, and that of a long poll may take long.
 */
import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Millis } from "../../core/clock.js";
import { formatDuration } from "../../core/units.js";
import { Trouble } from "./trouble.js";

/** How far the connection of a request has come. */
export interface Connecting {
  /** TCP is through, and TLS is not. */
  readonly inHandshake: boolean;
}

/** Ends the request with a Trouble if its connection is not there in time. An infinite `timeout` is none. */
export function connectWithin(
  request: ClientRequest,
  clock: Clock,
  timeout: Millis,
  secure: boolean,
): Connecting {
  const state = { inHandshake: false };
  request.once("socket", (socket: Socket) => {
    if (request.reusedSocket) return;
    const timer =
      timeout === Infinity
        ? null
        : clock.at(clock.now() + timeout, () => {
            request.destroy(tooLate(state, timeout));
          });
    const done = (): void => timer?.cancel();
    socket
      .once("connect", () => {
        state.inHandshake = secure;
        if (!secure) done();
      })
      .once("secureConnect", () => {
        state.inHandshake = false;
        done();
      })
      .once("close", done);
  });
  return state;
}

function tooLate({ inHandshake }: Connecting, timeout: Millis): Trouble {
  const within = formatDuration(timeout);
  if (!inHandshake) return new Trouble(`no connection within ${within}`);
  const tls = "handshake_timeout";
  return new Trouble(`the TLS handshake was not over within ${within} (${tls})`, { tls });
}
