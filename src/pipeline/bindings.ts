/** One fault on one connection, with everything it put there; and the order in which they stand. */
import type { Millis } from "../core/clock.js";
import {
  DIRECTIONS,
  type ConnectionFault,
  type ConnectionInfo,
  type Direction,
  type Sever,
  type StreamStage,
} from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "./armed.js";
import type { Pump } from "./pump.js";

export type Pumps = Readonly<Record<Direction, Pump>>;

export class Binding {
  readonly armed: ArmedFault;
  readonly subject: Subject;
  readonly fault: ConnectionFault | null;
  #upstream: StreamStage | null = null;
  #downstream: StreamStage | null = null;
  #released = false;

  constructor(armed: ArmedFault, subject: Subject, connection: ConnectionInfo) {
    this.armed = armed;
    this.subject = subject;
    this.fault = armed.type.connection?.(subject, connection) ?? null;
  }

  stage(direction: Direction): StreamStage | null {
    return direction === "upstream" ? this.#upstream : this.#downstream;
  }

  /** It has a stage in a pump: also when it was to be taken out, and has destroyed bytes. */
  get staged(): boolean {
    return this.#upstream !== null || this.#downstream !== null;
  }

  /** Makes the stages of this fault and puts them where they belong among those of `all`. */
  install(pumps: Pumps, all: readonly Binding[]): void {
    for (const direction of DIRECTIONS) {
      if (!this.armed.actsOn(direction) || this.stage(direction) !== null) continue;
      const stage = this.make(direction);
      if (stage === null) continue;
      let index = 0;
      for (const other of all) {
        if (other === this) break;
        if (other.stage(direction) !== null) index++;
      }
      if (direction === "upstream") this.#upstream = stage;
      else this.#downstream = stage;
      pumps[direction].insert(index, stage);
    }
  }

  protected make(direction: Direction): StreamStage | null {
    if (this.fault?.stream) return this.fault.stream(direction);
    return (
      this.armed.type.stream?.(this.subject.forDirection(direction), { direction, carries: "wire" }) ?? null
    );
  }

  /** Takes its stages out; says whether the connection cannot live on without what they destroyed. */
  uninstall(pumps: Pumps | null): Sever | null {
    const sever = pumps === null ? null : this.lift(pumps, DIRECTIONS);
    this.release();
    const { onRemoval } = this.armed.type;
    return onRemoval !== undefined && pumps !== null ? { do: onRemoval } : sever;
  }

  /** Takes its stages out while the fault itself stays: to be put in again elsewhere, or because a direction has gone. */
  lift(pumps: Pumps, directions: readonly Direction[]): Sever | null {
    const { destroys } = this.armed.type;
    if (destroys !== undefined) {
      for (const direction of directions) {
        const stage = this.stage(direction);
        // It stays where it is until the cut: taken out, it would let the end by as if nothing were missing.
        if (stage !== null && pumps[direction].droppedBy(stage) > 0) return { do: destroys };
      }
    }
    for (const direction of directions) {
      const stage = this.stage(direction);
      if (stage === null) continue;
      if (direction === "upstream") this.#upstream = null;
      else this.#downstream = null;
      pumps[direction].remove(stage);
    }
    return null;
  }

  /** Parameters, and with them perhaps the directions, were assigned anew. */
  assigned(pumps: Pumps | null, all: readonly Binding[]): Sever | null {
    if (pumps === null) return null;
    const sever = this.lift(
      pumps,
      DIRECTIONS.filter((direction) => !this.armed.actsOn(direction)),
    );
    if (sever !== null) return sever;
    for (const direction of DIRECTIONS) {
      const stage = this.stage(direction);
      if (stage !== null) pumps[direction].assigned(stage);
    }
    this.install(pumps, all);
    return null;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.fault?.released?.();
    this.subject.finished();
  }

  get wakeAt(): Millis {
    return this.fault === null ? Infinity : this.fault.wakeAt;
  }
}

/** What a proxy's connections must do when its faults become others. Worked out once for all of them. */
export interface FaultChange {
  /** All that are in force from now on, in order. */
  readonly faults: readonly ArmedFault[];
  readonly ranks: ReadonlyMap<ArmedFault, number>;
  readonly removed: ReadonlySet<ArmedFault>;
  readonly added: readonly ArmedFault[];
  /** Those that have changed places with others that stay: their stages are taken out and put in again. */
  readonly moved: ReadonlySet<ArmedFault>;
  readonly assigned: ReadonlySet<ArmedFault>;
}

export function changeOf(
  before: readonly ArmedFault[],
  after: readonly ArmedFault[],
  assigned: ReadonlySet<ArmedFault>,
): FaultChange | null {
  const oldRanks = new Map(before.map((fault, rank) => [fault, rank]));
  const ranks = new Map(after.map((fault, rank) => [fault, rank]));
  const removed = new Set(before.filter((fault) => !ranks.has(fault)));
  const added: ArmedFault[] = [];
  const moved = new Set<ArmedFault>();
  let highest = -1;
  for (const fault of after) {
    const rank = oldRanks.get(fault);
    if (rank === undefined) {
      added.push(fault);
    } else if (rank < highest) {
      moved.add(fault);
    } else {
      highest = rank;
    }
  }
  const here = new Set([...assigned].filter((fault) => oldRanks.has(fault) && ranks.has(fault)));
  if (removed.size === 0 && added.length === 0 && moved.size === 0 && here.size === 0) return null;
  return { faults: after, ranks, removed, added, moved, assigned: here };
}
