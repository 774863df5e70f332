/** Every port of the daemon is bound here, of proxies of all protocols and of the admin port, TCP and UDP. */
import type { Server } from "node:net";
import type { DatagramSocket } from "./datagram.js";

export interface ListenAddress {
  /** Empty for all addresses of the machine. */
  readonly host: string;
  /** 0 lets the system choose; the chosen one is kept when the listener comes back. */
  readonly port: number;
}

/** The kernel cuts this to net.core.somaxconn. */
const BACKLOG = 65_535;

/** A kernel without IPv6, or one in which it is switched off, says one of these. */
const NO_IPV6: ReadonlySet<string | undefined> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]);

/** Opens at one address: all of the machine are those of both families, or of IPv4 where there is no IPv6. */
export async function onAddress<Opened>(
  { host, port }: ListenAddress,
  open: (address: ListenAddress) => Promise<Opened>,
): Promise<Opened> {
  if (host !== "") return open({ host, port });
  try {
    // Takes IPv4 as well.
    return await open({ host: "::", port });
  } catch (error) {
    if (!NO_IPV6.has((error as NodeJS.ErrnoException).code)) throw error;
    return open({ host: "0.0.0.0", port });
  }
}

/** Has a server listen, and answers where. Rejects with the system's error; the server can be used again then. */
export function listenStream(server: Server, address: ListenAddress): Promise<ListenAddress> {
  return onAddress(
    address,
    ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port, backlog: BACKLOG }, () => {
          server.off("error", reject);
          const found = server.address();
          resolve(
            found !== null && typeof found === "object"
              ? { host: found.address, port: found.port }
              : { host, port },
          );
        });
      }),
  );
}

/** Binds a socket at one address, as `onAddress` gives it. Rejects with the system's error; the socket is closed then. */
export function bindDatagrams(opened: DatagramSocket, { host, port }: ListenAddress): Promise<ListenAddress> {
  const { socket } = opened;
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      opened.close();
      reject(error);
    };
    socket.once("error", failed);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off("error", failed);
      opened.enlarge();
      const { address, port: bound } = socket.address();
      resolve({ host: address, port: bound });
    });
  });
}
