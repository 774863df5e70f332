/** Every stream socket of the daemon is made here, those that it dials and those that it accepts, so that all have the same options. */
import { connect, createServer, type OnReadOpts, type Server, type Socket } from "node:net";
import { streamOptions, type Keepalive } from "../../core/stream-options.js";

/** Dials an address; `more` is what this plane wants besides. */
export function dialStream(
  to: { readonly host: string; readonly port: number },
  keepalive: Keepalive,
  more: { readonly allowHalfOpen?: boolean; readonly onread?: OnReadOpts } = {},
): Socket {
  return connect({ ...more, host: to.host, port: to.port, ...streamOptions(keepalive) });
}

/** A server that does not listen yet. Its clients may close their side and wait for what is still to come. */
export function streamServer(
  keepalive: Keepalive,
  onConnection: (socket: Socket) => void,
  more: { readonly pauseOnConnect?: boolean } = {},
): Server {
  return createServer({ ...more, allowHalfOpen: true, ...streamOptions(keepalive) }, onConnection);
}
