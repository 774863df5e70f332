/**
 * A connection whose requests nobody reads any more, because they are no HTTP/1.1 or could be read in two ways:
 * its bytes are passed on as they are, and byte faults act on all of them.
 */
import type { ArmedFault, SubjectInfo } from "../../pipeline/armed.js";
import type { Passage } from "../../pipeline/flow.js";
import type { ByteFaults } from "./byte_faults.js";
import type { StreamHit } from "./exchange.js";

export class Relay {
  readonly #byteFaults: ByteFaults;
  readonly #subject: SubjectInfo;
  readonly #passage: Passage = { hits: new Map() };
  #hits: readonly StreamHit[] = [];
  /** What came before there was an upstream for it. */
  #early: Buffer[] = [];
  /** Bytes pass. */
  open = false;

  constructor(byteFaults: ByteFaults, subject: SubjectInfo, faults: readonly ArmedFault[]) {
    this.#byteFaults = byteFaults;
    this.#subject = subject;
    for (const armed of faults) this.hit(armed);
  }

  /** A byte fault is in force. */
  hit(armed: ArmedFault): void {
    const hit = this.#byteFaults.admit(this.#subject, armed);
    if (hit === null) return;
    this.#hits = [...this.#hits, hit];
    this.#passage.hits.set(hit.binding, hit.subject);
    if (this.open) this.#mark();
  }

  lose(removed: ReadonlySet<ArmedFault>): void {
    for (const { binding, subject } of this.#hits) {
      if (!removed.has(subject.armed)) continue;
      this.#passage.hits.delete(binding);
      subject.finished();
    }
    this.#hits = this.#hits.filter(({ subject }) => !removed.has(subject.armed));
  }

  /** Keeps bytes until there is an upstream; nothing is read meanwhile, so a few reads are all there is. */
  keep(bytes: Buffer): void {
    this.#early.push(Buffer.from(bytes));
  }

  /** There is an upstream. Answers with what has waited for it. */
  begin(): readonly Buffer[] {
    this.open = true;
    this.#mark();
    const early = this.#early;
    this.#early = [];
    return early;
  }

  #mark(): void {
    this.#byteFaults.begin(this.#passage, "upstream");
    this.#byteFaults.begin(this.#passage, "downstream");
  }

  finished(): void {
    for (const { subject } of this.#hits) subject.finished();
  }
}
