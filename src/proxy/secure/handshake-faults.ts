/** The faults on one client's handshake: asked as it goes on, woken when they want to be, told how the client took it. */
import { Alarm } from "../../core/alarm.js";
import type { Clock } from "../../core/clock.js";
import type {
  Alert,
  CertificateRecipe,
  ClientCertificate,
  GateVerdict,
  HandshakeFault,
  HandshakeInfo,
  Pass,
  Sever,
  Stall,
  Terms,
  TlsEnd,
  Took,
} from "../../faults/contract/index.js";
import type { ArmedFault, Subject } from "../../pipeline/armed.js";
import { Gate } from "../../pipeline/gate.js";
import type { SubjectInfo } from "../../pipeline/subject-info.js";

/** What ends a handshake, or the connection that came of it. */
export type Final = Alert | Sever;

export interface HandshakeFaultsHost {
  readonly clock: Clock;
  readonly subject: SubjectInfo;
  info(attend: () => void): HandshakeInfo;
  /** A fault that was woken ends it. */
  concluded(verdict: Final): void;
  /** A fault holds it for good. */
  hangs(): void;
  /** A fault threw: a mistake of ours. */
  failed(error: unknown): void;
}

/** Where a fault stops the server's part, and which. */
export interface Stalling {
  readonly stall: Stall;
  readonly fault: HandshakeFault;
}

interface Bound {
  readonly armed: ArmedFault;
  readonly subject: Subject;
  readonly fault: HandshakeFault;
}

const NO_TERMS: Terms = {};

export class HandshakeFaults {
  readonly #of: HandshakeFaultsHost;
  #bound: Bound[] = [];
  #gate: Gate<HandshakeFault, Final> | null = null;
  #alarm: Alarm | null = null;
  #established = false;
  #stopped = false;

  constructor(of: HandshakeFaultsHost) {
    this.#of = of;
  }

  /** The ClientHello is there: those that are in force now are those that act on it. */
  bind(faults: readonly ArmedFault[]): void {
    for (const armed of faults) {
      if (armed.type.handshake === undefined) continue;
      const subject = armed.admit(this.#of.subject);
      if (subject === null) continue;
      const info = this.#of.info(() => {
        queueMicrotask(() => {
          this.#attend(fault);
        });
      });
      const fault = armed.type.handshake(subject, info);
      this.#bound.push({ armed, subject, fault });
    }
  }

  get none(): boolean {
    return this.#bound.length === 0;
  }

  /** One of them has done something to this client. */
  get acted(): boolean {
    return this.#bound.some(({ subject }) => subject.touched);
  }

  /** Whether one of them may have something to say of the engine's own records. */
  get wantEngine(): boolean {
    return this.#bound.some(
      ({ fault, armed }) =>
        fault.sent !== undefined ||
        fault.end !== undefined ||
        // Where nothing is carried out, nothing is written in the engine's name.
        (!armed.observe &&
          (fault.stall !== undefined ||
            fault.client !== undefined ||
            fault.established !== undefined ||
            fault.wake !== undefined)),
    );
  }

  /** Asks them, and goes on; `done` may be called from within. */
  through(
    question: (fault: HandshakeFault) => GateVerdict | Alert | undefined,
    done: (outcome: Pass | Final) => void,
  ): void {
    if (this.#bound.length === 0) {
      done({ do: "pass" });
      return;
    }
    this.#gate = new Gate<HandshakeFault, Final>({
      clock: this.#of.clock,
      faults: this.#bound.map(({ fault }) => fault),
      question: (fault) => this.#guarded(() => question(fault)),
      done: (outcome) => {
        this.#gate = null;
        done(outcome);
      },
      hangs: () => {
        this.#of.hangs();
      },
    });
    this.#gate.step();
  }

  get isHanging(): boolean {
    return this.#gate?.hanging === true;
  }

  /** The first of them that wants another certificate has its way. */
  certificate(): CertificateRecipe | null {
    for (const { fault } of this.#bound) {
      const recipe = this.#guarded(() => fault.certificate?.()) ?? null;
      if (recipe !== null) return recipe;
    }
    return null;
  }

  /** Each term as the first of them says that has one. */
  terms(): Terms {
    let terms = NO_TERMS;
    for (const { fault } of this.#bound)
      terms = { ...(this.#guarded(() => fault.terms?.()) ?? {}), ...terms };
    return terms;
  }

  demands(): boolean {
    return this.#bound.some(({ fault }) => this.#guarded(() => fault.demands?.()) === true);
  }

  stall(): Stalling | null {
    for (const { fault } of this.#bound) {
      const stall = this.#guarded(() => fault.stall?.()) ?? null;
      if (stall !== null) return { stall, fault };
    }
    return null;
  }

  client(certificate: ClientCertificate): Pass | Final {
    return this.#firstFinal((fault) => fault.client?.(certificate));
  }

  established(): Pass | Final {
    this.#established = true;
    const verdict = this.#firstFinal((fault) => fault.established?.());
    if (verdict.do === "pass") this.#rearm();
    return verdict;
  }

  get countBytes(): boolean {
    return this.#bound.some(({ fault }) => fault.wantsBytes === true);
  }

  sent(bytes: number): Pass | Final {
    if (this.#stopped) return { do: "pass" };
    const verdict = this.#firstFinal((fault) =>
      fault.wantsBytes === true ? fault.sent?.(bytes) : undefined,
    );
    this.#rearm();
    return verdict;
  }

  /** The last that they are asked. */
  end(): TlsEnd | Alert | null {
    if (this.#stopped) return null;
    this.stop();
    for (const { fault } of this.#bound) {
      const end = this.#guarded(() => fault.end?.()) ?? null;
      if (end !== null) return end;
    }
    return null;
  }

  took(how: Took): void {
    for (const { fault, subject } of this.#bound) if (subject.touched) this.#guarded(() => fault.took?.(how));
  }

  /** Those that are no longer in force let it be. */
  apply(removed: ReadonlySet<ArmedFault>, assigned: ReadonlySet<ArmedFault>): void {
    const going = this.#bound.filter(({ armed }) => removed.has(armed));
    if (going.length > 0) {
      this.#bound = this.#bound.filter(({ armed }) => !removed.has(armed));
      for (const one of going) this.#release(one);
      this.#gate?.changed(this.#bound.map(({ fault }) => fault));
    }
    for (const { armed, fault } of [...this.#bound]) if (assigned.has(armed)) this.#attend(fault);
    this.#rearm();
  }

  /** Nobody is asked or woken any more. */
  stop(): void {
    this.#stopped = true;
    this.#gate?.cancel();
    this.#gate = null;
    this.#alarm?.cancel();
    this.#established = false;
  }

  release(): void {
    this.stop();
    const bound = this.#bound;
    this.#bound = [];
    for (const one of bound) this.#release(one);
  }

  #release({ fault, subject }: Bound): void {
    this.#guarded(() => fault.released?.());
    subject.finished();
  }

  #firstFinal(question: (fault: HandshakeFault) => Pass | Final | undefined): Pass | Final {
    for (const { fault } of [...this.#bound]) {
      const verdict = this.#guarded(() => question(fault));
      if (verdict !== undefined && verdict.do !== "pass") return verdict;
    }
    return { do: "pass" };
  }

  #attend(fault: HandshakeFault): void {
    if (!this.#bound.some((one) => one.fault === fault)) return;
    if (this.#gate !== null) this.#gate.attend(fault);
    else if (this.#established) this.#wakeAll([fault]);
  }

  #wakeAll(faults: readonly HandshakeFault[]): void {
    for (const fault of faults) {
      const verdict = this.#guarded(() => fault.wake?.());
      if (verdict !== undefined && verdict.do !== "pass") {
        this.#of.concluded(verdict);
        return;
      }
    }
    this.#rearm();
  }

  #rearm(): void {
    if (!this.#established) return;
    let earliest = Infinity;
    for (const { fault } of this.#bound) earliest = Math.min(earliest, fault.wakeAt);
    if (earliest !== Infinity) this.#alarm ??= new Alarm(this.#of.clock, this.#wake);
    this.#alarm?.set(earliest);
  }

  readonly #wake = (): void => {
    const now = this.#of.clock.now();
    this.#wakeAll(this.#bound.filter(({ fault }) => fault.wakeAt <= now).map(({ fault }) => fault));
  };

  #guarded<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#of.failed(error);
      return undefined;
    }
  }
}
