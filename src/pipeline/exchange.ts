/**
 * The interpreter of the exchange seam: the faults that one exchange was hit by, asked in order at its two heads,
 * and what they make of heads, bodies and of the sending itself.
 */
import type {
  Answer,
  AnyFaultType,
  BodyChange,
  BodyInfo,
  Direction,
  Dispatch,
  ExchangeFault,
  ExchangeInfo,
  ExchangeVerdict,
  FieldNames,
  Pass,
  RawAnswer,
  RequestParts,
  ResponseInfo,
  ResponseParts,
  Sever,
  UpstreamFailure,
} from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "./armed.js";
import { AskedFaults, type Bound } from "./asked.js";

/** What ends the asking: an answer in the upstream's place, or the end of the connection. */
export type FinalVerdict = Sever | Answer | RawAnswer;

/** An exchange as one of its faults sees it. */
export interface SeenExchange extends ExchangeInfo {
  /** Whose wish it is to be asked again, and whom to tell. */
  belongsTo(fault: ExchangeFault, among: ExchangeFaults): void;
}

const NO_CHANGES: BodyChange[] = [];
const NO_DISPATCHES: Dispatch[] = [];
const NO_NAMES: readonly string[] = [];

/** One more, in a list of its exact size: nearly all have one or two. */
export function withName(names: readonly string[], name: string): readonly string[] {
  return names.length === 0 ? [name] : [...names, name];
}

export class ExchangeFaults extends AskedFaults<ExchangeFault, FinalVerdict> {
  // Made when there is something for them: exchanges are many, and few have any of it.
  #dispatches: Map<Bound<ExchangeFault>, Dispatch> | null = null;
  /** Those that are certain to cut the body that is under way. */
  #cutting: Set<Bound<ExchangeFault>> | null = null;
  /** Who wants what of a body. */
  #wanted: Map<BodyChange, Bound<ExchangeFault>> | null = null;

  /** In the order of the plan. */
  add(subject: Subject, make: NonNullable<AnyFaultType["exchange"]>, exchange: SeenExchange): void {
    const fault = make(subject, exchange);
    exchange.belongsTo(fault, this);
    this.attach({ subject, fault });
  }

  /**
   * Of those that did something, be they in force or not any more; with `detaching` also of those that let the upstream work for a client that left,
   * with `cutting` of those about to cut its body.
   */
  names({ detaching = false, cutting = false }): readonly string[] {
    let names = NO_NAMES;
    for (const one of this.ever)
      if (
        one.subject.touched ||
        (detaching && this.#dispatches?.get(one)?.detached === true) ||
        (cutting && this.#cutting?.has(one) === true)
      )
        names = withName(names, one.subject.armed.origin.fault);
    return names;
  }

  /** `done` is called once, perhaps within this call. */
  askRequest(done: (outcome: Pass | FinalVerdict) => void): void {
    this.ask(asRequest, done);
  }

  /** Whether anybody wants to see the answer. */
  get asksResponse(): boolean {
    for (const { fault } of this.bound) if (fault.response !== undefined) return true;
    return false;
  }

  askResponse(answer: ResponseInfo | UpstreamFailure, done: (outcome: Pass | FinalVerdict) => void): void {
    this.ask((fault) => fault.response?.(answer), done, "answer");
  }

  /** What the request's head becomes, or null if no fault touches it. */
  rewriteRequest(names: FieldNames, head: () => RequestParts): RequestParts | null {
    return this.#folded("upstream", names, head, rewritesRequest, rewriteRequest);
  }

  rewriteResponse(names: FieldNames, head: () => ResponseParts): ResponseParts | null {
    return this.#folded("downstream", names, head, rewritesResponse, rewriteResponse);
  }

  /** The head is read out for the first fault that wants to see it: most want none. */
  #folded<Head>(
    direction: Direction,
    names: FieldNames,
    head: () => Head,
    has: (fault: ExchangeFault) => boolean,
    rewrite: (fault: ExchangeFault, head: Head) => Head | undefined,
  ): Head | null {
    let original: Head | null = null;
    let result: Head | null = null;
    for (const { fault } of this.bound) {
      if (!has(fault)) continue;
      // Behind a fault that has changed it, the names are others.
      if (result === original && this.#passes(fault, direction, names)) continue;
      original ??= head();
      const before: Head = result ?? original;
      try {
        result = rewrite(fault, before) ?? before;
      } catch (error) {
        this.threw(error);
        result = before;
      }
    }
    // Given back as it was, it need not be written anew, and stays what it was to the byte.
    return result === original ? null : result;
  }

  #passes(fault: ExchangeFault, direction: Direction, names: FieldNames): boolean {
    try {
      return fault.passesHead?.(direction, names) === true;
    } catch (error) {
      this.threw(error);
      return false;
    }
  }

  dispatches(): readonly Dispatch[] {
    for (const one of this.bound) {
      if (one.fault.dispatch === undefined) continue;
      const dispatch = this.attempt(() => one.fault.dispatch?.());
      if (dispatch) (this.#dispatches ??= new Map()).set(one, dispatch);
    }
    return this.#dispatches === null ? NO_DISPATCHES : [...this.#dispatches.values()];
  }

  /** Whether the fault that wants it so is still in force. */
  wants(dispatch: Dispatch, inForce: readonly ArmedFault[]): boolean {
    for (const [{ subject }, wanted] of this.#dispatches ?? [])
      if (wanted === dispatch && inForce.includes(subject.armed)) return true;
    return false;
  }

  /** Whether the fault that wants it is still in force. */
  inForce(change: BodyChange): boolean {
    const one = this.#wanted?.get(change);
    return one !== undefined && this.bound.includes(one);
  }

  /** What the answer to a HEAD says of the length that a GET's would have. */
  headLength(info: BodyInfo): number | null {
    return this.bound.reduce((length, { fault }) => {
      const said = this.attempt(() => fault.headLength?.({ ...info, length }));
      return said === undefined ? length : said;
    }, info.length);
  }

  /** `describe` is asked only where a fault may change bodies. */
  bodyChanges(describe: () => BodyInfo): BodyChange[] {
    let info: BodyInfo | null = null;
    let changes = NO_CHANGES;
    for (const one of this.bound) {
      if (one.fault.body === undefined) continue;
      const about = (info ??= describe());
      const change = this.attempt(() => one.fault.body?.(about)) ?? null;
      if (change === null) continue;
      if (changes === NO_CHANGES) changes = [];
      changes.push(change);
      (this.#wanted ??= new Map()).set(change, one);
      if (change.do === "cut" && about.length !== null) (this.#cutting ??= new Set()).add(one);
    }
    return changes;
  }
}

const asRequest = (fault: ExchangeFault): ExchangeVerdict | undefined => fault.request?.();
const rewritesRequest = (fault: ExchangeFault): boolean => fault.rewriteRequest !== undefined;
const rewriteRequest = (fault: ExchangeFault, head: RequestParts): RequestParts | undefined =>
  fault.rewriteRequest?.(head);
const rewritesResponse = (fault: ExchangeFault): boolean => fault.rewriteResponse !== undefined;
const rewriteResponse = (fault: ExchangeFault, head: ResponseParts): ResponseParts | undefined =>
  fault.rewriteResponse?.(head);
