/** An HTTP proxy on real sockets, raw clients, and servers that answer with scripted bytes; messages are cut without our own codec. */
import { HttpProxy } from "../../src/proxy/http/proxy.js";
import type { HttpProxySpec } from "../../src/proxy/http/spec.js";
import { VirtualClock } from "../../src/core/clock.js";
import { Client, Lab, until, type ClientOptions, type LabOptions } from "./lab.js";

/** A message in the middle of what was read, as it stood there. */
export interface RawMessage {
  readonly raw: string;
  /** Start line and fields with the empty line, and everything behind them. */
  readonly head: string;
  readonly rest: string;
  /** Without chunk framing. */
  readonly body: string;
  /** Where the next message begins. */
  readonly end: number;
}

export interface RawRequest extends RawMessage {
  readonly method: string;
  readonly target: string;
  /** Counts the server's requests over all connections, from 0. */
  readonly index: number;
  readonly peer: Client;
}

export interface ScriptedServer {
  readonly port: number;
  /** In the order in which they were complete. */
  readonly requests: RawRequest[];
  /** All connections that were accepted. */
  readonly peers: readonly Client[];
}

/** What a server does with a request: bytes to write, or nothing if it does by itself what is to be done. */
export type Script = (request: RawRequest) => string | Buffer | undefined;

export class HttpLab extends Lab {
  async http(upstreamPort: number, spec: Partial<HttpProxySpec> = {}): Promise<HttpProxy> {
    const proxy = new HttpProxy(
      {
        protocol: "http",
        name: "jobs",
        listen: { host: "127.0.0.1", port: 0 },
        upstream: { host: "127.0.0.1", port: upstreamPort },
        dialTimeout: 5_000,
        connections: 100_000,
        proxyProtocol: "off",
        except: [],
        tls: null,
        identify: [{ by: "client" }],
        salt: "salt",
        persona: "plain",
        faultHeader: false,
        ambiguous: "reject",
        headTimeout: 60_000,
        headBytes: 65_536,
        ...spec,
      },
      this.context,
    );
    this.plan.attach(proxy);
    await proxy.start();
    this.onEnd(() => {
      proxy.stop();
    });
    return proxy;
  }

  /** A server that answers each whole request with what the script says. */
  async scripted(script: Script = () => ok("hello")): Promise<ScriptedServer> {
    const requests: RawRequest[] = [];
    const peers: Client[] = [];
    const port = await this.server((socket) => {
      const peer = new Client(socket);
      peers.push(peer);
      let from = 0;
      socket.on("data", () => {
        for (;;) {
          const message = messageAt(peer.text, from);
          if (message === null) break;
          from = message.end;
          const [method = "", target = ""] = message.head.trimStart().split(" ");
          const request = { ...message, method, target, index: requests.length, peer };
          requests.push(request);
          const answer = script(request);
          if (answer !== undefined && socket.writable) peer.write(answer);
        }
      });
      socket.on("end", () => socket.end());
    });
    return { port, requests, peers };
  }

  /** A server that answers each whole request with this body and closes. */
  answering(body = "hello"): Promise<ScriptedServer> {
    return this.scripted(({ peer }) => {
      peer.write(ok(body));
      peer.fin();
      return undefined;
    });
  }

  /** Sends a request on a connection of its own and gives its whole answer. */
  async ask(
    proxy: HttpProxy | number,
    request: string | Buffer,
    options: ClientOptions = {},
  ): Promise<RawMessage> {
    const client = this.client(proxy, options.localAddress, options);
    client.write(request);
    const answer = await answerTo(
      client,
      request.toString("latin1").trimStart().startsWith("HEAD ") ? { head: true } : {},
    );
    client.fin();
    return answer;
  }
}

/** A lab on a clock that moves when told, and the clock. */
export function httpTimeLab(options: LabOptions = {}): {
  readonly lab: HttpLab;
  readonly time: VirtualClock;
} {
  const time = new VirtualClock(1_000);
  return { lab: new HttpLab({ ...options, clock: time }), time };
}

/** A plain answer with this body. */
export function ok(body: string, fields: readonly string[] = []): string {
  const lines = [`Content-Length: ${Buffer.byteLength(body, "latin1")}`, ...fields];
  return `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

export function get(target: string, fields: readonly string[] = []): string {
  return `GET ${target} HTTP/1.1\r\n${["Host: jobs.test", ...fields].join("\r\n")}\r\n\r\n`;
}

/** A request that says that it is the last of its connection. */
export const closing = get("/v1/jobs", ["Connection: close"]);

export function post(target: string, body: string, fields: readonly string[] = []): string {
  const lines = ["Host: jobs.test", `Content-Length: ${Buffer.byteLength(body, "latin1")}`, ...fields];
  return `POST ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

export function chunked(chunks: readonly string[], end = "0\r\n\r\n"): string {
  return chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("") + end;
}

/** Resolves once the client has read this text. */
export async function said(client: Client, text: string): Promise<void> {
  await until(() => client.text.includes(text));
}

/** The next whole answer, from an offset in all that the client has read; interim ones are answers too. */
export async function answerTo(
  client: Client,
  { from = 0, head = false }: { readonly from?: number; readonly head?: boolean } = {},
): Promise<RawMessage> {
  let over = false;
  void client.ended.then(() => (over = true));
  for (;;) {
    const answer = messageAt(client.text, from, { head, over });
    if (answer !== null) return answer;
    if (over) throw new Error(`the answer ended in ${JSON.stringify(client.text.slice(from))}`);
    const { length } = client;
    await until(() => over || client.length > length);
  }
}

/** As many whole answers one behind the other. */
export async function answersTo(client: Client, count: number, from = 0): Promise<RawMessage[]> {
  const answers: RawMessage[] = [];
  for (let at = from; answers.length < count;) {
    const answer = await answerTo(client, { from: at });
    answers.push(answer);
    at = answer.end;
  }
  return answers;
}

/**
 * The whole message that begins there, or null if it is not whole yet. Good enough for what tests write: a
 * Content-Length, chunks without extensions or with, or an answer that lasts until its connection is over.
 */
export function messageAt(
  text: string,
  from: number,
  { head: headOnly = false, over = false }: { readonly head?: boolean; readonly over?: boolean } = {},
): RawMessage | null {
  let at = from;
  while (text.startsWith("\r\n", at)) at += 2;
  const headEnd = text.indexOf("\r\n\r\n", at);
  if (headEnd < 0) return null;
  const start = headEnd + 4;
  const head = text.slice(from, start);
  const message = (end: number, body: string): RawMessage => ({
    raw: text.slice(from, end),
    head,
    rest: text.slice(start, end),
    body,
    end,
  });
  const status = /^\s*HTTP\/1\.\d (\d{3})/u.exec(head)?.[1];
  if (headOnly || (status !== undefined && /^(?:1..|204|304)$/u.test(status))) return message(start, "");
  if (/^transfer-encoding:[^\r]*chunked/imu.test(head)) return chunksAt(text, start, message);
  const length = /^content-length:\s*(\d+)/imu.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    return text.length < end ? null : message(end, text.slice(start, end));
  }
  if (status === undefined) return message(start, "");
  return over ? message(text.length, text.slice(start)) : null;
}

function chunksAt(
  text: string,
  start: number,
  message: (end: number, body: string) => RawMessage,
): RawMessage | null {
  let body = "";
  for (let at = start; ;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) return null;
    if (size === 0) {
      const end = text.startsWith("\r\n", line + 2) ? line + 4 : text.indexOf("\r\n\r\n", line) + 4;
      return end < line || text.length < end ? null : message(end, body);
    }
    const next = line + 2 + size + 2;
    if (text.length < next) return null;
    body += text.slice(line + 2, line + 2 + size);
    at = next;
  }
}
