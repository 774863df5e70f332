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

function connectToItself({ host, port }: ListenAddress): () => void {
  const near = nearAddress(host);
  const socket = connect({ host: near, port, localAddress: near, localPort: port });
  socket.unref().on("error", () => undefined);
  return () => {
    // With an RST, so that no TIME_WAIT is left behind.
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
  };
}

export function holdDatagrams({ host, port }: ListenAddress): Hold {
  const near = nearAddress(host);
  const socket = createSocket(isIPv6(near) ? "udp6" : "udp4").unref();
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

/** A number that is bound on one address is given to no connection of any. */
function nearAddress(host: string): string {
  return host === "" || host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
}
