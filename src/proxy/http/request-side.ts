/** The way of requests: from the client's reader, past the faults, to an upstream. */
import type { BodyInfo, Direction, Pass, RequestParts } from "../../faults/contract/index.js";
import type { ExchangeFaults, FinalVerdict } from "../../pipeline/exchange.js";
import type { Part } from "../../pipeline/flow.js";
import type { Member } from "../upstream/pool.js";
import { Custody, type CustodyHost } from "./custody.js";
import { listOf, type Exchange } from "./exchange.js";
import type { Fields, RequestHead } from "./head.js";
import { withoutHttp2 } from "./h2c.js";
import { HeldBody } from "./held-body.js";
import { mediaTypeOf, namesIn, withFraming } from "./heads.js";
import type { Reframing } from "./body.js";
import { KeptPieces } from "./kept-pieces.js";
import type { CodecLimits } from "./limits.js";
import type { Naming } from "./naming.js";
import type { Refusal, Cut, MessageSink } from "./sink.js";
import { RequestReader } from "./request-reader.js";
import { sendPieces } from "./response-side.js";
import { rewriteRequestHead } from "./write.js";

/** What it needs of its connection, and of the connection's other parts. */
export interface Asking extends CustodyHost {
  readonly upstream: {
    /** Whether a request for this member can be forwarded now: it is connected, and nothing before it is in the way. */
    isReady(member: Member | null): boolean;
    /** Calls back when it can; never if the exchange comes to nothing. */
    whenReady(exchange: Exchange, then: () => void): void;
  };
  readonly verdicts: {
    /** A final verdict, to be carried out when all earlier answers are through. */
    decided(exchange: Exchange, verdict: FinalVerdict): void;
  };
  readonly foreign: {
    /** What comes is not HTTP, or cannot be framed; all of it follows as `bytes`. */
    spoken(protocol: "tls" | "h2"): void;
    refused(refusal: Refusal): void;
    bytes(chunk: Buffer): void;
  };
  readonly departure: {
    /** The client has ended its side, in the middle of what is said here. */
    heard(cut: Cut | null): void;
    /** A fault may hang now: of no use to a client that has left. */
    leaveIfHanging(): void;
  };
  readonly turns: {
    /** The client is heard no longer. */
    closeClient(): void;
  };
  /** An exchange begins: its faults are bound. Null if none can any more, since the connection ends. */
  begun(head: RequestHead): Exchange | null;
  /** Its first byte is about to be sent. */
  forwarding(exchange: Exchange): void;
  /** Under which name it goes up; null where heads pass as they come. */
  readonly naming: Naming | null;
  /** What it says in this direction leaves together. */
  together(direction: Direction, run: () => void): void;
  /** Bytes for the upstream. */
  up(bytes: Buffer, part: Part): void;
  /** Whether anybody wants heads and payload apart. */
  readonly upSplits: boolean;
  /** All of it has been read. */
  requestRead(exchange: Exchange): void;
  /** The request ends behind what was sent of it, and with it the connection. */
  requestCutShort(exchange: Exchange): void;
  /** The reader has stopped, or goes on. */
  regulate(): void;
  /** Its client waits to be told that it may send its body, and nobody else can tell: the head waits for that body. */
  goOn(exchange: Exchange): void;
}

/** Of a body that goes to nobody; more of it is not worth the connection. */
const DISCARD_MAX_BYTES = 1_048_576;

export class RequestSide implements MessageSink<RequestHead> {
  readonly reader: RequestReader;
  readonly #to: Asking;
  /** Whose body is being read. */
  #receiving: Exchange | null = null;
  /** Reading waits for what becomes of this one. */
  #pausedFor: Exchange | null = null;
  /** Bytes of a head that is held, within the budget for such. */
  #headBooked = 0;
  #body: HeldBody | null = null;
  #copied: KeptPieces | null = null;
  #custody: Custody | null = null;
  #copiedFor: Exchange | null = null;
  #copiedBytes = 0;
  #cut: Cut | null = null;
  #unsent: Exchange | null = null;
  /** Empty lines before a request, to go before it. */
  #blanks: Buffer[] = [];

  constructor(to: Asking, limits: CodecLimits) {
    this.#to = to;
    this.reader = new RequestReader(limits);
  }

  get receiving(): Exchange | null {
    return this.#receiving;
  }

  /** The one whose head has been read and has not been sent: a fault holds it, or there is no upstream yet. */
  get unsent(): Exchange | null {
    return this.#unsent;
  }

  push(chunk: Buffer): void {
    this.reader.push(chunk, this);
  }

  end(): void {
    this.reader.end(this);
  }

  /** The answer to the Upgrade or CONNECT at hand. */
  settle(accepted: boolean): void {
    this.reader.settle(accepted, this);
  }

  head(head: RequestHead): void {
    const exchange = this.#to.begun(head);
    if (exchange === null) {
      this.reader.pause();
      return;
    }
    this.#receiving = exchange;
    this.#unsent = exchange;
    const { faults } = exchange;
    if (faults === null) {
      if (this.#to.upstream.isReady(exchange.member)) this.#forward(exchange);
      else this.#waitFor(exchange);
    } else this.#ask(exchange, faults, head);
  }

  #ask(exchange: Exchange, faults: ExchangeFaults, head: RequestHead): void {
    let goes = false;
    let asking = true;
    faults.askRequest((outcome: Pass | FinalVerdict) => {
      if (outcome.do === "pass") {
        exchange.dispatches = faults.dispatches();
        exchange.detached = exchange.dispatches.some(({ detached }) => detached);
        // Most are let by at once, and then what follows is read on as if nobody had asked.
        goes = asking && this.#to.upstream.isReady(exchange.member);
        if (goes) return;
        if (asking) this.#pauseFor(exchange);
        this.#go(exchange);
      } else {
        if (asking) this.#pauseFor(exchange);
        this.#to.verdicts.decided(exchange, outcome);
      }
      asking = false;
    });
    if (goes) {
      this.#forward(exchange);
      return;
    }
    if (asking) this.#pauseFor(exchange);
    asking = false;
    // A fault holds it, or what it waits for, and with it the head that is kept.
    if (this.#pausedFor === exchange) this.#bookHead(head.raw.length);
    this.#to.regulate();
    this.#to.departure.leaveIfHanging();
  }

  #bookHead(bytes: number): void {
    if (bytes === this.#headBooked) return;
    const change = bytes - this.#headBooked;
    this.#headBooked = bytes;
    this.#to.budget.add(change);
  }

  #pauseFor(exchange: Exchange): void {
    this.#pausedFor = exchange;
    this.reader.pause();
  }

  #waitFor(exchange: Exchange): void {
    this.#pauseFor(exchange);
    this.#to.regulate();
    this.#go(exchange);
  }

  #go(exchange: Exchange): void {
    this.#to.upstream.whenReady(exchange, () => {
      this.#to.together("upstream", () => {
        this.#forward(exchange);
        this.#readOn();
      });
    });
  }

  #readOn(): void {
    this.#pausedFor = null;
    this.#bookHead(0);
    this.reader.resume(this);
    this.#to.regulate();
  }

  /** Nobody wants the rest of this request: it is read, and thrown away. */
  discard(exchange: Exchange): void {
    exchange.discarding = true;
    if (this.#unsent === exchange) this.#unsent = null;
    if (this.#receiving === exchange) {
      exchange.brokenOff = exchange.forwardedAt !== null;
      this.#body?.abandon();
      this.#body = null;
      this.#dropCopy();
    }
    // It may be another one that reading waits for: the bytes behind that one's head are its body.
    if (this.#pausedFor === exchange) this.#readOn();
  }

  /** Requests are read no further: what has not been sent of them goes on as it came, and all that follows. */
  relay(): void {
    const exchange = this.#unsent ?? this.#receiving;
    this.#body?.abandon();
    this.#body = null;
    this.#copied = null;
    this.#sendBlanks();
    if (this.#unsent !== null) this.#to.up(headBytes(this.#unsent, this.#named(this.#unsent), null), "wire");
    if (exchange !== null) exchange.requestRead = true;
    this.#unsent = this.#receiving = null;
    this.reader.relay(this);
  }

  #sendBlanks(): void {
    if (this.#blanks.length === 0) return;
    for (const blank of this.#blanks) this.#to.up(blank, "wire");
    this.#blanks = [];
  }

  #forward(exchange: Exchange): void {
    this.#to.forwarding(exchange);
    this.#unsent = null;
    this.#sendBlanks();
    this.#sendHead(exchange);
    // A request without a body may have been read to its end before it could be sent.
    if (exchange.requestRead) this.#to.requestRead(exchange);
  }

  #named(exchange: Exchange): RequestParts | null {
    return this.#to.naming?.request(exchange) ?? null;
  }

  #sendHead(exchange: Exchange): void {
    const { faults } = exchange;
    const named = this.#named(exchange);
    if (faults === null) {
      this.#to.up(headBytes(exchange, named, null), "head");
    } else this.#sendChanged(exchange, faults, named);
  }

  /** Its head, or its body, may be another than the client's. */
  #sendChanged(exchange: Exchange, faults: ExchangeFaults, named: RequestParts | null): void {
    const { head, dispatches } = exchange;
    if (dispatches.length > 0 && dispatches.some(({ copies }) => copies > 0)) {
      this.#copied = new KeptPieces();
      this.#custody = new Custody(this.#to, "upstream", () => {
        this.#copyTooLarge(exchange);
      });
      this.#copiedBytes = 0;
      this.#copiedFor = exchange;
    }
    const { framing } = head;
    const original = (): RequestParts =>
      named ?? { method: exchange.method, target: exchange.target, fields: listOf(head) };
    const parts = faults.rewriteRequest(namesIn(head, named?.fields ?? null), original) ?? named;
    if (framing.body !== "length" && framing.body !== "chunked") {
      this.#send(headBytes(exchange, parts, null), "head");
      return;
    }
    const info = (): BodyInfo => ({
      direction: "upstream",
      length: framing.body === "length" ? framing.length : null,
      framing: framing.body === "chunked" ? "chunked" : "length",
      mediaType: mediaTypeOf(head),
    });
    const changes = faults.bodyChanges(info);
    if (changes.length === 0) {
      this.#send(headBytes(exchange, parts, null), "head");
      return;
    }
    const out = {
      head: (reframed: Reframing) => {
        this.#send(headBytes(exchange, parts, reframed), "head");
      },
      payload: (bytes: Buffer) => {
        if (bytes.length > 0) this.#send(bytes, "body");
      },
      framing: (bytes: Buffer) => {
        if (bytes.length > 0) this.#send(bytes, "wire");
      },
      cut: () => {
        this.#to.requestCutShort(exchange);
      },
    };
    this.#body = new HeldBody(info(), changes, out, this.#to);
    this.#body.begin();
    if (this.#body.waits && framing.expectsContinue) this.#to.goOn(exchange);
  }

  #send(bytes: Buffer, part: Part): void {
    if (this.#copied !== null) this.#copy(bytes);
    this.#to.up(bytes, part);
  }

  #copy(bytes: Buffer): void {
    const exchange = this.#copiedFor;
    if (exchange === null || this.#copied === null) return;
    this.#copiedBytes += bytes.length;
    const limit = Math.min(this.#to.budget.limit, ...exchange.dispatches.map((dispatch) => dispatch.limit));
    if (this.#copiedBytes > limit) {
      this.#copyTooLarge(exchange);
      return;
    }
    this.#copied.add(bytes, 0, bytes.length);
    this.#custody?.book(this.#copied.weight);
  }

  /** Or it takes too long to come to its end: it is sent once. */
  #copyTooLarge(exchange: Exchange): void {
    this.#dropCopy();
    for (const dispatch of exchange.dispatches) dispatch.tooLarge?.();
  }

  #dropCopy(): void {
    this.#copied = null;
    this.#custody?.end();
    this.#custody = null;
  }

  /** Faults are no longer in force; what is kept of a body for them alone goes on. */
  healed(): void {
    const faults = this.#receiving?.faults ?? null;
    if (faults !== null) this.#body?.healed((change) => faults.inForce(change));
  }

  /** The connection is over, and nobody is there for what is kept. */
  drop(): void {
    this.#bookHead(0);
    this.#body?.drop();
    this.#body = null;
    this.#dropCopy();
  }

  /** The request that was read last, as it was sent, to be sent again; null if it was not kept. */
  takeCopy(): Buffer | null {
    const bytes = this.#copied?.takePayload() ?? null;
    this.#dropCopy();
    return bytes === null ? null : Buffer.from(bytes);
  }

  body(raw: Buffer, start: number, end: number): void {
    const exchange = this.#receiving;
    if (exchange === null) return;
    exchange.witness?.requestBody(raw, start, end);
    exchange.sight?.requestBytes(raw, start, end);
    if (exchange.discarding) {
      exchange.discarded += raw.length;
      if (exchange.discarded > DISCARD_MAX_BYTES) this.#to.turns.closeClient();
    } else if (this.#body !== null) {
      this.#body.data(raw, start, end);
    } else if (this.#copied !== null || this.#to.upSplits) {
      sendPieces(raw, start, end, (bytes, part) => {
        this.#send(bytes, part);
      });
    } else {
      this.#to.up(raw, "wire");
    }
  }

  trailers(trailers: Fields): void {
    if (this.#receiving?.discarding === true) return;
    if (this.#body !== null) this.#body.trailers(trailers.raw);
    else this.#send(trailers.raw, "wire");
  }

  messageEnd(): void {
    const exchange = this.#receiving;
    if (exchange === null) return;
    this.#body?.end();
    this.#body = null;
    this.#receiving = null;
    exchange.requestRead = true;
    exchange.witness?.requestEnd();
    exchange.sight?.requestEnds();
    if (exchange.forwardedAt !== null) this.#to.requestRead(exchange);
    this.#to.regulate();
  }

  blank(raw: Buffer): void {
    this.#blanks.push(Buffer.from(raw));
  }

  upgraded(): void {
    // What follows comes through `plain`.
  }

  foreign(protocol: "tls" | "h2"): void {
    this.#to.foreign.spoken(protocol);
  }

  refused(refusal: Refusal): void {
    this.#body?.abandon();
    this.#body = null;
    this.#to.foreign.refused(refusal);
  }

  truncated(cut: Cut): void {
    this.#cut = cut;
    this.#body?.abandon();
    this.#body = null;
  }

  plain(raw: Buffer): void {
    this.#to.foreign.bytes(raw);
  }

  ended(): void {
    this.#to.departure.heard(this.#cut);
  }
}

function headBytes(exchange: Exchange, parts: RequestParts | null, reframed: Reframing): Buffer {
  const { head, sight } = exchange;
  const bytes = writtenHead(head, parts, reframed);
  if (sight !== null) sight.requestGoes(bytes, bytes === head.raw);
  return bytes;
}

function writtenHead(head: RequestHead, parts: RequestParts | null, reframed: Reframing): Buffer {
  const { h2c } = head.framing;
  if (parts === null && reframed === null && !h2c) return head.raw;
  const original = listOf(head);
  const { method, target, fields } = parts ?? { method: head.method, target: head.target, fields: original };
  const sent = withFraming(fields, original, reframed);
  return rewriteRequestHead(head, { method, target, fields: h2c ? withoutHttp2(sent) : sent });
}
