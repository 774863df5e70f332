/** HTTP for the mock job server: routes, bounded JSON bodies, and every refusal as JSON. Knows nothing of jobs. */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { z } from "zod";
import type { Bytes } from "../../core/units.js";
import { lookedAt } from "../looked-at.js";
import { Refusal } from "./refusal.js";

export interface Call {
  readonly request: IncomingMessage;
  /** What stands for `:id` in the path. */
  readonly id: string;
  /** What stands for `:name`. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** Aborted when the client hangs up. */
  readonly gone: AbortSignal;
  body<T>(schema: z.ZodType<T>): Promise<T>;
}

export interface Reply {
  readonly status: number;
  /** Sent as JSON, unless it is a string. */
  readonly body?: unknown;
  /** Sent as it comes, in place of `body`, as fast as the client takes it. */
  readonly stream?: () => Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  /** Segments, of which one may be `:id` and another `:name`. */
  readonly path: string;
  readonly answer: (call: Call) => Reply | Promise<Reply>;
}

export interface WireOptions {
  readonly bodyMax: Bytes;
  /** May refuse a call before it is looked at. */
  readonly admit?: (request: IncomingMessage, path: string) => void;
  /** Told of each answer: the path of the route, and how long the answer took to begin. */
  readonly onAnswer?: (method: string, path: string, status: number, seconds: number) => void;
  /** Told of our own mistakes, which the client only sees as a 500. */
  readonly onBug: (error: unknown) => void;
}

/** Deeper JSON could be read but not written again: JSON.stringify recurses. */
const DEPTH_MAX = 64;
/** A body that is too large is read to its end up to here, since a client that still sends may miss the 413. */
const DISCARD_MAX: Bytes = 16 * 2 ** 20;

/** A body of JSON that takes longer than this is no longer waited for. Large bodies may take their time. */
const BODY_WAIT_MAX_MS = 60_000;

interface Found {
  readonly route: Route;
  readonly id: string;
  readonly name: string;
}

export function listener(routes: readonly Route[], options: WireOptions): RequestListener {
  return (request, response) => {
    const begun = performance.now();
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const { path, query } = splitTarget(request.url ?? "");
    const found = findRoutes(routes, path);
    const hit = found.find(({ route }) => route.method === request.method);
    const finish = (reply: Reply): void => {
      options.onAnswer?.(
        request.method ?? "",
        hit?.route.path ?? "other",
        reply.status,
        (performance.now() - begun) / 1000,
      );
      send(response, reply).catch(options.onBug);
    };
    const answer = async (): Promise<Reply> => {
      options.admit?.(request, path);
      if (!hit) throw missing(path, found);
      return hit.route.answer({
        request,
        id: hit.id,
        name: hit.name,
        query: new URLSearchParams(query),
        gone: gone.signal,
        body: async (schema) => check(schema, await read(request, options.bodyMax)),
      });
    };
    answer().then(finish, (error: unknown) => finish(replyTo(error, options.onBug)));
  };
}

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

function missing(path: string, found: readonly Found[]): Refusal {
  if (!path.startsWith("/")) return new Refusal("bad_request", "The request target is not a path.");
  if (found.length === 0) return new Refusal("not_found", `There is nothing at ${path.slice(0, 200)}.`);
  const allow = found.map(({ route }) => route.method).join(", ");
  return new Refusal("method_not_allowed", `${path} takes ${allow}.`, { headers: { allow } });
}

function findRoutes(routes: readonly Route[], path: string): Found[] {
  const given = path.split("/");
  return routes.flatMap((route) => match(route, given) ?? []);
}

function match(route: Route, given: readonly string[]): Found | null {
  const expected = route.path.split("/");
  if (expected.length !== given.length) return null;
  const found = { route, id: "", name: "" };
  for (const [index, segment] of expected.entries()) {
    const other = given[index] ?? "";
    if (segment === ":id" && other !== "") found.id = other;
    else if (segment === ":name" && other !== "") found.name = other;
    else if (segment !== other) return null;
  }
  return found;
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
    const late = setTimeout(() => {
      const headers = { connection: "close" };
      reject(new Refusal("too_slow", "The body did not arrive in time.", { headers }));
    }, BODY_WAIT_MAX_MS);
    request.once("end", () => (size > max ? reject(tooLarge) : resolve(Buffer.concat(chunks))));
    request.once("error", () => reject(new Refusal("bad_request", "The body ended early.")));
    request.once("close", () => clearTimeout(late));
  });
}

function check<T>(schema: z.ZodType<T>, body: Buffer): T {
  const result = lookedAt(schema, parseJson(body));
  if (result.success) return result.data;
  const reasons = result.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
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

async function send(response: ServerResponse, { status, body, stream, headers }: Reply): Promise<void> {
  if (response.destroyed) return;
  if (stream) {
    response.writeHead(status, { "cache-control": "no-store", ...headers });
    // A client that leaves, or a file that breaks, ends the connection; nobody else is concerned.
    await pipeline(stream(), response).catch(() => response.destroy());
    return;
  }
  if (body === undefined) {
    response.writeHead(status, { ...headers }).end();
    return;
  }
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    ...headers,
  });
  response.end(text);
}
