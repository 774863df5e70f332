/**
 * The interpreter of the query seam: the faults that one question was hit by, asked in order before anybody is asked
 * and when there is a reply, and what they make of the reply and of its bytes.
 */
import type { Clock } from "../core/clock.js";
import type { Owner } from "../core/containment.js";
import type {
  Answer,
  DnsReply,
  Drop,
  Hang,
  Pass,
  QueryFault,
  Question,
  Sever,
} from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "./armed.js";
import type { SubjectInfo } from "./subject-info.js";
import { AskedFaults } from "./asked.js";

/** What ends the asking: no reply at all, a reply in the server's place, or the end of the connection. */
export type FinalQueryVerdict = Drop | Sever | { readonly do: "reply"; readonly reply: DnsReply };
/** What becomes of whoever waits for a name that could not be resolved. */
export type UnresolvedVerdict = Hang | Sever | Answer;

export class QueryFaults extends AskedFaults<QueryFault, FinalQueryVerdict> {
  /** Those of the faults, in the order of the plan, that hit this question; null if none does. */
  static of(
    armed: readonly ArmedFault[],
    subject: SubjectInfo,
    question: Question,
    clock: Clock,
    failed: (error: unknown) => void,
    owner: Owner,
  ): QueryFaults | null {
    let faults: QueryFaults | null = null;
    for (const one of armed) {
      const hit = one.admit(subject);
      if (hit === null || one.type.query === undefined) continue;
      faults ??= new QueryFaults(clock, failed, owner);
      faults.#add(hit, question);
    }
    return faults;
  }

  #add(subject: Subject, question: Question): void {
    const fault = this.attempt(() => subject.armed.type.query?.(subject, question));
    if (fault !== undefined) this.attach({ subject, fault });
  }

  /** `done` is called once, perhaps within this call. */
  askQuery(done: (outcome: Pass | FinalQueryVerdict) => void): void {
    this.ask((fault) => fault.query?.(), done);
  }

  askReply(reply: DnsReply, done: (outcome: Pass | FinalQueryVerdict) => void): void {
    this.ask((fault) => fault.reply?.(reply), done, "answer");
  }

  /** Whether anybody wants to see a reply, so that it must be read. */
  get readsReplies(): boolean {
    return this.bound.some(({ fault }) => fault.reply !== undefined || fault.rewrite !== undefined);
  }

  /** What the reply becomes; the very same one if no fault touches it. */
  rewrite(reply: DnsReply): DnsReply {
    let result = reply;
    for (const { fault } of this.bound) {
      const before = result;
      result = this.attempt(() => fault.rewrite?.(before)) ?? before;
    }
    return result;
  }

  /** What becomes of its bytes, which are somebody else's: a fault makes others. */
  garble(message: Buffer): Buffer {
    let result = message;
    for (const { fault } of this.bound) {
      const before = result;
      result = this.attempt(() => fault.garble?.(before)) ?? before;
    }
    return result;
  }

  /** What a client gets whose upstream's name was not resolved; null for what it gets without faults. */
  unresolved(): UnresolvedVerdict | null {
    for (const { fault } of this.bound) {
      const verdict = this.attempt(() => fault.unresolved?.());
      if (verdict !== undefined && verdict.do !== "pass") return verdict;
    }
    return null;
  }

  /** The question is over, answered or not, and nothing of it is on its way any more. */
  override release(): boolean {
    const first = super.release();
    if (first) this.finished();
    return first;
  }
}
