/**
 * The faults that one subject was hit by where they are asked at its turns: an exchange at its two heads, a question
 * before and behind its reply. They may go, or be given other parameters, while one of them is waited for.
 */
import type { Clock } from "../core/clock.js";
import { contained, ContainedClock, type Owner } from "../core/containment.js";
import type { Pass } from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "./armed.js";
import type { Side } from "./sight.js";
import { Gate, isWaiting, lets, type Waiting } from "./gate.js";

const PASS: Pass = { do: "pass" };
const NONE: readonly never[] = [];

/** What every fault that is asked can be told. */
export interface Askable {
  released?(): void;
}

export interface Bound<Fault> {
  readonly subject: Subject;
  readonly fault: Fault;
}

/** `Final` is what a fault may answer that ends the asking. */
export abstract class AskedFaults<Fault extends Askable, Final extends { readonly do: string }> {
  /** In the order of the plan. */
  protected bound: readonly Bound<Fault>[] = NONE;
  /** All that the subject was ever hit by: those included that have gone. */
  protected ever: readonly Bound<Fault>[] = NONE;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #owner: Owner;
  #gate: Gate<Fault, Final> | null = null;
  #released = false;

  /**
   * `failed` hears of what a fault throws; the fault is taken to have passed. `owner` pays for what goes wrong when its
   * verdict is carried out, which may be long after it asked.
   */
  constructor(clock: Clock, failed: (error: unknown) => void, owner: Owner) {
    this.#clock = clock;
    this.#failed = failed;
    this.#owner = owner;
  }

  protected attach(one: Bound<Fault>): void {
    const isSame = this.ever === this.bound;
    // Of its exact size, which a list that grows is not: exchanges are many, and most have one or two.
    this.bound = this.bound.length === 0 ? [one] : [...this.bound, one];
    this.ever = isSame ? this.bound : [...this.ever, one];
  }

  /** It asks to be asked again, soon and not from within this call. */
  attend(fault: Fault): void {
    queueMicrotask(contained(this.#owner, () => this.#gate?.attend(fault)));
  }

  /** `done` is called once, perhaps within this call. */
  protected ask(
    question: (fault: Fault) => Waiting | Final | undefined,
    done: (outcome: Pass | Final) => void,
    side: Side = "request",
  ): void {
    this.#gate?.cancel();
    this.#gate = null;
    // Most have their say at once. Only what is waited for needs a gate.
    const { bound } = this;
    for (let at = 0; at < bound.length; at++) {
      const fault = bound[at]?.fault;
      if (fault === undefined) break;
      let verdict: Waiting | Final | undefined;
      try {
        verdict = question(fault);
      } catch (error) {
        this.#failed(error);
      }
      if (verdict === undefined) continue;
      if (!isWaiting(verdict)) {
        done(verdict);
        return;
      }
      if (lets(verdict)) continue;
      this.#gate = this.#gateOf(question, done, side);
      this.#gate.waitFor(
        fault,
        verdict,
        bound.slice(0, at).map((one) => one.fault),
      );
      return;
    }
    done(PASS);
  }

  #gateOf(
    question: (fault: Fault) => Waiting | Final | undefined,
    done: (outcome: Pass | Final) => void,
    side: Side,
  ): Gate<Fault, Final> {
    let waited: Subject | null = null;
    return new Gate<Fault, Final>({
      waits: (fault) => {
        waited?.holds(null);
        waited = this.ever.find((one) => one.fault === fault)?.subject ?? null;
        waited?.holds(side);
      },
      clock: new ContainedClock(this.#clock, this.#owner),
      faults: this.#faults,
      question: (fault) => this.attempt(() => question(fault)),
      done: (outcome) => {
        this.#gate = null;
        done(outcome);
      },
    });
  }

  /** Nothing will come of it for as long as a fault is there. */
  get hanging(): boolean {
    return this.#gate?.hanging === true;
  }

  /** Faults are no longer in force: what waits for one of them goes on. Says whether any of these was among them. */
  removed(gone: ReadonlySet<ArmedFault>): boolean {
    const leaving = this.bound.filter(({ subject }) => gone.has(subject.armed));
    if (leaving.length === 0) return false;
    this.bound = this.bound.filter((one) => !leaving.includes(one));
    for (const { subject, fault } of leaving) {
      this.attempt(() => fault.released?.());
      subject.finished();
    }
    this.#gate?.changed(this.#faults);
    return true;
  }

  /** Parameters were assigned anew: whoever holds is asked again. */
  assigned(changed: ReadonlySet<ArmedFault>): void {
    for (const { subject, fault } of this.bound) if (changed.has(subject.armed)) this.#gate?.attend(fault);
  }

  /** The subject is over; what holds is let go without an answer. Does nothing the second time, and says so. */
  release(): boolean {
    if (this.#released) return false;
    this.#released = true;
    this.#gate?.cancel();
    this.#gate = null;
    for (const { fault } of this.bound) this.attempt(() => fault.released?.());
    return true;
  }

  /** Tells what was done in all. */
  finished(): void {
    for (const { subject } of this.bound) subject.finished();
  }

  /** What a fault has thrown, which is no business of its subject's. */
  protected threw(error: unknown): void {
    this.#failed(error);
  }

  protected attempt<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  get #faults(): readonly Fault[] {
    return this.bound.map(({ fault }) => fault);
  }
}
