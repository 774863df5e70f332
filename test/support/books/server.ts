/** A server that keeps its own books: what it was asked, by path, and what it answered. It shares no code with the proxy. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Asked {
  readonly path: string;
  readonly bot: string;
  /** What it began to answer; null while it has not. */
  status: number | null;
}

export class CountingServer {
  readonly asked: Asked[] = [];
  connections = 0;
  /** All that came over connections of this round, and all that was written to them. */
  readonly #all: Socket[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting = new Map<string, () => void>();

  private constructor() {
    this.#server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      const asked: Asked = { path, bot: String(request.headers["x-bot"] ?? ""), status: null };
      this.asked.push(asked);
      this.#waiting.get(path)?.();
      request.resume();
      response.on("error", () => undefined);
      if (path.startsWith("/never")) {
        // A worker that waits for nobody any more.
        request.socket.once("end", () => request.socket.destroy());
        return;
      }
      request.on("end", () => {
        asked.status = path.startsWith("/made") ? 201 : path.startsWith("/gone") ? 404 : 200;
        const body = JSON.stringify({ path, padding: "x".repeat(300) });
        response.statusCode = asked.status;
        response.setHeader("content-type", "application/json");
        if (!path.includes("chunked")) response.setHeader("content-length", body.length);
        response.end(body);
      });
    });
    this.#server.on("connection", (socket: Socket) => {
      this.connections++;
      this.#all.push(socket);
      this.#sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("clientError", (_error, socket) => {
      socket.destroy();
    });
  }

  static async start(): Promise<CountingServer> {
    const server = new CountingServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get bytes(): { readonly got: number; readonly sent: number } {
    const sum = (of: (socket: Socket) => number): number => this.#all.reduce((all, one) => all + of(one), 0);
    return { got: sum(({ bytesRead }) => bytesRead), sent: sum(({ bytesWritten }) => bytesWritten) };
  }

  /** A round begins. */
  forget(): void {
    this.asked.length = 0;
    this.#all.length = 0;
  }

  /** Resolves when that path has been asked for. */
  heard(path: string): Promise<void> {
    if (this.asked.some((one) => one.path === path)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(path, resolve));
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
