/**
 * A pool of names without sockets: what a balancer would be told by one fault, on a virtual clock. It wakes the fault
 * when it asks for that, asks after each wake what becomes of open connections, and writes down what it hears.
 */
import { VirtualClock, type Millis } from "../../src/core/clock.js";
import { LANE } from "../../src/core/random.js";
import type { Asker, ReachVerdict, Upstream, UpstreamsFault } from "../../src/faults/contract/index.js";
import { Armed, type Raw } from "./stream-bench.js";

export interface PoolOptions {
  readonly names?: readonly string[];
  readonly seed?: number;
  /** For how long the process has been running before. */
  readonly uptime?: Millis;
  /** Timers fire so much late, as those of a busy machine do. */
  readonly late?: Millis;
  /** Parameters as a compiled profile has them, in place of those that were given. */
  readonly compiled?: Readonly<Record<string, unknown>>;
}

/** Not zero, so that nobody takes a time since the beginning for a moment. */
const START: Millis = 12_345.5;

export class PoolBench {
  readonly clock: VirtualClock;
  readonly #start: Millis;
  readonly armed: Armed;
  readonly pool: readonly Upstream[];
  readonly fault: UpstreamsFault;
  /** `300 cut a`, `300 drain b`: what open connections were told, and when since the beginning. */
  readonly told: string[] = [];
  readonly wakes: Millis[] = [];
  readonly #late: Millis;
  /** Each upstream has one connection that was open from the beginning. */
  readonly #ended = new Set<string>();
  #pending: { cancel(): void } | null = null;

  constructor(name: string, raw: Raw, options: PoolOptions = {}) {
    const { names = ["a", "b", "c"], seed, late = 0, uptime = 0, compiled } = options;
    this.#start = START + uptime;
    this.clock = new VirtualClock(this.#start);
    this.armed = new Armed(name, raw, this.clock, undefined, seed);
    if (compiled !== undefined) {
      for (const key of Object.keys(this.armed.params)) Reflect.deleteProperty(this.armed.params, key);
      Object.assign(this.armed.params, compiled);
    }
    this.pool = names.map((upstream) => ({ name: upstream }));
    this.#late = late;
    const fault = this.armed.type.upstreams?.(this.armed.scope(0, LANE.subject), this.pool);
    if (!fault) throw new Error("no upstreams seam");
    this.fault = fault;
    this.#arm();
  }

  get now(): Millis {
    return this.clock.now() - this.#start;
  }

  wake(): void {
    this.wakes.push(this.now);
    this.fault.wake?.();
    for (const upstream of this.pool) {
      const verdict = this.fault.existing?.(upstream) ?? { do: "pass" };
      if (verdict.do === "pass") continue;
      if (verdict.do !== "drain" && !this.#ended.has(upstream.name)) this.fault.ended?.(upstream);
      if (verdict.do !== "drain") this.#ended.add(upstream.name);
      this.told.push(`${this.now} ${verdict.do === "drain" ? "drain" : "cut"} ${upstream.name}`);
    }
    this.#arm();
  }

  #arm(): void {
    this.#pending?.cancel();
    this.#pending = null;
    const when = this.fault.wakeAt;
    if (when === Infinity) return;
    this.#pending = this.clock.at(when + this.#late, () => {
      this.wake();
    });
  }

  assign(raw: Raw): void {
    this.armed.assign(raw);
    this.wake();
  }

  /** The names that are left to choose among. */
  choose(asker: Partial<Asker> = {}, left: readonly string[] = this.pool.map(({ name }) => name)): string {
    const pool = this.pool.filter(({ name }) => left.includes(name));
    const chosen = this.fault.candidates(pool, { bot: "b", client: "127.0.0.1", ...asker });
    return chosen.map(({ name }) => name).join(" ");
  }

  reach(name: string): ReachVerdict {
    const upstream = this.pool.find((one) => one.name === name);
    return (upstream && this.fault.reach?.(upstream)) ?? { do: "pass" };
  }

  /** Whether the balancer leaves it out, or fails to reach it as it should. */
  isDown(name: string): boolean {
    return !this.choose().split(" ").includes(name) || this.reach(name).do !== "pass";
  }

  /** Looks at each member every `step`, and says what changed: `5000 a down`. */
  timeline(length: Millis, step: Millis = 1): string[] {
    const lines: string[] = [];
    const down = new Set<string>();
    const until = this.now + length;
    for (;;) {
      // What is due at this very moment comes first.
      this.clock.advance(0);
      for (const { name } of this.pool) {
        const is = this.isDown(name);
        if (is === down.has(name)) continue;
        lines.push(`${this.now} ${name} ${is ? "down" : "up"}`);
        if (is) down.add(name);
        else down.delete(name);
      }
      if (this.now + step > until) return lines;
      this.clock.advance(step);
    }
  }
}
