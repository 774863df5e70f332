/**
 * One HTTP request and its whole answer, or an error that says in plain words what went wrong. Every
 * exchange has a deadline: a connection can be up and silent for ever.
 */
import http from "node:http";
import https from "node:https";
import type { Clock, Millis } from "../../core/clock.js";
import { formatDuration, type Bytes } from "../../core/units.js";
import { Refused, Trouble } from "./trouble.js";

export interface Question {
  readonly path: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: Millis;
  /** Gives up when aborted, with the signal's reason. */
  readonly signal: AbortSignal;
}

/** No answer of the job protocol is nearly as large; a peer that never stops sending is not our server. */
const ANSWER_MAX: Bytes = 4 * 2 ** 20;
/** A Retry-After of a day is a mistake of the server, not a reason to be gone for a day. */
const RETRY_AFTER_MAX: Millis = 300_000;

interface RawAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

export class Exchanger {
  readonly #server: URL;
  readonly #clock: Clock;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;

  constructor(server: string, clock: Clock, localAddress?: string) {
    this.#server = new URL(server.endsWith("/") ? server : `${server}/`);
    this.#clock = clock;
    const secure = this.#server.protocol === "https:";
    const options = { keepAlive: true, ...(localAddress === undefined ? {} : { localAddress }) };
    this.#agent = secure ? new https.Agent(options) : new http.Agent(options);
    this.#request = secure ? https.request : http.request;
  }

  /** The JSON of a good answer, or null if it has none. Throws Trouble, Refused or the signal's reason. */
  async post(question: Question): Promise<unknown> {
    const raw = await this.#exchange(question).catch((error: unknown) => {
      // After one connection broke, those that lie idle are likely to be dead as well.
      if (error instanceof Trouble) this.#dropIdle();
      throw error;
    });
    return judge(raw, this.#clock);
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange({ path, body, headers, timeout, signal }: Question): Promise<RawAnswer> {
    const text = JSON.stringify(body);
    const deadline = new AbortController();
    const { promise, resolve, reject } = settleable<RawAnswer>();
    const giveUp = (): void => deadline.abort(signal.reason);
    const timer = this.#clock.at(this.#clock.now() + timeout, () => {
      deadline.abort(new Trouble(`no answer within ${formatDuration(timeout)}`));
    });
    deadline.signal.addEventListener("abort", () => reject(deadline.signal.reason), { once: true });
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });

    const fail = (error: Error): void => reject(broken(error));
    const request = this.#request(new URL(path, this.#server), {
      method: "POST",
      agent: this.#agent,
      signal: deadline.signal,
      headers: {
        ...headers,
        "accept": "application/json",
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      },
    });
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > ANSWER_MAX) deadline.abort(new Trouble(`the answer is longer than ${ANSWER_MAX} bytes`));
      });
      // Node raises an error here when the connection ends before the body does.
      response.on("error", fail);
      response.on("end", () => {
        const { statusCode: status = 0, headers } = response;
        if (response.complete) resolve({ status, headers, text: Buffer.concat(chunks).toString() });
        else reject(new Trouble("the answer was cut short"));
      });
    });
    request.end(text);
    return promise.finally(() => {
      timer.cancel();
      signal.removeEventListener("abort", giveUp);
    });
  }

  #dropIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
  }
}

/** Tells a good answer from a refusal of the job server, and both from what something in between made up. */
function judge({ status, headers, text }: RawAnswer, clock: Clock): unknown {
  if (status === 204) return null;
  const retryAfter = parseRetryAfter(headers["retry-after"], clock);
  const json = parseObject(text);
  if (status >= 200 && status < 300) {
    if (json) return json;
    throw new Trouble(`${status} with ${describe(headers, text)} instead of JSON`, retryAfter);
  }
  // A token can be refused by anything on the way.
  if (status === 401) throw new Refused(status, `401: ${json ? String(json["error"]) : "not authorized"}`);
  const ours = json && typeof json["code"] === "string" && typeof json["error"] === "string";
  const final = status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
  if (ours && final) throw new Refused(status, `${status}: ${String(json["error"])}`);
  const what = ours ? String(json["error"]) : `with ${describe(headers, text)}`;
  throw new Trouble(`${status} ${what}`, retryAfter);
}

/** Every answer of the protocol is an object, of which no shorter part is JSON: a truncated one cannot pass. */
function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(headers: http.IncomingHttpHeaders, text: string): string {
  if (text === "") return "an empty body";
  if (/^\s*</u.test(text)) return "an HTML page";
  return `a body of type ${headers["content-type"] ?? "unknown"}`;
}

/** Seconds or a date, RFC 9110 section 10.2.3; nonsense counts as nothing. */
function parseRetryAfter(header: string | undefined, clock: Clock): Millis {
  if (header === undefined) return 0;
  const wait = /^\d+$/u.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.wallTime();
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), RETRY_AFTER_MAX);
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed while sending",
  ETIMEDOUT: "connection timed out",
  ENOTFOUND: "the server's name is not known",
  EAI_AGAIN: "the server's name could not be looked up",
  EHOSTUNREACH: "the server's host cannot be reached",
  ENETUNREACH: "the server's network cannot be reached",
};

function broken(error: Error): Trouble {
  const code = "code" in error ? String(error.code) : "";
  return new Trouble(PLAIN_WORDS[code] ?? error.message);
}

function settleable<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
