/** The mock job server, put together: store, bots and long polls behind HTTP. */
import { createServer, type Server } from "node:http";
import { SystemClock, type Clock, type Millis } from "../../core/clock.js";
import type { Bytes } from "../../core/units.js";
import { routes, WAIT_MAX } from "./api.js";
import { BotRegistry } from "./bots.js";
import { startFeed } from "./feed.js";
import type { JobRecords } from "./records.js";
import { JobStore } from "./store.js";
import { WaitingRoom } from "./waiting-room.js";
import { listener } from "./wire.js";

export interface MockServerOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  readonly host?: string;
  /** How long a token is good for. */
  readonly tokenTtl?: Millis;
  /** How long a lease holds without a heartbeat. */
  readonly lease?: Millis;
  /** Submits a small job by itself every so often. */
  readonly feed?: { readonly every: Millis } | undefined;
  /** The largest request body. */
  readonly bodyMax?: Bytes;
  /** Unfinished jobs; more are refused with 429. */
  readonly pendingMax?: number;
  /** Finished jobs that are still known. */
  readonly finishedMax?: number;
  readonly connectionsMax?: number;
  /** Where jobs outlive the server; by default nowhere. */
  readonly records?: JobRecords;
  readonly clock?: Clock;
  readonly onBug?: (error: unknown) => void;
}

export interface MockServer {
  readonly url: string;
  readonly port: number;
  /** Answers the long polls, then ends all connections. */
  close(): Promise<void>;
}

export async function startMockServer(options: MockServerOptions = {}): Promise<MockServer> {
  const clock = options.clock ?? new SystemClock();
  const { pendingMax, finishedMax, records } = options;
  const store = new JobStore({
    clock,
    lease: options.lease ?? 30_000,
    ...(records && { records }),
    ...(pendingMax !== undefined && { pendingMax }),
    ...(finishedMax !== undefined && { finishedMax }),
  });
  const waitingRoom = new WaitingRoom(store, clock);
  const bots = new BotRegistry(clock, options.tokenTtl ?? 3_600_000);
  const onBug = options.onBug ?? ((error: unknown) => console.error("mock job server:", error));
  const server = createServer(
    // Requests have to arrive in reasonable time; answers may take as long as the longest poll.
    { requestTimeout: 60_000, headersTimeout: 20_000, noDelay: true },
    listener(routes({ store, waitingRoom, bots, clock }), {
      bodyMax: options.bodyMax ?? 2 ** 20,
      onBug,
    }),
  );
  server.maxConnections = options.connectionsMax ?? 10_000;
  // A peer that reads nothing, or has vanished, does not hold its connection for ever.
  server.timeout = 2 * WAIT_MAX;
  const { address, port } = await listen(server, options.port ?? 0, options.host ?? "127.0.0.1");
  // Such as a lack of file descriptors, which passes.
  server.on("error", onBug);
  const stopFeed = options.feed ? startFeed(store, clock, options.feed.every) : () => undefined;

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopFeed();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    waitingRoom.close();
    // One turn for the answers of the long polls to leave.
    await new Promise<void>((resolve) => setImmediate(resolve));
    server.closeAllConnections();
    await closed;
  };
  const host = address.includes(":") ? `[${address}]` : address;
  return { url: `http://${host}:${port}`, port, close: () => (closing ??= close()) };
}

function listen(server: Server, port: number, host: string): Promise<{ address: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const bound = server.address();
      if (bound !== null && typeof bound === "object") resolve(bound);
      else reject(new Error(`${host}:${port} has no address`));
    });
  });
}
