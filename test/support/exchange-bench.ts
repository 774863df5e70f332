/**
 * An exchange without sockets: what the runner would do with the verdicts, heads and bodies of one fault, played on a
 * virtual clock. It is no runner: one fault at a time, no connections, no framing but what a test can look at.
 */
import { VirtualClock, type Millis } from "../../src/core/clock.js";
import { LANE } from "../../src/core/random.js";
import type {
  Answer,
  BodyChange,
  BodyInfo,
  Dispatch,
  Direction,
  ExchangeFault,
  ExchangeInfo,
  ExchangeVerdict,
  FieldList,
  RequestInfo,
  RequestParts,
  ResponseInfo,
  ResponseParts,
  UpstreamFailure,
} from "../../src/faults/contract/index.js";
import { fieldOf } from "../../src/faults/messages.js";
import { Armed, type Raw } from "./stream-bench.js";

export interface RequestSketch {
  readonly method?: string;
  readonly target?: string;
  readonly fields?: FieldList;
  readonly body?: string;
  readonly chunked?: boolean;
  readonly bot?: string;
  readonly client?: string;
  readonly route?: string;
  readonly idle?: Millis | null;
}

export interface AnswerSketch {
  readonly status?: number;
  readonly reason?: string;
  readonly fields?: FieldList;
  readonly body?: string;
  readonly chunked?: boolean;
}

/** What came of a body. `end` is whole, or how the message was left incomplete. */
export interface Sent {
  readonly fields: FieldList;
  readonly body: string;
  readonly end: "whole" | "short" | "unterminated";
}

export interface Outcome {
  /** What the client met: the upstream's answer, or the final verdict in its place. */
  readonly met: "passed" | "failed" | "answer" | "raw" | "reset" | "close" | "hang" | "wait";
  readonly verdict: ExchangeVerdict;
  readonly held: Millis;
  readonly dispatch: Dispatch | null;
  /** Null if it was never forwarded. */
  readonly upstream: (Sent & Pick<RequestParts, "method" | "target">) | null;
  /** Null if the client got no answer, or one that is not the upstream's. */
  readonly client: (Sent & Pick<ResponseParts, "status" | "reason">) | null;
}

export interface BenchOptions {
  readonly direction?: Direction | "both";
  readonly at?: string;
  readonly seed?: number;
  readonly clock?: VirtualClock;
}

export class ExchangeBench {
  readonly clock: VirtualClock;
  readonly armed: Armed;
  /** The ids of exchanges that asked to be asked again. */
  readonly attended: number[] = [];
  #count = 0;

  constructor(name: string, raw: Raw, { direction, at, seed, clock }: BenchOptions = {}) {
    this.clock = clock ?? new VirtualClock(1_000);
    this.armed = new Armed(name, raw, this.clock, direction, seed, at);
  }

  get counts(): Record<string, number> {
    return this.armed.counts;
  }

  begin(sketch: RequestSketch = {}): { readonly fault: ExchangeFault; readonly info: ExchangeInfo } {
    const id = ++this.#count;
    const request = requestOf(sketch);
    const info: ExchangeInfo = {
      id,
      connection: 1,
      client: { address: sketch.client ?? "127.0.0.1", port: 40_000 },
      bot: sketch.bot ?? "b",
      upstream: "jobs",
      request,
      route: sketch.route ?? `${request.method} ${request.path}`,
      startedAt: this.clock.now(),
      idle: sketch.idle ?? null,
      attend: () => this.attended.push(id),
    };
    const fault = this.armed.type.exchange?.(this.armed.scope(id - 1, LANE.subject), info);
    if (!fault) throw new Error("no exchange seam");
    return { fault, info };
  }

  /** One exchange from its request to its end; holds move the clock. */
  play(sketch: RequestSketch = {}, answer: AnswerSketch | UpstreamFailure = {}): Outcome {
    const { fault, info } = this.begin(sketch);
    const outcome = this.carry(fault, info, sketch, answer);
    fault.released?.();
    return outcome;
  }

  carry(
    fault: ExchangeFault,
    info: ExchangeInfo,
    sketch: RequestSketch,
    answer: AnswerSketch | UpstreamFailure,
  ): Outcome {
    const startedAt = this.clock.now();
    const ended = (
      met: Outcome["met"],
      verdict: ExchangeVerdict,
      rest: Partial<Pick<Outcome, "dispatch" | "upstream" | "client">> = {},
    ): Outcome => ({
      dispatch: null,
      upstream: null,
      client: null,
      ...rest,
      met,
      verdict,
      held: this.clock.now() - startedAt,
    });
    const first = this.#asked(() => fault.request?.());
    if (first.do !== "pass" && first.do !== "hold") return ended(first.do, first);
    const { method, target } = info.request;
    const parts: RequestParts = { method, target, fields: info.request.fields() };
    const head = fault.rewriteRequest?.(parts) ?? parts;
    const dispatch = fault.dispatch?.() ?? null;
    if (dispatch !== null && dispatch.copies > 0) {
      if ((sketch.body?.length ?? 0) > dispatch.limit) dispatch.tooLarge?.();
      else for (let copy = 0; copy < dispatch.copies; copy++) dispatch.copied?.();
    }
    const upstream = {
      method: head.method,
      target: head.target,
      ...this.#sent(fault, "upstream", head.fields, sketch),
    };
    const response = "failed" in answer ? answer : responseOf(answer);
    const second = this.#asked(() => fault.response?.(response));
    if (second.do !== "pass" && second.do !== "hold") return ended(second.do, second, { dispatch, upstream });
    if ("failed" in response || "failed" in answer) return ended("failed", second, { dispatch, upstream });
    const { status, reason } = response;
    const given: ResponseParts = { status, reason, fields: response.fields() };
    const answered = fault.rewriteResponse?.(given) ?? given;
    const client = {
      status: answered.status,
      reason: answered.reason,
      ...this.#sent(fault, "downstream", answered.fields, answer),
    };
    return ended("passed", second, { dispatch, upstream, client });
  }

  #asked(question: () => ExchangeVerdict | undefined): ExchangeVerdict {
    const verdict = question() ?? { do: "pass" };
    if (verdict.do === "hold") this.clock.advance(verdict.for);
    return verdict;
  }

  #sent(
    fault: ExchangeFault,
    direction: Direction,
    fields: FieldList,
    sketch: { readonly body?: string; readonly chunked?: boolean },
  ): Sent {
    const body = Buffer.from(sketch.body ?? "");
    if (body.length === 0) return { fields, body: "", end: "whole" };
    const mediaType = (fieldOf(fields, "content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
    const info: BodyInfo = {
      direction,
      length: sketch.chunked ? null : body.length,
      framing: sketch.chunked ? "chunked" : "length",
      mediaType,
    };
    const { bytes, end } = changed(fault.body?.(info) ?? null, body);
    return { fields, body: bytes.toString(), end };
  }
}

function changed(change: BodyChange | null, body: Buffer): { bytes: Buffer; end: Sent["end"] } {
  if (change === null) return { bytes: body, end: "whole" };
  if (change.do === "cut") {
    if (body.length <= change.after) return { bytes: body, end: "whole" };
    change.cut(change.after);
    return {
      bytes: body.subarray(0, change.after),
      end: change.framing === "honest" ? "whole" : change.framing,
    };
  }
  if (change.do === "measure") {
    for (const bytes of [0, body.length]) change.passed(bytes);
    change.ended(true);
    return { bytes: body, end: "whole" };
  }
  const small = body.length <= change.limit;
  if (change.do === "whole") {
    if (small) return { bytes: change.change(body), end: "whole" };
    change.tooLarge();
  } else if (small) change.recorded(body);
  else change.lost();
  return { bytes: body, end: "whole" };
}

export function requestOf({
  method = "GET",
  target = "/jobs?limit=1",
  fields = [["Host", "jobs.test"]],
}: RequestSketch): RequestInfo {
  return {
    method,
    target,
    path: target.split("?")[0] ?? target,
    minor: 1,
    header: (name) => fieldOf(fields, name),
    fields: () => fields,
  };
}

function responseOf({
  status = 200,
  reason = "OK",
  fields = [["Content-Type", "application/json"]],
}: AnswerSketch): ResponseInfo {
  return { status, reason, header: (name) => fieldOf(fields, name), fields: () => fields };
}

/** The answer that a verdict is, or a test that fails. */
export function answerIn(verdict: ExchangeVerdict | undefined): Answer {
  if (verdict?.do !== "answer") throw new Error(`no answer but ${JSON.stringify(verdict)}`);
  return verdict;
}

/** As it would stand on the wire. */
export function written(answer: Answer): string {
  const { status, reason, fields } = answer.head;
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n${answer.body.toString("latin1")}`;
}
