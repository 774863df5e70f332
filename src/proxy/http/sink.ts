/** What a reader tells of a stream, in the order of its bytes: whoever writes each raw piece on has passed the stream on unchanged. */
import type { Fields, RequestHead, ResponseHead } from "./head.js";
import type { RefusalReason } from "./refusal.js";

export interface Refusal {
  /** One of REFUSALS. */
  readonly reason: RefusalReason;
  /** Which byte of the stream it was, counted from 0; for framing that contradicts itself, the field that does. */
  readonly offset: number;
}

/** Where a stream ended too early. */
export type Cut = "head" | "body" | "trailers";

/**
 * Raw bytes come through `blank`, `head`, `body`, `trailers` and `plain`, each byte once and in order. Views and
 * chunks are good until the call returns.
 */
export interface MessageSink<H extends RequestHead | ResponseHead> {
  /** Empty lines before a request (RFC 9112 2.2): no part of any message. */
  blank(raw: Buffer): void;
  /** A head is complete. An interim response has nothing else; any other message ends with `messageEnd` or `upgraded`. */
  head(head: H): void;
  /**
   * Bytes of a body as they came, framing included; the payload among them is `raw.subarray(start, end)`, often
   * all of it, and nothing where framing stands alone.
   */
  body(raw: Buffer, start: number, end: number): void;
  /** A trailer section that holds fields; an empty one is framing, and part of the body. */
  trailers(trailers: Fields): void;
  /** The message is complete; `persistent` says whether its sender leaves the connection open for another. */
  messageEnd(persistent: boolean): void;
  /** What follows is another protocol, after a 101, or a tunnel, after a CONNECT and a 2xx. It comes through `plain`. */
  upgraded(): void;
  /** A connection that began with something else entirely; all of it comes through `plain`. */
  foreign(protocol: "tls" | "h2"): void;
  /** Nothing can be told about the rest of the stream; all bytes that were not yet passed on come through `plain`. */
  refused(refusal: Refusal): void;
  /** The end came in the middle of a message; bytes that were not yet passed on come through `plain`. */
  truncated(cut: Cut): void;
  /** Bytes that are not, or no longer, understood as HTTP. */
  plain(raw: Buffer): void;
  /** The end of the stream. Nothing follows. */
  ended(): void;
}
