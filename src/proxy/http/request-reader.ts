/** The client's side of the codec: reads requests, and waits behind one that may turn the connection into something else. */
import { invariant } from "../../core/invariant.js";
import { DEFAULT_LIMITS, MessageReader, type CodecLimits } from "./codec.js";
import { frameRequest, Unframed } from "./framing.js";
import { Fields, RequestHead } from "./head.js";
import type { RefusalReason } from "./refusal.js";
import type { HeadScanner } from "./scanner.js";
import type { MessageSink } from "./sink.js";

/**
 * Behind a CONNECT, or a request with Upgrade, only the answer tells whether requests or other bytes follow.
 * The reader stops at the end of such a request until `settle` says it.
 */
export class RequestReader extends MessageReader<RequestHead> {
  #asks = false;
  #waits = false;
  #settled: boolean | null = null;

  constructor(limits: CodecLimits = DEFAULT_LIMITS) {
    super("request", limits);
  }

  /** A CONNECT or an Upgrade is complete, and its answer is not known. */
  get awaitsAnswer(): boolean {
    return this.#waits;
  }

  /**
   * The answer to the CONNECT or Upgrade at hand has come: accepted (101, or 2xx to a CONNECT) or not. It may come
   * before the request is complete, which is then read to its end first (RFC 9110 7.8).
   */
  settle(accepted: boolean, sink: MessageSink<RequestHead>): void {
    invariant(this.#asks && this.#settled === null, "an answer to no CONNECT or Upgrade");
    if (this.#waits) {
      this.#asks = this.#waits = false;
      this.release(sink, accepted);
    } else {
      this.#settled = accepted;
    }
  }

  override relay(sink: MessageSink<RequestHead>): void {
    this.#asks = this.#waits = false;
    this.#settled = null;
    super.relay(sink);
  }

  protected override judge(raw: Buffer, scanner: HeadScanner, kept: boolean): RequestHead | Unframed {
    const marks = scanner.marks();
    const framing = frameRequest(new Fields(raw, marks, kept), scanner);
    return framing instanceof Unframed ? framing : new RequestHead(raw, marks, kept, scanner, framing);
  }

  protected override admits(): RefusalReason | null {
    return null;
  }

  protected override get speaksForItself(): boolean {
    return true;
  }

  protected override begun({ framing }: RequestHead): void {
    this.#asks = framing.upgrade || framing.connect;
  }

  protected override completed(): "on" | "wait" | "upgrade" {
    if (!this.#asks) return "on";
    const settled = this.#settled;
    this.#waits = settled === null;
    if (settled === null) return "wait";
    this.#asks = false;
    this.#settled = null;
    return settled ? "upgrade" : "on";
  }
}
