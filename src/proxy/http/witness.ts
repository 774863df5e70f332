/**
 * Sees what is recorded of one exchange, where everything is: the bodies of both messages as they came, and what their heads say.
 * Nobody else pays for it: an exchange has none unless it began while everything was recorded.
 */
import type { Millis } from "../../core/clock.js";
import { Digest, hashOf } from "../../core/digest.js";
import type { ExchangeSeen } from "../../core/events.js";
import { keyOf, operationOf, retryAfterOf, type Asked } from "../../core/request-words.js";
import type { Fields, ResponseHead } from "./head.js";
import { mediaTypeOf } from "./heads.js";
import type { Visit } from "./sites.js";

/** What it must know of its exchange. */
interface Witnessed extends Asked {
  readonly head: Fields;
  readonly startedAt: Millis;
  readonly forwardedAt: Millis | null;
}

interface Answer {
  readonly type: string | null;
  readonly retryAfter: number | null;
  readonly body: Digest;
  whole: boolean;
}

export class Witness {
  readonly visit: Visit;
  readonly #reused: boolean;
  readonly #request = new Digest();
  #requestWhole = false;
  #answer: Answer | null = null;

  constructor(visit: Visit, reused: boolean) {
    this.visit = visit;
    this.#reused = reused;
  }

  requestBody(raw: Buffer, start: number, end: number): void {
    this.#request.add(raw, start, end);
  }

  requestEnd(): void {
    this.#requestWhole = true;
  }

  /** The head of the upstream's answer; `now` is the wall's clock. */
  answer(head: ResponseHead, now: Millis): void {
    const retryAfter = retryAfterOf(head.get("retry-after"), now);
    this.#answer = { type: typeOf(head), retryAfter, body: new Digest(), whole: false };
  }

  answerBody(raw: Buffer, start: number, end: number): void {
    this.#answer?.body.add(raw, start, end);
  }

  answerEnd(): void {
    if (this.#answer !== null) this.#answer.whole = true;
  }

  /** `over` is when it was over for its client. */
  seen(exchange: Witnessed, over: Millis): ExchangeSeen {
    const { head, startedAt, forwardedAt } = exchange;
    const request = this.#request;
    const type = typeOf(head);
    const key = keyOf(exchange);
    const answer = this.#answer;
    const read = this.#requestWhole && request.whole ? request.beginning : null;
    return {
      at: startedAt,
      over,
      reused: this.#reused,
      forwarded: forwardedAt !== null,
      request: {
        bytes: request.bytes,
        hash: this.#requestWhole ? request.hash : null,
        type,
        key: key === undefined ? null : hashOf(key),
        authorized: head.has("authorization"),
        operation: operationOf(exchange, type, read),
      },
      response:
        answer === null
          ? null
          : {
              bytes: answer.body.bytes,
              hash: answer.whole ? answer.body.hash : null,
              type: answer.type,
              retry_after_ms: answer.retryAfter,
            },
    };
  }
}

function typeOf(head: Fields): string | null {
  const type = mediaTypeOf(head);
  return type === "" ? null : type;
}
