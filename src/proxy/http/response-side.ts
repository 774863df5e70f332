/** The way of answers: from an upstream's reader, past the faults, to the client. */
import type {
  BodyChange,
  BodyInfo,
  Direction,
  FieldList,
  Pass,
  ResponseParts,
  Sever,
} from "../../faults/contract/index.js";
import type { ExchangeFaults, FinalVerdict } from "../../pipeline/exchange.js";
import { mayHaveContent } from "../../core/message-rules.js";
import type { Reframing } from "./body.js";
import type { CustodyHost } from "./custody.js";
import { AnswerView, listOf, type Exchange } from "./exchange.js";
import { markedFields } from "./fault-header.js";
import type { Fields, ResponseHead } from "./head.js";
import { HeldBody } from "./held-body.js";
import { mediaTypeOf, namesIn, withFraming } from "./heads.js";
import type { Link } from "./link.js";
import type { Naming } from "./naming.js";
import { REFUSALS } from "./refusal.js";
import type { Cut, MessageSink, Refusal } from "./sink.js";
import { seesAnswer } from "./watching.js";
import type { Witness } from "./witness.js";
import { rewriteResponseHead } from "./write.js";
import type { Part } from "../../pipeline/flow.js";
import type { Sight } from "../../pipeline/sight.js";

/** What it needs of its connection, and of the connection's other parts. */
export interface Answering extends CustodyHost {
  readonly book: {
    /** The upstream's own head has come. */
    headCame(exchange: Exchange, status: number): void;
    /** The first byte of an answer is about to be sent. */
    answering(exchange: Exchange): void;
  };
  readonly verdicts: {
    /** A final verdict takes the place of the answer, whose rest goes to nobody. */
    instead(exchange: Exchange, verdict: FinalVerdict): void;
    /** It ends behind the bytes that were sent, and with it the connection. */
    end(exchange: Exchange, how: Sever): void;
  };
  readonly turns: {
    /**
     * The answer is complete, as far as the client is concerned; `persistent` says whether another may follow it, as its
     * head has told the client (RFC 9112 9.3 and 9.6): behind one that lasts until the connection ends none may.
     */
    answered(exchange: Exchange, persistent: boolean): void;
  };
  readonly upstream: {
    /** The link can be used for the next request. */
    prepare(): void;
    /** What it carries from now on belongs to nobody. */
    drop(link: Link): void;
  };
  readonly failures: {
    /** What came cannot be framed. True if it is relayed as opaque bytes all the same. */
    unreadable(link: Link, exchange: Exchange | null, text: string): boolean;
    /** The upstream has ended the connection, in the middle of what is said here. */
    linkEnded(link: Link, exchange: Exchange | null, cut: Cut | null): void;
  };
  readonly departure: {
    /** A fault may hang now: of no use to a client that has left. */
    leaveIfHanging(): void;
  };
  /** The name of the proxy whose answers say what was done to them; null where they do not. */
  readonly marking: string | null;
  /** On the wall's clock. */
  wallTime(): number;
  /** The connection is over for its client. */
  readonly ended: boolean;
  /** Whose name answers carry; null where heads pass as they come. */
  readonly naming: Naming | null;
  /** Bytes for the client. */
  down(bytes: Buffer, part: Part): void;
  /** The answer to an Upgrade or CONNECT, once per such request: what is spoken from here on, or null if it was refused. */
  settled(exchange: Exchange, protocol: string | null): void;
  /** What it says in this direction leaves together. */
  together(direction: Direction, run: () => void): void;
  pauseLink(link: Link): void;
  resumeLink(link: Link): void;
}

const NO_CHANGES: readonly BodyChange[] = [];
/** Characters of a protocol's name that are told. */
const PROTOCOL_MAX = 40;

export class ResponseSide implements MessageSink<ResponseHead> {
  readonly #link: Link;
  readonly #to: Answering;
  #body: HeldBody | null = null;
  #cut: Cut | null = null;
  /** Of the answer that is read, where everything is recorded. */
  #witness: Witness | null = null;
  /** The same, while somebody watches. */
  #sight: Sight | null = null;
  /** Bytes go to nobody, since what they belong to was refused. */
  #deaf = false;
  /** Faults are being asked about an answer. */
  #asking = false;
  /** Bytes of a head that is held, within the budget for such. */
  #headBooked = 0;
  /** And it has come to its end already, as one without a body does: whether its sender leaves the connection open. */
  #endWaits: boolean | null = null;

  constructor(link: Link, to: Answering) {
    this.#link = link;
    this.#to = to;
  }

  get #exchange(): Exchange | null {
    return this.#link.awaited[0]?.exchange ?? null;
  }

  get #forNobody(): boolean {
    const next = this.#link.awaited[0];
    return next === undefined || next.copy || next.exchange.swallowing;
  }

  head(head: ResponseHead): void {
    // The end of the connection came with the answer before: nobody is to be hit, or told, by what else has come.
    if (this.#to.ended) {
      this.#link.reader.pause();
      return;
    }
    const exchange = this.#exchange;
    if (exchange === null) return;
    if (head.interim) {
      if (this.#forNobody) return;
      this.#to.book.answering(exchange);
      this.#to.down(head.raw, "head");
      return;
    }
    if (this.#link.awaited[0]?.copy === true) return;
    this.#to.book.headCame(exchange, head.status);
    if (exchange.witness !== null) this.#sees(exchange.witness, head);
    if (exchange.sight !== null) this.#shows(exchange.sight, head);
    if (this.#forNobody) return;
    const { faults } = exchange;
    if (faults === null) this.#send(exchange, head);
    else if (faults.asksResponse) this.#ask(exchange, faults, head);
    else this.#sendTogether(exchange, head);
  }

  // What makes closures stands by itself: a method with one pays for it from its first line on.

  #sendTogether(exchange: Exchange, head: ResponseHead): void {
    this.#to.together("downstream", () => {
      this.#send(exchange, head);
    });
  }

  #shows(sight: Sight, head: ResponseHead): void {
    this.#sight = sight;
    seesAnswer(sight, head, this.#to.wallTime());
  }

  #sees(witness: Witness, head: ResponseHead): void {
    this.#witness = witness;
    witness.answer(head, this.#to.wallTime());
  }

  #ask(exchange: Exchange, faults: ExchangeFaults, head: ResponseHead): void {
    let stopped = false;
    this.#asking = true;
    const info = new AnswerView(head, this.#to.naming?.response(exchange, head) ?? null);
    faults.askResponse(info, (outcome: Pass | FinalVerdict) => {
      this.#asking = false;
      this.#bookHead(0);
      this.#to.together("downstream", () => {
        if (outcome.do === "pass") {
          this.#send(exchange, head);
        } else {
          this.#to.verdicts.instead(exchange, outcome);
          if (head.framing.body === "tunnel") this.#giveUp();
        }
        const persistent = this.#endWaits;
        this.#endWaits = null;
        if (persistent !== null) this.messageEnd(persistent);
        if (!stopped) return;
        if (this.#link.sink === this) {
          if (!this.#to.ended) this.#to.resumeLink(this.#link);
        } else this.#link.resume();
      });
    });
    // Most are answered at once, and then what follows the head is read on as if nobody had asked.
    if (!this.#asking) return;
    stopped = true;
    // Read buffers are used again.
    head.keep();
    this.#to.pauseLink(this.#link);
    this.#bookHead(head.raw.length);
    this.#to.departure.leaveIfHanging();
  }

  #bookHead(bytes: number): void {
    if (bytes === this.#headBooked) return;
    const change = bytes - this.#headBooked;
    this.#headBooked = bytes;
    this.#to.budget.add(change);
  }

  #send(exchange: Exchange, head: ResponseHead): void {
    const { framing, status } = head;
    if (exchange.head.framing.upgrade || exchange.head.framing.connect)
      this.#to.settled(exchange, framing.body === "tunnel" ? tunnelled(exchange, head) : null);
    // From here on both directions are bytes: the client's reader has been told, and what comes now passes by this one.
    if (framing.body === "tunnel") this.#link.opaque = true;
    this.#to.book.answering(exchange);
    exchange.clientStatus = status;
    const named = this.#to.naming?.response(exchange, head) ?? null;
    if (
      exchange.faults === null &&
      named === null &&
      !(this.#to.marking !== null && exchange.streams.length > 0)
    ) {
      exchange.sight?.headGoes(head.raw, true);
      this.#to.down(head.raw, "head");
    } else this.#sendChanged(exchange, head, named);
  }

  /** Its head, or its body, may be another than the upstream's. */
  #sendChanged(exchange: Exchange, head: ResponseHead, named: FieldList | null): void {
    const { framing, status } = head;
    const { faults } = exchange;
    const info = (): BodyInfo => ({
      direction: "downstream" as const,
      length: framing.body === "length" ? framing.length : null,
      framing: framing.body as "length" | "chunked" | "close",
      mediaType: mediaTypeOf(head),
    });
    const hasBody = framing.body !== "none" && framing.body !== "tunnel";
    const changes = !hasBody || faults === null ? NO_CHANGES : faults.bodyChanges(info);
    const original = (): ResponseParts => ({ status, reason: head.reason, fields: named ?? listOf(head) });
    const parts =
      faults?.rewriteResponse(namesIn(head, named), original) ?? (named === null ? null : original());
    if (changes.length === 0) {
      this.#to.down(this.#headBytes(exchange, head, parts, headReframed(exchange, head)), "head");
      return;
    }
    const kept = head.keep();
    const out = {
      head: (reframed: Reframing) => {
        this.#to.down(this.#headBytes(exchange, kept, parts, reframed), "head");
      },
      payload: (bytes: Buffer) => {
        if (bytes.length > 0) this.#to.down(bytes, "body");
      },
      framing: (bytes: Buffer) => {
        if (bytes.length > 0) this.#to.down(bytes, "wire");
      },
      cut: () => {
        exchange.end ??= "cut";
        this.#to.verdicts.end(exchange, { do: "close" });
      },
    };
    this.#body = new HeldBody(info(), changes, out, this.#to);
    this.#body.begin();
  }

  #headBytes(
    exchange: Exchange,
    head: ResponseHead,
    parts: ResponseParts | null,
    reframed: Reframing,
  ): Buffer {
    const bytes = this.#writtenHead(exchange, head, parts, reframed);
    exchange.sight?.headGoes(bytes, bytes === head.raw);
    return bytes;
  }

  #writtenHead(
    exchange: Exchange,
    head: ResponseHead,
    parts: ResponseParts | null,
    reframed: Reframing,
  ): Buffer {
    const marks = markedFields(exchange, this.#to.marking);
    if (parts === null && reframed === null && marks.length === 0) return head.raw;
    const original = listOf(head);
    const { status, reason, fields } = parts ?? {
      status: head.status,
      reason: head.reason,
      fields: original,
    };
    const marked = marks.length === 0 ? fields : [...fields, ...marks];
    return rewriteResponseHead(head, { status, reason, fields: withFraming(marked, original, reframed) });
  }

  body(raw: Buffer, start: number, end: number): void {
    this.#witness?.answerBody(raw, start, end);
    this.#sight?.answerBytes(raw, start, end);
    if (this.#forNobody) return;
    if (this.#body !== null) {
      this.#body.data(raw, start, end);
      return;
    }
    if (start === 0 && end === raw.length) {
      this.#to.down(raw, "body");
      return;
    }
    sendPieces(raw, start, end, (bytes, part) => {
      this.#to.down(bytes, part);
    });
  }

  trailers(trailers: Fields): void {
    if (this.#forNobody) return;
    if (this.#body !== null) this.#body.trailers(trailers.raw);
    else this.#to.down(trailers.raw, "wire");
  }

  /** Somebody else reads on: of an answer that faults are still asked about nothing else may be to come. */
  handOver(): void {
    if (this.#endWaits === null) return;
    this.#endWaits = null;
    this.#link.awaited.shift();
  }

  messageEnd(persistent: boolean): void {
    this.#witness?.answerEnd();
    this.#witness = null;
    this.#sight?.upstreamEnds("complete");
    this.#sight = null;
    if (this.#to.ended && this.#link.sink === this) return;
    if (this.#asking) {
      this.#endWaits = persistent;
      return;
    }
    const done = this.#link.awaited[0];
    const forNobody = this.#forNobody;
    this.#body?.end();
    this.#body = null;
    this.#link.awaited.shift();
    if (done !== undefined && !forNobody) this.#to.turns.answered(done.exchange, persistent);
    if (this.#link.sink === this) this.#to.upstream.prepare();
  }

  upgraded(): void {
    // Where a fault is still to be asked, what follows has an owner, or none, when that has been decided.
    if (this.#forNobody) this.#giveUp();
  }

  /** It has become a tunnel that the client was not given: all that comes belongs to nobody. */
  #giveUp(): void {
    this.#deaf = true;
    this.#to.upstream.drop(this.#link);
    this.#to.upstream.prepare();
  }

  plain(raw: Buffer): void {
    if (this.#deaf) return;
    // Another answer may take the place of one that did not get as far as that.
    if (this.#cut === "head") this.#link.unfinished = Buffer.from(raw);
    else this.#to.down(raw, "wire");
  }

  blank(): void {
    // Only requests have them.
  }

  foreign(): void {
    // Of servers, nothing else is known.
  }

  refused({ reason, offset }: Refusal): void {
    const text = `${REFUSALS[reason].text}, at byte ${offset} of what the upstream sent`;
    this.#body?.abandon();
    this.#body = null;
    if (this.#to.failures.unreadable(this.#link, this.#forNobody ? null : this.#exchange, text))
      this.#link.opaque = true;
    else this.#deaf = true;
  }

  truncated(cut: Cut): void {
    this.#cut = cut;
    this.#body?.abandon();
    this.#body = null;
    if (this.#forNobody) this.#deaf = true;
  }

  ended(): void {
    this.#to.failures.linkEnded(this.#link, this.#forNobody ? null : this.#exchange, this.#cut);
  }

  /** Faults are no longer in force; what is kept of a body for them alone goes on. */
  healed(): void {
    const faults = this.#exchange?.faults ?? null;
    if (faults !== null && !this.#forNobody) this.#body?.healed((change) => faults.inForce(change));
  }

  /** Nobody is there for what is kept. */
  drop(): void {
    this.#bookHead(0);
    this.#body?.drop();
    this.#body = null;
  }

  /** It broke: what was held of a body goes as far as it came. */
  broke(): void {
    this.#body?.abandon();
    this.#body = null;
  }
}

/** What a tunnel carries, in a word. */
function tunnelled(exchange: Exchange, head: ResponseHead): string {
  if (exchange.head.framing.connect) return "connect";
  const [first = ""] = (head.get("upgrade") ?? exchange.head.get("upgrade") ?? "").split(",");
  return first.trim().toLowerCase().slice(0, PROTOCOL_MAX) || "upgrade";
}

/** Framing and payload apart, for stages that want only one of them. */
export function sendPieces(
  raw: Buffer,
  start: number,
  end: number,
  send: (bytes: Buffer, part: Part) => void,
): void {
  if (start === 0 && end === raw.length) {
    send(raw, "body");
    return;
  }
  if (start > 0) send(raw.subarray(0, start), "wire");
  if (end > start) send(raw.subarray(start, end), "body");
  if (end < raw.length) send(raw.subarray(end), "wire");
}

/** An answer to HEAD says the length that the one to GET would have, as faults would make it (RFC 9110, section 9.3.2). */
function headReframed({ method, faults }: Exchange, head: ResponseHead): Reframing {
  if (method !== "HEAD" || faults === null || !mayHaveContent(head.status)) return null;
  const said = head.get("content-length");
  const before = said !== undefined && /^\d{1,15}$/u.test(said) ? Number(said) : null;
  const after = faults.headLength({
    direction: "downstream",
    length: before,
    framing: before === null ? "chunked" : "length",
    mediaType: mediaTypeOf(head),
  });
  return after === before ? null : { length: after };
}
