/** Writes down what a reader tells, the same however the bytes were split, so that transcripts can be compared. */
import { RequestReader } from "../../../src/proxy/http/request-reader.js";
import { PLAINLY, ResponseReader } from "../../../src/proxy/http/response-reader.js";
import type { CodecLimits } from "../../../src/proxy/http/codec.js";
import type { Asked } from "../../../src/proxy/http/framing.js";
import type { Fields, RequestHead, ResponseHead } from "../../../src/proxy/http/head.js";
import type { Cut, MessageSink, Refusal } from "../../../src/proxy/http/sink.js";

export type Event =
  | { readonly head: string; readonly fields: readonly string[]; readonly marks: string }
  | { body: string; payload: string }
  | { readonly trailers: readonly string[] }
  | { readonly end: "persistent" | "closing" }
  | { readonly refused: string; readonly at: number }
  | { readonly foreign: string }
  | { readonly truncated: Cut }
  | { plain: string }
  | { blank: number }
  | { readonly is: "upgraded" | "ended" };

function lines(fields: Fields): string[] {
  return Array.from({ length: fields.count }, (_, at) => `${fields.name(at)}: ${fields.value(at)}`);
}

/** What a head says besides its fields. */
function marks(head: RequestHead | ResponseHead): string {
  const { body, length, connect, upgrade, expectsContinue } = head.framing;
  const words = [body === "length" ? `length ${length}` : body];
  if (connect) words.push("connect");
  if (upgrade) words.push("upgrade");
  if (expectsContinue) words.push("expects continue");
  if ("hostFault" in head && head.hostFault !== null) words.push(`host ${head.hostFault}`);
  if ("form" in head && head.form !== "origin") words.push(head.form);
  if ("interim" in head && head.interim) words.push("interim");
  return words.join(", ");
}

export class Transcript implements MessageSink<RequestHead | ResponseHead> {
  readonly events: Event[] = [];
  /** All raw pieces, which must come to exactly the input. */
  readonly #raw: string[] = [];
  /** Called within the callbacks, by tests of what may be done there. */
  onHead: (() => void) | null = null;
  onEnd: (() => void) | null = null;

  get raw(): string {
    return this.#raw.join("");
  }

  #piece(raw: Buffer): string {
    const text = raw.toString("latin1");
    this.#raw.push(text);
    return text;
  }

  blank(raw: Buffer): void {
    this.#piece(raw);
    const last = this.events.at(-1);
    if (last && "blank" in last) last.blank += raw.length;
    else this.events.push({ blank: raw.length });
  }

  head(head: RequestHead | ResponseHead): void {
    this.#piece(head.raw);
    const version = `HTTP/1.${head.minor}`;
    const line =
      "method" in head
        ? `${head.method} ${head.target} ${version}`
        : `${version} ${head.status} ${head.reason}`.trimEnd();
    this.events.push({ head: line, fields: lines(head), marks: marks(head) });
    this.onHead?.();
  }

  body(raw: Buffer, start: number, end: number): void {
    const body = this.#piece(raw);
    const payload = raw.toString("latin1", start, end);
    const last = this.events.at(-1);
    if (last && "body" in last) {
      last.body += body;
      last.payload += payload;
    } else this.events.push({ body, payload });
  }

  trailers(trailers: Fields): void {
    this.#piece(trailers.raw);
    this.events.push({ trailers: lines(trailers) });
  }

  messageEnd(persistent: boolean): void {
    this.events.push({ end: persistent ? "persistent" : "closing" });
    this.onEnd?.();
  }

  upgraded(): void {
    this.events.push({ is: "upgraded" });
  }

  foreign(protocol: string): void {
    this.events.push({ foreign: protocol });
  }

  refused({ reason, offset }: Refusal): void {
    this.events.push({ refused: reason, at: offset });
  }

  truncated(cut: Cut): void {
    this.events.push({ truncated: cut });
  }

  plain(raw: Buffer): void {
    const plain = this.#piece(raw);
    const last = this.events.at(-1);
    if (last && "plain" in last) last.plain += plain;
    else this.events.push({ plain });
  }

  ended(): void {
    this.events.push({ is: "ended" });
  }
}

export interface Reading {
  readonly kind: "request" | "response";
  /** For responses: what was asked, in order; one plain request if not given. */
  readonly asked?: readonly Asked[];
  /** For requests: what each CONNECT or Upgrade is answered with. */
  readonly accept?: boolean;
  readonly limits?: CodecLimits;
  /** False to leave the stream open. */
  readonly end?: boolean;
}

/** Reads the pieces, each out of a buffer that is overwritten at once, as read buffers are. */
export function read(pieces: readonly Buffer[], reading: Reading): Transcript {
  const transcript = new Transcript();
  const reader =
    reading.kind === "request" ? new RequestReader(reading.limits) : new ResponseReader(reading.limits);
  if (reader instanceof ResponseReader) for (const asked of reading.asked ?? [PLAINLY]) reader.expect(asked);
  const settle = (): void => {
    while (reader instanceof RequestReader && reader.awaitsAnswer) {
      reader.settle(reading.accept ?? true, transcript);
    }
  };
  for (const piece of pieces) {
    const chunk = Buffer.from(piece);
    reader.push(chunk, transcript);
    chunk.fill("!");
    settle();
  }
  if (reading.end !== false) reader.end(transcript);
  settle();
  return transcript;
}

export function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Cuts the bytes at these places. */
export function cutAt(all: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...new Set([...places].sort((a, b) => a - b)), all.length];
  return edges.slice(1).map((edge, at) => all.subarray(edges[at], edge));
}
