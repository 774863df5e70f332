/** The byte faults of one HTTP connection: which exchanges they hit, and what the bytes of each direction belong to. */
import type { ConnectionInfo, Direction } from "../../faults/contract/index.js";
import type { ArmedFault, Subject } from "../../pipeline/armed.js";
import type { SubjectInfo } from "../../pipeline/subject-info.js";
import type { Binding, Pumps } from "../../pipeline/bindings.js";
import { Flow, type Part, type Passage } from "../../pipeline/flow.js";
import { ScopedBinding, TrackedBinding, type Flows } from "../../pipeline/scoped-binding.js";
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
  #bindings: Map<ArmedFault, ScopedBinding> | null = null;
  readonly #flows: Flows = { upstream: new Flow(), downstream: new Flow() };
  /** Whether a stage wants heads or payload apart from the rest. */
  readonly splits = { upstream: false, downstream: false };

  constructor(host: ByteFaultsHost) {
    this.#host = host;
  }

  /** Bytes of this direction, or its end, are about to enter the pump. */
  entering(direction: Direction): void {
    const flow = this.#flows[direction];
    flow.now = flow.next;
  }

  /** A fault of the connection itself. */
  bindingOf(armed: ArmedFault, subject: Subject, info: ConnectionInfo): Binding {
    return new TrackedBinding(armed, subject, info, this.#flows);
  }

  /** The exchange begins, or is under way when the fault comes into force. */
  hit(exchange: Exchange, armed: ArmedFault): StreamHit | null {
    const hit = this.admit(exchange, armed);
    if (hit === null) return null;
    exchange.struckBytes(hit);
    return hit;
  }

  admit(subjectInfo: SubjectInfo, armed: ArmedFault): StreamHit | null {
    if (this.#host.pumps === null) return null;
    const subject = armed.admit(subjectInfo);
    if (subject === null) return null;
    let binding = this.#bindings?.get(armed);
    if (binding === undefined) {
      this.#host.flush("upstream");
      this.#host.flush("downstream");
      binding = new ScopedBinding(armed, subject, this.#host.info(), this.#flows);
      this.#bindings ??= new Map();
      this.#bindings.set(armed, binding);
      this.#host.install(binding);
      this.noteParts();
    }
    return { binding, subject };
  }

  /** Faults have gone, or act in other directions. */
  noteParts(): void {
    const parts = [...(this.#bindings?.values() ?? [])].filter(({ part }) => part !== "wire");
    this.splits.upstream = parts.some(({ armed }) => armed.actsOn("upstream"));
    this.splits.downstream = parts.some(({ armed }) => armed.actsOn("downstream"));
  }

  /** What comes in this direction from now on is of this passage. */
  begin(passage: Passage | null, direction: Direction): void {
    const flow = this.#flows[direction];
    if (passage === null && flow.next.passage === null) return;
    this.#host.flush(direction);
    flow.begin(passage);
    if (passage === null) return;
    for (const { binding } of passage.streams)
      if (binding instanceof ScopedBinding) binding.begin(direction, passage);
    this.#host.pumps?.[direction].settle();
  }

  /** The passage is over in this direction. */
  end(passage: Passage | null, direction: Direction): void {
    const flow = this.#flows[direction];
    if (passage === null || flow.next.passage !== passage) return;
    this.#host.flush(direction);
    flow.begin(null);
    for (const { binding } of passage.streams) if (binding instanceof ScopedBinding) binding.end(direction);
  }

  /** The next bytes are of that part of a message. */
  reach(direction: Direction, part: Part): void {
    this.#flows[direction].reach(part);
  }

  /** They are no longer in force; what they did to exchanges that are under way is told. */
  lose(exchanges: readonly Exchange[], removed: ReadonlySet<ArmedFault>): void {
    for (const armed of removed) this.#bindings?.delete(armed);
    for (const exchange of exchanges) {
      const gone = exchange.streams.filter(({ subject }) => removed.has(subject.armed));
      if (gone.length === 0) continue;
      exchange.streams = exchange.streams.filter((hit) => !gone.includes(hit));
      exchange.pastStreams = [...exchange.pastStreams, ...gone];
      for (const { subject } of gone) subject.finished();
    }
  }
}
