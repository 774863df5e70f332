/** The path of a flow's datagrams on a clock that moves when told, without sockets: what went out, where, and when. */
import type { VirtualClock } from "../../src/core/clock.js";
import type { Direction, Seam } from "../../src/faults/contract/index.js";
import type { ArmedFault } from "../../src/pipeline/armed.js";
import { changeOf } from "../../src/pipeline/bindings.js";
import { DatagramPath, type PathOwner } from "../../src/pipeline/datagram.js";
import type { PlanTarget } from "../../src/plan/targets.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { timeLab, type Lab, type LabOptions } from "./lab.js";

export interface Delivery {
  readonly text: string;
  readonly payload: Buffer;
  readonly direction: Direction;
  /** Milliseconds since the bench began. */
  readonly at: number;
}

export class BenchFlow implements PathOwner {
  readonly out: Delivery[] = [];
  readonly port = 5_000;
  readonly path: DatagramPath;
  overflows = 0;
  failure: unknown = null;

  constructor(
    private readonly bench: DatagramBench,
    readonly connection: number,
    readonly client: string,
  ) {
    const { clock, budget } = bench.lab.context;
    this.path = new DatagramPath({ owner: this, clock, budget }, bench.faults);
  }

  get bot(): string {
    return this.client;
  }

  deliver(payload: Buffer, direction: Direction): void {
    const at = this.bench.time.now() - this.bench.began;
    this.out.push({ text: payload.toString("latin1"), payload, direction, at });
  }

  overflowed(): void {
    this.overflows++;
  }

  failed(error: unknown): void {
    this.failure = error;
    this.path.end();
  }

  push(text: string | Buffer | number, direction: Direction = "upstream"): void {
    this.path.push(Buffer.isBuffer(text) ? text : Buffer.from(String(text), "latin1"), direction);
  }

  get texts(): string[] {
    return this.out.map(({ text }) => text);
  }

  get times(): number[] {
    return this.out.map(({ at }) => Math.round(at * 1e6) / 1e6);
  }
}

export class DatagramBench implements PlanTarget {
  readonly name = "jobs";
  readonly seams: ReadonlySet<Seam> = new Set(["listener", "datagram"]);
  readonly except = [];
  readonly lab: Lab;
  readonly time: VirtualClock;
  readonly began: number;
  readonly flows: BenchFlow[] = [];
  faults: readonly ArmedFault[] = [];

  constructor(faults: readonly CompiledFault[] = [], options: LabOptions & { readonly seed?: number } = {}) {
    const { lab, time } = timeLab(options);
    this.lab = lab;
    this.time = time;
    this.began = time.now();
    lab.plan.attach(this);
    if (faults.length > 0) lab.use(faults, { seed: options.seed ?? 1 });
  }

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const change = changeOf(this.faults, faults, assigned);
    if (change === null) return;
    this.faults = change.faults;
    for (const { path } of this.flows) path.apply(change);
  }

  flow(client = "10.0.0.1"): BenchFlow {
    const flow = new BenchFlow(this, this.flows.length + 1, client);
    this.flows.push(flow);
    return flow;
  }

  effects(type: string): Readonly<Record<string, number>> {
    for (const book of this.lab.ledger.books()) if (book.labels.type === type) return book.effects;
    return {};
  }
}
