/** The other end of proxy-process.mjs: starts it, and asks it things. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

export interface Stats {
  readonly connectionsTotal: number;
  readonly connectionsActive: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly held: number;
  readonly exchanges: number;
}

/** A fault type, its parameters as people write them, and where and how often it acts. */
export type Plain = readonly [
  type: string,
  params: Readonly<Record<string, unknown>>,
  rest?: {
    readonly probability?: number;
    readonly at?: string;
    readonly directions?: "upstream" | "downstream";
  },
];

/** Milliseconds by the clock on the wall, and of the processor alone. */
export interface Taken {
  readonly wall: number;
  readonly cpu: number;
}

export interface ProxyProcess {
  readonly port: number;
  replace(faults: readonly Plain[]): Promise<Taken>;
  heal(): Promise<Taken>;
  /** Connections that faults were laid on so far, counted for each fault. */
  matched(): Promise<number>;
  stats(): Promise<Stats>;
  memory(): Promise<Memory>;
  /** The most resident bytes that it ever had. */
  peak(): Promise<number>;
  stop(): void;
}

export async function startProxy(
  upstreamPort: number,
  protocol: "tcp" | "http" = "tcp",
): Promise<ProxyProcess> {
  const script = fileURLToPath(new URL("proxy-process.mjs", import.meta.url));
  const child = fork(script, [String(upstreamPort), protocol], { execArgv: ["--expose-gc"] });
  const waiting = new Map<number, (answer: unknown) => void>();
  child.on("message", ({ id, answer }: { id: number; answer: unknown }) => waiting.get(id)?.(answer));
  let asked = 0;
  const hear = (id: number): Promise<unknown> => new Promise((resolve) => waiting.set(id, resolve));
  const ask = (command: string, argument?: unknown): Promise<unknown> => {
    const id = ++asked;
    child.send({ id, command, argument });
    return hear(id);
  };
  const died = once(child, "exit").then(() => {
    throw new Error("the proxy's process has died");
  });
  died.catch(() => undefined);
  await Promise.race([hear(0), died]);
  return {
    port: (await ask("port")) as number,
    replace: (faults) => ask("replace", faults) as Promise<Taken>,
    heal: () => ask("heal") as Promise<Taken>,
    matched: () => ask("matched") as Promise<number>,
    stats: () => ask("stats") as Promise<Stats>,
    memory: () => ask("memory") as Promise<Memory>,
    peak: () => ask("peak") as Promise<number>,
    stop: () => child.disconnect(),
  };
}

/** An upstream that sends back what it gets. */
export async function startEcho(): Promise<{ readonly port: number; stop(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => socket.write(chunk));
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Connects and exchanges a byte, so that the connection is open all the way. */
export async function openThrough(port: number, localAddress = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true });
  socket.on("error", () => undefined);
  socket.write("x");
  await new Promise<void>((resolve, reject) => {
    socket.once("data", () => {
      resolve();
    });
    socket.once("close", () => {
      reject(new Error("closed before a byte came back"));
    });
  });
  return socket;
}

/** That many at once, until all have been done. */
export async function inParallel(
  total: number,
  width: number,
  each: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) await each(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

export const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
export const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
