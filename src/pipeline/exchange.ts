/**
 * The interpreter of the exchange seam: the faults that one exchange was hit by, asked in order at its two heads,
 * and what they make of heads, bodies and of the sending itself.
 */
import type { Clock } from "../core/clock.js";
import type {
  Answer,
  BodyChange,
  BodyInfo,
  Dispatch,
  ExchangeFault,
  ExchangeVerdict,
  Pass,
  RawAnswer,
  RequestParts,
  ResponseInfo,
  ResponseParts,
  Sever,
  UpstreamFailure,
} from "../faults/contract.js";
import type { ArmedFault, Subject } from "./armed.js";
import { Gate } from "./gate.js";

/** What ends the asking: an answer in the upstream's place, or the end of the connection. */
export type FinalVerdict = Sever | Answer | RawAnswer;

interface Bound {
  readonly subject: Subject;
  readonly fault: ExchangeFault;
}

export class ExchangeFaults {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #bound: readonly Bound[] = [];
  #gate: Gate<ExchangeFault, FinalVerdict> | null = null;
  #released = false;
  /** Those that are certain to cut the body that is under way. */
  readonly #cutting = new Set<Bound>();
  readonly #dispatches = new Map<Bound, Dispatch>();

  /** `failed` hears of what a fault throws; the fault is taken to have passed. */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** In the order of the plan. `make` is given how to ask for attention. */
  add(subject: Subject, make: (attend: () => void) => ExchangeFault): void {
    const fault: ExchangeFault = make(() => {
      queueMicrotask(() => this.#gate?.attend(fault));
    });
    this.#bound = [...this.#bound, { subject, fault }];
  }

  /**
   * Of those that did something; with `detaching` also of those that let the upstream work for a client that left,
   * with `cutting` of those about to cut its body.
   */
  names({ detaching = false, cutting = false }): readonly string[] {
    return this.#bound
      .filter(
        (one) =>
          one.subject.touched ||
          (detaching && this.#dispatches.get(one)?.detached === true) ||
          (cutting && this.#cutting.has(one)),
      )
      .map(({ subject }) => subject.armed.origin.fault);
  }

  /** Nothing will come of it for as long as a fault is there. */
  get hanging(): boolean {
    return this.#gate?.hanging === true;
  }

  /** `done` is called once, perhaps within this call. */
  askRequest(done: (outcome: Pass | FinalVerdict) => void): void {
    this.#ask((fault) => fault.request?.(), done);
  }

  askResponse(answer: ResponseInfo | UpstreamFailure, done: (outcome: Pass | FinalVerdict) => void): void {
    this.#ask((fault) => fault.response?.(answer), done);
  }

  #ask(
    question: (fault: ExchangeFault) => ExchangeVerdict | undefined,
    done: (outcome: Pass | FinalVerdict) => void,
  ): void {
    this.#gate?.cancel();
    this.#gate = new Gate<ExchangeFault, FinalVerdict>({
      clock: this.#clock,
      faults: this.#faults,
      question: (fault) => this.#try(() => question(fault)),
      done: (outcome) => {
        this.#gate = null;
        done(outcome);
      },
    });
    this.#gate.step();
  }

  /** Faults are no longer in force: what waits for one of them goes on. */
  removed(gone: ReadonlySet<ArmedFault>): void {
    const leaving = this.#bound.filter(({ subject }) => gone.has(subject.armed));
    if (leaving.length === 0) return;
    this.#bound = this.#bound.filter((one) => !leaving.includes(one));
    for (const one of leaving) this.#release(one);
    this.#gate?.changed(this.#faults);
  }

  /** Parameters were assigned anew: whoever holds is asked again. */
  assigned(changed: ReadonlySet<ArmedFault>): void {
    for (const { subject, fault } of this.#bound) if (changed.has(subject.armed)) this.#gate?.attend(fault);
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
    for (const { fault } of this.#bound) {
      const rewrite = rewriter(fault);
      if (rewrite === undefined) continue;
      original ??= head();
      const before: Head = result ?? original;
      result = this.#try<Head>(() => rewrite(before)) ?? before;
    }
    // Given back as it was, it need not be written anew, and stays what it was to the byte.
    return result === original ? null : result;
  }

  dispatches(): Dispatch[] {
    for (const one of this.#bound) {
      const dispatch = this.#try(() => one.fault.dispatch?.());
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

  bodyChanges(info: BodyInfo): BodyChange[] {
    return this.#bound.flatMap((one) => {
      const change = this.#try(() => one.fault.body?.(info)) ?? [];
      if ("do" in change && change.do === "cut" && info.length !== null) this.#cutting.add(one);
      return change;
    });
  }

  /** The exchange is over; what holds is let go without an answer. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#gate?.cancel();
    this.#gate = null;
    for (const one of this.#bound) this.#try(() => one.fault.released?.());
  }

  /** Tells what was done in all; after `release`, when the last byte has left. */
  finished(): void {
    for (const { subject } of this.#bound) subject.finished();
  }

  #release({ subject, fault }: Bound): void {
    this.#try(() => fault.released?.());
    subject.finished();
  }

  get #faults(): readonly ExchangeFault[] {
    return this.#bound.map(({ fault }) => fault);
  }

  #try<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }
}
