/**
 * `fetch` for servers on any port. The standard forbids pages of the web to reach some ports (WHATWG Fetch, "port blocking": 6000, 6667,
 * 10080 and others), and Node's `fetch` keeps to that, although no page asks here.
 */
import { request as overHttp, type IncomingMessage } from "node:http";
import { request as overHttps, type Agent } from "node:https";
import { pipeline, Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";

export interface AnyPortRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, or pieces that are asked for as they are sent; anew for each attempt. */
  readonly body?: string | (() => Iterable<Uint8Array>);
  readonly signal?: AbortSignal;
  /** For servers that need another trust than the usual one: `fetch` can be given none. */
  readonly agent?: Agent;
}

/**
 * For a question that is asked once and must be answered: a connection that is kept is one that its server may close, since it was idle,
 * in the moment in which the next question is sent, and whoever asks cannot know whether that was heard.
 */
export const ASKED_ONCE = { connection: "close" } as const;

/** As `fetch`, also in how it fails, but that a redirect of a server on a forbidden port is answered as it is. */
export async function fetchAnyPort(url: string, request: AnyPortRequest): Promise<Response> {
  const { body, agent, ...rest } = request;
  if (agent !== undefined) return plain(url, request);
  try {
    if (typeof body !== "function") return await fetch(url, { ...rest, ...(body !== undefined && { body }) });
    return await fetch(url, { ...rest, body: streamOf(body()), duplex: "half" });
  } catch (error) {
    // Said before anything is sent.
    if (!isForbiddenPort(error)) throw error;
    return plain(url, request);
  }
}

function streamOf(pieces: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const rest = pieces[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = rest.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

function isForbiddenPort(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.message === "bad port";
}

function plain(
  url: string,
  { method = "GET", headers = {}, body, signal, agent }: AnyPortRequest,
): Promise<Response> {
  const ask = url.startsWith("https:") ? overHttps : overHttp;
  return new Promise((resolve, reject) => {
    const failed = (message: string, cause: unknown): Error =>
      signal?.aborted === true ? (signal.reason as Error) : new TypeError(message, { cause });
    const options = { method, headers, agent: agent ?? false, ...(signal === undefined ? {} : { signal }) };
    const asked = ask(url, options, (answer) => {
      resolve(responseOf(answer, (cause) => failed("terminated", cause)));
    }).on("error", (error) => {
      reject(failed("fetch failed", error));
    });
    if (typeof body !== "function") asked.end(body);
    // Whatever fails is told by the request itself.
    else pipeline(Readable.from(body()), asked, () => undefined);
  });
}

/** Statuses that have no body (WHATWG Fetch, "null body status"). */
const BODILESS: ReadonlySet<number> = new Set([101, 204, 205, 304]);

function responseOf(answer: IncomingMessage, failed: (cause: unknown) => Error): Response {
  const { statusCode: status = 500, rawHeaders } = answer;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  if (!BODILESS.has(status))
    return new Response(Readable.toWeb(Readable.from(told(answer, failed))) as ReadableStream<Uint8Array>, {
      status,
      headers,
    });
  answer.resume();
  return new Response(null, { status, headers });
}

/** What is read of an answer that breaks off fails as with `fetch`. */
async function* told(answer: IncomingMessage, failed: (cause: unknown) => Error): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of answer) yield piece as Uint8Array;
  } catch (error) {
    throw failed(error);
  }
}
