/** A proxy in both forms: the JSON that Toxiproxy's clients write and read, and what the control layer takes. */
import type { ProxyDefaults } from "../../control.js";
import type { ProxyDefinition } from "../../control/proxy-view.js";
import { callsItself } from "../../config/address.js";
import { SquallError } from "../../core/errors.js";
import type { ProxyChange } from "../../proxy/proxy-set.js";
import type { ProxySpec } from "../../proxy/spec.js";
import type { TcpProxySpec } from "../../proxy/spec-base.js";
import { parseListen, parseUpstream } from "./addresses.js";
import { badBody, fieldsOf, flagField, missing, nameField, textField } from "./fields.js";
import { toxicViews, type ToxicView } from "./toxic.js";

export interface ProxyInput {
  readonly name: string | undefined;
  readonly listen: string | undefined;
  readonly upstream: string | undefined;
  readonly enabled: boolean | undefined;
  /** Not looked at yet. */
  readonly toxics: unknown;
}

/** One that can be made. */
export interface NewProxy extends ProxyInput {
  readonly name: string;
  readonly upstream: string;
}

/** In the order of Toxiproxy's answers. */
export interface ProxyAnswer {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly toxics: readonly ToxicView[];
}

export function readProxy(body: unknown): ProxyInput {
  const fields = fieldsOf(body, "a proxy");
  return {
    name: nameField(fields),
    listen: textField(fields, "listen"),
    upstream: textField(fields, "upstream"),
    enabled: flagField(fields, "enabled"),
    toxics: fields.get("toxics"),
  };
}

/** Throws for what is missing; `where` says which of several it is. */
export function asNew(input: ProxyInput, where = ""): NewProxy {
  const { name = "", upstream = "" } = input;
  if (name === "") throw missing(`name${where}`);
  if (upstream === "") throw missing(`upstream${where}`);
  parseUpstream(upstream);
  return { ...input, name, upstream };
}

const THEIRS = ", got the object that GET /proxies answers: send the list of its values";

/** Proxies by their names, as `GET /proxies` answers. */
export function isTheirs(body: unknown): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return false;
  const values = Object.values(body);
  const isProxy = (value: unknown): boolean =>
    typeof value === "object" && value !== null && "listen" in value && "upstream" in value;
  return values.length > 0 && values.every(isProxy);
}

/** A list of proxies, each of which can be made. */
export function readProxies(body: unknown): NewProxy[] {
  if (body === null) return [];
  if (!Array.isArray(body)) throw badBody(`expected a list of proxies${isTheirs(body) ? THEIRS : ""}`);
  const inputs = (body as unknown[]).map(readProxy);
  return inputs.map((input, index) => asNew(input, ` at proxy ${index + 1}`));
}

export function listenOf(given: string): { listen: TcpProxySpec["listen"]; given: string } {
  return { listen: parseListen(given), given };
}

/** Throws SQ_BAD_REQUEST for what is none. */
export function upstreamOf(given: string): NonNullable<ProxyChange["upstream"]> {
  const { protocol, tls, address } = parseUpstream(given);
  return { upstream: address, given, ...(protocol === null ? {} : { as: { protocol, tls } }) };
}

/** An http proxy where the upstream is a URL of HTTP. Throws SQ_LISTEN_FAILED and SQ_BAD_REQUEST for what is no address. */
export function specOf({ name, listen = "", upstream }: NewProxy, defaults: ProxyDefaults): ProxySpec {
  const { protocol, tls, address } = parseUpstream(upstream);
  const { http, ...tcp } = defaults;
  const own = { name, listen: parseListen(listen), upstream: address, given: { listen, upstream } };
  if (callsItself(own.listen, address))
    throw new SquallError(
      "SQ_BAD_REQUEST",
      `bad upstream ${JSON.stringify(upstream)}: that is where the proxy itself listens`,
    );
  if (protocol !== "http") return { ...tcp, ...own };
  if (http === undefined)
    throw new SquallError("SQ_BAD_REQUEST", "proxies of this daemon are made for TCP only");
  return { ...http, ...own, tls: tls ? { ca: null, insecure: false, servername: null } : null };
}

export function proxyAnswer({ name, listen, upstream, enabled, faults }: ProxyDefinition): ProxyAnswer {
  return { name, listen, upstream, enabled, toxics: toxicViews(faults) };
}

/** An object by name with its keys in the order of their bytes, which no object of JavaScript can have. */
export function byName(proxies: readonly ProxyDefinition[]): string {
  const entries = proxies
    .map((proxy) => ({ key: Buffer.from(proxy.name), proxy }))
    .toSorted((a, b) => Buffer.compare(a.key, b.key));
  const parts = entries.map(
    ({ proxy }) => `${JSON.stringify(proxy.name)}:${JSON.stringify(proxyAnswer(proxy))}`,
  );
  return `{${parts.join(",")}}`;
}
