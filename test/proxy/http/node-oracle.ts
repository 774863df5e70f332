/** Node's own HTTP parser as an oracle: the same bytes through `node:http`, over a stream in memory. */
import { createServer, request as clientRequest, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import type { Asked } from "../../../src/proxy/http/framing.js";
import type { Event } from "./transcript.js";

/** One message as both readers can tell it. */
export interface Message {
  readonly line: string;
  readonly fields: readonly string[];
  payload: string;
  trailers: readonly string[];
  complete: boolean;
}

/** What a reader made of a stream: its messages, and what became of the rest. */
export interface Account {
  readonly messages: Message[];
  /** "open": all was read. */
  outcome: "open" | "refused" | "upgraded";
  /** The code of the refusal or of Node's error. */
  reason: string;
  /** What followed an upgrade. */
  plain: string;
}

/** A wire that is written to by hand and swallows what it is sent. */
class Wire extends Duplex {
  override _read(): void {
    // Bytes are pushed from outside.
  }
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

function pairs(raw: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < raw.length; at += 2) lines.push(`${raw[at] ?? ""}: ${raw[at + 1] ?? ""}`);
  return lines;
}

function follow(message: IncomingMessage, line: string, account: Account): void {
  const told: Message = {
    line,
    fields: pairs(message.rawHeaders),
    payload: "",
    trailers: [],
    complete: false,
  };
  account.messages.push(told);
  message.on("data", (chunk: Buffer) => (told.payload += chunk.toString("latin1")));
  message.on("end", () => {
    told.trailers = pairs(message.rawTrailers);
    told.complete = message.complete;
  });
  message.on("error", () => undefined);
}

async function feed(wire: Wire, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    wire.push(Buffer.from(piece));
    await turn();
  }
  await turn();
  await turn();
}

function tail(account: Account, wire: Duplex, head: Buffer): void {
  account.outcome = "upgraded";
  account.plain = head.toString("latin1");
  wire.on("data", (chunk: Buffer) => (account.plain += chunk.toString("latin1")));
}

function requestLine(request: IncomingMessage): string {
  return `${request.method ?? ""} ${request.url ?? ""} HTTP/${request.httpVersion}`;
}

/** One server for all streams: each is told apart by its wire. */
const accounts = new WeakMap<object, Account>();
const server = createServer({ maxHeaderSize: 65_536, requireHostHeader: false, keepAliveTimeout: 0 });

function accountFor(wire: object): Account {
  const account = accounts.get(wire);
  if (account === undefined) throw new Error("a wire that nobody laid");
  return account;
}

// Nobody answers: that would end a closing connection under the bytes that follow it.
for (const event of ["request", "checkContinue", "checkExpectation"]) {
  server.on(event, (request: IncomingMessage) => {
    follow(request, requestLine(request), accountFor(request.socket));
  });
}
for (const event of ["upgrade", "connect"]) {
  server.on(event, (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const account = accountFor(socket);
    follow(request, requestLine(request), account);
    const last = account.messages.at(-1);
    if (last) last.complete = true;
    tail(account, socket, head);
  });
}
server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
  refuse(accountFor(socket), error);
});

/** A wire that we cut ourselves is no refusal. */
function refuse(account: Account, { code = "" }: NodeJS.ErrnoException): void {
  if (code === "ECONNRESET" || account.outcome !== "open") return;
  account.outcome = "refused";
  account.reason = code;
}

export async function nodeReadsRequests(pieces: readonly Buffer[]): Promise<Account> {
  const account: Account = { messages: [], outcome: "open", reason: "", plain: "" };
  const wire = new Wire();
  accounts.set(wire, account);
  server.emit("connection", wire);
  await feed(wire, pieces);
  wire.destroy();
  return account;
}

/** One connection, one request, as Node's client reads its answer. */
export async function nodeReadsResponse(pieces: readonly Buffer[], asked: Asked): Promise<Account> {
  const account: Account = { messages: [], outcome: "open", reason: "", plain: "" };
  const wire = new Wire();
  const request = clientRequest({
    method: asked.head ? "HEAD" : asked.connect ? "CONNECT" : "GET",
    path: asked.connect ? "a:1" : "/",
    headers: asked.upgrade ? { connection: "upgrade", upgrade: "x" } : {},
    maxHeaderSize: 65_536,
    createConnection: () => wire,
  });
  const line = (response: IncomingMessage): string =>
    `HTTP/${response.httpVersion} ${response.statusCode ?? ""} ${response.statusMessage ?? ""}`.trimEnd();
  request.on("information", (info: IncomingMessage) => {
    account.messages.push({
      line: line(info),
      fields: pairs(info.rawHeaders),
      payload: "",
      trailers: [],
      complete: true,
    });
  });
  request.on("response", (response) => {
    follow(response, line(response), account);
  });
  for (const event of ["upgrade", "connect"]) {
    request.on(event, (response: IncomingMessage, socket: Duplex, head: Buffer) => {
      follow(response, line(response), account);
      const last = account.messages.at(-1);
      if (last) last.complete = true;
      tail(account, socket, head);
    });
  }
  request.on("error", (error: NodeJS.ErrnoException) => {
    refuse(account, error);
  });
  request.end();
  await turn();
  await feed(wire, pieces);
  wire.destroy();
  await turn();
  return account;
}

/** Our own events, told the same way. */
export function accountOf(events: readonly Event[]): Account {
  const account: Account = { messages: [], outcome: "open", reason: "", plain: "" };
  let last: Message | undefined;
  for (const event of events) {
    if ("head" in event) {
      const interim = event.marks.includes("interim") || event.marks.includes("tunnel");
      last = { line: event.head, fields: event.fields, payload: "", trailers: [], complete: interim };
      account.messages.push(last);
    } else if ("body" in event && last) last.payload += event.payload;
    else if ("trailers" in event && last) last.trailers = event.trailers;
    else if ("end" in event && last) last.complete = true;
    else if ("refused" in event) {
      account.outcome = "refused";
      account.reason = event.refused;
    } else if ("foreign" in event) {
      account.outcome = "refused";
      account.reason = event.foreign;
    } else if ("is" in event && event.is === "upgraded") account.outcome = "upgraded";
    else if ("plain" in event && account.outcome === "upgraded") account.plain = event.plain;
  }
  return account;
}
