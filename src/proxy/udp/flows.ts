/** The flows of a UDP proxy by client, those that have been idle for longest first. */
import type { Millis } from "../../core/clock.js";
import { Register } from "../../core/register.js";

/** What the table must know of a flow. */
export interface Listed {
  readonly key: string;
  usedAt: Millis;
  /** An answer has come, so that there is somebody at both ends. */
  answered: boolean;
  before: Listed | null;
  behind: Listed | null;
}

export class Flows<Flow extends Listed> {
  readonly #byKey = new Register<string, Flow>();
  /** Apart, since whoever sends from made-up addresses is never answered, and must not drive out the others. */
  readonly #unanswered = new Row();
  readonly #answered = new Row();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Flow | undefined {
    return this.#byKey.get(key);
  }

  all(): Flow[] {
    return this.#byKey.values();
  }

  add(flow: Flow): void {
    this.#byKey.set(flow.key, flow);
    this.#rowOf(flow).push(flow);
  }

  remove(flow: Flow): void {
    if (this.#byKey.delete(flow.key)) this.#rowOf(flow).cut(flow);
  }

  used(flow: Flow, now: Millis): void {
    flow.usedAt = now;
    this.#rowOf(flow).toEnd(flow);
  }

  answered(flow: Flow): void {
    if (flow.answered) return;
    this.#rowOf(flow).cut(flow);
    flow.answered = true;
    this.#rowOf(flow).push(flow);
  }

  /** The one that has been idle for longest. */
  get idlest(): Flow | null {
    const [one, other] = [this.#unanswered.first, this.#answered.first] as [Flow | null, Flow | null];
    if (one === null || other === null) return one ?? other;
    return one.usedAt <= other.usedAt ? one : other;
  }

  /** The one that may make room for another. */
  get idlestUnanswered(): Flow | null {
    return this.#unanswered.first as Flow | null;
  }

  #rowOf({ answered }: Flow): Row {
    return answered ? this.#answered : this.#unanswered;
  }
}

/** A doubly linked list: each datagram moves a flow to its end. */
class Row {
  first: Listed | null = null;
  #last: Listed | null = null;

  push(flow: Listed): void {
    flow.before = this.#last;
    flow.behind = null;
    if (this.#last === null) this.first = flow;
    else this.#last.behind = flow;
    this.#last = flow;
  }

  cut(flow: Listed): void {
    if (flow.before === null) this.first = flow.behind;
    else flow.before.behind = flow.behind;
    if (flow.behind === null) this.#last = flow.before;
    else flow.behind.before = flow.before;
    flow.before = null;
    flow.behind = null;
  }

  toEnd(flow: Listed): void {
    if (this.#last === flow) return;
    this.cut(flow);
    this.push(flow);
  }
}
