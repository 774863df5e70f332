/** Answers that no upstream gave: the bytes, and whether the connection can live on behind them. */
import type { Answer } from "../../faults/contract.js";
import { mayHaveBody } from "../../faults/personas.js";
import type { Exchange } from "./exchange.js";
import { writeResponseHead } from "./write.js";

export interface LocalAnswer {
  readonly head: Buffer;
  readonly body: Buffer | null;
  /** The connection ends behind it. */
  readonly closing: boolean;
}

/** `hits` are the faults that it is marked with, in `x-squall-fault`. */
export function localAnswer(exchange: Exchange, answer: Answer, hits: readonly string[]): LocalAnswer {
  const { framing, minor } = exchange.head;
  const { status, reason } = answer.head;
  const hasBody = mayHaveBody(status) && status >= 200;
  // A client that waits for 100 may or may not send its body after this: nobody can tell what comes next.
  const uncertain = framing.expectsContinue && !exchange.requestRead;
  const closing = answer.close === true || !framing.persistent || uncertain;
  const names = new Set(answer.head.fields.map(([name]) => name.toLowerCase()));
  const fields = answer.head.fields
    .filter(([name]) => hasBody || name.toLowerCase() !== "content-length")
    // A balancer's own keep-alive holds only as long as the client wants that as well.
    .map(([name, value]) =>
      closing && name.toLowerCase() === "connection" ? ([name, "close"] as const) : ([name, value] as const),
    );
  if (hasBody && !names.has("content-length")) fields.push(["content-length", String(answer.body.length)]);
  if (!names.has("connection")) {
    if (closing) fields.push(["connection", "close"]);
    else if (minor === 0) fields.push(["connection", "keep-alive"]);
  }
  if (hits.length > 0) fields.push(["x-squall-fault", hits.join(", ")]);
  return {
    head: writeResponseHead({ status, reason, fields }),
    body: hasBody && answer.body.length > 0 && exchange.method !== "HEAD" ? answer.body : null,
    closing,
  };
}

/** The proxy's own last word on a connection whose requests it cannot read. */
export function farewell({ head, body }: Answer): Buffer {
  const fields = head.fields.filter(([name]) => name.toLowerCase() !== "connection");
  if (!fields.some(([name]) => name.toLowerCase() === "content-length"))
    fields.push(["content-length", String(body.length)]);
  fields.push(["connection", "close"]);
  return Buffer.concat([writeResponseHead({ ...head, fields }), body]);
}
