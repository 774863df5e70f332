/** Every stream socket of the daemon is made here, those that it dials and those that it accepts, so that all have the same options. */
import { connect, createServer, type OnReadOpts, type Server, type Socket } from "node:net";
import { streamOptions, type Keepalive } from "../../core/stream-options.js";

/** Dials an address; `more` is what this plane wants besides. */
export function dialStream(
  to: { readonly host: string; readonly port: number },
  keepalive: Keepalive,
  more: { readonly allowHalfOpen?: boolean; readonly onread?: OnReadOpts } = {},
): Socket {
  const { noDelay, keepAlive, keepAliveInitialDelay } = streamOptions(keepalive);
  const { allowHalfOpen = false, onread } = more;
  const { host, port } = to;
  // Written out, as it is made for each connection: to spread one object into another takes longer than the rest.
  if (onread === undefined)
    return connect({ host, port, allowHalfOpen, noDelay, keepAlive, keepAliveInitialDelay });
  return connect({ host, port, allowHalfOpen, onread, noDelay, keepAlive, keepAliveInitialDelay });
}

/** A server that does not listen yet. Its clients may close their side and wait for what is still to come. */
export function streamServer(
  keepalive: Keepalive,
  onConnection: (socket: Socket) => void,
  more: { readonly pauseOnConnect?: boolean } = {},
): Server {
  return createServer({ ...more, allowHalfOpen: true, ...streamOptions(keepalive) }, onConnection);
}
