/**
 * Byte faults that act on ciphertext (`at: tls`), from the first byte of the server's answer on: the same pumps as everywhere, between a
 * client's socket and the TLS engine. They are bound when the ClientHello is there; those that come later act on later connections.
 */
import type { Clock } from "../../core/clock.js";
import type { ConnectionInfo, Sever } from "../../faults/contract/index.js";
import { CIPHERTEXT } from "../../faults/subjects.js";
import type { ArmedFault, Subject } from "../../pipeline/armed.js";
import { Binding, type FaultChange, type Pumps } from "../../pipeline/bindings.js";
import type { HeldBudget } from "../../pipeline/budget.js";
import { Pump, type PumpOwner } from "../../pipeline/pump.js";
import type { PeerKeys, SubjectInfo } from "../../pipeline/subject-info.js";
import type { MakeLane } from "../../tls/lane.js";
import { BoundFaults, type BoundHost } from "../bound-faults.js";

/** What they need of the client whose bytes they are. */
export interface CipherHost extends SubjectInfo {
  readonly clock: Clock;
  cipherInfo(live: boolean, attend: () => void): ConnectionInfo;
  /** A fault ends the connection. */
  cipherSevered(how: Sever): void;
  failed(error: unknown): void;
}

export class CipherFaults implements BoundHost, PumpOwner {
  readonly #of: CipherHost;
  readonly #budget: HeldBudget;
  /** Null where nothing acts on its ciphertext, as of most clients. */
  #bound: BoundFaults | null = null;
  #upstream: Pump | null = null;
  #downstream: Pump | null = null;
  #resets: (() => void) | null = null;
  #severed = false;
  #over = false;

  constructor(of: CipherHost, budget: HeldBudget) {
    this.#of = of;
    this.#budget = budget;
  }

  get bot(): string {
    return this.#of.bot;
  }

  get connection(): number {
    return this.#of.connection;
  }

  get client(): string {
    return this.#of.client;
  }

  get peer(): PeerKeys | null | undefined {
    return this.#of.peer;
  }

  get clock(): Clock {
    return this.#of.clock;
  }

  struck(fault: string): void {
    this.#of.struck?.(fault);
  }

  bind(faults: readonly ArmedFault[]): void {
    if (!faults.some((fault) => this.concerns(fault))) return;
    this.#bound = new BoundFaults(this);
    this.#bound.bindAll(faults);
  }

  /** Nothing acts on the ciphertext of this client. */
  get none(): boolean {
    return this.#bound === null || this.#bound.all.length === 0;
  }

  /** One of them has done something to its bytes. */
  get acted(): boolean {
    return this.#bound?.all.some(({ subject }) => subject.touched) === true;
  }

  /** Stands between socket and engine. */
  get lane(): MakeLane {
    return ({ direction, source, sink, reset }) => {
      const pump = new Pump({ source, sink, clock: this.clock, budget: this.#budget, owner: this });
      if (direction === "from_client") this.#upstream = pump;
      else this.#downstream = pump;
      this.#resets = reset;
      const { pumps } = this;
      if (pumps !== null) this.#bound?.open(pumps);
      return pump;
    };
  }

  get pumps(): Pumps | null {
    const [upstream, downstream] = [this.#upstream, this.#downstream];
    return upstream === null || downstream === null ? null : { upstream, downstream };
  }

  get isSevered(): boolean {
    return this.#severed;
  }

  get isOver(): boolean {
    return this.#over;
  }

  concerns({ at, type }: ArmedFault): boolean {
    return at === CIPHERTEXT && (type.connection !== undefined || type.stream !== undefined);
  }

  bindingOf(armed: ArmedFault, subject: Subject, info: ConnectionInfo): Binding {
    return new Binding(armed, subject, info);
  }

  connectionInfo(live: boolean, attend: () => void): ConnectionInfo {
    return this.#of.cipherInfo(live, attend);
  }

  severed(how: Sever): void {
    if (this.#severed || this.#over) return;
    this.#severed = true;
    this.#bound?.stop();
    this.#of.cipherSevered(how);
  }

  resetArrived(): void {
    this.#resets?.();
  }

  hangs(): void {
    // Its bytes wait in the pumps.
  }

  failed(error: unknown): void {
    this.#of.failed(error);
  }

  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Those that are no longer in force let go; new ones act on connections to come. */
  apply(change: FaultChange): void {
    if (this.#over || this.#severed) return;
    const bound = this.#bound;
    if (bound === null) return;
    this.guarded(() => {
      bound.apply({ ...change, added: [] });
    });
  }

  /** The connection is over. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    this.#bound?.stop();
    this.#upstream?.close();
    this.#downstream?.close();
    this.#bound?.release();
  }
}
