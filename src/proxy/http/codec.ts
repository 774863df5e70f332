/**
 * The codec of the HTTP plane: reads one direction of an HTTP/1.x connection in whatever pieces it comes and tells a
 * sink where messages begin, what is payload, and where they end. No sockets, no timers; bodies are never copied.
 *
 *     between -> head -> (counted | chunked -> trailers | until close) -> between      or -> plain, for good
 */
import { invariant } from "../../core/invariant.js";
import { ChunkScanner, CRLF } from "./chunked.js";
import { Unframed } from "./framing.js";
import { type Framing } from "./message-framing.js";
import { Fields, type RequestHead, type ResponseHead } from "./head.js";
import { Intake } from "./intake.js";
import { KeptBytes } from "./kept-bytes.js";
import { DEFAULT_LIMITS, type CodecLimits } from "./limits.js";
import { CR, LF } from "./octets.js";
import type { RefusalReason } from "./refusal.js";
import { RepeatedHeads } from "./repeated-heads.js";
import { HeadScanner, MORE, REFUSED } from "./scanner.js";
import type { Cut, MessageSink } from "./sink.js";

export { DEFAULT_LIMITS, type CodecLimits };

const enum State {
  Between,
  BlankLf,
  TlsMinor,
  Head,
  Counted,
  Chunked,
  Trailers,
  UntilClose,
  Plain,
}

const EMPTY = Buffer.alloc(0);
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;
/** RFC 9113 3.4; the method is reserved for nothing else, so these bytes decide. */
const H2_PREFACE = Buffer.from("PRI * HTTP/2");

/** What requests and responses have in common; RequestReader and ResponseReader are made of it. */
export abstract class MessageReader<H extends RequestHead | ResponseHead> extends Intake<MessageSink<H>> {
  readonly #kind: "request" | "response";
  readonly #limits: CodecLimits;
  readonly #head: HeadScanner;
  readonly #repeated = new RepeatedHeads<H>();
  readonly #chunks: ChunkScanner;
  #trailers: HeadScanner | null = null;
  #state: State = State.Between;
  #left = 0;
  #persistent = true;
  #fresh = true;
  #blankBytes = 0;
  /** What the head that is being told came in, and where it ends there. */
  #behind: Buffer | null = null;
  #behindAt = 0;
  /** Copies of the bytes of a head, or of trailers, that has not come to its end. */
  readonly #kept = new KeptBytes();

  constructor(kind: "request" | "response", limits: CodecLimits) {
    super(limits.heldBytes);
    this.#kind = kind;
    this.#limits = limits;
    this.#head = new HeadScanner(kind, { bytes: limits.headBytes, fields: limits.headFields });
    this.#chunks = new ChunkScanner(limits.chunkLineBytes);
  }

  /** Makes the head out of what was scanned, or says why it cannot be framed. */
  protected abstract judge(raw: Buffer, scanner: HeadScanner, kept: boolean): H | Unframed;
  /** Whether a message may begin now; otherwise why not. */
  protected abstract admits(): RefusalReason | null;
  /** Whether the next head means what its own bytes say, and nothing that was said before: such heads are remembered. */
  protected abstract get speaksForItself(): boolean;
  /** A message is complete: how to go on. "wait" stops the reader until `release`. */
  protected abstract completed(): "on" | "wait" | "upgrade";
  /** A head is complete, and accepted. */
  protected abstract begun(head: H): void;

  /** No message is under way. */
  get idle(): boolean {
    return this.#state === State.Between || this.#state === State.BlankLf;
  }

  /** Bytes are passed through without being understood, now and for good. */
  get plain(): boolean {
    return this.#state === State.Plain;
  }

  /** Bytes that the reader has copied and not yet passed on: an unfinished head, and what came while it was stopped. */
  get bytesHeld(): number {
    return this.#kept.length + this.earlyBytes;
  }

  /** Ends the wait that `completed` asked for. */
  protected release(sink: MessageSink<H>, upgraded: boolean): void {
    invariant(this.waiting, "nothing waits for an answer");
    this.waiting = false;
    if (upgraded) this.#upgrade(sink);
    this.drain(sink);
  }

  /** What follows is no HTTP, although nothing in it said so: all that was not passed on yet comes through `plain`. */
  relay(sink: MessageSink<H>): void {
    this.#state = State.Plain;
    this.waiting = false;
    this.#handOver(EMPTY, 0, sink);
    this.resume(sink);
  }

  protected override step(chunk: Buffer, at: number, sink: MessageSink<H>): number {
    switch (this.#state) {
      case State.Between:
        return this.#between(chunk, at, sink);
      case State.BlankLf:
        if (chunk[at] !== LF) return this.#refuse("bare_cr", at, chunk, at, sink);
        this.#kept.take(EMPTY, 0, 0);
        this.#state = State.Between;
        this.#fresh = false;
        sink.blank(CRLF);
        return at + 1;
      case State.TlsMinor:
        if (chunk[at] !== TLS_MAJOR) return this.#refuse("bad_request_line", at, chunk, at, sink);
        return this.#foreign("tls", chunk, at, sink);
      case State.Head:
        return this.#readHead(chunk, at, sink);
      case State.Counted: {
        const end = Math.min(at + this.#left, chunk.length);
        this.#left -= end - at;
        sink.body(part(chunk, at, end), 0, end - at);
        if (this.#left === 0) this.#complete(sink);
        return end;
      }
      case State.Chunked:
        return this.#readChunks(chunk, at, sink);
      case State.Trailers:
        return this.#readTrailers(chunk, at, sink);
      case State.UntilClose:
        sink.body(part(chunk, at, chunk.length), 0, chunk.length - at);
        return chunk.length;
      case State.Plain:
        sink.plain(part(chunk, at, chunk.length));
        return chunk.length;
    }
  }

  #between(chunk: Buffer, at: number, sink: MessageSink<H>): number {
    const first = chunk[at];
    if (first === CR && this.#kind === "request") {
      this.#blankBytes += 2;
      if (this.#blankBytes > this.#limits.headBytes) {
        return this.#refuse("head_too_large", at, chunk, at, sink);
      }
      if (at + 1 === chunk.length) {
        this.#keep(chunk, at, at + 1);
        this.#state = State.BlankLf;
        return at + 1;
      }
      if (chunk[at + 1] !== LF) return this.#refuse("bare_cr", at + 1, chunk, at, sink);
      this.#fresh = false;
      sink.blank(chunk.subarray(at, at + 2));
      return at + 2;
    }
    if (!this.#persistent) return this.#refuse("after_close", at, chunk, at, sink);
    const unwanted = this.admits();
    if (unwanted !== null) return this.#refuse(unwanted, at, chunk, at, sink);
    if (first === TLS_HANDSHAKE && this.#fresh && this.#kind === "request") {
      this.#keep(chunk, at, at + 1);
      this.#state = State.TlsMinor;
      return at + 1;
    }
    // Empty lines before it count against its limit.
    if (this.#blankBytes === 0 && this.speaksForItself) {
      const known = this.#repeated.find(chunk, at);
      if (known !== null) {
        const end = at + known.raw.length;
        return this.#accept(known.again(part(chunk, at, end), false) as H, chunk, end, sink);
      }
    }
    this.#head.reset(this.#blankBytes);
    this.#blankBytes = 0;
    this.#state = State.Head;
    return this.#readHead(chunk, at, sink);
  }

  #readHead(chunk: Buffer, at: number, sink: MessageSink<H>): number {
    const scanner = this.#head;
    const end = scanner.scan(chunk, at);
    if (end === MORE) return this.#keep(chunk, at, chunk.length);
    if (end === REFUSED) {
      if (this.#isPreface(chunk, at)) return this.#foreign("h2", chunk, at, sink);
      return this.#refuse(scanner.fault, scanner.faultAt, chunk, at, sink);
    }
    const before = this.#kept.length;
    const raw = before > 0 ? this.#kept.take(chunk, at, end) : part(chunk, at, end);
    const head = this.judge(raw, scanner, before > 0);
    if (head instanceof Unframed) {
      this.#kept.add(raw, 0, before);
      return this.#refuse(head.reason, at - before + head.at, chunk, at, sink);
    }
    if (before === 0 && this.speaksForItself) this.#repeated.pass(head);
    return this.#accept(head, chunk, end, sink);
  }

  /** While a head is told: so many bytes behind it, if they came with it, as a view of what was read; null otherwise. */
  ahead(length: number): Buffer | null {
    const chunk = this.#behind;
    if (chunk === null || chunk.length - this.#behindAt < length) return null;
    return chunk.subarray(this.#behindAt, this.#behindAt + length);
  }

  #accept(head: H, chunk: Buffer, end: number, sink: MessageSink<H>): number {
    this.#fresh = false;
    this.begun(head);
    this.#frame(head, head.framing);
    this.#behind = chunk;
    this.#behindAt = end;
    sink.head(head);
    this.#behind = null;
    if (this.#state === State.Plain) sink.upgraded();
    else if (this.#state === State.Between && !isInterim(head)) this.#complete(sink);
    return end;
  }

  #frame(head: H, framing: Framing): void {
    if (!isInterim(head)) this.#persistent = framing.persistent;
    switch (framing.body) {
      case "none":
        this.#state = State.Between;
        break;
      case "length":
        this.#left = framing.length;
        this.#state = State.Counted;
        break;
      case "chunked":
        this.#chunks.reset();
        this.#state = State.Chunked;
        break;
      case "close":
        this.#state = State.UntilClose;
        break;
      case "tunnel":
        this.#state = State.Plain;
        break;
    }
  }

  #readChunks(chunk: Buffer, at: number, sink: MessageSink<H>): number {
    const chunks = this.#chunks;
    const step = chunks.step(chunk, at);
    const { end } = chunks;
    if (end > at) sink.body(part(chunk, at, end), chunks.payloadStart - at, chunks.payloadEnd - at);
    if (step === "refused") return this.#refuse(chunks.fault, end, chunk, end, sink);
    if (step === "done") this.#complete(sink);
    if (step === "trailers") {
      const { trailerBytes, trailerFields } = this.#limits;
      this.#trailers ??= new HeadScanner("trailers", { bytes: trailerBytes, fields: trailerFields });
      this.#trailers.reset();
      this.#state = State.Trailers;
    }
    return end;
  }

  #readTrailers(chunk: Buffer, at: number, sink: MessageSink<H>): number {
    const scanner = this.#trailers;
    invariant(scanner !== null, "trailers without a scanner");
    const end = scanner.scan(chunk, at);
    if (end === MORE) return this.#keep(chunk, at, chunk.length);
    if (end === REFUSED) return this.#refuse(scanner.fault, scanner.faultAt, chunk, at, sink);
    const kept = this.#kept.length > 0;
    const raw = kept ? this.#kept.take(chunk, at, end) : part(chunk, at, end);
    sink.trailers(new Fields(raw, scanner.marks(), kept));
    this.#complete(sink);
    return end;
  }

  #complete(sink: MessageSink<H>): void {
    this.#state = State.Between;
    const next = this.completed();
    this.waiting = next === "wait";
    sink.messageEnd(this.#persistent);
    if (next === "upgrade") this.#upgrade(sink);
  }

  #upgrade(sink: MessageSink<H>): void {
    this.#state = State.Plain;
    sink.upgraded();
  }

  // -- bytes that wait for the rest of a head

  #keep(chunk: Buffer, from: number, to: number): number {
    this.#kept.add(chunk, from, to);
    return to;
  }

  // -- the ways out of HTTP

  #isPreface(chunk: Buffer, at: number): boolean {
    const end = this.#head.faultAt + 1;
    if (!this.#fresh || this.#head.fault !== "bad_version") return false;
    // The version is refused at its first byte that differs, which is the "2".
    this.#kept.add(chunk, at, end);
    const seen = this.#kept.take(EMPTY, 0, 0);
    this.#kept.add(seen, 0, seen.length - (end - at));
    return seen.equals(H2_PREFACE);
  }

  #foreign(protocol: "tls" | "h2", chunk: Buffer, from: number, sink: MessageSink<H>): number {
    this.#state = State.Plain;
    sink.foreign(protocol);
    return this.#handOver(chunk, from, sink);
  }

  /** `at` is the byte that was wrong, `from` the first of the chunk that was not yet passed on. */
  #refuse(reason: RefusalReason, at: number, chunk: Buffer, from: number, sink: MessageSink<H>): number {
    this.#state = State.Plain;
    sink.refused({ reason, offset: this.base + at });
    return this.#handOver(chunk, from, sink);
  }

  #handOver(chunk: Buffer, from: number, sink: MessageSink<H>): number {
    if (this.#kept.length > 0) sink.plain(this.#kept.take(EMPTY, 0, 0));
    if (from < chunk.length) sink.plain(part(chunk, from, chunk.length));
    return chunk.length;
  }

  protected override finish(sink: MessageSink<H>): void {
    const cut = this.#cut();
    if (this.#state === State.UntilClose) this.#complete(sink);
    if (cut !== null) sink.truncated(cut);
    this.#state = State.Plain;
    this.#handOver(EMPTY, 0, sink);
    sink.ended();
  }

  #cut(): Cut | null {
    switch (this.#state) {
      case State.BlankLf:
      case State.TlsMinor:
      case State.Head:
        return "head";
      case State.Counted:
      case State.Chunked:
        return "body";
      case State.Trailers:
        return "trailers";
      default:
        return null;
    }
  }
}

/** The chunk itself where it is all of it: most bodies need no view of their own. */
function part(chunk: Buffer, from: number, to: number): Buffer {
  return from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
}

function isInterim(head: RequestHead | ResponseHead): boolean {
  return "interim" in head && head.interim;
}
