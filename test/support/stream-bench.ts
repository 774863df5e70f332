/**
 * A connection without sockets: two pumps on a virtual clock, with faults on them as the proxy would put
 * them there. What comes out is written down with its moment, so that a test is a transcript.
 */
import { VirtualClock, type Millis, type Timer } from "../../src/core/clock.js";
import { Likeness } from "../../src/core/likeness.js";
import { LANE, Random, drawKey, type Lane } from "../../src/core/random.js";
import {
  DIRECTIONS,
  type AnyFaultType,
  type ConnectionFault,
  type ConnectionInfo,
  type Detail,
  type Direction,
  type Pass,
  type Scope,
  type Sever,
  type StreamStage,
} from "../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { acts } from "../../src/faults/kit.js";
import { HeldBudget } from "../../src/pipeline/budget.js";
import { Pump, type Ending, type PumpOwner } from "../../src/pipeline/pump.js";
import { codedBytes } from "./coded-bytes.js";

export type Raw = Readonly<Record<string, unknown>>;

export function typeNamed(name: string): AnyFaultType {
  const type = FAULT_TYPES.find((candidate) => candidate.type === name);
  if (!type) throw new Error(`no such type: ${name}`);
  return type;
}

/** One configured fault on one proxy, with the books of what it did. */
export class Armed {
  readonly type: AnyFaultType;
  readonly params: Record<string, unknown>;
  readonly shared: unknown;
  readonly directions: Direction | "both" | null;
  readonly counts: Record<string, number> = {};
  /** The detail of the first of each effect. */
  readonly details: Record<string, Detail> = {};
  readonly delays: Millis[] = [];
  evicted = 0;
  readonly #clock: VirtualClock;
  readonly #seed: number;
  #likeness: Likeness | null = null;

  readonly at: string;

  constructor(
    name: string,
    raw: Raw,
    clock: VirtualClock,
    direction?: Direction | "both",
    seed = 1,
    at?: string,
  ) {
    this.type = typeNamed(name);
    this.params = this.type.params.strict().parse(raw);
    this.directions = direction ?? this.type.directions;
    this.#clock = clock;
    this.#seed = seed;
    this.at = at ?? this.type.at?.[0] ?? "";
    this.shared = this.type.shared?.({
      params: this.params,
      at: this.at,
      now: () => clock.now(),
      evicted: () => {
        this.evicted++;
      },
    });
  }

  assign(raw: Raw): void {
    for (const name of Object.keys(this.params)) Reflect.deleteProperty(this.params, name);
    Object.assign(this.params, this.type.params.strict().parse(raw));
  }

  scope(ordinal: number, lane: Lane): Scope<Record<string, unknown>, string, unknown> {
    const { params, shared, counts, details, delays } = this;
    const name = { activation: "a", phase: "", pass: 0, fault: this.type.type, proxy: "p", bot: "b" };
    this.#likeness ??= new Likeness(drawKey({ seed: this.#seed, ...name }));
    const likeness = this.#likeness;
    return {
      params,
      shared,
      random: new Random(drawKey({ seed: this.#seed, ...name }), ordinal, lane),
      alike: (correlation) => likeness.at(ordinal, correlation),
      at: this.at,
      acts: (direction) => acts(this.directions, direction),
      now: () => this.#clock.now(),
      wallTime: () => this.#clock.wallTime(),
      count: (effect, amount = 1, detail) => {
        if (!(effect in this.type.effects)) throw new Error(`unknown effect: ${effect}`);
        counts[effect] = (counts[effect] ?? 0) + amount;
        if (detail) details[effect] ??= detail;
      },
      delayed: (by) => delays.push(by),
    };
  }
}

export interface Written {
  readonly at: Millis;
  readonly direction: Direction;
  readonly what: Buffer | "end" | "reset";
}

/** A fault on the bench, with what it put there. */
export interface Placed {
  readonly armed: Armed;
  readonly fault: ConnectionFault | null;
  readonly stages: ReadonlyMap<Direction, StreamStage>;
}

export interface PlaceOptions {
  readonly direction?: Direction | "both";
  readonly seed?: number;
  /** The connection was open already. */
  readonly live?: boolean;
  readonly ordinal?: number;
  /** Before which of the faults that stand there; at the end by default. */
  readonly index?: number;
  /** Puts something around each stage. */
  readonly around?: (stage: StreamStage, direction: Direction) => StreamStage;
}

export class StreamBench implements PumpOwner {
  readonly clock: VirtualClock;
  readonly budget: HeldBudget;
  readonly pumps: Readonly<Record<Direction, Pump>>;
  readonly written: Written[] = [];
  readonly failures: unknown[] = [];
  readonly paused: Record<Direction, boolean> = { upstream: false, downstream: false };
  readonly blocked: Record<Direction, boolean> = { upstream: false, downstream: false };
  readonly sent: Record<Direction, number> = { upstream: 0, downstream: 0 };
  readonly placed: Placed[] = [];
  /** How the connection was severed, and when. */
  ended: { readonly how: Sever["do"]; readonly at: Millis } | null = null;
  readonly #timers = new Map<Placed, Timer>();
  readonly #supplies: Partial<Record<Direction, { left: number; readonly chunk: number }>> = {};

  constructor(options: { readonly clock?: VirtualClock; readonly budget?: HeldBudget } = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.budget = options.budget ?? new HeldBudget();
    this.pumps = { upstream: this.#pump("upstream"), downstream: this.#pump("downstream") };
  }

  #pump(direction: Direction): Pump {
    return new Pump({
      source: {
        pause: () => {
          this.paused[direction] = true;
        },
        resume: () => {
          this.paused[direction] = false;
          // A socket does not call back from within resume().
          this.clock.at(this.clock.now(), () => {
            this.#supply(direction);
          });
        },
      },
      sink: {
        cork: () => undefined,
        uncork: () => undefined,
        write: (chunk) => {
          this.written.push({ at: this.clock.now(), direction, what: chunk });
          return !this.blocked[direction];
        },
        end: () => this.written.push({ at: this.clock.now(), direction, what: "end" }),
      },
      clock: this.clock,
      budget: this.budget,
      owner: this,
    });
  }

  // -- the owner of the pumps

  severed(how: Sever): void {
    if (this.ended) return;
    this.ended = { how: how.do, at: this.clock.now() };
    for (const direction of DIRECTIONS) this.pumps[direction].close();
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    for (const { fault } of this.placed) fault?.released?.();
  }

  resetArrived(pump: Pump): void {
    const direction = pump === this.pumps.upstream ? "upstream" : "downstream";
    this.written.push({ at: this.clock.now(), direction, what: "reset" });
  }

  failed(error: unknown): void {
    this.failures.push(error);
    this.severed({ do: "reset" });
  }

  // -- faults

  place(name: string, raw: Raw, options: PlaceOptions = {}): Placed {
    return this.put(new Armed(name, raw, this.clock, options.direction, options.seed), options);
  }

  put(armed: Armed, options: PlaceOptions = {}): Placed {
    const ordinal = options.ordinal ?? 0;
    const stages = new Map<Direction, StreamStage>();
    const info: ConnectionInfo = {
      id: 1,
      client: { address: "127.0.0.1", port: 40_000 },
      bot: "b",
      acceptedAt: this.clock.now(),
      live: options.live ?? false,
      attend: () => {
        this.clock.at(this.clock.now(), () => {
          this.wake(placed);
        });
      },
    };
    const fault = armed.type.connection?.(armed.scope(ordinal, LANE.subject), info) ?? null;
    const placed: Placed = { armed, fault, stages };
    const index = options.index ?? this.placed.length;
    this.placed.splice(index, 0, placed);
    for (const direction of DIRECTIONS) {
      if (!acts(armed.directions, direction)) continue;
      const made =
        fault?.stream?.(direction) ??
        armed.type.stream?.(armed.scope(ordinal, LANE[direction]), { direction, carries: "wire" });
      if (!made) continue;
      const stage = options.around?.(made, direction) ?? made;
      stages.set(direction, stage);
      const before = this.placed.slice(0, index).filter((other) => other.stages.has(direction)).length;
      this.pumps[direction].insert(before, stage);
    }
    this.#heed(placed, fault?.opened?.());
    return placed;
  }

  assign(placed: Placed, raw: Raw): void {
    placed.armed.assign(raw);
    for (const [direction, stage] of placed.stages) this.pumps[direction].assigned(stage);
    this.wake(placed);
  }

  remove(placed: Placed): void {
    if (this.ended) return;
    let dropped = 0;
    for (const [direction, stage] of placed.stages) dropped += this.pumps[direction].remove(stage);
    this.placed.splice(this.placed.indexOf(placed), 1);
    this.#timers.get(placed)?.cancel();
    this.#timers.delete(placed);
    placed.fault?.released?.();
    const { destroys, onRemoval } = placed.armed.type;
    if (onRemoval) this.severed({ do: onRemoval });
    else if (destroys && dropped > 0) this.severed({ do: destroys });
  }

  /** Also a wake that is not due must do no harm. */
  wake(placed: Placed): void {
    if (this.ended || !this.placed.includes(placed)) return;
    this.#heed(placed, placed.fault?.wake?.());
    if (this.ended === null) for (const direction of DIRECTIONS) this.pumps[direction].settle();
  }

  #heed(placed: Placed, verdict: Pass | Sever | undefined): void {
    if (verdict && verdict.do !== "pass") {
      this.severed(verdict);
      return;
    }
    this.#timers.get(placed)?.cancel();
    const when = placed.fault?.wakeAt ?? Infinity;
    if (when === Infinity || this.ended) return;
    this.#timers.set(
      placed,
      this.clock.at(when, () => {
        this.wake(placed);
      }),
    );
  }

  // -- traffic

  /** Sends position-coded bytes. */
  send(direction: Direction, length: number): void {
    const chunk = codedBytes(this.sent[direction], length);
    this.sent[direction] += length;
    this.pumps[direction].data(chunk);
  }

  end(direction: Direction, how: Ending = "fin"): void {
    this.pumps[direction].end(how);
  }

  /** A sender that always has more: a chunk whenever it is let, `total` bytes in all, and then the end. */
  saturate(direction: Direction, total: number, chunk = 65_536): void {
    this.#supplies[direction] = { left: total, chunk };
    this.#supply(direction);
  }

  #supply(direction: Direction): void {
    const supply = this.#supplies[direction];
    if (!supply) return;
    while (!this.paused[direction] && supply.left > 0 && !this.ended) {
      const length = Math.min(supply.chunk, supply.left);
      supply.left -= length;
      this.send(direction, length);
      if (supply.left === 0) this.end(direction);
    }
  }

  drain(direction: Direction): void {
    this.blocked[direction] = false;
    this.pumps[direction].drained();
  }

  /** Lets time pass until nothing is left to happen, or the limit is reached. */
  settle(limit: Millis = 3_600_000): void {
    const until = this.clock.now() + limit;
    while (this.clock.next <= until) this.clock.advance(this.clock.next - this.clock.now());
  }

  // -- what came out

  received(direction: Direction): Buffer {
    const chunks: Buffer[] = [];
    for (const { direction: where, what } of this.written)
      if (where === direction && what instanceof Buffer) chunks.push(what);
    return Buffer.concat(chunks);
  }

  intact(direction: Direction): boolean {
    const bytes = this.received(direction);
    return bytes.equals(codedBytes(0, bytes.length));
  }

  /** `12.5 downstream 64` for bytes; `end`, `reset`; last, how the connection was severed. */
  transcript(only?: Direction): string[] {
    const lines = this.written
      .filter(({ direction }) => only === undefined || direction === only)
      .map(({ at, direction, what }) => `${at} ${direction} ${what instanceof Buffer ? what.length : what}`);
    return this.ended ? [...lines, `${this.ended.at} severed ${this.ended.how}`] : lines;
  }

  /** Every byte must be out, held, dropped by a fault, or lost with the connection. */
  unaccounted(direction: Direction): number {
    const { bytesIn, bytesOut, bytesDropped, bytesLost, held } = this.pumps[direction];
    return bytesIn - bytesOut - bytesDropped - bytesLost - (this.ended ? 0 : held);
  }
}
