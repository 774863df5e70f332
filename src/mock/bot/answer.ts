/** What an answer means: a good one, a refusal of the job server, or something that came from in between. */
import type { IncomingHttpHeaders } from "node:http";
import { createHash } from "node:crypto";
import type { Clock, Millis } from "../../core/clock.js";
import type { Flaws } from "./flaws.js";
import { tlsTrouble } from "./tls-trouble.js";
import { Abandoned, Refused, Trouble, Unable } from "./trouble.js";

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A Retry-After of a day is a mistake of the server, not a reason to be gone for a day. */
const RETRY_AFTER_MAX: Millis = 300_000;

/** The JSON of a good answer, or null if it has none. Throws Refused or Trouble. */
export function judge({ status, headers, text }: RawAnswer, clock: Clock, flaws: Flaws): unknown {
  if (status === 204) return null;
  const retryAfter = parseRetryAfter(headers["retry-after"], clock);
  // flaw html-as-json: whatever comes is JSON, so what is not ends the bot by a SyntaxError.
  const json = flaws.has("html-as-json") ? (JSON.parse(text) as Record<string, unknown>) : parseObject(text);
  if (status >= 200 && status < 300) {
    if (json) return json;
    throw new Trouble(`${status} with ${describe(headers, text)} instead of JSON`, { retryAfter });
  }
  // A token can be refused by anything on the way.
  if (status === 401) throw new Refused(status, `401: ${json ? String(json["error"]) : "not authorized"}`);
  const ours = json && typeof json["code"] === "string" && typeof json["error"] === "string";
  const final = status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
  if (ours && final) throw new Refused(status, `${status}: ${String(json["error"])}`);
  const what = ours ? String(json["error"]) : `with ${describe(headers, text)}`;
  throw new Trouble(`${status} ${what}`, { retryAfter });
}

/** SHA-256 as a Digest header has it, RFC 3230. */
export function digestOf(text: string): string {
  return `sha-256=${createHash("sha256").update(text).digest("base64")}`;
}

/** Every answer of the protocol is an object, of which no shorter part is JSON: a truncated one cannot pass. */
function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(headers: IncomingHttpHeaders, text: string): string {
  if (text === "") return "an empty body";
  if (/^\s*</u.test(text)) return "an HTML page";
  return `a body of type ${headers["content-type"] ?? "unknown"}`;
}

/** Seconds or a date, RFC 9110 section 10.2.3; nonsense counts as nothing. */
function parseRetryAfter(header: string | undefined, clock: Clock): Millis {
  if (header === undefined) return 0;
  const wait = /^\d+$/u.test(header) ? Number(header) * 1000 : Date.parse(header) - clock.wallTime();
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), RETRY_AFTER_MAX);
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed while sending",
  ETIMEDOUT: "connection timed out",
  ENOTFOUND: "the server's name is not known",
  EAI_FAIL: "the server's name could not be looked up",
  EAI_AGAIN: "the server's name could not be looked up",
  EHOSTUNREACH: "the server's host cannot be reached",
  ENETUNREACH: "the server's network cannot be reached",
};
const CUTS = new Set(["ECONNRESET", "EPIPE"]);
/** NXDOMAIN, and what the C library makes of FORMERR. */
const NO_SUCH_NAME = new Set(["ENOTFOUND", "EAI_FAIL"]);

/** What a broken connection is: always worth another try, since names and routes come back as servers do. */
export function broken(error: unknown, flaws: Flaws, inHandshake: boolean): unknown {
  const known = [Trouble, Refused, Abandoned, Unable].some((type) => error instanceof type);
  if (known || !(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const secure = tlsTrouble(error, inHandshake);
  if (secure !== null) {
    const { name: tls, message, lasting } = secure;
    return new Trouble(message, { tls, lasting, cut: CUTS.has(code) });
  }
  const message = PLAIN_WORDS[code] ?? error.message;
  // flaw permanent-dns: a name that is not known now never will be, so this is no Trouble but the end.
  if (flaws.has("permanent-dns") && NO_SUCH_NAME.has(code)) return new Error(message);
  return new Trouble(message, { cut: CUTS.has(code) });
}
