/**
 * The interpreter of the query seam: the faults that one question was hit by, asked in order before anybody is asked
 * and when there is a reply, and what they make of the reply and of its bytes.
 */
import type { Clock } from "../core/clock.js";
import type {
  Answer,
  DnsReply,
  Drop,
  Hang,
  Pass,
  QueryFault,
  QueryVerdict,
  Question,
  Sever,
} from "../faults/contract.js";
import type { ArmedFault, Subject, SubjectInfo } from "./armed.js";
import { Gate } from "./gate.js";

/** What ends the asking: no reply at all, a reply in the server's place, or the end of the connection. */
export type FinalQueryVerdict = Drop | Sever | { readonly do: "reply"; readonly reply: DnsReply };
/** What becomes of whoever waits for a name that could not be resolved. */
export type UnresolvedVerdict = Hang | Sever | Answer;

interface Bound {
  readonly subject: Subject;
  readonly fault: QueryFault;
}

export class QueryFaults {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #bound: readonly Bound[] = [];
  #gate: Gate<QueryFault, FinalQueryVerdict> | null = null;
  #released = false;

  /** `failed` hears of what a fault throws; the fault is taken to have passed. */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** Those of the faults, in the order of the plan, that hit this question; null if none does. */
  static of(
    armed: readonly ArmedFault[],
    subject: SubjectInfo,
    question: Question,
    clock: Clock,
    failed: (error: unknown) => void,
  ): QueryFaults | null {
    let faults: QueryFaults | null = null;
    for (const one of armed) {
      const hit = one.admit(subject);
      if (hit === null || one.type.query === undefined) continue;
      faults ??= new QueryFaults(clock, failed);
      faults.#add(hit, question);
    }
    return faults;
  }

  #add(subject: Subject, question: Question): void {
    const fault = this.#try(() => subject.armed.type.query?.(subject, question));
    if (fault !== undefined) this.#bound = [...this.#bound, { subject, fault }];
  }

  /** `done` is called once, perhaps within this call. */
  askQuery(done: (outcome: Pass | FinalQueryVerdict) => void): void {
    this.#ask((fault) => fault.query?.(), done);
  }

  askReply(reply: DnsReply, done: (outcome: Pass | FinalQueryVerdict) => void): void {
    this.#ask((fault) => fault.reply?.(reply), done);
  }

  #ask(
    question: (fault: QueryFault) => QueryVerdict | undefined,
    done: (outcome: Pass | FinalQueryVerdict) => void,
  ): void {
    this.#gate?.cancel();
    this.#gate = new Gate<QueryFault, FinalQueryVerdict>({
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

  /** Whether anybody wants to see a reply, so that it must be read. */
  get readsReplies(): boolean {
    return this.#bound.some(({ fault }) => fault.reply !== undefined || fault.rewrite !== undefined);
  }

  /** What the reply becomes; the very same one if no fault touches it. */
  rewrite(reply: DnsReply): DnsReply {
    let result = reply;
    for (const { fault } of this.#bound) {
      const before = result;
      result = this.#try(() => fault.rewrite?.(before)) ?? before;
    }
    return result;
  }

  /** What becomes of its bytes, which are somebody else's: a fault makes others. */
  garble(message: Buffer): Buffer {
    let result = message;
    for (const { fault } of this.#bound) {
      const before = result;
      result = this.#try(() => fault.garble?.(before)) ?? before;
    }
    return result;
  }

  /** What a client gets whose upstream's name was not resolved; null for what it gets without faults. */
  unresolved(): UnresolvedVerdict | null {
    for (const { fault } of this.#bound) {
      const verdict = this.#try(() => fault.unresolved?.());
      if (verdict !== undefined && verdict.do !== "pass") return verdict;
    }
    return null;
  }

  /** Faults are no longer in force: what waits for one of them goes on. Says whether any of these was among them. */
  removed(gone: ReadonlySet<ArmedFault>): boolean {
    const leaving = this.#bound.filter(({ subject }) => gone.has(subject.armed));
    if (leaving.length === 0) return false;
    this.#bound = this.#bound.filter((one) => !leaving.includes(one));
    for (const one of leaving) {
      this.#try(() => one.fault.released?.());
      one.subject.finished();
    }
    this.#gate?.changed(this.#faults);
    return true;
  }

  /** Parameters were assigned anew: whoever holds is asked again. */
  assigned(changed: ReadonlySet<ArmedFault>): void {
    for (const { subject, fault } of this.#bound) if (changed.has(subject.armed)) this.#gate?.attend(fault);
  }

  /** The question is over, answered or not. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#gate?.cancel();
    this.#gate = null;
    for (const { subject, fault } of this.#bound) {
      this.#try(() => fault.released?.());
      subject.finished();
    }
  }

  get #faults(): readonly QueryFault[] {
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
