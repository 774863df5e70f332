/**
 * One HTTP request and its answer, or an error that says in plain words what went wrong. Every exchange has
 * a deadline: a connection can be up and silent for ever.
 */
import type { Readable } from "node:stream";
import http from "node:http";
import https from "node:https";
import { KEEPALIVE_DEFAULT } from "../../core/stream-options.js";
import type { Clock, Millis } from "../../core/clock.js";
import { invariant } from "../../core/invariant.js";
import type { Bytes } from "../../core/units.js";
import { ClientTls, type ClientTlsOptions } from "../tls/client.js";
import { broken, digestOf, judge, type RawAnswer } from "./answer.js";
import { connectWithin, type Connecting } from "./connecting.js";
import { Deadline } from "./deadline.js";
import type { Flaws } from "./flaws.js";
import { unless } from "./patience.js";
import { Trouble, Unable } from "./trouble.js";

export interface ExchangerOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly server: string;
  readonly name: string;
  readonly clock: Clock;
  readonly flaws: Flaws;
  readonly localAddress?: string;
  /** In place of the system's resolver. */
  readonly lookup?: http.RequestOptions["lookup"];
  /** For a server of `https:`; it works without. */
  readonly tls?: ClientTlsOptions;
  /** How long a new connection may take, TLS and all. */
  readonly connectTimeout: Millis;
}

export interface Question {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly path: string;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body?: string | Readable;
  /** For the whole answer; for a body that is streamed, for each piece of it. */
  readonly timeout: Millis;
  /** Gives up when aborted, with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Takes the body of an answer, piece by piece. */
export type Receive<T> = (answer: http.IncomingMessage, body: AsyncIterable<Buffer>) => Promise<T>;

/** No answer of the job protocol is nearly as large; a peer that never stops sending is not our server. */
const ANSWER_MAX: Bytes = 4 * 2 ** 20;

interface Opened {
  readonly request: http.ClientRequest;
  readonly connecting: Connecting;
}

export class Exchanger {
  readonly #options: ExchangerOptions;
  readonly #server: URL;
  /** Null for plain HTTP. */
  readonly #tls: ClientTls | null;
  #agent: http.Agent;
  /** Those of certificates that were exchanged since, with what is still under way. */
  readonly #earlier: http.Agent[] = [];
  #closed = false;

  constructor(options: ExchangerOptions) {
    this.#options = options;
    const { server, tls = {}, flaws } = options;
    this.#server = new URL(server.endsWith("/") ? server : `${server}/`);
    // flaw no-verify: whoever answers is taken for the server.
    const verify = !flaws.has("no-verify");
    this.#tls = this.#server.protocol === "https:" ? new ClientTls(tls, { verify }) : null;
    this.#agent = this.#newAgent();
  }

  /** The JSON of a good answer, or null if it has none. Throws Trouble, Refused or the signal's reason. */
  async post(question: Omit<Question, "method" | "body"> & { readonly body: unknown }): Promise<unknown> {
    const body = JSON.stringify(question.body);
    const headers = {
      ...question.headers,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "digest": digestOf(body),
    };
    return this.judged(await this.ask({ ...question, method: "POST", body, headers }));
  }

  /** What the answer says, told from what something in between made up. */
  judged(raw: RawAnswer): unknown {
    return judge(raw, this.#options.clock, this.#options.flaws);
  }

  /** The whole answer, whatever its status. */
  ask(question: Question): Promise<RawAnswer> {
    return this.exchange(question, async ({ statusCode: status = 0, headers }, body) => {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > ANSWER_MAX) throw new Trouble(`the answer is longer than ${ANSWER_MAX} bytes`);
      }
      return { status, headers, text: Buffer.concat(chunks).toString() };
    });
  }

  /** Sends, and has the answer received. */
  async exchange<T>(question: Question, receive: Receive<T>): Promise<T> {
    invariant(!this.#closed, "the client has been disposed of already");
    const { clock, flaws } = this.#options;
    // flaw no-timeout: an answer is waited for, however long.
    const timeout = flaws.has("no-timeout") ? Infinity : question.timeout;
    const deadline = new Deadline(clock, timeout, question.signal);
    const { request, connecting } = this.#open(question, deadline.signal);
    let answer: http.IncomingMessage | null = null;
    try {
      answer = await unless(deadline.signal, answerTo(request, question.body, deadline));
      const moving = typeof question.body === "object" || question.method === "GET";
      const body = bodyOf(answer, flaws, () => moving && deadline.extend());
      return await unless(deadline.signal, receive(answer, body));
    } catch (error) {
      // After one connection broke, those that lie idle are likely to be dead as well.
      const { aborted, reason } = deadline.signal;
      const why = aborted ? reason : broken(error, flaws, connecting.inHandshake);
      if (why instanceof Trouble) {
        this.#dropIdle(why);
        // Some servers refuse a certificate of ours without a word.
        if (why.tls !== null || why.cut) this.#renewTls();
      }
      throw why;
    } finally {
      deadline.end();
      // An answer that came before all was sent or read leaves a connection that is good for nothing more.
      if (!request.writableFinished || answer?.complete !== true) request.destroy();
    }
  }

  close(): void {
    this.#closed = true;
    for (const agent of [this.#agent, ...this.#earlier]) agent.destroy();
  }

  #newAgent(): http.Agent {
    const { localAddress, lookup } = this.#options;
    // Agents of Node know the delay by another name.
    const settings = {
      keepAlive: true,
      keepAliveMsecs: KEEPALIVE_DEFAULT,
      ...(localAddress && { localAddress }),
      ...(lookup && { lookup }),
    };
    return this.#tls === null
      ? new http.Agent(settings)
      : new https.Agent({ ...settings, ...this.#tls.agent });
  }

  /** A certificate may have been refused, theirs or ours: perhaps the files have others by now. Sessions of the old ones must not be resumed. */
  #renewTls(): void {
    if (this.#tls?.renew() !== true) return;
    this.#earlier.push(this.#agent);
    this.#agent = this.#newAgent();
  }

  #open({ method, path, headers, timeout }: Question, signal: AbortSignal): Opened {
    const { clock, flaws, connectTimeout } = this.#options;
    const secure = this.#tls !== null;
    const request = (secure ? https : http).request(new URL(path, this.#server), {
      method,
      agent: this.#agent,
      signal,
      headers: { "accept": "application/json", "x-bot-id": headerText(this.#options.name), ...headers },
    });
    // Told once more to whoever waits for the answer; nobody may be.
    request.on("error", () => undefined);
    // flaw no-timeout: here as well.
    const patience = flaws.has("no-timeout") ? Infinity : Math.min(timeout, connectTimeout);
    return { request, connecting: connectWithin(request, clock, patience, secure) };
  }

  #dropIdle(why: Trouble): void {
    // flaw dies-on-reset: the client is disposed of as a whole, and the retry is made with it all the same.
    if (this.#options.flaws.has("dies-on-reset") && why.cut) return this.close();
    for (const { freeSockets } of [this.#agent, ...this.#earlier])
      for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

function answerTo(
  request: http.ClientRequest,
  body: string | Readable | undefined,
  deadline: Deadline,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
    if (typeof body !== "object") {
      request.end(body);
      return;
    }
    body.on("data", () => deadline.extend());
    body.once("error", ({ message }) => reject(new Unable(message)));
    request.once("close", () => body.destroy());
    body.pipe(request);
  });
}

/** Node raises an error here when the connection ends before the body does. */
async function* bodyOf(
  answer: http.IncomingMessage,
  flaws: Flaws,
  moved: () => unknown,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) {
      moved();
      yield chunk as Buffer;
    }
  } catch (error) {
    // flaw trusts-short-bodies: the end of the connection is the end of the body.
    if (!flaws.has("trusts-short-bodies")) throw error;
  }
}

/** A name as a header can carry it. */
function headerText(name: string): string {
  return /^[\x21-\x7e]+$/u.test(name) ? name : encodeURIComponent(name);
}
