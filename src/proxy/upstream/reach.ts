/** Reaching an upstream that was chosen: what faults say of it first, and then dialling. */
import type { Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import type { Asking } from "../../pipeline/party.js";
import { isLocalLack } from "../local-lacks.js";
import { dial, type DialFailure, type Dialling, type DialOptions } from "./dial.js";
import type { Member, Pool } from "./pool.js";
import type { Intercepted } from "./intercepted.js";

export type Reached = Socket | DialFailure | Intercepted;

/** Whoever waits for it, where it may leave meanwhile. */
export interface Waits {
  /** A fault lets it wait for good; what it says is not heard yet. */
  held(): void;
  /** That fault has gone: true if there is nobody any more who waits, and this has ended on that account. */
  left(): boolean;
}

/** How to dial, and for whom. Made for each connection: whoever spreads another object into it pays for that. */
export interface ReachOptions extends DialOptions {
  readonly asking: Asking;
  readonly waits?: Waits | null;
}

/** Calls `done` once, never from within this call, unless cancelled first. */
export function reach(
  pool: Pool,
  member: Member,
  options: ReachOptions,
  done: (result: Reached) => void,
): Dialling {
  const first = pool.reach(member, options.asking);
  // As it nearly always is: there is nothing to wait for, and nothing that could change.
  if (first.after === 0 && first.then.do === "pass") return dialMember(member, options, done);
  const reaching = new Reaching(pool, member, options, done);
  reaching.begin(first);
  return reaching;
}

/** Whether a result speaks for the member or against it; null for neither: what this machine lacks is not the upstream's failure. */
export function speaksFor(result: Reached): boolean | null {
  if ("reason" in result) return isLocalLack(result.reason) ? null : false;
  return !("verdict" in result);
}

function dialMember(member: Member, options: ReachOptions, done: (result: Reached) => void): Dialling {
  return dial(
    member.endpoint,
    options.book === undefined ? { ...options, book: member.book } : options,
    done,
  );
}

class Reaching implements Dialling {
  readonly #pool: Pool;
  readonly #member: Member;
  readonly #options: ReachOptions;
  readonly #done: (result: Reached) => void;
  #timer: Timer | null = null;
  #dialling: Dialling | null = null;
  #stopWaiting: (() => void) | null = null;
  #held = false;
  #over = false;

  constructor(pool: Pool, member: Member, options: ReachOptions, done: (result: Reached) => void) {
    this.#pool = pool;
    this.#member = member;
    this.#options = options;
    this.#done = done;
  }

  begin({ after, then } = this.#pool.reach(this.#member, this.#options.asking)): void {
    // What nobody waits for any more is not to be carried out now that it could be.
    if (this.#held && then.do === "pass" && this.#options.waits?.left() === true) return;
    // Neither of these is over within this call. To hang must begin now: a fault that goes before it did would not be noticed.
    if (after === 0 && (then.do === "pass" || then.do === "hang")) {
      this.#carryOut(then);
      return;
    }
    const { clock } = this.#options;
    this.#timer = clock.at(clock.now() + after, () => {
      this.#timer = null;
      this.#carryOut(then);
    });
  }

  #carryOut(what: ReturnType<Pool["reach"]>["then"]): void {
    switch (what.do) {
      case "pass":
        this.#dial();
        return;
      case "hang": {
        // As a black hole: until the dialler's patience is over, or the upstream is there again.
        const { clock, timeout, waits } = this.#options;
        this.#held = true;
        waits?.held();
        this.#timer = clock.at(clock.now() + timeout, () => {
          this.#finish({
            reason: "upstream_timeout",
            text: `no connection to ${this.#member.name} within ${timeout} ms`,
            injected: true,
          });
        });
        this.#stopWaiting = this.#pool.whenChanged(() => {
          this.#timer?.cancel();
          this.#timer = null;
          this.#stopWaiting = null;
          this.begin();
        });
        return;
      }
      case "refuse":
        this.#finish({
          reason: "upstream_refused",
          text: `${this.#member.name}: refused by a fault`,
          injected: true,
        });
        return;
      default:
        this.#finish({ verdict: what });
    }
  }

  #dial(): void {
    this.#dialling = dialMember(this.#member, this.#options, (result) => {
      this.#finish(result);
    });
  }

  #finish(result: Reached): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#stopWaiting?.();
    this.#done(result);
  }

  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#stopWaiting?.();
    this.#dialling?.cancel();
  }
}
