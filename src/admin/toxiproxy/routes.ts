/** Toxiproxy's calls, on the port where its clients expect them, over the same verbs as everything else. */
import { SquallError, type ErrorCode } from "../../core/errors.js";
import type { ProxyChange } from "../../proxy/proxy-set.js";
import type { House } from "../house.js";
import { defineRoute, json, noContent, type Answer, type BodySpec, type Route } from "../route.js";
import { errorText } from "./dialect.js";
import { API_VERSION } from "./version.js";
import { missing, readJson } from "./fields.js";
import { asNew, byName, listenOf, proxyAnswer, readProxies, readProxy, specOf, upstreamOf } from "./proxy.js";
import * as shapes from "./shapes.js";
import { readToxic, toxicView, toxicViews, updatedToxic } from "./toxic.js";

const PROXY = { proxy: "the name of the proxy" };
const TOXIC = { ...PROXY, toxic: "the name of the toxic" };
const NEW_PROXY = '{"name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:6379"}';
const NEW_TOXIC = '{"type": "latency", "attributes": {"latency": 100}}';

const body = (schema: BodySpec["schema"] & object, example: string): BodySpec => ({
  about: "JSON, whatever the content type says; keys in any case, null for what is not given",
  required: true,
  schema,
  types: [],
  example,
});

type Spec = Omit<Route, "dialect" | "handle">;

/** `POST` and, in newer clients, `PATCH`. */
function update(spec: Omit<Spec, "method">, handle: Route["handle"]): Route[] {
  return (["post", "patch"] as const).map((method) => route({ ...spec, method }, handle));
}

function route(spec: Spec, handle: Route["handle"]): Route {
  return defineRoute({ ...spec, dialect: "toxiproxy", handle } as Route);
}

export function toxiproxyRoutes({ control, about, types }: House): Route[] {
  const proxy = (name: string, status = 200): Answer => json(proxyAnswer(control.definition(name)), status);
  return [
    route(
      {
        method: "get",
        path: "/version",
        summary: "The version of Toxiproxy that these calls are like.",
        answers: { 200: { about: "both versions", schema: shapes.toxiproxyVersion } },
      },
      () => ({
        status: 200,
        text: `{"version": "${API_VERSION}", "squall": ${JSON.stringify(about.version)}}`,
        type: "application/json",
      }),
    ),
    route(
      {
        method: "get",
        path: "/proxies",
        summary: "All proxies with their toxics, by name.",
        answers: { 200: { about: "all of them", schema: shapes.proxies } },
      },
      () => ({ status: 200, text: byName(control.definitions()), type: "application/json" }),
    ),
    route(
      {
        method: "post",
        path: "/proxies",
        summary: "Makes a proxy, and starts it unless it is not enabled.",
        body: body(shapes.proxyBody, NEW_PROXY),
        answers: { 201: { about: "the proxy", schema: shapes.proxy } },
        errors: ["SQ_PROXY_EXISTS", "SQ_TOO_MANY", "SQ_LISTEN_FAILED"],
      },
      async (call) => {
        const input = asNew(readProxy(readJson(call.body.text)));
        if (control.hasProxy(input.name)) throw new SquallError("SQ_PROXY_EXISTS", "proxy already exists");
        await control.addProxy(specOf(input, control.proxyDefaults), input.enabled ?? true);
        return proxy(input.name, 201);
      },
    ),
    route(
      {
        method: "post",
        path: "/populate",
        summary: "Sees to it that there are these proxies; those that are there already are left alone.",
        body: body(shapes.populateBody, `[${NEW_PROXY}]`),
        answers: {
          201: { about: "these proxies", schema: shapes.populated },
          400: { about: "a proxy lacks something; nothing was done", schema: shapes.populateFailed },
          429: { about: "there would be too many; nothing was done", schema: shapes.populateFailed },
          500: {
            about: "an address cannot be bound; the proxies before it are there",
            schema: shapes.populateFailed,
          },
        },
      },
      (call) => populate(call.body.text, control),
    ),
    route(
      {
        method: "get",
        path: "/proxies/{proxy}",
        summary: "One proxy with its toxics.",
        params: PROXY,
        answers: { 200: { about: "the proxy", schema: shapes.proxy } },
        errors: ["SQ_PROXY_NOT_FOUND"],
      },
      ({ params }) => proxy(named(params, "proxy")),
    ),
    ...update(
      {
        path: "/proxies/{proxy}",
        summary: "Changes a proxy, whole or not at all; a new address restarts it, and its toxics stay.",
        params: PROXY,
        body: body(shapes.proxyBody, '{"enabled": false}'),
        answers: { 200: { about: "the proxy", schema: shapes.proxy } },
        errors: ["SQ_PROXY_NOT_FOUND", "SQ_LISTEN_FAILED"],
      },
      async ({ params, body: { text } }) => {
        const name = named(params, "proxy");
        control.definition(name);
        await control.updateProxy(name, changeOf(text));
        return proxy(name);
      },
    ),
    route(
      {
        method: "delete",
        path: "/proxies/{proxy}",
        summary: "Closes a proxy and its connections, and forgets it.",
        params: PROXY,
        answers: { 204: { about: "gone" } },
        errors: ["SQ_PROXY_NOT_FOUND"],
      },
      async ({ params }) => {
        await control.deleteProxy(named(params, "proxy"));
        return noContent;
      },
    ),
    route(
      {
        method: "get",
        path: "/proxies/{proxy}/toxics",
        summary: "The toxics of a proxy: the upstream chain, then the downstream one.",
        params: PROXY,
        answers: { 200: { about: "all of them", schema: shapes.toxics } },
        errors: ["SQ_PROXY_NOT_FOUND"],
      },
      ({ params }) => json(toxicViews(control.toxics.of(named(params, "proxy")))),
    ),
    route(
      {
        method: "post",
        path: "/proxies/{proxy}/toxics",
        summary: "Adds a toxic behind the others.",
        params: PROXY,
        body: body(shapes.toxicBody, NEW_TOXIC),
        answers: { 200: { about: "the toxic", schema: shapes.toxic } },
        errors: ["SQ_PROXY_NOT_FOUND", "SQ_FAULT_EXISTS", "SQ_TOO_MANY"],
      },
      ({ params, body: { text } }) => {
        const name = named(params, "proxy");
        const others = control.toxics.of(name);
        const fault = readToxic(readJson(text), types, (one) => others.some((other) => other.name === one));
        control.toxics.add(name, fault);
        return json(toxicView(fault));
      },
    ),
    route(
      {
        method: "get",
        path: "/proxies/{proxy}/toxics/{toxic}",
        summary: "One toxic.",
        params: TOXIC,
        answers: { 200: { about: "the toxic", schema: shapes.toxic } },
        errors: NO_SUCH_TOXIC,
      },
      ({ params }) => json(toxicView(control.toxics.find(named(params, "proxy"), named(params, "toxic")))),
    ),
    ...update(
      {
        path: "/proxies/{proxy}/toxics/{toxic}",
        summary: "Changes attributes and toxicity; live connections feel it at once.",
        params: TOXIC,
        body: body(shapes.toxicBody, '{"attributes": {"jitter": 20}}'),
        answers: { 200: { about: "the toxic", schema: shapes.toxic } },
        errors: NO_SUCH_TOXIC,
      },
      ({ params, body: { text } }) => {
        const name = named(params, "proxy");
        const fault = updatedToxic(control.toxics.find(name, named(params, "toxic")), readJson(text), types);
        control.toxics.update(name, fault);
        return json(toxicView(fault));
      },
    ),
    route(
      {
        method: "delete",
        path: "/proxies/{proxy}/toxics/{toxic}",
        summary: "Takes a toxic away; what it held back goes on.",
        params: TOXIC,
        answers: { 204: { about: "gone" } },
        errors: NO_SUCH_TOXIC,
      },
      ({ params }) => {
        control.toxics.remove(named(params, "proxy"), named(params, "toxic"));
        return noContent;
      },
    ),
    route(
      {
        method: "post",
        path: "/reset",
        summary: "Switches all proxies on and takes all toxics away; activations stay.",
        answers: { 204: { about: "done" } },
        errors: ["SQ_LISTEN_FAILED"],
      },
      async () => {
        await control.reset();
        return noContent;
      },
    ),
  ];
}

const NO_SUCH_TOXIC: readonly ErrorCode[] = ["SQ_PROXY_NOT_FOUND", "SQ_FAULT_NOT_FOUND"];

function named(params: Readonly<Record<string, string>>, key: string): string {
  return params[key] ?? "";
}

function changeOf(text: string): ProxyChange {
  const { listen, upstream, enabled } = readProxy(readJson(text));
  if (upstream === "") throw missing("upstream");
  return {
    ...(listen === undefined ? {} : { listen: listenOf(listen) }),
    ...(upstream === undefined ? {} : { upstream: upstreamOf(upstream) }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}

/** What is there is told even where something went wrong on the way. */
async function populate(text: string, control: House["control"]): Promise<Answer> {
  const done: ReturnType<typeof proxyAnswer>[] = [];
  try {
    const inputs = readProxies(readJson(text));
    control.checkRoomFor(inputs.map(({ name }) => name));
    for (const input of inputs) {
      await control.populateProxy(specOf(input, control.proxyDefaults), input.enabled ?? true);
      done.push(proxyAnswer(control.definition(input.name)));
    }
  } catch (error) {
    if (!(error instanceof SquallError) || error.code === "SQ_TOO_LARGE") throw error;
    const { status } = error;
    return json({ error: errorText(error), status, proxies: listed(done) }, status);
  }
  return json({ proxies: listed(done) }, 201);
}

/** As Go writes a list that was never made. */
function listed<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
