/**
 * The interpreter of the upstreams seam: the faults of one proxy's pool, asked at each choice and at each edge of their
 * rhythms. What a fault counts while it is asked is booked on whoever it is asked about, and otherwise on the proxy.
 */
import type { Clock, Millis, Timer } from "../core/clock.js";
import type { Answer, Hang, Pass, Sever, Upstream, UpstreamsFault } from "../faults/contract/index.js";
import type { ArmedFault, Subject } from "./armed.js";
import type { Asking, Guest } from "./party.js";
import { PoolScope } from "./pool-scope.js";

/** What an attempt to reach an upstream comes to, after so long. */
export interface Reach {
  readonly after: Millis;
  readonly then: Pass | Hang | Sever | { readonly do: "refuse" } | Answer;
}

export type Existing = Pass | Sever | { readonly do: "drain" };

interface Bound {
  readonly armed: ArmedFault;
  readonly subject: Subject;
  readonly scope: PoolScope;
  readonly fault: UpstreamsFault;
}

const AT_ONCE: Reach = { after: 0, then: { do: "pass" } };
/** Draws and counters of these faults belong to the proxy, not to any of its bots. */
const NO_BOT = { bot: "", connection: 0, client: "" };

export class UpstreamsFaults {
  readonly #clock: Clock;
  readonly #pool: readonly Upstream[];
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;
  #bound: readonly Bound[] = [];
  #timer: Timer | null = null;
  #timerAt: Millis = Infinity;

  /** `changed` is called when what the faults say may have become something else. */
  constructor(
    clock: Clock,
    pool: readonly Upstream[],
    changed: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#pool = pool;
    this.#changed = changed;
    this.#failed = failed;
  }

  get none(): boolean {
    return this.#bound.length === 0;
  }

  /** Makes these the faults in force, in order. */
  set(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const before = this.#bound;
    const wanted = faults.filter(({ type }) => type.upstreams !== undefined);
    if (before.length === 0 && wanted.length === 0) return;
    this.#bound = wanted.flatMap(
      (armed) => before.find((one) => one.armed === armed) ?? this.#bind(armed) ?? [],
    );
    for (const one of before) {
      if (this.#bound.includes(one)) continue;
      this.#release(one);
    }
    for (const { armed, fault } of this.#bound) if (assigned.has(armed)) this.#try(() => fault.wake?.());
    this.#rearm();
    this.#changed();
  }

  #bind(armed: ArmedFault): Bound | null {
    const subject = armed.admit(NO_BOT);
    if (subject === null) return null;
    const scope = new PoolScope(subject);
    const fault = this.#try(() => armed.type.upstreams?.(scope, this.#pool));
    return fault === undefined ? null : { armed, subject, scope, fault };
  }

  #release({ fault, scope, subject }: Bound): void {
    this.#try(() => fault.released?.());
    scope.finished();
    subject.finished();
  }

  /** Asks one of them about somebody. */
  #about<T>(asking: Asking, { scope }: Bound, question: () => T): T | undefined {
    scope.about = asking;
    const answer = this.#try(question);
    scope.about = null;
    return answer;
  }

  candidates(pool: readonly Upstream[], guest: Guest): readonly Upstream[] {
    this.#notice();
    let left = pool;
    for (const one of this.#bound) {
      // He comes by, whatever the fault makes of it.
      guest.party.subjectOf(one.armed);
      left = this.#about(guest, one, () => one.fault.candidates(left, guest)) ?? left;
    }
    return left;
  }

  reach(upstream: Upstream, asking: Asking): Reach {
    if (this.#bound.length === 0) return AT_ONCE;
    this.#notice();
    let after = 0;
    for (const one of this.#bound) {
      const verdict = this.#about(asking, one, () => one.fault.reach?.(upstream));
      if (verdict === undefined || verdict.do === "pass") continue;
      if (verdict.do !== "hold") return { after, then: verdict };
      after += verdict.for;
    }
    return { after, then: { do: "pass" } };
  }

  existing(upstream: Upstream, guest: Guest): Existing {
    this.#notice();
    for (const one of this.#bound) {
      const verdict = this.#about(guest, one, () => one.fault.existing?.(upstream));
      if (verdict === undefined || verdict.do === "pass") continue;
      // It is carried out at once.
      if (verdict.do !== "drain") this.#about(guest, one, () => one.fault.ended?.(upstream));
      return verdict;
    }
    return { do: "pass" };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAt = Infinity;
    for (const one of this.#bound) this.#release(one);
    this.#bound = [];
  }

  /** A timer may be late, on a busy machine, and what they answer goes by the clock. */
  #notice(): void {
    if (this.#timerAt === Infinity) return;
    const now = this.#clock.now();
    if (this.#timerAt > now) return;
    for (const { fault } of this.#bound) if (fault.wakeAt <= now) this.#try(() => fault.notice?.());
  }

  #rearm(): void {
    let earliest = Infinity;
    for (const { fault } of this.#bound) earliest = Math.min(earliest, fault.wakeAt);
    if (earliest === this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = earliest;
    this.#timer = earliest === Infinity ? null : this.#clock.at(earliest, this.#wake);
  }

  readonly #wake = (): void => {
    this.#timer = null;
    this.#timerAt = Infinity;
    const now = this.#clock.now();
    for (const { fault } of this.#bound) if (fault.wakeAt <= now) this.#try(() => fault.wake?.());
    this.#rearm();
    this.#changed();
  };

  #try<T>(run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }
}
