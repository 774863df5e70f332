/** The seam of HTTP exchanges: a request and what comes back. */
import type { Millis } from "../../core/clock.js";
import type { Direction } from "./scope.js";
import type { GateVerdict } from "./verdicts.js";

/** Field lines in the order in which they stand, names in the case in which they were written. */
export type FieldList = readonly (readonly [name: string, value: string])[];

/** A request's head, to be looked at: strings are made when they are asked for. */
export interface RequestInfo {
  readonly method: string;
  /** As it was sent, query included. */
  readonly target: string;
  /** The target's path without its query. */
  readonly path: string;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minor: number;
  /** The value of the first field of that name, in any case; undefined if there is none. */
  header(name: string): string | undefined;
  fields(): FieldList;
}

/** An answer's head, to be looked at while it is there. */
export interface ResponseInfo {
  readonly status: number;
  readonly reason: string;
  header(name: string): string | undefined;
  fields(): FieldList;
}

/** Why there is no answer of the upstream's: a word of CONNECTION_FAILURES, such as upstream_refused. */
export interface UpstreamFailure {
  readonly failed: string;
}

/** A head as it is to be sent. Fields that frame the message are the runner's: what is said of them here is not heeded. */
export interface RequestParts {
  readonly method: string;
  readonly target: string;
  readonly fields: FieldList;
}
export interface ResponseParts {
  readonly status: number;
  readonly reason: string;
  readonly fields: FieldList;
}

/** Answered here; if the upstream was asked, its own answer is thrown away. The runner frames the body. */
export interface Answer {
  readonly do: "answer";
  readonly head: ResponseParts;
  readonly body: Buffer;
  /** Close the connection behind it, and say so in the head. */
  readonly close?: boolean;
}
/** These bytes in place of an answer, whatever they are, and then a FIN. */
export interface RawAnswer {
  readonly do: "raw";
  readonly bytes: Buffer;
}
export type ExchangeVerdict = GateVerdict | Answer | RawAnswer;

/** How a request is sent on; without one, once, and for as long as the client is there. */
export interface Dispatch {
  /** How often it is sent besides the first time; their answers go to nobody. */
  readonly copies: number;
  /** From one to the next. */
  readonly gap: Millis;
  readonly connection: "same" | "another";
  /** The upstream's work goes on although the client has left, and its answer is read to the end. */
  readonly detached: boolean;
  /** A request of more bytes than this is not copied, and `tooLarge` is called. */
  readonly limit: number;
  /** One more copy has been sent. */
  copied?(): void;
  tooLarge?(): void;
}

export interface BodyInfo {
  readonly direction: Direction;
  /** What the head says about its length in bytes; null for chunked bodies and those that end with the connection. */
  readonly length: number | null;
  readonly framing: "length" | "chunked" | "close";
  /** The Content-Type, without its parameters, in lower case; empty if there is none. */
  readonly mediaType: string;
}

/**
 * What becomes of a body, in bytes of payload. `cut` lets `after` bytes by: `short` claims the whole length and
 * closes, `honest` is well-formed and merely incomplete, `unterminated` leaves out the end of a chunked body and
 * closes. `whole` holds up to `limit` bytes, with the head, and sends what `change` makes of them. `record` copies up
 * to `limit` bytes beside the stream and hands them over when the body is complete. `measure` hears how many bytes
 * have passed, beginning with none, and whether the body came to its end.
 */
export type BodyChange =
  | {
      readonly do: "cut";
      readonly after: number;
      readonly framing: "short" | "honest" | "unterminated";
      /** It was longer than that, and has been cut. */
      cut(at: number): void;
    }
  | {
      readonly do: "whole";
      readonly limit: number;
      change(body: Buffer): Buffer;
      /** It is longer than that, or than there is room for, and passes as it is. */
      tooLarge(): void;
      /** It has taken too long to come to its end, and passes as it is. */
      late(): void;
    }
  | {
      readonly do: "record";
      readonly limit: number;
      recorded(body: Buffer): void;
      /** It is longer than that, or never came to its end. */
      lost(): void;
    }
  | {
      readonly do: "measure";
      passed(bytes: number): void;
      ended(whole: boolean): void;
    };

/** What is known of an exchange when it begins. */
export interface ExchangeInfo {
  /** Counts this proxy's exchanges, from 1. */
  readonly id: number;
  readonly connection: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly bot: string;
  /** The name of the upstream that it goes to. */
  readonly upstream: string;
  readonly request: RequestInfo;
  /** The method and the pattern that `match` knows the path by, or else the path. */
  readonly route: string;
  readonly startedAt: Millis;
  /** How long the connection had been idle when it began; null for a connection's first. */
  readonly idle: Millis | null;
  /** Asks the runner to ask a waiting or holding fault again, soon and not from within this call. */
  attend(): void;
}

/** One fault on one exchange. `released` is called once, however it ends. */
/** Which fields a head has, told without reading it out. */
export interface FieldNames {
  /** In any case. */
  has(name: string): boolean;
}

export interface ExchangeFault {
  /** The request's head is here; nothing has been forwarded. Asked again after `wait`. */
  request?(): ExchangeVerdict;
  /**
   * Whether it leaves the head that goes in this direction as it is, as far as the names in it tell. Asked before
   * `rewriteRequest` and `rewriteResponse`, where no fault before it has changed the head: one that all let pass is not read
   * out.
   */
  passesHead?(direction: Direction, names: FieldNames): boolean;
  rewriteRequest?(head: RequestParts): RequestParts;
  dispatch?(): Dispatch | null;
  /**
   * The head of the answer is here, or there will be none; the client has seen nothing of it. A final verdict takes
   * its place. Interim answers (1xx) pass by unasked.
   */
  response?(answer: ResponseInfo | UpstreamFailure): ExchangeVerdict;
  rewriteResponse?(head: ResponseParts): ResponseParts;
  /** Asked once for each body that there is, when its head is about to be sent. */
  body?(body: BodyInfo): BodyChange | null;
  /**
   * Asked of the answer to a HEAD, which has no body: how long what `body` makes of the one to a GET would be said to be
   * (RFC 9110, section 9.3.2). Null if nobody can know; `length` as it is if it would be left alone.
   */
  headLength?(body: BodyInfo): number | null;
  released?(): void;
}
