/**
 * Who sent a request: the name that draws, counters and journal know a bot by. A bearer token is worth money, so it
 * is never the name itself: the subject of its JWT is, or else a salted hash.
 */
import { createHmac } from "node:crypto";
import type { IdentifyRule } from "../../config/identify.js";
import { parametersOf, segmentOf } from "../../config/pattern.js";
import { fieldText, parseAuthority } from "../../core/host-name.js";
import { BoundedMap } from "../../core/lru.js";
import { shortened } from "../bot-name.js";
import { peerName, type Peer } from "../secure/peer.js";

/** What must be known of a request to say who sent it. */
export interface RequestLike {
  /** The value of the first field of that name, in any case. */
  header(name: string): string | undefined;
  /** Without the query, as it was sent. */
  readonly path: string;
  /** The values of all parameters of that name, decoded, in order. */
  queries(name: string): readonly string[];
  /** What is known of a client that speaks TLS; missing of all others. */
  readonly peer?: Peer | null;
}

export type Identify = (request: RequestLike, client: string) => string;

/** How many tokens are remembered, and how long one may be to be: 16 MiB at most. */
export const TOKENS_REMEMBERED = 4_096;
const TOKEN_REMEMBERED_MAX = 4_096;
/** A payload of a JWT beyond it is not looked into. */
const PAYLOAD_MAX = 16_384;
const HASH_DIGITS = 12;

type Rule = (request: RequestLike) => string | undefined;

/**
 * The first rule that answers names the bot, and the client's address does if none answers. An empty value is no
 * answer. The same salt gives the same token the same name, which is what makes runs alike.
 */
export function compileIdentify(rules: readonly IdentifyRule[], salt: string): Identify {
  // Behind the address, which everybody has, no rule is ever asked.
  const end = rules.findIndex((rule) => rule.by === "client");
  const asked = (end === -1 ? rules : rules.slice(0, end)).map((rule) => compileRule(rule, salt));
  const [first, second] = asked;
  if (first === undefined) return (_request, client) => client;
  if (second === undefined) return (request, client) => named(first(request), client);
  return (request, client) => {
    for (const rule of asked) {
      const name = rule(request);
      if (name !== undefined && name !== "") return shortened(name);
    }
    return client;
  };
}

function named(name: string | undefined, client: string): string {
  return name === undefined || name === "" ? client : shortened(name);
}

function compileRule(rule: IdentifyRule, salt: string): Rule {
  switch (rule.by) {
    case "client":
      return () => undefined;
    case "header":
      return rule.name.toLowerCase() === "host"
        ? (request) => hostAndPort(request.header(rule.name))
        : (request) => textOf(request.header(rule.name));
    case "query":
      return (request) => request.queries(rule.name)[0];
    case "path": {
      const segment = segmentOf(rule.pattern, Math.max(0, parametersOf(rule.pattern).indexOf("bot")));
      return (request) => segment(request.path);
    }
    case "certificate":
    case "sni":
      return ({ peer }) => peerName(rule, peer);
    case "bearer":
      return bearerRule(rule.claim, salt);
  }
}

function textOf(field: string | undefined): string | undefined {
  return field === undefined ? undefined : fieldText(field);
}

/** One bot, however it writes the name that it asks for. */
function hostAndPort(field: string | undefined): string | undefined {
  if (field === undefined || field === "") return undefined;
  const { host, port } = parseAuthority(fieldText(field));
  return port === null || port === "80" ? host : `${host}:${port}`;
}

function bearerRule(claim: string, salt: string): Rule {
  const known = new BoundedMap<string, string>(TOKENS_REMEMBERED);
  return (request) => {
    const token = bearerOf(request.header("authorization"));
    if (token === undefined) return undefined;
    const before = known.get(token);
    if (before !== undefined) return before;
    const name = claimOf(token, claim) ?? `token-${hashOf(token, salt)}`;
    if (token.length <= TOKEN_REMEMBERED_MAX) known.set(token, name);
    return name;
  };
}

/** RFC 6750 §2.1; the scheme is known in any case (RFC 9110 §11.1). */
function bearerOf(field: string | undefined): string | undefined {
  if (field === undefined || field.length < 8 || field.charCodeAt(6) !== 0x20) return undefined;
  if (field.slice(0, 6).toLowerCase() !== "bearer") return undefined;
  const token = field.slice(7).trim();
  return token === "" ? undefined : token;
}

function hashOf(token: string, salt: string): string {
  return createHmac("sha256", salt).update(token).digest("hex").slice(0, HASH_DIGITS);
}

/** A claim of a JWT (RFC 7519), unverified: whoever forges one is another bot to us, and no more than that. */
function claimOf(token: string, claim: string): string | undefined {
  const [, payload, signature, ...more] = token.split(".", 4);
  if (payload === undefined || signature === undefined || more.length > 0) return undefined;
  if (payload.length > PAYLOAD_MAX) return undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof claims !== "object" || claims === null || !Object.hasOwn(claims, claim)) return undefined;
  const value: unknown = (claims as Readonly<Record<string, unknown>>)[claim];
  if (typeof value === "string" && value !== "") return value;
  return typeof value === "number" ? String(value) : undefined;
}
