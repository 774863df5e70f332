/** Answers that no upstream gave: the bytes, and whether the connection can live on behind them. */
import { contentLength, endsWithHead, mayHaveContent, opensTunnel } from "../../core/message-rules.js";
import type { Answer, FieldList } from "../../faults/contract/index.js";
import type { Exchange } from "./exchange.js";
import { writeResponseHead } from "./write.js";

export interface LocalAnswer {
  readonly head: Buffer;
  readonly body: Buffer | null;
  /** The connection ends behind it. */
  readonly closing: boolean;
}

/** `marks` say what was done to it. */
export function localAnswer(exchange: Exchange, answer: Answer, marks: FieldList): LocalAnswer {
  const { framing, minor } = exchange.head;
  const { status, reason } = answer.head;
  const asked = { method: exchange.method, status };
  const length = contentLength(asked, answer.body.length);
  // A client that waits for 100 may or may not send its body after this: nobody can tell what comes next. And behind a
  // tunnel's head there is the tunnel, which leads nowhere.
  const uncertain = (framing.expectsContinue && !exchange.requestRead) || opensTunnel(asked);
  const closing = answer.close === true || !framing.persistent || uncertain;
  const names = new Set(answer.head.fields.map(([name]) => name.toLowerCase()));
  const fields = answer.head.fields.flatMap(([name, value]): FieldList => {
    switch (name.toLowerCase()) {
      case "content-length":
        return length === null ? [] : [[name, String(length)]];
      case "transfer-encoding":
        return [];
      // A balancer's own keep-alive holds only as long as the client wants that as well.
      case "connection":
        return [[name, closing ? "close" : value]];
      default:
        return [[name, value]];
    }
  });
  if (length !== null && !names.has("content-length")) fields.push(["content-length", String(length)]);
  if (!names.has("connection")) {
    if (closing) fields.push(["connection", "close"]);
    else if (minor === 0) fields.push(["connection", "keep-alive"]);
  }
  fields.push(...marks);
  return {
    head: writeResponseHead({ status, reason, fields }),
    body: mayHaveContent(status) && answer.body.length > 0 && !endsWithHead(asked) ? answer.body : null,
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
