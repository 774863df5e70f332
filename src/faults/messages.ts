/** What faults on HTTP exchanges have in common: fields, dates, and how a request is sent on. */
import type { Millis } from "../core/clock.js";
import {
  pass,
  type Dispatch,
  type ExchangeFault,
  type ExchangeVerdict,
  type FieldList,
  type ResponseInfo,
  type UpstreamFailure,
} from "./contract/index.js";

export function failed(answer: ResponseInfo | UpstreamFailure): answer is UpstreamFailure {
  return "failed" in answer;
}

/** Sent on once; the upstream finishes its work although the client may be gone. */
const DETACHED: Dispatch = {
  copies: 0,
  gap: 0,
  connection: "another",
  detached: true,
  // Of no copies: those that another fault wants are not smaller for it.
  limit: Infinity,
};

/**
 * On an exchange whose answer does not come as it was given, although the upstream has done the work: the request is carried out
 * even if its client leaves, and only an answer that there is can be lost or late.
 */
export abstract class WithheldAnswer implements ExchangeFault {
  #told = false;

  dispatch(): Dispatch {
    return DETACHED;
  }

  response(answer: ResponseInfo | UpstreamFailure): ExchangeVerdict {
    if (failed(answer)) return pass;
    if (!this.#told) this.first(answer);
    this.#told = true;
    return this.instead();
  }

  /** Books it, once for each exchange. */
  protected abstract first(answer: ResponseInfo): void;
  /** What becomes of the answer; asked again whenever it may have changed. */
  protected abstract instead(): ExchangeVerdict;
}

/** The value of the first field of that name, in any case. */
export function fieldOf(fields: FieldList, name: string): string | undefined {
  return fields.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
}

/** With that field in the place of the first of its name and without the others; behind all if there was none. */
export function withField(fields: FieldList, name: string, value: string): FieldList {
  const wanted = name.toLowerCase();
  const at = fields.findIndex(([other]) => other.toLowerCase() === wanted);
  if (at < 0) return [...fields, [name, value]];
  const rest = fields.slice(at + 1).filter(([other]) => other.toLowerCase() !== wanted);
  return [...fields.slice(0, at), [name, value], ...rest];
}

export function withoutField(fields: FieldList, name: string): FieldList {
  const unwanted = name.toLowerCase();
  return fields.filter(([other]) => other.toLowerCase() !== unwanted);
}

/** Fields that say where a message ends, or what becomes of the connection behind it. They belong to whoever sends it. */
export const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** As Retry-After counts: whole seconds, never fewer than were meant. What is less than a microsecond over is rounding. */
export function wholeSeconds(millis: Millis): number {
  return Math.max(0, Math.ceil((millis - 0.001) / 1000));
}

/** IMF-fixdate, RFC 9110 5.6.7. */
export function httpDate(wallTime: Millis): string {
  return new Date(wallTime).toUTCString();
}
