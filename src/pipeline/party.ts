/**
 * Who is sent to an upstream: an exchange, or a connection that has none. What faults of the pool and of names do on the
 * way there is told of him, and at his end.
 */
import type { ArmedFault } from "./armed.js";
import type { Sight } from "./sight.js";
import type { Bearer, PeerKeys, SubjectInfo } from "./subject-info.js";
import type { Subject } from "./armed.js";

/** Anybody who may be sent somewhere. His party is made when a fault asks for it. */
export interface Guest {
  readonly bot: string;
  readonly client: string;
  /** Of clients that speak TLS. */
  readonly peer?: PeerKeys | null | undefined;
  readonly party: Party;
}

/** Nobody's request: an upstream is asked how it is. */
export interface Check {
  readonly healthCheck: string;
}

export type Asking = Guest | Check;

export function isCheck(asking: Asking): asking is Check {
  return "healthCheck" in asking;
}

export class Party implements SubjectInfo {
  readonly #of: SubjectInfo;
  readonly #subjects = new Map<ArmedFault, Subject>();
  readonly #struck: (fault: string) => void;

  /** `struck` hears the name of each fault that acted on him, perhaps several times. */
  constructor(of: SubjectInfo, struck: (fault: string) => void) {
    this.#of = of;
    this.#struck = struck;
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

  get peer(): SubjectInfo["peer"] {
    return this.#of.peer;
  }

  get bearer(): Bearer {
    return this.#of.bearer ?? this.#of;
  }

  get sight(): Sight | null {
    return this.#of.sight ?? null;
  }

  struck(fault: string): void {
    this.#struck(fault);
  }

  /** As the subject of a fault of the pool: one for all that it does to him. */
  subjectOf(armed: ArmedFault): Subject {
    const known = this.#subjects.get(armed);
    if (known !== undefined) return known;
    const subject = armed.meet(this);
    this.#subjects.set(armed, subject);
    return subject;
  }

  /** He is sent nowhere any more: tells what was done in all. */
  finished(): void {
    for (const subject of this.#subjects.values()) subject.finished();
    this.#subjects.clear();
  }
}
