/** A TLS server of one connection at a time whose engines sit on carriers, and clients of Node for it, all over loopback. */
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import {
  connect,
  createSecureContext,
  TLSSocket,
  type ConnectionOptions,
  type TLSSocketOptions,
} from "node:tls";
import { onTestFinished } from "vitest";
import { Carrier, type CarrierOptions } from "../../src/tls/carrier.js";
import { SERVER_CIPHERS } from "./suites.js";
import { CERTIFICATE, KEY } from "../support/certificate.js";

export interface ServerEnd {
  readonly socket: Socket;
  readonly carrier: Carrier;
  readonly engine: TLSSocket;
}

export interface EngineOptions {
  readonly tls?: TLSSocketOptions;
  readonly carrier?: CarrierOptions;
  /** Called when the engine is there and has seen nothing. */
  readonly begun?: (end: ServerEnd) => void;
}

export interface EngineServer {
  readonly port: number;
  /** A client that begins a handshake, and the server's end of it. */
  connect(options?: ConnectionOptions): Promise<ServerEnd & { readonly client: TLSSocket }>;
  /** The next connection, whoever makes it. */
  next(): Promise<ServerEnd>;
  close(): Promise<void>;
}

export async function engineServer(options: EngineOptions = {}): Promise<EngineServer> {
  const secureContext = createSecureContext({
    cert: CERTIFICATE,
    key: KEY,
    minVersion: "TLSv1",
    ciphers: SERVER_CIPHERS,
  });
  const ends: ServerEnd[] = [];
  const waiting: ((end: ServerEnd) => void)[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const carrier = new Carrier(socket, options.carrier);
    const engine = new TLSSocket(carrier, { isServer: true, secureContext, ...options.tls });
    carrier.carry(engine);
    engine.on("error", () => undefined);
    const end = { socket, carrier, engine };
    options.begun?.(end);
    const taker = waiting.shift();
    if (taker === undefined) ends.push(end);
    else taker(end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const next = (): Promise<ServerEnd> => {
    const end = ends.shift();
    return end === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(end);
  };
  server.on("connection", (socket) => sockets.push(socket));
  return {
    port,
    next,
    connect: async (more = {}) => {
      const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
      sockets.push(socket);
      const client = connect({
        socket,
        servername: "jobs.test",
        rejectUnauthorized: false,
        minVersion: "TLSv1",
        ciphers: "ALL:@SECLEVEL=0",
        ...more,
      });
      return { ...(await next()), client };
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A server for one test, closed when that is over. */
export async function serve(options: EngineOptions = {}): Promise<EngineServer> {
  const server = await engineServer(options);
  onTestFinished(() => server.close());
  return server;
}

/** What a client's connection came to: the code of its error, or how it ended. */
export async function outcome(client: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    client.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    client.once("end", () => {
      resolve("end");
    });
    client.resume();
  });
}

/** Resolves when all of them are closed, with an error or without. */
export async function closed(...streams: readonly Duplex[]): Promise<void> {
  await Promise.all(
    streams.map((stream) =>
      stream.closed ? undefined : new Promise((resolve) => stream.once("close", resolve)),
    ),
  );
}

/** All that it reads, to its end. */
export async function collect(socket: TLSSocket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => parts.push(chunk));
  socket.resume();
  await once(socket, "end");
  return Buffer.concat(parts);
}

/** What has been handed over within the process is done by then. */
export async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
