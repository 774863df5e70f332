/**
 * A byte fault on an HTTP connection. Its stages stay for as long as the connection does, so that windows and
 * buckets last; which exchange they act for, or that they act for none, changes under them.
 */
import type { Random } from "../core/random.js";
import type { Millis } from "../core/clock.js";
import type { ConnectionInfo, Detail, Direction, Scope, StreamStage } from "../faults/contract.js";
import type { ArmedFault, Subject } from "./armed.js";
import { Binding } from "./bindings.js";
import { ScopedStage } from "./scoped_stage.js";

/** What part of a message a stage is for. */
export type Part = "wire" | "head" | "body";

type AnyScope = Scope<Record<string, unknown>, string, unknown>;

export class ScopedBinding extends Binding {
  readonly part: Part;
  readonly #scopes: Readonly<Record<Direction, CurrentScope>>;
  readonly #active = { upstream: false, downstream: false };

  constructor(armed: ArmedFault, first: Subject, connection: ConnectionInfo) {
    super(armed, first, connection);
    this.part = armed.at === "head" || armed.at === "body" ? armed.at : "wire";
    this.#scopes = {
      upstream: new CurrentScope(first.forDirection("upstream")),
      downstream: new CurrentScope(first.forDirection("downstream")),
    };
  }

  /** From now on it acts for this subject in this direction; for a body, with a stage of its own. */
  begin(direction: Direction, subject: Subject): void {
    this.#scopes[direction].current = subject.forDirection(direction);
    this.#active[direction] = true;
    const stage = this.#scoped(direction);
    if (stage === null) return;
    if (this.part === "body") {
      const inner = this.#inner(direction);
      if (inner !== null) stage.renew(inner);
    }
    stage.open = this.part === "wire";
  }

  /** What follows in this direction is no business of this fault's. */
  end(direction: Direction): void {
    this.#active[direction] = false;
    const stage = this.#scoped(direction);
    if (stage !== null) stage.open = false;
  }

  /** The next bytes are of that part of a message. */
  reach(direction: Direction, part: Part): void {
    const stage = this.#scoped(direction);
    if (stage !== null) stage.open = this.#active[direction] && this.part === part;
  }

  /** Exchanges finish their own subjects. */
  override release(): void {
    // Nothing of its own.
  }

  protected override make(direction: Direction): StreamStage | null {
    const inner = this.#inner(direction);
    return inner === null ? null : new ScopedStage(inner);
  }

  #inner(direction: Direction): StreamStage | null {
    const scope: AnyScope = this.part === "body" ? this.#scopes[direction].current : this.#scopes[direction];
    return this.armed.type.stream?.(scope, { direction, carries: this.part }) ?? null;
  }

  #scoped(direction: Direction): ScopedStage | null {
    const stage = this.stage(direction);
    return stage instanceof ScopedStage ? stage : null;
  }
}

/** The scope of whichever exchange is under way. */
class CurrentScope implements AnyScope {
  current: AnyScope;

  constructor(first: AnyScope) {
    this.current = first;
  }

  get params(): Readonly<Record<string, unknown>> {
    return this.current.params;
  }

  get random(): Random {
    return this.current.random;
  }

  get shared(): unknown {
    return this.current.shared;
  }

  get at(): string {
    return this.current.at;
  }

  acts(direction: Direction): boolean {
    return this.current.acts(direction);
  }

  now(): Millis {
    return this.current.now();
  }

  wallTime(): number {
    return this.current.wallTime();
  }

  count(effect: string, amount?: number, detail?: Detail): void {
    this.current.count(effect, amount, detail);
  }

  delayed(by: Millis): void {
    this.current.delayed(by);
  }
}
