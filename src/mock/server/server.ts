/** The mock job server, put together: store, bots and long polls behind HTTP. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type Millis } from "../../core/clock.js";
import { SystemClock } from "../../core/system-clock.js";
import { KEEPALIVE_DEFAULT, streamOptions } from "../../core/stream-options.js";
import type { Bytes } from "../../core/units.js";
import { jobRoutes, WAIT_MAX } from "./api.js";
import { BlobStore, type Blob } from "./blobs.js";
import { bodyRoutes, submitBody, uploadPrefix } from "./body-calls.js";
import { BotRegistry } from "./bots.js";
import { DurableRecords } from "./durable.js";
import { EventFeed } from "./event-feed.js";
import { startFeed } from "./feed.js";
import type { Job } from "./job.js";
import { makeFolder } from "../../core/make-folder.js";
import { ServerMetrics } from "./metrics.js";
import { RateLimit } from "./rate-limit.js";
import type { JobRecords } from "./records.js";
import { JobStore } from "./store.js";
import type { ServerTls } from "./secure.js";
import { WaitingRoom } from "./waiting-room.js";
import { watchRoutes } from "./watch-calls.js";
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
  /** A folder in which everything outlives the server; by default nothing does. */
  readonly data?: string;
  /** Calls a second that each bot may make; more are refused with 429. */
  readonly rateLimit?: number;
  /** The largest payload or artifact, as far as they are sent by themselves. */
  readonly blobMax?: Bytes;
  /** All payloads and artifacts together. */
  readonly blobsMax?: Bytes;
  /** Where jobs outlive the server, if not in `data`. */
  readonly records?: JobRecords;
  /** Speaks TLS, and nothing else. */
  readonly tls?: ServerTls;
  readonly clock?: Clock;
  readonly onBug?: (error: unknown) => void;
}

export interface MockServer {
  readonly url: string;
  readonly port: number;
  /** Where the certificate of its CA lies, which bots must trust; null if nowhere, or if it speaks no TLS. */
  readonly caFile: string | null;
  /** Answers the long polls, then ends all connections. */
  close(): Promise<void>;
}

export async function startMockServer(options: MockServerOptions = {}): Promise<MockServer> {
  const clock = options.clock ?? new SystemClock();
  const bindTo = options.host ?? "127.0.0.1";
  // Before anything is made that would stay if a certificate cannot be used.
  const secure = options.tls && (await (await import("./secure.js")).openTls(options.tls, bindTo, clock));
  const onBug = options.onBug ?? ((error: unknown) => console.error("mock job server:", error));
  if (options.data !== undefined) makeFolder(options.data);
  const durable = options.data === undefined ? null : new DurableRecords(options.data);
  // Bodies are files in any case: without a folder to keep, in one that goes with the server.
  const folder = options.data ?? mkdtempSync(join(tmpdir(), "squall-mock-"));
  const records = durable?.jobs ?? options.records;
  const { pendingMax, finishedMax } = options;
  const store = new JobStore({
    clock,
    lease: options.lease ?? 30_000,
    ...(records && { records }),
    ...(pendingMax !== undefined && { pendingMax }),
    ...(finishedMax !== undefined && { finishedMax }),
  });
  const waitingRoom = new WaitingRoom(store, clock);
  const bots = new BotRegistry(clock, options.tokenTtl ?? 3_600_000, durable?.bots);
  const blobs = new BlobStore(
    join(folder, "bodies"),
    { blobMax: options.blobMax ?? 2 ** 30, totalMax: options.blobsMax ?? 16 * 2 ** 30 },
    knownBodies(store),
  );
  const feed = new EventFeed(clock);
  store.whenever((event) => {
    feed.tell(event);
    // Nobody can go on with what was uploaded under a lease that is over.
    if (event.event === "expired" || event.event === "completed" || event.event === "failed")
      blobs.dropAll(event.job.id).catch(onBug);
  });
  store.whenForgotten((job) => {
    // After the job itself: a crash in between must not leave a job without its body.
    store.flushed().then(() => bodiesOf(job).forEach((body) => blobs.remove(body)), onBug);
  });
  const metrics = new ServerMetrics({
    store,
    bots: () => bots.size,
    waiting: () => waitingRoom.size,
    readers: () => feed.readers,
    bodyBytes: () => blobs.bytes,
  });
  const rooms = { store, waitingRoom, bots, blobs, clock };
  const answering = listener(
    [...jobRoutes(rooms, submitBody(rooms)), ...bodyRoutes(rooms), ...watchRoutes(rooms, feed, metrics)],
    {
      bodyMax: options.bodyMax ?? 2 ** 20,
      onBug,
      onAnswer: metrics.onAnswer,
      ...(options.rateLimit !== undefined && { admit: limiter(new RateLimit(clock, options.rateLimit)) }),
    },
  );
  // Heads and JSON have to arrive in reasonable time; large bodies and long polls may take theirs.
  const settings = { requestTimeout: 0, headersTimeout: 20_000, ...streamOptions(KEEPALIVE_DEFAULT) };
  const server = secure ? secure.serve(settings, answering) : createServer(settings, answering);
  server.maxConnections = options.connectionsMax ?? 10_000;
  // A peer that reads nothing, or has vanished, does not hold its connection for ever.
  server.timeout = 2 * WAIT_MAX;
  const release = async (): Promise<void> => {
    await durable?.close();
    if (options.data === undefined) rmSync(folder, { recursive: true, force: true });
  };
  const { address, port } = await listen(server, options.port ?? 0, bindTo).catch(async (error: unknown) => {
    await release();
    throw error;
  });
  // Such as a lack of file descriptors, which passes.
  server.on("error", onBug);
  const stopFeed = options.feed ? startFeed(store, clock, options.feed.every) : () => undefined;

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopFeed();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    waitingRoom.close();
    feed.close();
    // One turn for the answers of the long polls to leave.
    await new Promise<void>((resolve) => setImmediate(resolve));
    server.closeAllConnections();
    await closed;
    await release();
  };
  const host = address.includes(":") ? `[${address}]` : address;
  const url = `${secure ? "https" : "http"}://${host}:${port}`;
  return { url, port, caFile: secure?.caFile ?? null, close: () => (closing ??= close()) };
}

const bodiesOf = (job: Job): Blob[] => [...(job.body ? [job.body] : []), ...Object.values(job.artifacts)];

/** The files that jobs refer to, and the unfinished uploads of jobs that are leased. */
function knownBodies(store: JobStore): (id: string) => boolean {
  const jobs = store.list();
  const bodies = new Set(jobs.flatMap((job) => bodiesOf(job).map(({ id }) => id)));
  const uploads = new Set(jobs.flatMap(({ id, lease }) => (lease ? [uploadPrefix(id, lease.id)] : [])));
  return (id) => bodies.has(id) || uploads.has(`${id.split("_", 2).join("_")}_`);
}

/** Who watches the server, or asks whether it is well, is no bot. */
const UNLIMITED = new Set(["/healthz", "/metrics", "/v1/events", "/v1/audit"]);

function limiter(limit: RateLimit): (request: IncomingMessage, path: string) => void {
  return ({ headers, socket }, path) => {
    if (UNLIMITED.has(path)) return;
    // The bot's id is the first part of its token; whoever has none is known by its address.
    const bot = /^Bearer +([^. ]{1,64})/iu.exec(headers.authorization ?? "")?.[1];
    limit.admit(bot ?? socket.remoteAddress ?? "");
  };
}

function listen(server: NetServer, port: number, host: string): Promise<{ address: string; port: number }> {
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
