/**
 * Under which name requests go up (`host`), and whose name answers carry that name the upstream itself (`rewrite`). Where both
 * are off there is no `Naming` at all, and heads pass as the bytes that they are. Pure.
 */
import { isIP } from "node:net";
import { canonicalHostName, parseAuthority, type Authority } from "../../core/host-name.js";
import type { FieldList, RequestParts } from "../../faults/contract/index.js";
import type { Endpoint } from "../upstream/reader.js";
import { authorityOf, listOf, type Exchange } from "./exchange.js";
import type { ResponseHead } from "./head.js";

export interface NamingSpec {
  /** `preserve` for the client's own Host, `upstream` for the upstream's, or an authority: a host, and a port if it has one. */
  readonly host?: string;
  /** `location`: Location, Content-Location and the Domain of Set-Cookie, where they name the upstream itself. */
  readonly rewrite?: readonly "location"[];
}

type Scheme = "http" | "https";

const DEFAULT_PORT: Readonly<Record<Scheme, number>> = { http: 80, https: 443 };
const ABSOLUTE = /^https?:\/\/[^/?#]*(.*)$/isu;
/** `http://authority...` and `//authority...` (RFC 3986, section 4.2). */
const REFERENCE = /^(?:(https?):)?\/\/([^/?#]*)(.*)$/isu;
/** What may stand in a URL between `//` and its path. */
const AUTHORITY = /^[^\s/?#@\\<>"]+$/u;
const DOMAIN = /^\s*domain\s*=\s*(.*?)\s*$/iu;

/** null where everything passes as it comes. */
export function namingOf({ host = "preserve", rewrite = [] }: NamingSpec, secure: boolean): Naming | null {
  if (host === "preserve" && rewrite.length === 0) return null;
  return new Naming(host, rewrite.includes("location"), secure ? "https" : "http");
}

export class Naming {
  readonly #host: string;
  readonly #rewrites: boolean;
  readonly #scheme: Scheme;

  constructor(host: string, rewrites: boolean, scheme: Scheme) {
    this.#host = host;
    this.#rewrites = rewrites;
    this.#scheme = scheme;
  }

  /** The name that this upstream is asked by; null for the one that the client gave. */
  nameFor(endpoint: Endpoint): string | null {
    if (this.#host === "preserve") return null;
    return this.#host === "upstream" ? authorityFor(endpoint, DEFAULT_PORT[this.#scheme]) : this.#host;
  }

  /**
   * The head as the upstream is to see it; null if it is as it came. Of a target in absolute form, whose host would go
   * before the field, the rest is left (RFC 9112, sections 3.2.1 and 3.2.2). A tunnel by CONNECT goes where it was meant to.
   */
  request(exchange: Exchange): RequestParts | null {
    const { head, member, method } = exchange;
    if (member === null || head.framing.connect) return null;
    const name = this.nameFor(member.endpoint);
    if (name === null) return null;
    const absolute = head.form === "absolute";
    const target = absolute ? originForm(exchange.target, method) : exchange.target;
    if (target === null) return null;
    const fields: FieldList = listOf(head).map(([field, value]) =>
      field.toLowerCase() === "host" ? ([field, name] as const) : ([field, value] as const),
    );
    // HTTP/1.1 without a Host is wrong, and for the server to refuse; HTTP/1.0 need not have one.
    const missing = head.framing.hosts === 0 && (head.minor === 0 || absolute);
    return { method, target, fields: missing ? [["Host", name], ...fields] : fields };
  }

  /** The fields of an answer as the client is to see them; null if they are as they came. */
  response(exchange: Exchange, head: ResponseHead): FieldList | null {
    if (!this.#rewrites || exchange.member === null) return null;
    if (!head.has("location") && !head.has("content-location") && !head.has("set-cookie")) return null;
    const origin = this.#originOf(exchange, exchange.member.endpoint);
    let changed = false;
    const fields = listOf(head).map(([name, value]) => {
      const other = rewritten(name.toLowerCase(), value, origin);
      changed ||= other !== value;
      return [name, other] as const;
    });
    return changed ? fields : null;
  }

  #originOf(exchange: Exchange, endpoint: Endpoint): Origin {
    const scheme = this.#scheme;
    const given = authorityOf(exchange.target, exchange.head.get("host") ?? "");
    const client = AUTHORITY.test(given) ? given : "";
    const sent = parseAuthority(this.nameFor(endpoint) ?? client);
    const own = canonicalHostName(bracketed(endpoint.host));
    const forwarded = exchange.header("x-forwarded-proto")?.split(",", 1)[0]?.trim().toLowerCase();
    return {
      scheme,
      // A server may build its URLs from the Host that it got, and its own port.
      own: [
        [own, endpoint.port],
        [sent.host, portOf(sent, scheme)],
        [sent.host, endpoint.port],
      ],
      client,
      clientHost: parseAuthority(client).host,
      clientScheme: forwarded === "https" ? "https" : "http",
    };
  }
}

/** Whom answers may name, and what they are to name in its place. */
interface Origin {
  readonly scheme: Scheme;
  readonly own: readonly (readonly [host: string, port: number])[];
  /** Empty if it gave no host of use: then references become relative ones. */
  readonly client: string;
  readonly clientHost: string;
  readonly clientScheme: Scheme;
}

function rewritten(name: string, value: string, origin: Origin): string {
  switch (name) {
    case "location":
    case "content-location":
      return reference(value, origin);
    case "set-cookie":
      return cookie(value, origin);
    default:
      return value;
  }
}

function reference(value: string, { scheme, own, client, clientScheme }: Origin): string {
  const [, written, authority = "", rest = ""] = REFERENCE.exec(value) ?? [];
  if (authority === "" || (written ?? scheme).toLowerCase() !== scheme) return value;
  const there = parseAuthority(authority.slice(authority.lastIndexOf("@") + 1));
  const port = portOf(there, scheme);
  if (!own.some(([host, ownPort]) => host === there.host && ownPort === port)) return value;
  if (client === "") return rest.startsWith("/") ? rest : `/${rest}`;
  return `${written === undefined ? "" : `${clientScheme}:`}//${client}${rest}`;
}

/** A client takes no cookie for a domain that its server is not in (RFC 6265, section 5.3). */
function cookie(value: string, { own, clientHost }: Origin): string {
  const parts = value.split(";");
  const kept = parts.flatMap((part, at) => {
    const domain = at === 0 ? undefined : DOMAIN.exec(part)?.[1];
    if (domain === undefined) return [part];
    const name = canonicalHostName(domain.replace(/^\./u, ""));
    if (name === "" || covers(name, clientHost) || !own.some(([host]) => covers(name, host))) return [part];
    // An address, or a name without a dot, is no domain: a cookie without one is for its server alone.
    return isDomain(clientHost) ? [` Domain=${clientHost}`] : [];
  });
  return kept.length === parts.length && kept.every((part, at) => part === parts[at])
    ? value
    : kept.join(";");
}

function covers(domain: string, host: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function isDomain(host: string): boolean {
  return host.includes(".") && isIP(host) === 0 && !host.startsWith("[");
}

function originForm(target: string, method: string): string | null {
  const [, rest] = ABSOLUTE.exec(target) ?? [];
  if (rest === undefined) return null;
  if (rest === "") return method === "OPTIONS" ? "*" : "/";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function portOf({ port }: Authority, scheme: Scheme): number {
  return port === null ? DEFAULT_PORT[scheme] : Number(port);
}

function authorityFor({ host, port }: Endpoint, usual: number): string {
  const name = bracketed(host).replace(/(?<=.)\.$/u, "");
  return port === usual ? name : `${name}:${port}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host.replace(/^\[|\]$/gu, "")}]` : host;
}
