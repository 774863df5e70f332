/** What the dashboard reads: the picture of now and its differences, the last exchanges, why what happened to one did, and findings. */
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import { unknownProxy } from "../config/proxy.js";
import { choice } from "../faults/params.js";
import type { House } from "./house.js";
import { exchangesAnswer, findingsAnswer, traceAnswer } from "./live-answers.js";
import { serveLive } from "./live-feed.js";
import { wholeNumber, word } from "./query.js";
import { defineRoute, json, type Route } from "./route.js";

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 4_000;
const ID = /^[cqf]?[1-9]\d{0,14}$/u;

export function liveRoutes(house: House): Route[] {
  const { live, control } = house;
  const checkProxy = (name: string): void => {
    if (control.hasProxy(name)) return;
    const names = control.proxies().map((proxy) => proxy.name);
    const { message, ...hint } = unknownProxy(name, names);
    throw new SquallError("SQ_PROXY_NOT_FOUND", message, hint);
  };
  return [
    defineRoute({
      method: "get",
      path: "/live",
      summary:
        "Bots, proxies, upstreams and what is on, as server-sent events: the whole, then what is different.",
      query: z.object({
        exchanges: choice(["true", "false"])
          .optional()
          .describe("true: also exchanges with both of their sides, new ones and those that have changed"),
      }),
      answers: {
        200: {
          about:
            "event state (the whole picture; again where ticks were missed), then tick (differences, at most 4 a second, none while nothing changes); a comment every 15 s",
          types: ["text/event-stream"],
        },
      },
      errors: ["SQ_TOO_MANY"],
      handle: ({ query, request, response }) => {
        serveLive(house, request, response, query.exchanges === "true");
        return "taken";
      },
    }),
    defineRoute({
      method: "get",
      path: "/exchanges",
      summary: "The last exchanges, connections, questions and flows, also those that no fault touched.",
      query: z.object({
        bot: word().optional(),
        proxy: word().optional(),
        since: wholeNumber(0, Number.MAX_SAFE_INTEGER)
          .optional()
          .describe("those whose rank is higher, the lowest first"),
        limit: wholeNumber(1, LIMIT_MAX).optional().describe(`${LIMIT_DEFAULT} by default`),
      }),
      answers: {
        200: {
          about: "what was seen since somebody asks; each call keeps what is seen for 30 s",
          schema: exchangesAnswer,
        },
      },
      errors: ["SQ_PROXY_NOT_FOUND"],
      handle: ({ query: { bot, proxy, since, limit = LIMIT_DEFAULT } }) => {
        if (proxy !== undefined) checkProxy(proxy);
        return json(live.exchanges({ bot, proxy, since, limit }));
      },
    }),
    defineRoute({
      method: "get",
      path: "/exchanges/{proxy}/{id}",
      summary:
        "Why what happened to one did: each fault's verdict, and the heads before and behind the faults.",
      params: {
        proxy: "its proxy",
        id: "the number of the exchange; c17, q17, f17 of a connection, a question, a flow",
      },
      answers: { 200: { about: "what is known of it", schema: traceAnswer } },
      errors: ["SQ_PROXY_NOT_FOUND", "SQ_EXCHANGE_NOT_FOUND"],
      handle: ({ params: { proxy, id } }) => {
        checkProxy(proxy);
        if (!ID.test(id))
          throw new SquallError("SQ_BAD_PARAM", `id: expected a number such as 17, or c17, q17, f17`, {
            path: "id",
          });
        return json(live.trace(proxy, id));
      },
    }),
    defineRoute({
      method: "get",
      path: "/findings",
      summary:
        "What the last exchanges say of bots: recovery, early retries, lock-step, waits without end, bad certificates.",
      query: z.object({ bot: word().optional() }),
      answers: {
        200: {
          about: "over what was seen since somebody asks; each call keeps it for 30 s",
          schema: findingsAnswer,
        },
      },
      handle: ({ query: { bot } }) => json(live.findings(bot)),
    }),
  ];
}
