/**
 * `fetch` for servers on any port. The standard forbids pages of the web to reach some ports (WHATWG Fetch, "port blocking": 6000, 6667,
 * 10080 and others), and Node's `fetch` keeps to that, although no page asks here.
 */
import { request as overHttp, type IncomingMessage } from "node:http";
import { request as overHttps } from "node:https";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

export interface AnyPortRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** As `fetch`, but that a redirect of a server on a forbidden port is answered as it is. */
export async function fetchAnyPort(url: string, request: AnyPortRequest): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    // Said before anything is sent.
    if (!isForbiddenPort(error)) throw error;
    return plain(url, request);
  }
}

function isForbiddenPort(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.message === "bad port";
}

function plain(
  url: string,
  { method = "GET", headers = {}, body, signal }: AnyPortRequest,
): Promise<Response> {
  const ask = url.startsWith("https:") ? overHttps : overHttp;
  return new Promise((resolve, reject) => {
    ask(url, { method, headers, agent: false, ...(signal === undefined ? {} : { signal }) }, (answer) => {
      resolve(responseOf(answer));
    })
      .on("error", (error) => {
        reject(signal?.aborted === true ? (signal.reason as Error) : error);
      })
      .end(body);
  });
}

/** Statuses that have no body (WHATWG Fetch, "null body status"). */
const BODILESS: ReadonlySet<number> = new Set([101, 204, 205, 304]);

function responseOf(answer: IncomingMessage): Response {
  const { statusCode: status = 500, rawHeaders } = answer;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  if (!BODILESS.has(status))
    return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status, headers });
  answer.resume();
  return new Response(null, { status, headers });
}
