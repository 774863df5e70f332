/** A daemon as a process, an upstream that sends back what it gets, and clients; all of them end with the scene. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Workshop, getJson } from "./process.js";

export class DaemonScene extends Workshop {
  readonly #ends: (() => void)[] = [];

  atEnd(end: () => void): void {
    this.#ends.push(end);
  }

  /** Answers the port of a server that sends back what it gets. */
  async echo(): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).pipe(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    this.atEnd(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }

  async dial(port: number): Promise<Socket> {
    const socket = connect(port, "127.0.0.1");
    this.atEnd(() => socket.destroy());
    await once(socket, "connect");
    socket.on("error", () => undefined);
    return socket;
  }

  override async close(): Promise<void> {
    await super.close();
    for (const end of this.#ends) end();
  }
}

/** The port of a daemon's only proxy. */
export async function proxyPort(admin: string): Promise<number> {
  const { body } = await getJson(`${admin}/status`);
  const [proxy] = body["proxies"] as { listen: string }[];
  return Number(proxy?.listen.split(":").at(-1));
}

export async function exchanged(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString();
}

/** A configuration with one proxy, on a free port. */
export const through = (upstream: number): Record<string, unknown> => ({
  proxies: { jobs: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${upstream}` } },
});
