/**
 * What a request says of itself beyond method and path: the key by which a server knows it again, and which of a route's
 * operations it asks for. Read where everything is recorded, and nowhere else.
 */

/**
 * Fields with which clients say that a request is the same as one before, in the order in which they are asked: keys made for that
 * first, then ids of requests. Ids of traces and correlations are left out, since several requests share them.
 */
export const KEY_FIELDS: readonly string[] = [
  "idempotency-key",
  "x-idempotency-key",
  "paypal-request-id",
  "x-goog-gcs-idempotency-token",
  "amz-sdk-invocation-id",
  "x-ms-client-request-id",
  "x-request-id",
  "request-id",
];

/** Characters of an operation's name that are kept. */
const NAME_MAX = 80;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json(?:-rpc|-rpcrequest)?$|^application\/graphql$/u;

export interface Asked {
  header(name: string): string | undefined;
  queries(name: string): readonly string[];
}

/**
 * What a request has in common with its retries and with nothing else of its bot, as far as its head tells: its key if it has one, else
 * method, target, and the length and type of its body.
 */
export function retryMark(asked: {
  readonly method: string;
  /** With its query. */
  readonly target: string;
  header(name: string): string | undefined;
}): string {
  const key = keyOf(asked);
  if (key !== undefined) return `key ${key}`;
  const length = asked.header("content-length") ?? asked.header("transfer-encoding") ?? "";
  return `${asked.method} ${asked.target} ${length} ${asked.header("content-type") ?? ""}`;
}

/** The first of those fields that is there. */
export function keyOf(asked: Pick<Asked, "header">): string | undefined {
  for (const field of KEY_FIELDS) {
    const value = asked.header(field);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/**
 * What tells operations of one route apart: `X-Amz-Target`, `SOAPAction`, the `action` or `operationName` of the query, and of a
 * whole body in JSON the `operationName` of GraphQL or the `method` of JSON-RPC 2.0. Null for none.
 */
export function operationOf(asked: Asked, type: string | null, body: Buffer | null): string | null {
  const soap = asked.header("soapaction")?.replace(/^"(.*)"$/u, "$1");
  const said =
    asked.header("x-amz-target") ??
    (soap === "" ? undefined : soap) ??
    asked.queries("action")[0] ??
    asked.queries("operationName")[0] ??
    (body === null || body.length === 0 || type === null || !JSON_TYPE.test(type)
      ? undefined
      : operationIn(body.toString("utf8")));
  return said === undefined || said === "" ? null : said.slice(0, NAME_MAX);
}

function operationIn(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // A batch is told by its first call.
  const one: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof one !== "object" || one === null) return undefined;
  const { operationName, query, jsonrpc, method } = one as Readonly<Record<string, unknown>>;
  if (typeof operationName === "string") return operationName;
  if (jsonrpc === "2.0" && typeof method === "string") return method;
  if (typeof query !== "string") return undefined;
  return /^\s*(?:query|mutation|subscription)\s+([_A-Za-z]\w*)/u.exec(query)?.[1];
}

/** What Retry-After asks for, in milliseconds from `now` (on the wall's clock); null for nothing that can be read (RFC 9110 10.2.3). */
export function retryAfterOf(value: string | undefined, now: number): number | null {
  if (value === undefined) return null;
  if (/^\d{1,9}$/u.test(value)) return Number(value) * 1_000;
  const date = /^[A-Z][a-z]{2,8},/u.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
