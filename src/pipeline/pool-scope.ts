/** The scope of a fault of the pool: its draws are the proxy's, and what it counts is told of whoever it is asked about. */
import type { Millis } from "../core/clock.js";
import type { Random } from "../core/random.js";
import type { Detail, Direction, Scope } from "../faults/contract/index.js";
import { isCheck, type Asking } from "./party.js";
import type { CheckSubject, Subject } from "./armed.js";

export class PoolScope implements Scope<Record<string, unknown>, string, unknown> {
  /** Null between two questions: what happens then happens to the proxy. */
  about: Asking | null = null;
  readonly #itself: Subject;
  /** Of each upstream that is checked, one for all its checks. */
  readonly #checks = new Map<string, CheckSubject>();

  constructor(itself: Subject) {
    this.#itself = itself;
  }

  get params(): Record<string, unknown> {
    return this.#itself.params;
  }

  get random(): Random {
    return this.#itself.random;
  }

  get shared(): unknown {
    return this.#itself.shared;
  }

  get at(): string {
    return this.#itself.at;
  }

  alike(correlation: number): number {
    return this.#itself.alike(correlation);
  }

  acts(direction: Direction): boolean {
    return this.#itself.acts(direction);
  }

  now(): Millis {
    return this.#itself.now();
  }

  wallTime(): number {
    return this.#itself.wallTime();
  }

  count(effect: string, amount?: number, detail?: Detail): void {
    this.#subject.count(effect, amount, detail);
  }

  delayed(by: Millis): void {
    this.#itself.delayed(by);
  }

  get #subject(): Subject {
    const { about } = this;
    const { armed } = this.#itself;
    if (about === null) return this.#itself;
    if (!isCheck(about)) return about.party.subjectOf(armed);
    const { healthCheck: upstream } = about;
    const known = this.#checks.get(upstream);
    if (known !== undefined) return known;
    const check = armed.meetCheck(upstream);
    this.#checks.set(upstream, check);
    return check;
  }

  /** The fault is off: tells what it did to health checks in all. */
  finished(): void {
    for (const check of this.#checks.values()) check.finished();
  }
}
