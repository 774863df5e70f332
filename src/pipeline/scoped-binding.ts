/**
 * Faults on the bytes of an HTTP connection. A byte fault's stages stay for as long as the connection does, so that
 * windows and buckets last; which exchange they act for, or that they act for none, changes under them.
 */
import type { Lot, Random } from "../core/random.js";
import type { Millis } from "../core/clock.js";
import type { ConnectionInfo, Detail, Direction, Scope, StreamStage } from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "./armed.js";
import { Binding } from "./bindings.js";
import { Fate, isFated } from "./fate.js";
import { subjectOf, type Flow, type Mark, type Part, type Passage } from "./flow.js";
import { EVERYTHING, ScopedStage, type Scoping } from "./scoped-stage.js";

export type Flows = Readonly<Record<Direction, Flow>>;

type AnyScope = Scope<Record<string, unknown>, string, unknown>;

/** A fault of the connection itself, whose stages must hand on whose bytes are whose. */
export class TrackedBinding extends Binding {
  readonly #flows: Flows;

  constructor(armed: ArmedFault, subject: Subject, connection: ConnectionInfo, flows: Flows) {
    super(armed, subject, connection);
    this.#flows = flows;
  }

  protected override make(direction: Direction): StreamStage | null {
    const inner = super.make(direction);
    return inner === null ? null : new ScopedStage(this.#flows[direction], inner, EVERYTHING);
  }
}

/** A fault whose subjects are exchanges. */
export class ScopedBinding extends Binding {
  readonly part: Part;
  readonly #flows: Flows;
  readonly #scopes: Readonly<Record<Direction, CurrentScope>>;

  constructor(armed: ArmedFault, first: Subject, connection: ConnectionInfo, flows: Flows) {
    super(armed, first, connection);
    this.part = armed.at === "head" || armed.at === "body" ? armed.at : "wire";
    this.#flows = flows;
    this.#scopes = {
      upstream: new CurrentScope(first.forDirection("upstream")),
      downstream: new CurrentScope(first.forDirection("downstream")),
    };
  }

  /** An exchange that it hits begins in this direction. */
  begin(direction: Direction, passage: Passage): void {
    this.#scoped(direction)?.begin(passage, this.part === "wire");
  }

  end(direction: Direction): void {
    this.#scoped(direction)?.rest();
  }

  /** Exchanges finish their own subjects. */
  override release(): void {
    // Nothing of its own.
  }

  protected override make(direction: Direction): StreamStage | null {
    const inner = this.#inner(direction);
    if (inner === null) return null;
    const scope = this.#scopes[direction];
    const scoping: Scoping = {
      means: ({ passage, part }: Mark) =>
        passage !== null && subjectOf(passage, this) !== null && (this.part === "wire" || this.part === part),
      fresh: this.part === "body",
      enter: (passage) => {
        const subject = subjectOf(passage, this);
        if (subject !== null) scope.current = subject.forDirection(direction);
        return this.part === "body" ? this.#inner(direction) : null;
      },
    };
    return new ScopedStage(this.#flows[direction], inner, scoping);
  }

  /** A stage for one body keeps the scope that it was made with; any other one follows. */
  #inner(direction: Direction): StreamStage | null {
    const following = this.#scopes[direction];
    const scope: AnyScope = this.part === "body" ? following.current : following;
    return this.armed.type.stream?.(scope, { direction, carries: this.part }) ?? null;
  }

  #scoped(direction: Direction): ScopedStage | null {
    const stage = this.stage(direction);
    return stage instanceof ScopedStage ? stage : null;
  }
}

const NO_FATE = new Fate();

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

  get keyed(): Lot | null {
    return this.current.keyed ?? null;
  }

  get shared(): unknown {
    return this.current.shared;
  }

  get at(): string {
    return this.current.at;
  }

  alike(correlation: number): number {
    return this.current.alike(correlation);
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

  /** Of an exchange; one that nobody observes has none to speak of. */
  get fate(): Fate {
    return isFated(this.current) ? this.current.fate : NO_FATE;
  }
}
