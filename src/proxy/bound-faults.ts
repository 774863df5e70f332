/**
 * The faults that are bound to one connection: asked before bytes flow, with stages in its pumps from then on, woken when
 * they want to be. They come, go and change while the connection lives.
 */
import { Alarm } from "../core/alarm.js";
import type { Clock } from "../core/clock.js";
import {
  DIRECTIONS,
  type ConnectionFault,
  type ConnectionInfo,
  type GateVerdict,
  type Pass,
  type Sever,
} from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "../pipeline/armed.js";
import type { Binding, FaultChange, Pumps } from "../pipeline/bindings.js";
import { Gate } from "../pipeline/gate.js";
import type { SubjectInfo } from "../pipeline/subject-info.js";

/** What they need of their connection. */
export interface BoundHost extends SubjectInfo {
  readonly clock: Clock;
  readonly pumps: Pumps | null;
  /** A fault, a pump or the plane has ended it. */
  readonly isSevered: boolean;
  readonly isOver: boolean;
  /** Whether this fault is bound to the connection as a whole. */
  concerns(armed: ArmedFault): boolean;
  bindingOf(armed: ArmedFault, subject: Subject, info: ConnectionInfo): Binding;
  connectionInfo(live: boolean, attend: () => void): ConnectionInfo;
  severed(how: Sever): void;
  guarded(run: () => void): void;
  failed(error: unknown): void;
  /** A fault holds the connection for good before bytes flow. */
  hangs(): void;
}

export class BoundFaults {
  readonly #of: BoundHost;
  #bindings: Binding[] = [];
  /** Those that a fault's probability has spared, while that fault is in force. */
  #spared: Map<ArmedFault, Subject> | null = null;
  #gate: Gate<ConnectionFault, Sever> | null = null;
  /** Made where a fault wants to be woken: most connections have none. */
  #alarm: Alarm | null = null;

  constructor(of: BoundHost) {
    this.#of = of;
  }

  get all(): readonly Binding[] {
    return this.#bindings;
  }

  /** It waits for what faults say before bytes flow. */
  get atGate(): boolean {
    return this.#gate !== null;
  }

  /** It waits for good. */
  get isHanging(): boolean {
    return this.#gate?.hanging === true;
  }

  /** The connection begins. */
  bindAll(faults: readonly ArmedFault[]): void {
    for (const armed of faults) {
      const subject = this.#admit(armed);
      if (subject !== null) this.#bind(subject, false);
    }
  }

  /** Bytes may flow: stages are put in, until one of the faults ends the connection. */
  open(pumps: Pumps): void {
    this.#of.guarded(() => {
      for (const binding of [...this.#bindings]) {
        if (this.#of.isSevered) return;
        this.#open(binding, pumps);
      }
      this.#rearm();
    });
  }

  /** Somebody else made that binding. */
  add(binding: Binding, ranks: ReadonlyMap<ArmedFault, number>): void {
    this.#bindings.push(binding);
    this.#sort(ranks);
    if (this.#of.pumps !== null) binding.install(this.#of.pumps, this.#bindings);
  }

  /** Nobody is asked, woken or waited for any more; stages stay where they are. */
  stop(): void {
    this.#gate?.cancel();
    this.#gate = null;
    this.#alarm?.cancel();
  }

  /** The connection is over. */
  release(): void {
    for (const binding of this.#bindings) this.#of.guarded(() => binding.release());
    this.#bindings = [];
    this.#spared = null;
  }

  /** Other faults are in force from now on. */
  apply({ removed, added, moved, assigned, ranks }: FaultChange): void {
    if (removed.size > 0 && this.#bindings.length > 0) this.#unbind(removed);
    if (this.#spared !== null) for (const armed of removed) this.#spared.delete(armed);
    if (moved.size > 0) this.#move(moved, ranks);
    for (const armed of added) {
      if (this.#of.isSevered) return;
      this.#bindLate(this.#admit(armed), ranks);
    }
    if (this.#of.isSevered) return;
    const reweighed = assigned.size > 0 && this.#reweigh(assigned, ranks);
    if (this.#of.isSevered) return;
    if (removed.size > 0 || added.length > 0 || moved.size > 0 || reweighed)
      this.#gate?.changed(this.#connectionFaults());
    if (assigned.size > 0) {
      for (const binding of [...this.#bindings]) {
        if (!assigned.has(binding.armed)) continue;
        const sever = binding.assigned(this.#of.pumps, this.#bindings);
        if (sever !== null) this.#of.severed(sever);
        if (this.#of.isSevered) return;
        this.#attend(binding);
      }
    }
    this.#rearm();
  }

  #unbind(removed: ReadonlySet<ArmedFault>): void {
    let sever: Sever | null = null;
    let hole = false;
    // The last of them first: what an earlier one hands over must not be acted on by a later one that goes as well. Behind a
    // hole that one of them has left nothing follows: what the others hold goes down with the connection.
    for (const binding of this.#bindings.toReversed()) {
      if (!removed.has(binding.armed)) continue;
      if (hole) binding.release();
      else sever = binding.uninstall(this.#of.pumps) ?? sever;
      hole ||= binding.staged;
    }
    this.#bindings = this.#bindings.filter((binding) => !removed.has(binding.armed));
    if (sever !== null) this.#of.severed(sever);
  }

  /**
   * Compares the numbers that were drawn for this connection with probabilities that may be others now: who was spared
   * may be hit from here on, and who was hit is let go. Says whether that came about.
   */
  #reweigh(assigned: ReadonlySet<ArmedFault>, ranks: ReadonlyMap<ArmedFault, number>): boolean {
    let changed = false;
    for (const { armed, subject } of [...this.#bindings]) {
      if (!assigned.has(armed) || armed.weighs(subject) !== false) continue;
      this.#unbind(new Set([armed]));
      subject.rested();
      this.#spare(subject);
      changed = true;
      if (this.#of.isSevered) return true;
    }
    for (const subject of [...(this.#spared?.values() ?? [])]) {
      const { armed } = subject;
      if (!assigned.has(armed) || armed.weighs(subject) !== true) continue;
      this.#spared?.delete(armed);
      this.#bindLate(subject, ranks);
      changed = true;
      if (this.#of.isSevered) return true;
    }
    return changed;
  }

  #spare(subject: Subject): void {
    this.#spared ??= new Map();
    this.#spared.set(subject.armed, subject);
  }

  #move(moved: ReadonlySet<ArmedFault>, ranks: ReadonlyMap<ArmedFault, number>): void {
    const pumps = this.#of.pumps;
    const moving = this.#bindings.filter((binding) => moved.has(binding.armed));
    for (const binding of moving) {
      const sever = pumps === null ? null : binding.lift(pumps, DIRECTIONS);
      if (sever !== null) this.#of.severed(sever);
    }
    this.#sort(ranks);
    if (pumps === null || this.#of.isSevered) return;
    for (const binding of this.#bindings)
      if (moving.includes(binding)) binding.install(pumps, this.#bindings);
  }

  #sort(ranks: ReadonlyMap<ArmedFault, number>): void {
    this.#bindings.sort((a, b) => (ranks.get(a.armed) ?? 0) - (ranks.get(b.armed) ?? 0));
  }

  #admit(armed: ArmedFault): Subject | null {
    if (!this.#of.concerns(armed)) return null;
    return armed.admit(this.#of, (subject) => {
      this.#spare(subject);
    });
  }

  /** A fault takes hold of a connection that has begun. */
  #bindLate(subject: Subject | null, ranks: ReadonlyMap<ArmedFault, number>): void {
    if (subject === null) return;
    const binding = this.#bind(subject, true);
    this.#sort(ranks);
    if (this.#of.pumps !== null) this.#open(binding, this.#of.pumps);
  }

  #bind(subject: Subject, live: boolean): Binding {
    const { armed } = subject;
    const binding: Binding = this.#of.bindingOf(
      armed,
      subject,
      this.#of.connectionInfo(live && this.#of.pumps !== null, () => {
        queueMicrotask(() => {
          if (!this.#of.isOver && this.#bindings.includes(binding))
            this.#of.guarded(() => this.#attend(binding));
        });
      }),
    );
    this.#bindings.push(binding);
    return binding;
  }

  #connectionFaults(): ConnectionFault[] {
    const faults: ConnectionFault[] = [];
    for (const { fault } of this.#bindings) if (fault !== null) faults.push(fault);
    return faults;
  }

  /** Asks them, and goes on if the connection may. */
  through(question: (fault: ConnectionFault) => GateVerdict | undefined, then: () => void): void {
    const faults = this.#bindings.length === 0 ? [] : this.#connectionFaults();
    if (faults.length === 0) {
      then();
      return;
    }
    const done = (outcome: Pass | Sever): void => {
      this.#gate = null;
      if (outcome.do === "pass") then();
      else this.#of.severed(outcome);
    };
    const guarded = (fault: ConnectionFault): GateVerdict | undefined => {
      // Asked from timers too, where nobody else would catch what a fault throws.
      try {
        return question(fault);
      } catch (error) {
        this.#of.failed(error);
        return undefined;
      }
    };
    const hangs = (): void => {
      this.#of.hangs();
    };
    let waited: Subject | null = null;
    const waits = (fault: ConnectionFault | null): void => {
      waited?.holds(null);
      waited = this.#bindings.find((one) => one.fault === fault)?.subject ?? null;
      waited?.holds("request");
    };
    this.#gate = new Gate({ clock: this.#of.clock, faults, question: guarded, done, hangs, waits });
    this.#gate.step();
  }

  #open(binding: Binding, pumps: Pumps): void {
    binding.install(pumps, this.#bindings);
    const verdict = binding.fault?.opened?.();
    if (verdict !== undefined && verdict.do !== "pass") this.#of.severed(verdict);
  }

  #attend(binding: Binding): void {
    if (binding.fault === null) return;
    if (this.#gate !== null) {
      this.#gate.attend(binding.fault);
    } else if (this.#of.pumps !== null) {
      this.#wakeBinding(binding);
      this.#rearm();
    }
  }

  #wakeBinding(binding: Binding): void {
    const verdict = binding.fault?.wake?.();
    if (verdict !== undefined && verdict.do !== "pass") {
      this.#of.severed(verdict);
      return;
    }
    this.#of.pumps?.upstream.settle();
    this.#of.pumps?.downstream.settle();
  }

  #rearm(): void {
    if (this.#of.isSevered || this.#of.pumps === null) return;
    let earliest = Infinity;
    for (const binding of this.#bindings) earliest = Math.min(earliest, binding.wakeAt);
    if (earliest !== Infinity) this.#alarm ??= new Alarm(this.#of.clock, this.#wake);
    this.#alarm?.set(earliest);
  }

  readonly #wake = (): void => {
    this.#of.guarded(() => {
      const now = this.#of.clock.now();
      for (const binding of [...this.#bindings]) {
        if (this.#of.isSevered) return;
        if (binding.wakeAt <= now) this.#wakeBinding(binding);
      }
      this.#rearm();
    });
  };
}
