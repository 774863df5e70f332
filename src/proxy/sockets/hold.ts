/**
 * Keeps a port that is not listened on from everybody else, while the kernel refuses whoever comes. A port that was simply
 * closed may become the local port of any connection of this machine, and then cannot be had back until that ends.
 *
 * Node binds no socket that it does not also connect or listen with. But a socket may be connected to itself: it is bound,
 * holds its number, and is nobody else's peer, so an attempt to connect meets RST and a datagram meets ICMP. While a TCP
 * port is held it can be listened on (libuv sets SO_REUSEADDR), so that nothing comes between the two; a UDP port cannot.
 *
 * Where a system does not allow it (it is known to work on Linux) the port is free in the meantime, as it would be anyway.
 */
import { createSocket } from "node:dgram";
import type { LookupOptions } from "node:dns";
import { connect, isIPv6 } from "node:net";
import type { ListenAddress } from "./bind.js";

export interface Hold {
  /** Lets go of what would be in the way of whoever binds the port. */
  makeRoom(): void;
  /** Lets go of all of it. */
  release(): void;
}

/** `after` is when whoever has the port now is gone. */
export function holdStream(address: ListenAddress, after: Promise<void> | null = null): Hold {
  let release: (() => void) | null = null;
  let released = false;
  const begin = (): void => {
    if (!released) release = connectToItself(address);
  };
  if (after === null) begin();
  else void after.then(begin);
  return {
    makeRoom: () => undefined,
    release: () => {
      released = true;
      release?.();
    },
  };
}

/**
 * Bound when this returns, and connected. Node looks a name up at once but takes an address only when the turn is over: by then
 * all clients of a proxy may have been told of a fault, and somebody else may have the port.
 */
function connectToItself({ host, port }: ListenAddress): () => void {
  const near = nearAddress(host);
  const to = { host: ITSELF, lookup: answering(near) };
  const socket = connect({ ...to, port, localAddress: near, localPort: port });
  socket.unref().on("error", () => undefined);
  return () => {
    // With an RST, so that no TIME_WAIT is left behind.
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
  };
}

export function holdDatagrams({ host, port }: ListenAddress): Hold {
  const near = nearAddress(host);
  // Addresses are not looked up, so that the port is bound when this returns.
  const socket = createSocket({ type: isIPv6(near) ? "udp6" : "udp4", lookup: answering(near) }).unref();
  let open = true;
  const release = (): void => {
    if (!open) return;
    open = false;
    socket.close();
  };
  socket.on("error", release);
  socket.bind({ address: near, port, exclusive: true }, () => {
    if (open) socket.connect(port, near);
  });
  return { makeRoom: release, release };
}

export function holdBoth(address: ListenAddress): Hold {
  const [stream, datagrams] = [holdStream(address), holdDatagrams(address)];
  return {
    makeRoom: () => {
      datagrams.release();
    },
    release: () => {
      stream.release();
      datagrams.release();
    },
  };
}

type Answered = (error: null, address: string, family: number) => void;

/** A name that nobody is asked for. */
const ITSELF = "itself";

/** A look-up with that answer, which is given within the call. */
function answering(address: string) {
  return (_name: string, _options: LookupOptions, done: Answered): void => {
    done(null, address, isIPv6(address) ? 6 : 4);
  };
}

/** A number that is bound on one address is given to no connection of any. */
function nearAddress(host: string): string {
  return host === "" || host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
}
