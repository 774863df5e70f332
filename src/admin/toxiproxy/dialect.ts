/**
 * How Toxiproxy's calls are answered: compact JSON without a line end, errors as text with one, and a
 * number on every answer. What is refused before a call is looked at (a host, a token) is answered as ever.
 */
import { randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import { SquallError, type ErrorCode } from "../../core/errors.js";
import { jsonLine } from "../../telemetry/entry.js";
import { ClientLeft, NO_BODY, readBody } from "../body.js";
import { keeping, type House } from "../house.js";
import { leave } from "../leaving.js";
import type { Answer, Route } from "../route.js";
import { takeTurn } from "../weight.js";

const ROOTS = /^\/(?:version|proxies|populate|reset)(?:\/|$)/u;

export function isToxiproxyPath(path: string): boolean {
  return ROOTS.test(path);
}

/** What clients read and compare. */
const TEXTS: Partial<Record<ErrorCode, string>> = {
  SQ_PROXY_NOT_FOUND: "proxy not found",
  SQ_FAULT_NOT_FOUND: "toxic not found",
  SQ_PROXY_EXISTS: "proxy already exists",
  SQ_FAULT_EXISTS: "toxic already exists",
};

export function errorText({ code, message }: SquallError): string {
  const known = TEXTS[code];
  if (known !== undefined) return known;
  return code === "SQ_LISTEN_FAILED" ? message.replace(BIND_FAILED, "$1: bind: $2") : message;
}

/** What the system said about an address, as opposed to what the address itself lacks. */
const BIND_FAILED =
  /^(listen tcp \S+): (address already in use|permission denied|cannot assign requested address)$/u;

export async function runToxiproxy(
  route: Route,
  request: Request,
  response: Response,
  house: House,
): Promise<void> {
  // express takes a slash at the end for none.
  if (request.path.endsWith("/")) {
    noSuchPage(response);
    return;
  }
  // 20 characters, as theirs have; 15 bytes are 20 in base64.
  response.setHeader("X-Toxiproxy-Request-Id", randomBytes(15).toString("base64url"));
  send(await answerOf(route, request, response, house), response, house);
}

async function answerOf(route: Route, request: Request, response: Response, house: House): Promise<Answer> {
  try {
    const { ledger, limits } = house;
    const bounds = { maxBytes: limits.bodyBytes, ledger };
    const body =
      route.body === undefined ? NO_BODY : await readBody(request, response, bounds, "of any type");
    await takeTurn(route, body, {}, request, house);
    const params = request.params as Readonly<Record<string, string>>;
    const handle = (): Answer | Promise<Answer> =>
      route.handle({ params, query: {}, body, request, response });
    return await keeping(route, house, handle);
  } catch (error) {
    if (error instanceof SquallError) return plainError(error.status, errorText(error));
    if (error instanceof ClientLeft) throw error;
    house.telemetry.tell({ kind: "mistake", where: `${request.method} ${request.path}`, error });
    return plainError(500, "a mistake of Squall itself: the log has more");
  }
}

function plainError(status: number, error: string): Answer {
  return { status, text: `${jsonLine({ error, status })}\n`, type: "text/plain; charset=utf-8" };
}

export function noSuchPage(response: Response): void {
  const text = "404 page not found\n";
  response
    .writeHead(404, { "content-type": "text/plain; charset=utf-8", "content-length": text.length })
    .end(text);
}

/** Slashes that stand together are one to Toxiproxy, which sends whoever writes them on; null for other paths. */
export function plainPath(path: string): string | null {
  const plain = path.replaceAll(/\/{2,}/gu, "/");
  return plain !== path && isToxiproxyPath(plain) ? plain : null;
}

/** As Go's router does it. */
export function movedTo(response: Response, path: string): void {
  response.writeHead(301, { "location": path, "content-length": 0 }).end();
}

export function wrongMethod(response: Response): void {
  response.writeHead(405, { "content-length": 0 }).end();
}

function send(answer: Answer, response: Response, house: House): void {
  if (answer === "taken") return;
  if ("json" in answer) write(response, answer.status, "application/json", jsonLine(answer.json), house);
  else if ("text" in answer) write(response, answer.status, answer.type, answer.text, house);
  else response.writeHead(answer.status).end();
}

/** Past express, which would add a charset to each type. */
function write(response: Response, status: number, type: string, text: string, house: House): void {
  const body = Buffer.from(text);
  response.statusCode = status;
  response.setHeader("content-type", type);
  response.setHeader("content-length", body.length);
  leave(response, body, house);
}
