/** The admin port: an HTTP server with a limit on everything, opened and closed by the daemon. */
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { formatAddress, type Address } from "../config/address.js";
import { SquallError, type ErrorCode } from "../core/errors.js";
import { KEEPALIVE_DEFAULT, streamOptions, type Keepalive } from "../core/stream-options.js";
import { listenStream } from "../proxy/sockets/bind.js";
import { createApp } from "./app.js";
import { Door } from "./door.js";
import { Guard } from "./guard.js";
import { Guests } from "./guests.js";
import { ADMIN_LIMITS, withRoom, type AdminLimits, type House } from "./house.js";
import { Lane, SOCKETS_OF_LANES, type Lanes } from "./lane.js";
import { Ledger } from "./ledger.js";
import { Pace } from "./pace.js";
import { apiRoutes } from "./routes.js";
import { secured, type AdminCertificate } from "./secure-port.js";
import { sourceOf } from "./sources.js";
import { Turnstile } from "./turnstile.js";
import { Visitors } from "./visitors.js";

export interface AdminOptions extends Omit<
  House,
  "limits" | "streams" | "polls" | "ledger" | "streamLedger" | "turnstile" | "startedAt"
> {
  readonly listen: Address;
  /** A bearer token that every call must carry; none if missing or empty. */
  readonly token?: string | undefined;
  /** Names that the Host header may have besides addresses, localhost and names without a dot. */
  readonly hosts?: readonly string[];
  readonly limits?: Partial<AdminLimits>;
  /** What clients are shown where HTTPS is spoken; missing for plain HTTP. */
  readonly certificate?: AdminCertificate | undefined;
  /** 15 seconds if missing. */
  readonly keepalive?: Keepalive;
}

export interface Admin {
  /** Where it can be called from this machine. */
  readonly url: string;
  readonly address: Address;
  /** Bytes that wait for those who read streams. */
  readonly waiting: number;
  /** Lets long polls and streams go, answers what is being answered, and closes the port. */
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 5_000;
/** For answers that are under way when the port closes. */
const CLOSE_GRACE_MS = 1_000;

/** Throws SQ_ADMIN_PORT_TAKEN or SQ_LISTEN_FAILED. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { listen, token, hosts = [], clock } = options;
  const asked = { ...ADMIN_LIMITS, ...options.limits };
  const limits = { ...asked, ...withRoom(asked) };
  const door = new Door();
  const house: House = {
    ...options,
    limits,
    streams: new Guests("event streams", limits.streams),
    polls: new Guests("long polls", limits.polls),
    ledger: new Ledger(limits.underWay, clock),
    streamLedger: new Ledger(limits.streamsUnderWay, clock, { what: "events", ours: true }),
    turnstile: newTurnstile(door),
    startedAt: clock.now(),
  };
  const guard = new Guard({ token, hosts });
  const app = createApp(apiRoutes(house, guard.hasToken), guard, house);
  const server = createServer({
    ...streamOptions(options.keepalive ?? KEEPALIVE_DEFAULT),
    ...SOCKETS_OF_LANES,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.requestTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1_000, limits.requestTimeout),
    // The guard says so, in our own words.
    requireHostHeader: false,
  });
  const answering = new Answering(server);
  const pace = new Pace(clock);
  throughLanes(server, { connections: limits.connections, door, pace, certificate: options.certificate });
  server.on("request", app);
  // A body that is refused anyway need not be sent; see readBody.
  server.on("checkContinue", app);
  server.on("checkExpectation", app);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    refuse(error, socket, answering.hasAnswer(socket));
  });
  const { host, port } = await bind(server, listen);
  return {
    url: `${options.certificate === undefined ? "http" : "https"}://${formatAddress({ host: reachable(host), port })}`,
    address: { host, port },
    get waiting() {
      return house.streamLedger.bytes;
    },
    close: async () => {
      await close(server, house, answering);
      pace.close();
    },
  };
}

/** Puts a lane before each connection, and sees to it that there is a place for it. */
function throughLanes(
  server: Server,
  parts: {
    readonly connections: number;
    readonly door: Door;
    readonly pace: Pace;
    readonly certificate: AdminCertificate | undefined;
  },
): void {
  const { connections, door, pace, certificate } = parts;
  const visitors = new Visitors<Lane>(connections, (lane) =>
    lane.isGuest ? "guest" : lane.isAnswering ? "answer" : "nothing",
  );
  // Requests behind the first of a connection, and firsts that are slow to arrive: one of each in a turn of the event loop in
  // which nobody comes in, whatever all of them have sent ahead. Those who ask again do not wait behind strangers.
  const [first, again] = [newTurnstile(door), newTurnstile(door)];
  const lanes: Lanes = {
    first: (lane) => first.pass(sourceOf(lane.remoteAddress), lane),
    again: (lane) => again.pass(sourceOf(lane.remoteAddress), lane),
    rest: (wake) => {
      pace.rest(wake);
    },
  };
  const listeners = server.listeners("connection") as ((this: Server, stream: Duplex) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    door.came();
    const lane = new Lane(certificate === undefined ? socket : secured(socket, certificate), lanes);
    visitors.came(lane);
    if (!lane.destroyed) for (const accept of listeners) accept.call(server, lane);
  });
  for (const event of ["request", "checkContinue", "checkExpectation"] as const) {
    server.prependListener(event, (request: IncomingMessage, response: ServerResponse) => {
      const lane = request.socket as Duplex;
      if (!(lane instanceof Lane)) return;
      // Not before: whoever has only begun to ask is no better known than one who has said nothing.
      response.once("finish", () => {
        if (request.complete) visitors.answered(lane);
      });
      lane.serve(request, response);
    });
  }
}

function newTurnstile(door: Door): Turnstile {
  return new Turnstile((run) => {
    door.whenCalm(run);
  });
}

/** Answers where. */
async function bind(server: Server, listen: Address): Promise<Address> {
  try {
    return await listenStream(server, listen);
  } catch (error) {
    const where = formatAddress(listen);
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === "EADDRINUSE"
      ? new SquallError("SQ_ADMIN_PORT_TAKEN", `the admin port ${where} is in use`, { cause: error })
      : new SquallError("SQ_LISTEN_FAILED", `the admin port cannot listen on ${where}: ${message}`, {
          hint: "--admin, or admin.listen, says where",
          cause: error,
        });
  }
}

/** All addresses of a machine are none that could be called. */
function reachable(host: string): string {
  return host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
}

async function close(server: Server, { clock, streams, polls }: House, answering: Answering): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      server.closeAllConnections();
    };
    const grace = clock.at(clock.now() + CLOSE_GRACE_MS, end);
    server.close(() => {
      grace.cancel();
      resolve();
    });
    streams.close();
    polls.close();
    answering.whenDone(end);
  });
}

/** Which answers are under way, and what was asked last on each socket. */
class Answering {
  readonly #now = new Set<ServerResponse>();
  readonly #last = new WeakMap<
    Duplex,
    { readonly request: IncomingMessage; readonly response: ServerResponse }
  >();
  #done: (() => void) | null = null;

  constructor(server: Server) {
    for (const event of ["request", "checkContinue", "checkExpectation"] as const) {
      server.on(event, (request: IncomingMessage, response: ServerResponse) => {
        this.#last.set(request.socket, { request, response });
        this.#now.add(response);
        response.once("close", () => {
          this.#now.delete(response);
          if (this.#now.size === 0) this.#done?.();
        });
      });
    }
  }

  /** Whether what is going on there has an answer, or the beginning of one, that another must not follow. */
  hasAnswer(socket: Duplex): boolean {
    const last = this.#last.get(socket);
    if (last === undefined || !last.response.headersSent) return false;
    return !last.request.complete || !last.response.writableFinished;
  }

  /** Calls back when none is under way, which may be at once. */
  whenDone(run: () => void): void {
    this.#done = run;
    if (this.#now.size === 0) run();
  }
}

/** Answers what never became a request: node:http would do it without a body, in words of its own. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex, hasAnswer: boolean): void {
  if (error.code === "ECONNRESET" || !socket.writable || hasAnswer) {
    socket.destroy();
    return;
  }
  const { status, code, text } = refusal(error.code ?? "");
  const body = JSON.stringify({ error: text, status, code });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n` +
      `connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function refusal(reason: string): { status: number; code: ErrorCode; text: string } {
  switch (reason) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, code: "SQ_TOO_LARGE", text: "the head of the request is too large" };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, code: "SQ_TOO_LARGE", text: "the chunk extensions are too large" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, code: "SQ_TIMEOUT", text: "the request did not arrive in time" };
    default:
      return { status: 400, code: "SQ_BAD_REQUEST", text: "this is not an HTTP request" };
  }
}
