/**
 * What faults make of a body, on its way from the reader to the wire: copied beside the stream, cut short with
 * whatever framing, or held whole and changed. Pure: told of pieces, it says what to send.
 */
import type { BodyChange, BodyInfo } from "../../faults/contract/index.js";
import { chunkLine, CRLF, LAST_CHUNK } from "./chunked.js";
import { KeptPieces } from "./kept-pieces.js";

/** How the head must frame what comes out, where that differs from what was announced; a length of null is not told. */
export type Reframing = { readonly length: number | null } | null;

export interface BodyOutput {
  /** The head may go now. Called once, before anything else. */
  head(reframed: Reframing): void;
  payload(bytes: Buffer): void;
  /** Chunk sizes and the like. */
  framing(bytes: Buffer): void;
  /** The connection ends behind what was sent. */
  cut(): void;
}

type Cut = Extract<BodyChange, { do: "cut" }>;
type Whole = Extract<BodyChange, { do: "whole" }>;
type Record = Extract<BodyChange, { do: "record" }>;
type Measure = Extract<BodyChange, { do: "measure" }>;

/** Framing that is kept with a body may weigh so many times as much as its payload may. */
const FRAMING_SHARE = 8;
const FRAMING_MIN = 65_536;

export class BodyRewriter {
  readonly #info: BodyInfo;
  readonly #out: BodyOutput;
  readonly #cut: Cut | null;
  readonly #limit: number;
  readonly #recorders: readonly Recorder[];
  readonly #measures: readonly Measure[];
  #wholes: readonly Whole[];
  readonly #held = new KeptPieces();
  #heldBytes = 0;
  #passed = 0;
  #over = false;

  /** `most` is what may be kept of it, whatever faults would like. */
  constructor(info: BodyInfo, changes: readonly BodyChange[], out: BodyOutput, most = Infinity) {
    this.#info = info;
    this.#out = out;
    this.#wholes = changes.filter((change) => change.do === "whole");
    this.#recorders = changes.filter((change) => change.do === "record").map((one) => new Recorder(one));
    this.#measures = changes.filter((change) => change.do === "measure");
    const cuts = changes.filter((change) => change.do === "cut");
    this.#cut = cuts.reduce<Cut | null>(
      (least, one) => (least === null || one.after < least.after ? one : least),
      null,
    );
    this.#limit = Math.min(most, ...this.#wholes.map(({ limit }) => limit));
  }

  /** It is kept until all of it is there, and its head with it. */
  get waits(): boolean {
    return this.#wholes.length > 0;
  }

  /** Bytes of memory that are kept of it. */
  get weight(): number {
    return this.#recorders.reduce((sum, recorder) => sum + recorder.weight, this.#held.weight);
  }

  /** Called once, before the body. */
  begin(): void {
    const { length } = this.#info;
    for (const measure of this.#measures) measure.passed(0);
    if (this.#wholes.length > 0) {
      if (length !== null && length > this.#limit) this.#tooLarge();
      return;
    }
    this.#out.head(this.#reframed(length));
    if (this.#cut?.after === 0 && length !== 0) this.#reach(1);
  }

  #reframed(length: number | null): Reframing {
    const cut = this.#cut;
    if (cut?.framing !== "honest" || length === null || cut.after >= length) return null;
    return { length: cut.after };
  }

  /** A piece as the reader has it: raw, with the payload between start and end. */
  data(raw: Buffer, start: number, end: number): void {
    if (end > start) {
      for (const recorder of this.#recorders) recorder.add(raw.subarray(start, end));
      for (const measure of this.#measures) measure.passed(end - start);
    }
    if (this.#wholes.length > 0) this.#hold(raw, start, end);
    else this.#pass(raw, start, end);
  }

  trailers(raw: Buffer): void {
    if (this.#wholes.length > 0 || this.#over || this.#rechunks) return;
    this.#out.framing(raw);
  }

  /** The body has come to its end. */
  end(): void {
    for (const recorder of this.#recorders) recorder.end();
    for (const measure of this.#measures) measure.ended(true);
    if (this.#wholes.length > 0) {
      this.#sendWhole();
    } else if (this.#rechunks && !this.#over) {
      this.#out.framing(LAST_CHUNK);
    }
  }

  /** The body will not come to its end. What was held goes on as it is, and the cut with it. */
  abandon(): void {
    for (const recorder of this.#recorders) recorder.abandon();
    for (const measure of this.#measures) measure.ended(false);
    if (this.#wholes.length > 0) this.#letBy();
  }

  // -- whole

  #hold(raw: Buffer, start: number, end: number): void {
    this.#held.add(raw, start, end);
    this.#heldBytes += end - start;
    if (this.#heldBytes > this.#limit || this.#held.weight > this.#limit * FRAMING_SHARE + FRAMING_MIN)
      this.#tooLarge();
  }

  #tooLarge(): void {
    for (const whole of this.#wholes) whole.tooLarge();
    this.#letBy();
  }

  #letBy(): void {
    this.#wholes = [];
    this.#out.head(this.#reframed(this.#info.length));
    this.#held.takeAll((raw, start, end) => {
      this.#pass(raw, start, end);
    });
  }

  /** Its time is up: it goes on as it is, as far as it has come, and so does what follows. */
  late(): void {
    if (this.#wholes.length === 0) return;
    for (const whole of this.#wholes) whole.late();
    this.#letBy();
  }

  /** Those that want it whole may be in force no longer. */
  healed(inForce: (change: BodyChange) => boolean): void {
    if (this.#wholes.length === 0) return;
    this.#wholes = this.#wholes.filter(inForce);
    if (this.#wholes.length === 0) this.#letBy();
  }

  /** There is no room for them. */
  giveUpCopies(): void {
    for (const recorder of this.#recorders) recorder.abandon();
  }

  #sendWhole(): void {
    let body = this.#held.takePayload();
    for (const whole of this.#wholes) body = Buffer.from(whole.change(body));
    this.#wholes = [];
    const cut = this.#cut !== null && this.#cut.after < body.length ? this.#cut : null;
    const sent = cut === null ? body : body.subarray(0, cut.after);
    this.#out.head({ length: cut?.framing === "honest" ? sent.length : body.length });
    if (sent.length > 0) this.#out.payload(sent);
    if (cut === null) return;
    cut.cut(sent.length);
    if (cut.framing !== "honest") this.#out.cut();
  }

  // -- cut

  /** Chunks are written anew where the last one must be well-formed although it is not the sender's. */
  get #rechunks(): boolean {
    return this.#cut !== null && this.#cut.framing !== "short" && this.#info.framing === "chunked";
  }

  #pass(raw: Buffer, start: number, end: number): void {
    if (this.#over) return;
    const cut = this.#cut;
    if (cut === null) {
      this.#out.framing(raw.subarray(0, start));
      this.#out.payload(raw.subarray(start, end));
      this.#out.framing(raw.subarray(end));
      return;
    }
    const payload = end - start;
    const passing = Math.min(payload, cut.after - this.#passed);
    this.#passed += passing;
    const part = raw.subarray(start, start + passing);
    if (this.#rechunks) {
      if (passing > 0) {
        this.#out.framing(chunkLine(passing));
        this.#out.payload(part);
        this.#out.framing(CRLF);
      }
    } else {
      this.#out.framing(raw.subarray(0, start));
      this.#out.payload(part);
      if (passing === payload) this.#out.framing(raw.subarray(end));
    }
    this.#reach(payload - passing);
  }

  /** So many bytes had no place any more. A body that ends just there was not cut. */
  #reach(missing: number): void {
    const cut = this.#cut;
    if (cut === null || this.#over) return;
    const { length, framing } = this.#info;
    const known = length !== null && length > cut.after && this.#passed >= cut.after;
    if (missing <= 0 && !known) return;
    this.#over = true;
    cut.cut(this.#passed);
    if (cut.framing !== "honest" || framing === "close") this.#out.cut();
    else if (framing === "chunked") this.#out.framing(LAST_CHUNK);
  }
}

class Recorder {
  readonly #to: Record;
  readonly #kept = new KeptPieces();
  #over = false;
  #bytes = 0;

  constructor(to: Record) {
    this.#to = to;
  }

  get weight(): number {
    return this.#kept.weight;
  }

  add(payload: Buffer): void {
    if (this.#over) return;
    this.#bytes += payload.length;
    if (this.#bytes > this.#to.limit) this.abandon();
    else this.#kept.add(payload, 0, payload.length);
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    // Of a size of its own: the buffer that it grew in may be twice as large.
    this.#to.recorded(Buffer.from(this.#kept.takePayload()));
  }

  abandon(): void {
    if (this.#over) return;
    this.#over = true;
    this.#kept.clear();
    this.#to.lost();
  }
}
