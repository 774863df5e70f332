/** A fault on an exchange that is only observed: it is asked all that it would be asked, and what it says is carried out on nobody. */
import type {
  BodyChange,
  BodyInfo,
  Dispatch,
  ExchangeFault,
  ExchangeInfo,
  ExchangeVerdict,
  RequestParts,
  ResponseInfo,
  ResponseParts,
  UpstreamFailure,
} from "../faults/contract/index.js";
import type { Fate } from "./fate.js";

const PASS = { do: "pass" } as const;

export class WatchedExchange implements ExchangeFault {
  readonly #fate: Fate;
  readonly #inner: ExchangeFault;
  /** The question that it wanted to be asked again. */
  #waitsFor: (() => ExchangeVerdict | undefined) | null = null;
  #dispatch: Dispatch | null = null;
  /** Its request has a body, which says how large it is. */
  #measured = false;

  constructor(make: (info: ExchangeInfo) => ExchangeFault, info: ExchangeInfo, fate: Fate) {
    this.#fate = fate;
    const attend = (): void => {
      queueMicrotask(() => {
        this.#askAgain();
      });
    };
    const { id, connection, client, bot, upstream, request, route, startedAt, idle } = info;
    this.#inner = make({
      id,
      connection,
      client,
      bot,
      upstream,
      request,
      route,
      startedAt,
      idle,
      attend,
    });
  }

  request(): ExchangeVerdict {
    return this.#ask(() => this.#inner.request?.());
  }

  response(answer: ResponseInfo | UpstreamFailure): ExchangeVerdict {
    // A request without a body has been sent by now, and would have been again.
    if (!this.#measured) this.#sent(0);
    return this.#ask(() => this.#inner.response?.(answer));
  }

  #ask(question: () => ExchangeVerdict | undefined): ExchangeVerdict {
    if (this.#fate.over) return PASS;
    const verdict = question();
    this.#waitsFor = verdict?.do === "wait" ? question : null;
    if (verdict !== undefined && isFinal(verdict)) {
      this.#fate.over = true;
      this.#fate.answered = verdict.do === "answer" || verdict.do === "raw";
    }
    return PASS;
  }

  #askAgain(): void {
    const question = this.#waitsFor;
    if (question !== null) this.#ask(question);
  }

  rewriteRequest(head: RequestParts): RequestParts {
    if (this.#fate.over) return head;
    const before = this.#fate.request ?? head;
    this.#fate.request = this.#inner.rewriteRequest?.(before) ?? before;
    return head;
  }

  rewriteResponse(head: ResponseParts): ResponseParts {
    if (this.#fate.over) return head;
    const before = this.#fate.response ?? head;
    this.#fate.response = this.#inner.rewriteResponse?.(before) ?? before;
    return head;
  }

  /** Nothing is sent again, and nobody's leaving is kept from the upstream. */
  dispatch(): null {
    if (!this.#fate.over) this.#dispatch = this.#inner.dispatch?.() ?? null;
    if (this.#dispatch !== null && this.#dispatch.copies === 0) this.#dispatch = null;
    return null;
  }

  #sent(bytes: number): void {
    const dispatch = this.#dispatch;
    this.#dispatch = null;
    if (dispatch === null) return;
    if (bytes > dispatch.limit) dispatch.tooLarge?.();
    else for (let copy = 0; copy < dispatch.copies; copy++) dispatch.copied?.();
  }

  body(info: BodyInfo): BodyChange | null {
    if (this.#fate.over) return null;
    const change = this.#inner.body?.(info) ?? null;
    if (info.direction === "upstream" && this.#dispatch !== null) return this.#measure();
    if (change === null || change.do === "record" || change.do === "measure") return change;
    return change.do === "cut" ? this.#watchCut(change, info) : this.#watchWhole(change, info);
  }

  headLength(info: BodyInfo): number | null {
    if (!this.#fate.over) this.#inner.headLength?.(info);
    return info.length;
  }

  /** The size of a request that would be sent again. */
  #measure(): BodyChange {
    this.#measured = true;
    let bytes = 0;
    return {
      do: "measure",
      passed: (more) => {
        bytes += more;
      },
      ended: (whole) => {
        if (whole) this.#sent(bytes);
      },
    };
  }

  #watchCut(cut: Extract<BodyChange, { do: "cut" }>, info: BodyInfo): BodyChange {
    const fate = this.#fate;
    const { direction, length } = info;
    fate.cuts[direction] = Math.min(fate.cuts[direction], cut.after);
    let bytes = 0;
    let over = false;
    const look = (): void => {
      const more = length === null ? cut.after === 0 : length > cut.after;
      const beyond = bytes > cut.after || (bytes === cut.after && more);
      if (over || !beyond || fate.over || fate.cuts[direction] < cut.after) return;
      over = true;
      fate.cuts[direction] = -1;
      cut.cut(cut.after);
      if (cut.framing !== "honest") fate.over = true;
    };
    return {
      do: "measure",
      passed: (more) => {
        bytes += more;
        look();
      },
      ended: () => undefined,
    };
  }

  #watchWhole(
    whole: Extract<BodyChange, { do: "whole" }>,
    { direction, length }: BodyInfo,
  ): BodyChange | null {
    if (length !== null && length > whole.limit) {
      whole.tooLarge();
      return null;
    }
    return {
      do: "record",
      limit: whole.limit,
      recorded: (body) => {
        const { bodies } = this.#fate;
        if (!this.#fate.over) bodies[direction] = whole.change(bodies[direction] ?? body);
      },
      lost: () => {
        if (!this.#fate.over) whole.tooLarge();
      },
    };
  }

  released(): void {
    this.#waitsFor = null;
    this.#inner.released?.();
  }
}

function isFinal({ do: what }: ExchangeVerdict): boolean {
  return what !== "pass" && what !== "hold" && what !== "wait";
}
