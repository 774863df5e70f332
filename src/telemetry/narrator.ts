/**
 * Tells the log about facts: in sentences, at a level, and no faster than people can read. What is left
 * out here is in the journal or in the metrics.
 */
import type { Clock } from "../core/clock.js";
import type { Fact } from "../core/events.js";
import type { Frequent, Recorded, Stamp } from "./entry.js";
import type { LogLine } from "./line.js";
import type { Log } from "./log.js";
import { DIFFERENT_MAX, sameness } from "./sameness.js";
import { lineOf, type Of } from "./sentences.js";
import { Throttle } from "./throttle.js";

/** Lines a second for one fault on one proxy. */
const HITS_A_SECOND = 5;
/** Lines a second for the exchanges of one proxy. */
const EXCHANGES_A_SECOND = 5;
/** Lines a second for the phases of one activation. */
const PHASES_A_SECOND = 20;
/** Failures that are the same get a line at once, and in the time after it only a count. */
const FAILURE_WINDOW_MS = 10_000;
const TRACE_MAX = 4_000;

export class Narrator {
  readonly #log: Log;
  readonly #hits: Throttle<Frequent>;
  readonly #exchanges: Throttle<Frequent>;
  readonly #phases: Throttle<Of<"phase_entered">>;
  readonly #failures: Throttle<LogLine>;
  /** What `says` found of the fact that is told next. */
  #isNext = false;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#hits = new Throttle({
      clock,
      window: 1_000,
      burst: HITS_A_SECOND,
      onMore: (more, last) => {
        if (last.kind !== "fault_hit") return;
        const { proxy, fault, profile, kind } = last;
        const fields = { kind, proxy, profile, fault, more };
        log.write({ level: "info", topic: "fault", text: `${proxy}/${fault}  … and ${more} more`, fields });
      },
    });
    this.#exchanges = new Throttle({
      clock,
      window: 1_000,
      burst: EXCHANGES_A_SECOND,
      onMore: (more, { proxy, kind }) => {
        const fields = { kind, proxy, more };
        log.write({ level: "info", topic: "exchange", text: `${proxy}  … and ${more} more`, fields });
      },
    });
    this.#phases = new Throttle({
      clock,
      window: 1_000,
      burst: PHASES_A_SECOND,
      onMore: (more, { activation, profile, kind }) => {
        const fields = { kind, activation, profile, more };
        log.write({ level: "info", topic: "phase", text: `${activation}  … and ${more} more`, fields });
      },
    });
    this.#failures = new Throttle({
      clock,
      window: FAILURE_WINDOW_MS,
      burst: 1,
      apart: DIFFERENT_MAX,
      onMore: (more, last) => {
        const text = `… and ${more} more in ${FAILURE_WINDOW_MS / 1000} s, the last: ${last.text}`;
        log.write({ ...last, text, more: [], fields: { ...last.fields, more } });
      },
    });
  }

  /** Whether the log is to have it: `tell` comes next for those, and for none that it is one too many of. */
  says(fact: Frequent): boolean {
    // Totals are for those who want to see everything.
    if (fact.kind === "fault_total" || isUnharmed(fact)) return this.#log.enabled("debug");
    this.#isNext =
      fact.kind === "fault_hit"
        ? this.#hits.pass(fact.fault, fact, fact.proxy)
        : this.#exchanges.pass(fact.proxy, fact);
    return this.#isNext || this.#log.enabled("debug");
  }

  /**
   * `written` is the fact as the journal has it, with its stamp if it is in there. One that is told thousands of times a second
   * must have been asked about.
   */
  tell(written: Recorded & Partial<Stamp>, fact: Fact): void {
    const told = this.#line(written, fact);
    if (told === null || !this.#log.enabled(told.level)) return;
    const { level, ...line } = told;
    this.#log.write({
      level,
      ...line,
      ...(written.time === undefined ? {} : { time: written.time }),
      fields: fact.kind === "mistake" ? { ...written, trace: traceOf(fact.error) } : written,
    });
  }

  close(): void {
    this.#hits.close();
    this.#exchanges.close();
    this.#phases.close();
    this.#failures.close();
  }

  /** Null for what is one too many of its kind: it is not even put into words, unless somebody wants to see everything. */
  #line(fact: Recorded, original: Fact): LogLine | null {
    switch (fact.kind) {
      case "fault_hit":
      case "exchange_over":
        if (isUnharmed(fact)) return lineOf(fact);
        return this.#often(this.#isNext, fact);
      case "phase_entered":
        return this.#often(this.#phases.pass(fact.activation, fact), fact);
      case "mistake": {
        const more = original.kind === "mistake" ? [traceOf(original.error)] : [];
        return this.#rarely(fact, { ...lineOf(fact), more });
      }
      default:
        return this.#rarely(fact, lineOf(fact));
    }
  }

  #often(passed: boolean, fact: Recorded): LogLine | null {
    if (passed) return lineOf(fact);
    return this.#log.enabled("debug") ? { ...lineOf(fact), level: "debug" } : null;
  }

  /** The first of its kind at its own level; the others only for those who want to see everything. */
  #rarely(fact: Recorded, line: LogLine): LogLine {
    const same = sameness(fact);
    return same === null || this.#failures.pass(same.key, line, same.group)
      ? line
      : { ...line, level: "debug" };
  }
}

/** An exchange that no fault acted on is told of where everything is recorded. */
function isUnharmed(fact: Recorded): boolean {
  return fact.kind === "exchange_over" && fact.faults.length === 0;
}

function traceOf(error: unknown): string {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return trace.length > TRACE_MAX ? `${trace.slice(0, TRACE_MAX)}…` : trace;
}
