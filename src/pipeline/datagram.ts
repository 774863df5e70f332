/**
 * The path of one flow's datagrams through the faults in force, in both directions: asks each fault in turn, holds
 * what is to wait, and delivers in the order in which things are due, with one timer.
 *
 *     client -> fault -> fault -> upstream      and back, through the same faults in the same order
 *
 * Nobody can be asked to send more slowly, so what there is no room for is lost, as on a network, and counted.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";
import {
  DIRECTIONS,
  type DatagramFault,
  type DatagramHold,
  type Direction,
  type Repeat,
} from "../faults/contract/index.js";
import type { ArmedFault } from "./armed.js";
import type { FaultChange } from "./bindings.js";
import type { HeldBudget } from "./budget.js";
import { FlowBinding, type FlowOwner } from "./flow-binding.js";
import type { Station } from "./station.js";

/** What a held datagram costs besides its payload: empty ones take room as well. */
const HELD_OVERHEAD_BYTES = 256;
/** Sent in one turn of the event loop: a second's flood that is due at once must not keep all others waiting. */
const AT_ONCE = 256;
/** What one flow may hold, so that a single client cannot have the whole budget. */
const FLOW_HELD_BYTES_MAX = 16 * 1024 * 1024;

export interface PathOwner extends FlowOwner {
  deliver(payload: Buffer, direction: Direction): void;
  /** There was no room to hold it. */
  overflowed(direction: Direction): void;
  /** A mistake of ours: this flow must go, the daemon stays. */
  failed(error: unknown): void;
}

export interface PathParts {
  readonly owner: PathOwner;
  readonly clock: Clock;
  readonly budget: HeldBudget;
}

export class DatagramPath {
  readonly #owner: PathOwner;
  readonly #clock: Clock;
  readonly #budget: HeldBudget;
  #bindings: readonly FlowBinding[] = [];
  #timer: Timer | null = null;
  #armedFor: Millis = Infinity;
  #ended = false;
  /** Bytes held, each datagram's overhead included. */
  held = 0;

  constructor({ owner, clock, budget }: PathParts, faults: readonly ArmedFault[]) {
    this.#owner = owner;
    this.#clock = clock;
    this.#budget = budget;
    this.#bindings = faults.filter(actsOnDatagrams).map((armed) => new FlowBinding(armed, owner));
  }

  push(payload: Buffer, direction: Direction): void {
    // Without faults: one comparison over sending it straight away.
    if (this.#bindings.length === 0) this.#owner.deliver(payload, direction);
    else if (!this.#ended)
      this.#guarded(() => {
        this.#watch(payload, direction, 0);
        this.#walk(payload, direction, 0);
      });
  }

  /** Other faults are in force from now on. What those hold that go is passed on, in order. */
  apply(change: FaultChange): void {
    if (this.#ended) return;
    const before = this.#bindings;
    const known = new Map(before.map((binding) => [binding.armed, binding]));
    this.#bindings = change.faults
      .filter(actsOnDatagrams)
      .map((armed) => known.get(armed) ?? new FlowBinding(armed, this.#owner));
    this.#guarded(() => {
      // From the far end, since what stands there came first.
      for (let at = before.length - 1; at >= 0; at--) {
        const binding = before[at];
        if (binding === undefined || !change.removed.has(binding.armed)) continue;
        this.#release(binding, DIRECTIONS, this.#placeBehind(before, at));
        binding.release();
      }
      for (const binding of this.#bindings) if (change.assigned.has(binding.armed)) this.#assigned(binding);
    });
  }

  /** The flow is over: what is still held never arrives. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#budget.add(-this.held);
    this.held = 0;
    for (const binding of this.#bindings) binding.release();
  }

  // -- inside

  /** Runs what may hold and release datagrams, and sees to what it left to be done. */
  #guarded(run: () => void): void {
    try {
      run();
      this.#settle();
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  #walk(payload: Buffer, direction: Direction, from: number): void {
    for (let at = from; at < this.#bindings.length; at++) {
      const binding = this.#bindings[at];
      if (binding === undefined || binding.armed.observe) continue;
      const fault = this.#fault(binding, payload, direction);
      if (fault === null) continue;
      const verdict = fault.datagram(payload, direction);
      if (verdict.do === "drop") return;
      if (fault.rewrite !== undefined) payload = fault.rewrite(payload, direction);
      if (verdict.do === "hold") {
        const { for: wait, inOrder } = verdict;
        const queue = inOrder === true && binding.station(direction)?.empty === false;
        if (wait <= 0 && !queue) continue;
        this.#hold(binding, payload, direction, wait, verdict);
        return;
      }
      if (verdict.do === "repeat") {
        this.#repeat(verdict, payload, direction, at);
        return;
      }
    }
    this.#owner.deliver(payload, direction);
  }

  /** The fault that a datagram is hit by; null if it is not. */
  #fault(binding: FlowBinding, payload: Buffer, direction: Direction): DatagramFault | null {
    const { armed } = binding;
    return armed.actsOn(direction) && armed.admitDatagram(this.#owner, payload) ? binding.hit() : null;
  }

  /** The same way past the faults that are only observed: what they say is carried out on nothing but what they see. */
  #watch(payload: Buffer, direction: Direction, from: number): void {
    for (let at = from; at < this.#bindings.length; at++) {
      const binding = this.#bindings[at];
      if (binding?.armed.observe !== true) continue;
      const fault = this.#fault(binding, payload, direction);
      if (fault === null) continue;
      const verdict = fault.datagram(payload, direction);
      if (verdict.do === "drop") return;
      if (fault.rewrite !== undefined) payload = fault.rewrite(payload, direction);
      if (verdict.do === "hold") binding.watch(verdict);
      if (verdict.do !== "repeat") continue;
      for (let copy = 0; copy < verdict.copies; copy++) this.#watch(payload, direction, at + 1);
    }
  }

  #repeat({ copies, gap }: Repeat, payload: Buffer, direction: Direction, at: number): void {
    const binding = this.#bindings[at];
    this.#walk(payload, direction, at + 1);
    for (let copy = 1; copy <= copies; copy++) {
      if (gap > 0 && binding !== undefined) this.#hold(binding, payload, direction, copy * gap, null);
      else this.#walk(payload, direction, at + 1);
    }
  }

  #hold(
    binding: FlowBinding,
    payload: Buffer,
    direction: Direction,
    wait: Millis,
    hold: DatagramHold | null,
  ): void {
    const cost = costOf(payload);
    const room = Math.min(FLOW_HELD_BYTES_MAX - this.held, this.#budget.limit - this.#budget.held);
    if (cost > room) {
      this.#owner.overflowed(direction);
      return;
    }
    this.#book(cost);
    binding.stationFor(direction).add(payload, wait, hold, this.#clock.now());
  }

  #book(cost: number): void {
    this.held += cost;
    this.#budget.add(cost);
  }

  #release(binding: FlowBinding, directions: readonly Direction[], next: number): void {
    for (const direction of directions) {
      for (const { payload } of binding.station(direction)?.takeAll() ?? []) {
        this.#book(-costOf(payload));
        this.#walk(payload, direction, next);
      }
    }
  }

  /** Where that goes on, in the list that is in force now, which stood behind this place of the list before. */
  #placeBehind(before: readonly FlowBinding[], at: number): number {
    for (let earlier = at - 1; earlier >= 0; earlier--) {
      const binding = before[earlier];
      const place = binding === undefined ? -1 : this.#bindings.indexOf(binding);
      if (place >= 0) return place + 1;
    }
    return 0;
  }

  #assigned(binding: FlowBinding): void {
    const now = this.#clock.now();
    const left = DIRECTIONS.filter((direction) => !binding.armed.actsOn(direction));
    this.#release(binding, left, this.#bindings.indexOf(binding) + 1);
    for (const direction of DIRECTIONS) binding.station(direction)?.ask(now);
  }

  #settle(): void {
    // What is left when the turn has had its share goes on in the next: it is overdue, and its timer fires at once.
    for (let left = AT_ONCE; left > 0;) {
      const now = this.#clock.now();
      for (const binding of this.#bindings) binding.attend(now);
      const passed = this.#passOn(now, left);
      if (passed === 0) break;
      left -= passed;
    }
    const due = this.#bindings.reduce((least, binding) => Math.min(least, binding.due), Infinity);
    if (due === this.#armedFor) return;
    // A timer that comes too early finds nothing to do and is set again: cheaper than another for each datagram.
    if (due > this.#armedFor && due !== Infinity && this.#timer !== null) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = due === Infinity ? null : this.#clock.exactly(due, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#armedFor = Infinity;
    if (!this.#ended) this.#guarded(() => undefined);
  };

  /** Passes on what is due, the earliest first, and so many at most; answers how many there were. */
  #passOn(now: Millis, most: number): number {
    let passed = 0;
    while (passed < most) {
      const first = this.#earliest();
      if (first === null || first.station.due > now) break;
      const held = first.station.take(now);
      if (held === null) continue;
      passed++;
      this.#book(-costOf(held.payload));
      this.#walk(held.payload, first.direction, first.at + 1);
    }
    return passed;
  }

  #earliest(): { readonly station: Station; readonly direction: Direction; readonly at: number } | null {
    let found = null;
    let least = Infinity;
    // Of those that are due together, what stands further on came first.
    for (let at = this.#bindings.length - 1; at >= 0; at--) {
      for (const direction of DIRECTIONS) {
        const station = this.#bindings[at]?.station(direction);
        if (station === undefined || station === null || station.due >= least) continue;
        least = station.due;
        found = { station, direction, at };
      }
    }
    return found;
  }
}

export function actsOnDatagrams({ type }: ArmedFault): boolean {
  return type.datagram !== undefined;
}

/** What a datagram takes up that is kept. */
export function costOf(payload: Buffer): number {
  return payload.length + HELD_OVERHEAD_BYTES;
}
