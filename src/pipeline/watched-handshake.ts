/**
 * A fault on a handshake that is only observed: asked what it would be asked, and nothing that it says is carried out. What needs
 * to be carried out to be known, as what a client shows that was not asked for anything, is not asked about.
 */
import type {
  Alert,
  ClientCertificate,
  GateVerdict,
  HandshakeFault,
  Pass,
  Stall,
} from "../faults/contract/index.js";
import type { Fate } from "./fate.js";

type Verdict = GateVerdict | Alert;

const PASS: Pass = { do: "pass" };

export class WatchedHandshake implements HandshakeFault {
  readonly #inner: HandshakeFault;
  readonly #fate: Fate;
  #demanded = false;
  /** Only those that their host has to do something for to ask about them. */
  readonly sent?: (bytes: number) => Pass;
  readonly end?: () => null;

  constructor(inner: HandshakeFault, fate: Fate) {
    this.#inner = inner;
    this.#fate = fate;
    if (inner.sent !== undefined) this.sent = (bytes) => this.#ask(() => inner.sent?.(bytes));
    if (inner.end === undefined) return;
    this.end = () => {
      if (!this.#fate.over) inner.end?.();
      return null;
    };
  }

  hello(): Pass {
    return this.#ask(() => this.#inner.hello?.());
  }

  certificate(): null {
    if (!this.#fate.over) this.#inner.certificate?.();
    this.#stop("our_flight");
    return null;
  }

  terms(): null {
    if (!this.#fate.over) this.#inner.terms?.();
    return null;
  }

  demands(): boolean {
    this.#demanded = !this.#fate.over && this.#inner.demands?.() === true;
    return false;
  }

  client(certificate: ClientCertificate): Pass {
    this.#stop("finished");
    // Whoever was not asked may well have one.
    if (this.#demanded && certificate.fingerprint === null) return PASS;
    return this.#ask(() => this.#inner.client?.(certificate));
  }

  established(): Pass {
    return this.#ask(() => this.#inner.established?.());
  }

  get wantsBytes(): boolean {
    return this.#inner.wantsBytes === true;
  }

  get wakeAt(): number {
    return this.#fate.over ? Infinity : this.#inner.wakeAt;
  }

  wake(): Pass {
    return this.#ask(() => this.#inner.wake?.());
  }

  released(): void {
    this.#inner.released?.();
  }

  #stop(at: Stall["at"]): void {
    if (!this.#fate.over && this.#inner.stall?.()?.at === at) this.#ask(() => this.#inner.stalled?.());
  }

  #ask(question: () => Verdict | undefined): Pass {
    if (this.#fate.over) return PASS;
    const verdict = question();
    if (verdict !== undefined && isFinal(verdict)) this.#fate.over = true;
    return PASS;
  }
}

function isFinal({ do: what }: Verdict): boolean {
  return what !== "pass" && what !== "hold" && what !== "wait";
}
