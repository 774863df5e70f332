/**
 * How balancers speak when they answer themselves: the status line, the fields in their order and case, and the text.
 *
 * nginx: recorded from 1.22.1 with `server_tokens off`; the padding that it adds for browsers is for user agents that
 * call themselves MSIE or Chrome, which no bot does. HAProxy: recorded from 2.6.12. Envoy: source/common/router and
 * source/common/http/utility.cc (local replies). ALB: as published in bug reports and by its own documentation; it
 * speaks like the nginx that it was made from. Fields that frame the message stand where the balancer puts them.
 */
import type { Millis } from "../core/clock.js";
import { contentLength, mayHaveContent } from "../core/message-rules.js";
import type { Answer, FieldList } from "./contract/index.js";
import { httpDate, wholeSeconds } from "./messages.js";

export const PERSONAS = ["plain", "nginx", "haproxy", "envoy", "alb"] as const;
export type Persona = (typeof PERSONAS)[number];

/** Why there is no answer of the upstream's: some balancers tell. */
export type Why = "refused" | "timeout" | "no_upstream" | "reset";

export interface PersonaOptions {
  /** Milliseconds since 1970. */
  readonly now: Millis;
  readonly retryAfter?: Millis | undefined;
  readonly why?: Why | undefined;
}

export function personaAnswer(persona: Persona, status: number, options: PersonaOptions): Answer {
  const spoken = VOICES[persona](status, options);
  const body = Buffer.from(mayHaveContent(status) ? spoken.text : "", "latin1");
  const fields = spoken.fields(body.length);
  const retry: FieldList =
    options.retryAfter === undefined ? [] : [[spoken.retryAfter, String(wholeSeconds(options.retryAfter))]];
  return {
    do: "answer",
    head: { status, reason: spoken.reason, fields: [...fields, ...retry] },
    body,
    ...(spoken.closes ? { close: true } : {}),
  };
}

/** The status that the balancer itself gives when the upstream fails it like that. */
export function failureStatus(persona: Persona, why: Why): 502 | 503 | 504 {
  switch (persona) {
    // Both say 503 of a connection that could not be made in time, too.
    case "envoy":
      return 503;
    case "haproxy":
      return why === "reset" ? 502 : 503;
    case "alb":
      if (why === "timeout") return 504;
      return why === "no_upstream" ? 503 : 502;
    case "plain":
      if (why === "timeout") return 504;
      return why === "no_upstream" ? 503 : 502;
    // It says 502 for "no live upstreams" too.
    case "nginx":
      return why === "timeout" ? 504 : 502;
  }
}

export function reasonOf(status: number): string {
  return REASONS[status] ?? "";
}

interface Spoken {
  readonly reason: string;
  readonly text: string;
  fields(length: number): FieldList;
  readonly retryAfter: string;
  readonly closes?: boolean;
}

const VOICES: Readonly<Record<Persona, (status: number, options: PersonaOptions) => Spoken>> = {
  plain: (status, { now }) => {
    const reason = reasonOf(status);
    return {
      reason,
      text: `${status} ${reason}`.trimEnd() + "\n",
      fields: (length) => [
        ["date", httpDate(now)],
        ...(length > 0 ? ([["content-type", "text/plain; charset=utf-8"]] as const) : []),
        ...lengthOf(status, "content-length", length),
      ],
      retryAfter: "retry-after",
    };
  },
  nginx: (status, options) => nginxLike(status, options, "nginx", "<hr><center>nginx</center>\r\n"),
  alb: (status, options) => nginxLike(status, options, "awselb/2.0", ""),
  haproxy: (status) => {
    const message = HAPROXY_MESSAGES[status];
    const reason = HAPROXY_REASONS[status] ?? reasonOf(status);
    if (message === undefined) {
      // `http-request return status`, which is how it says what it has no page for.
      const fields = (length: number): FieldList => lengthOf(status, "content-length", length);
      return { reason, text: "", fields, retryAfter: "retry-after" };
    }
    const closes = status === 400 || status === 408;
    return {
      reason,
      text: `<html><body><h1>${status} ${reason}</h1>\n${message}\n</body></html>\n`,
      fields: (length) => [
        ["content-length", String(length)],
        ["cache-control", "no-cache"],
        ["content-type", "text/html"],
        ...(closes ? ([["connection", "close"]] as const) : []),
      ],
      retryAfter: "retry-after",
      closes,
    };
  },
  envoy: (status, { now, why }) => ({
    reason: reasonOf(status),
    text: envoyText(status, why),
    fields: (length) => [
      ...(length > 0
        ? ([
            ["content-length", String(length)],
            ["content-type", "text/plain"],
          ] as const)
        : []),
      ["date", httpDate(now)],
      ["server", "envoy"],
      ...(length > 0 ? [] : lengthOf(status, "content-length", 0)),
    ],
    retryAfter: "retry-after",
  }),
};

function lengthOf(status: number, name: string, length: number): FieldList {
  // What the method has to say of it is said where the answer is written.
  const said = contentLength({ method: "GET", status }, length);
  return said === null ? [] : [[name, String(said)]];
}

/** Statuses after which nginx does not keep the connection, whatever the client wants. */
const NGINX_CLOSES: ReadonlySet<number> = new Set([400, 413, 414, 500, 501]);

function nginxLike(status: number, { now }: PersonaOptions, server: string, signature: string): Spoken {
  const reason = status < 300 ? reasonOf(status) : (NGINX_REASONS[status] ?? "");
  const title = `${status} ${NGINX_TITLES[status] ?? reason}`;
  const closes = NGINX_CLOSES.has(status);
  return {
    reason,
    text:
      status < 300 || reason === ""
        ? ""
        : `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n${signature}</body>\r\n</html>\r\n`,
    fields: (length) => [
      ["Server", server],
      ["Date", httpDate(now)],
      ...(length > 0 ? ([["Content-Type", "text/html"]] as const) : []),
      ...lengthOf(status, "Content-Length", length),
      ["Connection", closes ? "close" : "keep-alive"],
    ],
    retryAfter: "Retry-After",
    closes,
  };
}

const BEFORE_HEADERS = "upstream connect error or disconnect/reset before headers. reset reason: ";

function envoyText(status: number, why: Why = "reset"): string {
  switch (status) {
    case 403:
      return "RBAC: access denied";
    case 429:
      return "local_rate_limited";
    case 502:
      return `${BEFORE_HEADERS}protocol error`;
    case 503:
      return ENVOY_503[why];
    case 504:
      return "upstream request timeout";
    default:
      return "";
  }
}

const ENVOY_503: Readonly<Record<Why, string>> = {
  refused: `${BEFORE_HEADERS}remote connection failure, transport failure reason: delayed connect error: 111`,
  timeout: `${BEFORE_HEADERS}connection timeout`,
  no_upstream: "no healthy upstream",
  reset: `${BEFORE_HEADERS}connection termination`,
};

/** RFC 9110 15 and the registry that it founds. */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  507: "Insufficient Storage",
  508: "Loop Detected",
  511: "Network Authentication Required",
};

/** ngx_http_header_filter_module.c; what is not in its table has no reason and no page. */
const NGINX_REASONS: Readonly<Record<number, string>> = {
  301: "Moved Permanently",
  302: "Moved Temporarily",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Not Allowed",
  406: "Not Acceptable",
  408: "Request Time-out",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Request Entity Too Large",
  414: "Request-URI Too Large",
  415: "Unsupported Media Type",
  416: "Requested Range Not Satisfiable",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
  505: "HTTP Version Not Supported",
  507: "Insufficient Storage",
};

/** Where its page says something else than its status line. */
const NGINX_TITLES: Readonly<Record<number, string>> = { 302: "Found", 401: "Authorization Required" };

/** Where HAProxy keeps to older words. */
const HAPROXY_REASONS: Readonly<Record<number, string>> = {
  400: "Bad request",
  408: "Request Time-out",
  413: "Payload Too Large",
  504: "Gateway Time-out",
};

/** The pages that it has. The full stop in front of that of 501 is its own. */
const HAPROXY_MESSAGES: Readonly<Record<number, string>> = {
  200: "Service ready.",
  400: "Your browser sent an invalid request.",
  401: "You need a valid user and password to access this content.",
  403: "Request forbidden by administrative rules.",
  404: "The resource could not be found.",
  405: "A request was made of a resource using a request method not supported by that resource",
  408: "Your browser didn't send a complete request in time.",
  410: "The resource is no longer available and will not be available again.",
  413: "The request entity exceeds the maximum allowed.",
  422: "The server cannot process the contained instructions.",
  425: "Your browser sent early data.",
  429: "You have sent too many requests in a given amount of time.",
  500: "An internal server error occurred.",
  501: ".The server does not support the functionality required to fulfill the request.",
  502: "The server returned an invalid or incomplete response.",
  503: "No server is available to handle this request.",
  504: "The server didn't respond in time.",
};
