/** Which part of a body is meant: `Range` of those who fetch, `Content-Range` of those who send. RFC 9110, section 14. */
import type { Bytes } from "../../core/units.js";
import { Refusal } from "./refusal.js";

/** Both ends are in it. */
export interface Span {
  readonly start: Bytes;
  readonly end: Bytes;
}

/** The span asked for; null for the whole body, as for a header that we need not understand. */
export function requestedSpan(header: string | undefined, size: Bytes): Span | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/u.exec(header?.replaceAll(" ", "") ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return null;
  const span =
    first === ""
      ? { start: Math.max(0, size - Number(last)), end: size - 1 }
      : { start: Number(first), end: Math.min(last === "" ? Infinity : Number(last), size - 1) };
  if (first !== "" && last !== "" && Number(last) < Number(first)) return null;
  if (span.start <= span.end) return span;
  throw new Refusal("range_not_satisfiable", `The body has ${size} bytes.`, {
    headers: { "content-range": `bytes */${size}` },
  });
}

/** Where the bytes of a request belong in the whole that is sent. */
export interface SentSpan {
  readonly start: Bytes;
  /** Of this request; null if it only ends with the request. */
  readonly length: Bytes | null;
  /** Of the whole; null if only the end of the request tells. */
  readonly total: Bytes | null;
}

export function sentSpan(header: string | undefined, contentLength: string | undefined): SentSpan {
  const length = contentLength === undefined ? null : Number(contentLength);
  if (header === undefined) return { start: 0, length, total: length };
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/u.exec(header);
  const [start, end, total] = (match ?? []).slice(1).map(Number);
  const fits = start !== undefined && end !== undefined && total !== undefined && start <= end && end < total;
  if (fits && (length === null || length === end - start + 1))
    return { start, length: end - start + 1, total };
  throw new Refusal("bad_request", "The Content-Range header does not fit the body.", {
    reasons: [`content-range: expected such as "bytes 1000-4999/5000" over a body of 4000 bytes`],
  });
}
