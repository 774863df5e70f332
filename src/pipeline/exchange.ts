/**
 * The interpreter of the exchange seam: the faults that one exchange was hit by, asked in order at its two heads,
 * and what they make of heads, bodies and of the sending itself.
 */
import type {
  Answer,
  BodyChange,
  BodyInfo,
  Dispatch,
  ExchangeFault,
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

const NO_CHANGES: BodyChange[] = [];

export class ExchangeFaults extends AskedFaults<ExchangeFault, FinalVerdict> {
  readonly #dispatches = new Map<Bound<ExchangeFault>, Dispatch>();
  /** Those that are certain to cut the body that is under way. */
  readonly #cutting = new Set<Bound<ExchangeFault>>();

  /** Who wants what of a body. */
  readonly #wanted = new WeakMap<BodyChange, Bound<ExchangeFault>>();

  /** In the order of the plan. `make` is given how to ask for attention. */
  add(subject: Subject, make: (attend: () => void) => ExchangeFault): void {
    const fault: ExchangeFault = make(() => {
      this.attend(fault);
    });
    this.attach({ subject, fault });
  }

  /**
   * Of those that did something, be they in force or not any more; with `detaching` also of those that let the upstream work for a client that left,
   * with `cutting` of those about to cut its body.
   */
  names({ detaching = false, cutting = false }): readonly string[] {
    return this.ever
      .filter(
        (one) =>
          one.subject.touched ||
          (detaching && this.#dispatches.get(one)?.detached === true) ||
          (cutting && this.#cutting.has(one)),
      )
      .map(({ subject }) => subject.armed.origin.fault);
  }

  /** `done` is called once, perhaps within this call. */
  askRequest(done: (outcome: Pass | FinalVerdict) => void): void {
    this.ask((fault) => fault.request?.(), done);
  }

  askResponse(answer: ResponseInfo | UpstreamFailure, done: (outcome: Pass | FinalVerdict) => void): void {
    this.ask((fault) => fault.response?.(answer), done);
  }

  /** What the request's head becomes, or null if no fault touches it. */
  rewriteRequest(head: () => RequestParts): RequestParts | null {
    return this.#folded(head, (fault) => fault.rewriteRequest?.bind(fault));
  }

  rewriteResponse(head: () => ResponseParts): ResponseParts | null {
    return this.#folded(head, (fault) => fault.rewriteResponse?.bind(fault));
  }

  #folded<Head>(
    head: () => Head,
    rewriter: (fault: ExchangeFault) => ((head: Head) => Head) | undefined,
  ): Head | null {
    let original: Head | null = null;
    let result: Head | null = null;
    for (const { fault } of this.bound) {
      const rewrite = rewriter(fault);
      if (rewrite === undefined) continue;
      original ??= head();
      const before: Head = result ?? original;
      result = this.attempt<Head>(() => rewrite(before)) ?? before;
    }
    // Given back as it was, it need not be written anew, and stays what it was to the byte.
    return result === original ? null : result;
  }

  dispatches(): Dispatch[] {
    for (const one of this.bound) {
      const dispatch = this.attempt(() => one.fault.dispatch?.());
      if (dispatch) this.#dispatches.set(one, dispatch);
    }
    return [...this.#dispatches.values()];
  }

  /** Whether the fault that wants it so is still in force. */
  wants(dispatch: Dispatch, inForce: readonly ArmedFault[]): boolean {
    for (const [{ subject }, wanted] of this.#dispatches)
      if (wanted === dispatch && inForce.includes(subject.armed)) return true;
    return false;
  }

  /** Whether the fault that wants it is still in force. */
  readonly inForce = (change: BodyChange): boolean => {
    const one = this.#wanted.get(change);
    return one !== undefined && this.bound.includes(one);
  };

  /** What the answer to a HEAD says of the length that a GET's would have. */
  headLength(info: BodyInfo): number | null {
    return this.bound.reduce((length, { fault }) => {
      const said = this.attempt(() => fault.headLength?.({ ...info, length }));
      return said === undefined ? length : said;
    }, info.length);
  }

  /** `describe` is asked only where a fault may change bodies. */
  bodyChanges(describe: () => BodyInfo): BodyChange[] {
    if (!this.bound.some(({ fault }) => fault.body !== undefined)) return NO_CHANGES;
    const info = describe();
    return this.bound.flatMap((one) => {
      const change = this.attempt(() => one.fault.body?.(info)) ?? [];
      if ("do" in change) this.#wanted.set(change, one);
      if ("do" in change && change.do === "cut" && info.length !== null) this.#cutting.add(one);
      return change;
    });
  }
}
