/** The byte faults of one HTTP connection: which exchanges they hit, and for which bytes their stages are open. */
import type { ConnectionInfo, Direction } from "../../faults/contract.js";
import type { ArmedFault, SubjectInfo } from "../../pipeline/armed.js";
import type { Binding, Pumps } from "../../pipeline/bindings.js";
import { ScopedBinding, type Part } from "../../pipeline/scoped_binding.js";
import type { Exchange, StreamHit } from "./exchange.js";

/** What they need of their connection. */
export interface ByteFaultsHost {
  readonly pumps: Pumps | null;
  /** Writes what is joined so far: it must not wait for a stage that comes behind it. */
  flush(direction: Direction): void;
  /** A binding among the others of the connection, in the order of the plan, with its stages installed. */
  install(binding: Binding): void;
  info(): ConnectionInfo;
}

export class ByteFaults {
  readonly #host: ByteFaultsHost;
  readonly #bindings = new Map<ArmedFault, ScopedBinding>();
  /** Whether a stage wants heads or payload apart from the rest. */
  readonly splits = { upstream: false, downstream: false };

  constructor(host: ByteFaultsHost) {
    this.#host = host;
  }

  /** The exchange begins, or is under way when the fault comes into force. */
  hit(exchange: Exchange, armed: ArmedFault): StreamHit | null {
    const hit = this.admit(exchange, armed);
    if (hit !== null) exchange.streams = [...exchange.streams, hit];
    return hit;
  }

  admit(subjectInfo: SubjectInfo, armed: ArmedFault): StreamHit | null {
    if (this.#host.pumps === null) return null;
    const subject = armed.admit(subjectInfo);
    if (subject === null) return null;
    let binding = this.#bindings.get(armed);
    if (binding === undefined) {
      this.#host.flush("upstream");
      this.#host.flush("downstream");
      binding = new ScopedBinding(armed, subject, this.#host.info());
      this.#bindings.set(armed, binding);
      this.#host.install(binding);
      this.noteParts();
    }
    return { binding, subject };
  }

  /** Faults have gone, or act in other directions. */
  noteParts(): void {
    const parts = [...this.#bindings.values()].filter(({ part }) => part !== "wire");
    this.splits.upstream = parts.some(({ armed }) => armed.actsOn("upstream"));
    this.splits.downstream = parts.some(({ armed }) => armed.actsOn("downstream"));
  }

  begin(streams: readonly StreamHit[], direction: Direction): void {
    if (streams.length === 0) return;
    this.#host.flush(direction);
    for (const { binding, subject } of streams) binding.begin(direction, subject);
    this.#host.pumps?.[direction].settle();
  }

  end(streams: readonly StreamHit[], direction: Direction): void {
    if (streams.length === 0) return;
    this.#host.flush(direction);
    for (const { binding } of streams) binding.end(direction);
  }

  /** The next bytes are of that part of a message. */
  reach(direction: Direction, part: Part): void {
    for (const binding of this.#bindings.values())
      if (binding.part !== "wire") binding.reach(direction, part);
  }

  /** They are no longer in force; what they did to exchanges that are under way is told. */
  lose(exchanges: readonly Exchange[], removed: ReadonlySet<ArmedFault>): void {
    for (const armed of removed) this.#bindings.delete(armed);
    for (const exchange of exchanges) {
      const gone = exchange.streams.filter(({ subject }) => removed.has(subject.armed));
      if (gone.length === 0) continue;
      exchange.streams = exchange.streams.filter((hit) => !gone.includes(hit));
      for (const { subject } of gone) subject.finished();
    }
  }
}
