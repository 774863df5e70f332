/**
 * A connection to an upstream: the requests that went over it, and the reader of what comes back. Whoever hears of
 * that may change, even in the middle of a chunk.
 */
import type { Socket } from "node:net";
import type { Member } from "../upstream/pool.js";
import type { CodecLimits } from "./limits.js";
import type { Exchange } from "./exchange.js";
import type { Asked } from "./framing.js";
import type { Fields, ResponseHead } from "./head.js";
import { ResponseReader } from "./response-reader.js";
import type { Cut, MessageSink, Refusal } from "./sink.js";

/** An answer that is still to come. */
export interface Awaited {
  readonly exchange: Exchange;
  /** Of a request that was sent again: nobody waits for its answer. */
  readonly copy: boolean;
}

export class Link implements MessageSink<ResponseHead> {
  readonly member: Member;
  readonly socket: Socket;
  readonly reader: ResponseReader;
  /** In the order in which they were sent. */
  readonly awaited: Awaited[] = [];
  /** Bytes go past the reader, for good. */
  opaque = false;
  /** Nothing comes from it any more. */
  over = false;
  /** What it said of a head that never came to its end. */
  unfinished: Buffer | null = null;
  /** What is under way may finish, and nothing else begins. */
  draining = false;
  sink: MessageSink<ResponseHead> | null = null;
  #last: Exchange | null = null;

  constructor(member: Member, socket: Socket, limits: CodecLimits) {
    this.member = member;
    this.socket = socket;
    this.reader = new ResponseReader(limits);
  }

  /** Called before the first byte of a request is sent. */
  expect(exchange: Exchange, asked: Asked, copy: boolean): void {
    if (!copy) this.#last = exchange;
    this.awaited.push({ exchange, copy });
    this.reader.expect(asked);
  }

  /** Nothing is under way, and the next request may go over it. */
  get idle(): boolean {
    return !this.over && !this.opaque && !this.draining && !this.brokenOff && this.awaited.length === 0;
  }

  /** A client has had its answer, and the upstream has not come to the end of its own. */
  get busyForNobody(): boolean {
    return this.awaited.some(({ exchange, copy }) => !copy && exchange.swallowing);
  }

  /** The request that was sent last has no end, so no other can follow. */
  get brokenOff(): boolean {
    return this.#last?.brokenOff === true;
  }

  push(chunk: Buffer): void {
    this.reader.push(chunk, this);
  }

  end(): void {
    this.over = true;
    this.reader.end(this);
  }

  resume(): void {
    this.reader.resume(this);
  }

  // -- what the reader says

  head(head: ResponseHead): void {
    this.sink?.head(head);
  }

  body(raw: Buffer, start: number, end: number): void {
    this.sink?.body(raw, start, end);
  }

  trailers(trailers: Fields): void {
    this.sink?.trailers(trailers);
  }

  messageEnd(persistent: boolean): void {
    this.sink?.messageEnd(persistent);
  }

  upgraded(): void {
    this.sink?.upgraded();
  }

  refused(refusal: Refusal): void {
    this.sink?.refused(refusal);
  }

  truncated(cut: Cut): void {
    this.sink?.truncated(cut);
  }

  plain(raw: Buffer): void {
    this.sink?.plain(raw);
  }

  ended(): void {
    this.sink?.ended();
  }

  blank(raw: Buffer): void {
    this.sink?.blank(raw);
  }

  foreign(): void {
    // Servers are not asked for anything else.
  }
}
