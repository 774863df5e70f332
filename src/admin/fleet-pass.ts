/**
 * `/fleet/daemons/NAME/…`: calls of the admin API that are meant for another daemon of the fleet are passed on to it, once. Where to is
 * what that daemon has announced; nothing of it comes from the caller. No traffic of bots goes this way.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent } from "node:https";
import { Transform } from "node:stream";
import { ADMIN_URL } from "../config/fleet.js";
import { hintFor } from "../config/validate.js";
import { SquallError } from "../core/errors.js";
import { formatDuration, formatSize } from "../core/units.js";
import { waitsToGoOn } from "./body.js";
import { fleetOf, translated, type AdminFleet } from "./fleet-house.js";
import { ofConnection } from "./hop-by-hop.js";
import type { House } from "./house.js";
import { defineRoute, type Answer, type Call, type Route } from "./route.js";

/** Names who has passed a call on. One that carries it goes no further: two daemons could send it to and fro for ever. */
const PASSED_BY = "x-squall-passed-by";
const DIAL_MS = 5_000;
/** A long poll says nothing for five minutes at most. */
const SILENT_MAX_MS = 6 * 60_000;

/** A reason phrase that node:http writes; what it reads has more. */
const SPOKEN = /^[\t\x20-\x7e\x80-\xff]+$/u;

/** Whose page asks was looked at here; there it would be a stranger's, as that daemon has another name. */
const OF_BROWSERS =
  /^(?:origin|referer|cookie|dnt|accept-language|upgrade-insecure-requests|sec-.+|x-forwarded-.+|forwarded)$/u;

/** What speaks to a browser of the whole address that it asked, and that is this daemon's. */
const TO_BROWSERS =
  /^(?:set-cookie|clear-site-data|strict-transport-security|alt-svc|refresh|link|service-worker-allowed|nel|report-to|reporting-endpoints|access-control-.+)$/u;
/** A page would have this daemon's address, and could call it as its own page can: it is shown, and runs nothing. */
const OF_A_STRANGER: Readonly<Record<string, string>> = {
  "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

export function passRoute(house: House): Route {
  return defineRoute({
    method: "get",
    path: "/fleet/daemons/{name}/{path}",
    summary: "Passes the call on to one daemon of the fleet, whatever its method, and its answer back.",
    params: {
      name: "of a daemon, as GET /fleet shows it",
      path: "of a call of the admin API, slashes included, such as profiles/slow",
    },
    restOfPath: true,
    anyMethod: true,
    anyQuery: true,
    keeps: false,
    answers: { 200: { about: "what that daemon answers, with its status", types: ["*/*"] } },
    errors: [
      "SQ_NO_FLEET",
      "SQ_DAEMON_NOT_FOUND",
      "SQ_DAEMON_AMBIGUOUS",
      "SQ_DAEMON_UNREACHABLE",
      "SQ_FLEET_AWAY",
      "SQ_FLEET_FORBIDDEN",
      "SQ_FLEET_FAILED",
    ],
    handle: (call) => pass(house, call),
  });
}

type Passing = Call<{ readonly name: string }, unknown>;

async function pass(house: House, { params, request, response }: Passing): Promise<Answer> {
  const fleet = fleetOf(house);
  if (request.headers[PASSED_BY] !== undefined)
    throw new SquallError("SQ_BAD_REQUEST", "a call is passed on once, and this one was already", {
      path: PASSED_BY,
    });
  const most = house.limits.bodyBytes;
  // node:http takes only digits here, so a length is a number.
  if (Number(request.headers["content-length"] ?? 0) > most) throw tooLarge(most);
  const target = await targetOf(fleet, params.name);
  const { createProxyServer } = await import("httpxy");
  const secure = target.protocol === "https:";
  const body = bounded(most);
  let failed: (error: unknown) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => (failed = reject));
  const isOfCaller = ofConnection(request.headers);
  const proxy = createProxyServer({
    target: {
      protocol: target.protocol,
      hostname: target.hostname.replace(/^\[|\]$/gu, ""),
      port: target.port === "" ? (secure ? 443 : 80) : Number(target.port),
    },
    changeOrigin: true,
    agent: secure ? new Agent({ keepAlive: false, ca: [...fleet.trusted()] }) : false,
    proxyTimeout: SILENT_MAX_MS,
    buffer: body,
    selfHandleResponse: true,
  });
  proxy.on("proxyReq", (outgoing) => {
    for (const name of outgoing.getHeaderNames())
      if (isLeftOut(name, isOfCaller) || OF_BROWSERS.test(name)) outgoing.removeHeader(name);
    if (!fleet.passToken) outgoing.removeHeader("authorization");
    outgoing.setHeader("connection", "close");
    outgoing.setHeader(PASSED_BY, fleet.daemon);
    // Otherwise nobody would be told how it ended.
    outgoing.once("upgrade", (_incoming, socket) => {
      socket.destroy();
      failed(new Error("it answers with another protocol"));
    });
    const { socket } = outgoing;
    if (socket?.connecting === true) {
      const late = house.clock.at(house.clock.now() + DIAL_MS, () => {
        outgoing.destroy(new Error(`no connection within ${formatDuration(DIAL_MS)}`));
      });
      socket.once(secure ? "secureConnect" : "connect", () => {
        late.cancel();
      });
      outgoing.once("close", () => {
        late.cancel();
      });
    }
    body.once("error", (error) => outgoing.destroy(error));
  });
  proxy.on("proxyRes", (incoming) => {
    try {
      passBack(incoming, response);
    } catch (error) {
      incoming.destroy();
      failed(error);
    }
  });
  const leave = house.polls.enter(response, () => response.destroy());
  request.url = behind(request.url);
  const waits = waitsToGoOn(request);
  // With `expect`, httpxy asks nobody what is to be sent, and all of it would be.
  for (const name of Object.keys(request.headers))
    if (isLeftOut(name, isOfCaller)) Reflect.deleteProperty(request.headers, name);
  // It may get too large when there is no call any more that could fail of it.
  body.on("error", () => undefined);
  try {
    if (waits) response.writeContinue();
    request.pipe(body);
    await Promise.race([proxy.web(request, response), failure]);
  } catch (error) {
    // What is still coming would otherwise be a reset for whoever sends it, and he would not see the answer.
    request.unpipe(body);
    request.on("error", () => undefined).resume();
    if (error instanceof SquallError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SquallError(
      "SQ_DAEMON_UNREACHABLE",
      `the daemon ${params.name} does not answer at ${target.origin}: ${why}`,
      { hint: "it says itself where it is, by fleet.admin of its squall.yaml", cause: error },
    );
  } finally {
    leave();
  }
  return "taken";
}

/** This daemon answers itself what `expect` asks. Chunks are how a body goes on to the next one as well; without the field a GET could have none. */
function isLeftOut(name: string, isOfCaller: (name: string) => boolean): boolean {
  return name === "expect" || (name !== "transfer-encoding" && isOfCaller(name));
}

/**
 * What is of the connection to the caller is written by node:http, as in every other answer: whether it stays, and for how long.
 * Throws what node:http thinks of a status that is none.
 */
function passBack(incoming: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    incoming.resume();
    return;
  }
  const isOfThem = ofConnection(incoming.headers);
  const fields = Object.entries(incoming.headers).filter(
    ([name]) => !isOfThem(name) && !TO_BROWSERS.test(name),
  );
  const { statusCode: status = 0, statusMessage: reason = "" } = incoming;
  const headers = { ...Object.fromEntries(fields), ...OF_A_STRANGER };
  response.writeHead(status, SPOKEN.test(reason) ? reason : STATUS_CODES[status], headers);
  incoming.pipe(response);
}

/** Throws SQ_DAEMON_NOT_FOUND, SQ_DAEMON_AMBIGUOUS, or what the engine cannot tell. */
async function targetOf(fleet: AdminFleet, name: string): Promise<URL> {
  const members = await translated(fleet, () => fleet.members());
  const [found, ...others] = members.filter(({ presence }) => presence.daemon === name);
  if (found === undefined) {
    const hint = hintFor(
      name,
      members.map(({ presence }) => presence.daemon),
    );
    throw new SquallError("SQ_DAEMON_NOT_FOUND", `the fleet has no daemon ${JSON.stringify(name)} now`, {
      ...(hint === undefined ? {} : { hint }),
    });
  }
  if (others.length > 0) {
    const places = [...new Set([found, ...others].flatMap(({ presence }) => presence.admin ?? []))];
    throw new SquallError("SQ_DAEMON_AMBIGUOUS", `${others.length + 1} daemons go by the name ${name}`, {
      hint: `give each a name of its own (fleet.daemon)${places.length < 2 ? "" : `; meanwhile ask one of them itself: ${places.join(", ")}`}`,
    });
  }
  const { admin } = found.presence;
  if (admin !== null && ADMIN_URL.test(admin)) return new URL(admin);
  throw new SquallError(
    "SQ_DAEMON_NOT_FOUND",
    admin === null
      ? `the daemon ${name} does not say where its admin API is`
      : `where the daemon ${name} says that its admin API is, none can be`,
    { hint: "fleet: { admin: http://HOST:8474 } in its squall.yaml" },
  );
}

/** What stands behind the daemon's name, query included. */
function behind(url: string): string {
  return url.replace(/^\/fleet\/daemons\/[^/?]*/u, "");
}

function bounded(most: number): Transform {
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length > most) done(tooLarge(most));
      else done(null, chunk);
    },
  });
}

function tooLarge(most: number): SquallError {
  return new SquallError("SQ_TOO_LARGE", `the body is larger than ${formatSize(most)}`);
}
