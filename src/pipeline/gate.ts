/**
 * The gate: asks the faults of one connection, or of one exchange, in order, before it goes on. Holds add up because the next
 * fault is asked when the hold before it is over; the first final verdict wins.
 *
 * Faults may come, go and change while the gate is held: one that goes lets the gate move on.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";
import type { Hang, Hold, Pass, Wait } from "../faults/contract/index.js";

/** Verdicts that the gate itself understands; every other one is final. */
export type Waiting = Pass | Hold | Wait | Hang;

/** `Fault` is what is asked, `Final` what it may answer that ends the asking. */
export class Gate<Fault extends object, Final extends { readonly do: string }> {
  readonly #clock: Clock;
  readonly #question: (fault: Fault) => Waiting | Final | undefined;
  readonly #done: (outcome: Pass | Final) => void;
  readonly #hangs: (() => void) | undefined;
  readonly #waits: ((fault: Fault | null) => void) | undefined;
  /** For whom it was said that it is waited for. */
  #waited: Fault | null = null;
  readonly #asked = new Set<Fault>();
  #faults: readonly Fault[];
  #at: Fault | null = null;
  /** Set when a fault begins to hold. */
  #heldSince: Millis | null = null;
  #timer: Timer | null = null;
  #over = false;
  #hanging = false;

  constructor(parts: {
    readonly clock: Clock;
    readonly faults: readonly Fault[];
    readonly question: (fault: Fault) => Waiting | Final | undefined;
    readonly done: (outcome: Pass | Final) => void;
    /** Called when it begins to hang, perhaps within a call of the gate's own. */
    readonly hangs?: () => void;
    /** Called with the fault that it waits for from now on, and with null when it waits for none any more; nobody watches without it. */
    readonly waits?: ((fault: Fault | null) => void) | undefined;
  }) {
    this.#clock = parts.clock;
    this.#faults = parts.faults;
    this.#question = parts.question;
    this.#done = parts.done;
    this.#hangs = parts.hangs;
    this.#waits = parts.waits;
  }

  /** These have been asked by others, and have passed; `at` was asked behind them, and said that it is to be waited for. */
  waitFor(at: Fault, verdict: Waiting, passed: readonly Fault[]): void {
    for (const fault of passed) this.#asked.add(fault);
    this.#at = at;
    if (this.#passes(at, verdict)) this.step();
  }

  /** Asks until something holds, or until all have passed. */
  step(): void {
    while (!this.#over) {
      const next = this.#faults.find((fault) => !this.#asked.has(fault));
      if (next === undefined) {
        this.#finish({ do: "pass" });
        return;
      }
      this.#at = next;
      this.#hanging = false;
      if (this.#waited !== next) this.#tellWaits(null);
      const verdict = this.#question(next);
      if (verdict === undefined) {
        this.#asked.add(next);
        continue;
      }
      if (!isWaiting(verdict)) {
        this.#finish(verdict);
        return;
      }
      if (!this.#passes(next, verdict)) return;
    }
  }

  #tellWaits(fault: Fault | null): void {
    if (this.#waits === undefined || this.#waited === fault) return;
    if (this.#waited !== null) this.#waits(null);
    this.#waited = fault;
    if (fault !== null) this.#waits(fault);
  }

  /** False where it is waited for. */
  #passes(fault: Fault, verdict: Waiting): boolean {
    if (lets(verdict)) {
      this.#asked.add(fault);
      return true;
    }
    this.#tellWaits(fault);
    if (verdict.do === "hold") {
      this.#heldSince = this.#clock.now();
      this.#hold(verdict);
    } else if (verdict.do === "hang") {
      this.#hanging = true;
      this.#hangs?.();
    }
    return false;
  }

  /** It will not go on before the fault that holds it goes. */
  get hanging(): boolean {
    return this.#hanging;
  }

  /** The fault asks to be asked again, or its parameters have changed. */
  attend(fault: Fault): void {
    if (this.#over || this.#at !== fault) return;
    const verdict = this.#timer === null ? undefined : this.#question(fault);
    if (verdict !== undefined && isWaiting(verdict) && verdict.do === "hold") {
      this.#hold(verdict);
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.step();
  }

  /** The list of faults is another one now. */
  changed(faults: readonly Fault[]): void {
    this.#faults = faults;
    if (this.#over || this.#at === null || faults.includes(this.#at)) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.step();
  }

  cancel(): void {
    this.#over = true;
    this.#tellWaits(null);
    this.#timer?.cancel();
    this.#timer = null;
  }

  #hold(hold: Hold): void {
    // Who is asked again says how long it is from now; a hold that is said anew is the same hold, and began when it did.
    const since = hold.again === true ? this.#clock.now() : (this.#heldSince ??= this.#clock.now());
    this.#holdUntil(since + hold.for, hold);
  }

  #holdUntil(until: Millis, hold: Hold): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.exactly(until, () => {
      this.#timer = null;
      // Timers may be early; it is the clock that says when a hold is over.
      if (this.#clock.now() < until) {
        this.#holdUntil(until, hold);
        return;
      }
      if (this.#at !== null && hold.again !== true) this.#asked.add(this.#at);
      this.step();
    });
  }

  #finish(outcome: Pass | Final): void {
    this.#over = true;
    this.#tellWaits(null);
    this.#at = null;
    this.#done(outcome);
  }
}

/** A delay that was drawn as none is over already, and is not worth a turn of the loop. */
export function lets(verdict: Waiting): boolean {
  return verdict.do === "pass" || (verdict.do === "hold" && verdict.for <= 0);
}

export function isWaiting(verdict: { readonly do: string }): verdict is Waiting {
  const { do: what } = verdict;
  return what === "pass" || what === "hold" || what === "wait" || what === "hang";
}
