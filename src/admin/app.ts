/** The routes as an express application: checks in front, one runner for all of them, errors in one form behind. */
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import { didYouMean } from "../core/suggest.js";
import { jsonLine } from "../telemetry/entry.js";
import { ClientLeft, NO_BODY, readBody } from "./body.js";
import type { Guard } from "./guard.js";
import { keeping, type House } from "./house.js";
import { leave } from "./leaving.js";
import { readQuery } from "./query.js";
import { isPagePath, opensPage, PageFiles } from "./page.js";
import type { Answer, Route } from "./route.js";
import {
  isToxiproxyPath,
  movedTo,
  noSuchPage,
  plainPath,
  runToxiproxy,
  wrongMethod,
} from "./toxiproxy/dialect.js";
import { takeTurn } from "./weight.js";

const NOTHING = z.object({});

export function createApp(routes: readonly Route[], guard: Guard, house: House): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").disable("trust proxy");
  app.set("query parser", "simple").set("case sensitive routing", true);
  const page = new PageFiles(house.page, house);
  const open = new Set(routes.filter((route) => route.open === true).map(({ path }) => path));
  app.use((request: Request, response: Response, next: NextFunction): Promise<void> | undefined => {
    response.set({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
    guard.checkHost(request, open.has(request.path));
    // "http://somewhere/active": proxies are asked like this, and this is none.
    if (!request.url.startsWith("/"))
      throw new SquallError("SQ_BAD_REQUEST", "expected a path such as /status");
    // What the page shows it asks for with a token; the page itself says nothing.
    if (opensPage(request)) {
      page.sendOn(response);
      return undefined;
    }
    if (isPagePath(request.path)) return page.serve(request, response);
    if (!open.has(request.path)) guard.checkToken(request);
    const plain = plainPath(request.path);
    if (plain !== null && (request.method === "GET" || request.method === "HEAD")) {
      movedTo(response, plain);
      return undefined;
    }
    // Whoever is sent on with a POST comes back with a GET, so he is served here.
    if (plain !== null) request.url = plain;
    next();
    return undefined;
  });
  for (const path of new Set(routes.map((route) => route.path))) {
    addPath(
      app,
      path,
      routes.filter((route) => route.path === path),
      house,
    );
  }
  app.use((request: Request, response: Response) => {
    if (isToxiproxyPath(request.path)) noSuchPage(response);
    else throw noSuchPath(request.path, routes);
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    answerError(error, request, response, house);
  });
  return app;
}

function addPath(app: Express, path: string, routes: readonly Route[], house: House): void {
  const rest = routes.some(({ restOfPath }) => restOfPath === true);
  const pattern = (rest ? path.replace(/\{(\w+)\}$/u, "*$1") : path).replaceAll(/\{(\w+)\}/gu, ":$1");
  const at = app.route(pattern);
  // express answers HEAD with the handler of GET.
  for (const route of routes) {
    const answer = route.dialect === "toxiproxy" ? runToxiproxy : run;
    const handle = (request: Request, response: Response): Promise<void> =>
      answer(route, request, response, house);
    at[route.method](handle);
    if (route.anyMethod === true) at.all(handle);
  }
  const methods = routes.flatMap(({ method }) =>
    method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()],
  );
  at.all((request: Request, response: Response) => {
    response.set("allow", methods.join(", "));
    if (isToxiproxyPath(path)) wrongMethod(response);
    else if (request.method === "OPTIONS") response.status(204).end();
    else
      throw new SquallError(
        "SQ_METHOD_NOT_ALLOWED",
        `${path} takes ${methods.join(", ")}, not ${request.method}`,
      );
  });
}

async function run(route: Route, request: Request, response: Response, house: House): Promise<void> {
  const query = readQuery(route.query ?? NOTHING, route.anyQuery === true ? {} : request.query);
  const bounds = { maxBytes: house.limits.bodyBytes, ledger: house.ledger };
  const body = route.body === undefined ? NO_BODY : await readBody(request, response, bounds);
  await takeTurn(route, body, query, request, house);
  if (route.open !== true) await house.reading?.();
  const params = request.params as Readonly<Record<string, string>>;
  const handle = (): Answer | Promise<Answer> => route.handle({ params, query, body, request, response });
  send(await keeping(route, house, handle), response, house);
}

function send(answer: Answer, response: Response, house: House): void {
  if (answer === "taken") return;
  response.status(answer.status);
  if ("json" in answer)
    sendText(`${jsonLine(answer.json)}\n`, "application/json; charset=utf-8", response, house);
  else if ("text" in answer) sendText(answer.text, answer.type, response, house);
  else response.end();
}

/** Not by express, which would answer 304 to whoever says `If-None-Match: *`. */
function sendText(text: string, type: string, response: Response, house: House): void {
  const body = Buffer.from(text);
  response.set({ "content-type": type, "content-length": String(body.length) });
  if (response.req.method === "HEAD") response.end();
  else leave(response, body, house);
}

function answerError(error: unknown, request: Request, response: Response, house: House): void {
  if (error instanceof ClientLeft) {
    response.destroy();
    return;
  }
  const known = errorOf(error);
  if (known.code === "SQ_INTERNAL") {
    house.telemetry.tell({ kind: "mistake", where: `${request.method} ${request.path}`, error });
  }
  // Half an answer cannot be taken back, but it can be broken off visibly.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (known.code === "SQ_UNAUTHORIZED") response.set("www-authenticate", 'Bearer realm="squall"');
  send({ status: known.status, json: known }, response, house);
}

function errorOf(error: unknown): SquallError {
  if (error instanceof SquallError) return error;
  // What express refuses by itself, such as %zz in a path.
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500)
    return new SquallError("SQ_BAD_REQUEST", "the request cannot be understood");
  return new SquallError("SQ_INTERNAL", "a mistake of Squall itself: the log has more", { cause: error });
}

function noSuchPath(path: string, routes: readonly Route[]): SquallError {
  const known = routes.map((route) => route.path).filter((other) => !other.includes("{"));
  const hint = didYouMean(path, known) ?? "GET / lists what there is";
  return new SquallError("SQ_NOT_FOUND", `no such path: ${path.slice(0, 100)}`, { hint });
}
