/** HTTP for the mock job server: routes, bounded JSON bodies, and every refusal as JSON. Knows nothing of jobs. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { z } from "zod";
import type { Bytes } from "../../core/units.js";
import { Refusal } from "./refusal.js";

export interface Call {
  readonly request: IncomingMessage;
  /** What stands for `:id` in the path. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** Aborted when the client hangs up. */
  readonly gone: AbortSignal;
  body<T>(schema: z.ZodType<T>): Promise<T>;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** Segments, of which one may be `:id`. */
  readonly path: string;
  readonly answer: (call: Call) => Reply | Promise<Reply>;
}

export interface WireOptions {
  readonly bodyMax: Bytes;
  /** Told of our own mistakes, which the client only sees as a 500. */
  readonly onBug: (error: unknown) => void;
}

/** Deeper JSON could be read but not written again: JSON.stringify recurses. */
const DEPTH_MAX = 64;
/** A body that is too large is read to its end up to here, since a client that still sends may miss the 413. */
const DISCARD_MAX: Bytes = 16 * 2 ** 20;

export function listener(routes: readonly Route[], options: WireOptions): RequestListener {
  return (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    respond(routes, request, gone.signal, options).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, replyTo(error, options.onBug)),
    );
  };
}

async function respond(
  routes: readonly Route[],
  request: IncomingMessage,
  gone: AbortSignal,
  options: WireOptions,
): Promise<Reply> {
  const url = parseTarget(request.url ?? "");
  const found = routes.flatMap((route) => {
    const id = match(route.path, url.pathname);
    return id === null ? [] : [{ route, id }];
  });
  const hit = found.find(({ route }) => route.method === request.method);
  if (hit) {
    const body = async <T>(schema: z.ZodType<T>): Promise<T> =>
      check(schema, await read(request, options.bodyMax));
    return hit.route.answer({ request, id: hit.id, query: url.searchParams, gone, body });
  }
  if (found.length === 0) throw new Refusal("not_found", `There is nothing at ${url.pathname}.`);
  const allow = found.map(({ route }) => route.method).join(", ");
  throw new Refusal("method_not_allowed", `${url.pathname} takes ${allow}.`, { headers: { allow } });
}

function parseTarget(target: string): URL {
  const text = `http://mock${target}`;
  if (target.startsWith("/") && URL.canParse(text)) return new URL(text);
  throw new Refusal("bad_request", "The request target is not a path.");
}

/** What stands for `:id`, the empty string if the pattern has none, null if the path is another one. */
function match(pattern: string, path: string): string | null {
  const expected = pattern.split("/");
  const given = path.split("/");
  if (expected.length !== given.length) return null;
  let id = "";
  for (const [index, segment] of expected.entries()) {
    const other = given[index] ?? "";
    if (segment === ":id" && other !== "") id = other;
    else if (segment !== other) return null;
  }
  return id;
}

function read(request: IncomingMessage, max: Bytes): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = new Refusal("too_large", `The body is larger than ${max} bytes.`);
    const tooMuch = new Refusal(tooLarge.code, tooLarge.message, { headers: { connection: "close" } });
    if (Number(request.headers["content-length"] ?? 0) > max + DISCARD_MAX) return reject(tooMuch);
    let chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= max) chunks.push(chunk);
      else chunks = [];
      if (size > max + DISCARD_MAX) reject(tooMuch);
    });
    request.once("end", () => (size > max ? reject(tooLarge) : resolve(Buffer.concat(chunks))));
    request.once("error", () => reject(new Refusal("bad_request", "The body ended early.")));
  });
}

function check<T>(schema: z.ZodType<T>, body: Buffer): T {
  const result = schema.safeParse(parseJson(body));
  if (result.success) return result.data;
  const reasons = result.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
  throw new Refusal("bad_request", "The request is not what this call takes.", { reasons });
}

function parseJson(body: Buffer): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    if (depth(text) > DEPTH_MAX) throw new SyntaxError(`it is nested deeper than ${DEPTH_MAX} levels`);
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal("bad_request", "The body is not JSON.", { reasons: [why] });
  }
}

/** How deep brackets nest, outside strings. One pass, whatever the text is. */
function depth(text: string): number {
  let deepest = 0;
  let level = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "\\" && quoted) index++;
    else if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++level);
    else if (character === "]" || character === "}") level--;
  }
  return deepest;
}

function replyTo(error: unknown, onBug: (error: unknown) => void): Reply {
  if (error instanceof Refusal) {
    return {
      status: error.status,
      body: error,
      ...(error.detail.headers && { headers: error.detail.headers }),
    };
  }
  onBug(error);
  return { status: 500, body: new Refusal("internal", "The mock server made a mistake.") };
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.destroyed) return;
  if (body === undefined) {
    response.writeHead(status, { ...headers }).end();
    return;
  }
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(text);
}
