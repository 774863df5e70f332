/**
 * Tells the log about facts: in sentences, at a level, and no faster than people can read. What is left
 * out here is in the journal or in the metrics.
 */
import type { Clock } from "../core/clock.js";
import { formatProblem, type Problem } from "../core/errors.js";
import type { Fact } from "../core/events.js";
import type { Recorded, Stamp } from "./entry.js";
import { inWords, type LineLevel, type LogLine } from "./line.js";
import type { Log } from "./log.js";
import { Throttle } from "./throttle.js";

/** Lines a second for one fault on one proxy. */
const HITS_A_SECOND = 5;
/** Lines a second for the phases of one activation. */
const PHASES_A_SECOND = 20;
/** Failures of one kind on one proxy get a line at once, and in the time after it only a count. */
const FAILURE_WINDOW_MS = 10_000;
const TRACE_MAX = 4_000;

export class Narrator {
  readonly #log: Log;
  readonly #hits: Throttle<Of<"fault_hit">>;
  readonly #phases: Throttle<Of<"phase_entered">>;
  readonly #failures: Throttle<LogLine>;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#hits = new Throttle({
      clock,
      window: 1_000,
      burst: HITS_A_SECOND,
      onMore: (more, { proxy, fault, profile, kind }) => {
        const fields = { kind, proxy, profile, fault, more };
        log.write({ level: "info", topic: "fault", text: `${proxy}/${fault}  … and ${more} more`, fields });
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
      onMore: (more, last) => {
        const text = `… and ${more} more in ${FAILURE_WINDOW_MS / 1000} s, the last: ${last.text}`;
        log.write({ ...last, text, more: [], fields: { ...last.fields, more } });
      },
    });
  }

  /** `written` is the fact as the journal has it, with its stamp if it is in there. */
  tell(written: Recorded & Partial<Stamp>, fact: Fact): void {
    const { level, ...line } = this.#line(written, fact);
    if (!this.#log.enabled(level)) return;
    this.#log.write({
      level,
      ...line,
      ...(written.time === undefined ? {} : { time: written.time }),
      fields: fact.kind === "mistake" ? { ...written, trace: traceOf(fact.error) } : written,
    });
  }

  close(): void {
    this.#hits.close();
    this.#phases.close();
    this.#failures.close();
  }

  #line(fact: Recorded, original: Fact): LogLine {
    switch (fact.kind) {
      case "fault_hit":
        return {
          level: this.#hits.pass(`${fact.proxy}/${fact.fault}`, fact) ? "info" : "debug",
          ...hit(fact),
        };
      case "fault_total":
        return { level: "debug", topic: "total", text: `${who(fact)}  ${inWords(fact.effects)}` };
      case "phase_entered": {
        const level = this.#phases.pass(fact.activation, fact) ? "info" : "debug";
        const pass = fact.pass > 1 ? ` (pass ${fact.pass})` : "";
        return { level, topic: "phase", text: `${fact.activation}  ${fact.phase}${pass}` };
      }
      case "connection_failed":
        return this.#rarely(`${fact.proxy} ${fact.reason}`, failure(fact));
      case "listen_failed":
        return this.#rarely(`${fact.proxy} listen`, {
          level: "warn",
          topic: "proxy",
          text: `${fact.proxy}  cannot listen on ${fact.listen}, and tries again: ${fact.reason}`,
          fields: fact,
        });
      case "limit_reached":
        return this.#rarely(`${fact.proxy} limit ${fact.limit}`, {
          level: "warn",
          topic: "limit",
          text: `${fact.proxy}  reached its limit of ${fact.value} ${fact.limit}`,
          fields: fact,
        });
      case "mistake":
        return this.#rarely(`mistake ${fact.text}`, {
          level: "error",
          topic: "mistake",
          text: `a mistake of Squall itself in ${fact.where}: ${fact.text}`,
          more: original.kind === "mistake" ? [traceOf(original.error)] : [],
          fields: fact,
        });
      default:
        return sentence(fact);
    }
  }

  /** The first of its kind at its own level; the others only for those who want to see everything. */
  #rarely(key: string, line: LogLine): LogLine {
    return this.#failures.pass(key, line) ? line : { ...line, level: "debug" };
  }
}

type Of<K extends Recorded["kind"]> = Extract<Recorded, { kind: K }>;
type Plain = Exclude<
  Recorded["kind"],
  | "fault_hit"
  | "fault_total"
  | "phase_entered"
  | "connection_failed"
  | "listen_failed"
  | "limit_reached"
  | "mistake"
>;

function sentence(fact: Of<Plain>): LogLine {
  switch (fact.kind) {
    case "activation_started":
      return {
        level: "info",
        topic: "profile",
        text: `${fact.activation}  on${fact.mode === "observe" ? ", only observing" : ""}  seed ${fact.seed}`,
        more: [`again: ${fact.again}`],
      };
    case "activation_ended":
      return {
        level: fact.warnings.length > 0 ? "warn" : "info",
        topic: "profile",
        text: `${fact.activation}  off (${fact.why})`,
        more: [...fact.faults.map(report), ...fact.warnings.map((warning) => `warning: ${warning}`)],
      };
    case "plan_changed":
      return { level: "debug", topic: "plan", text: `revision ${fact.revision}` };
    case "reload":
      return fact.ok
        ? {
            level: "info",
            topic: "reload",
            text: fact.changed.length === 0 ? "nothing changed" : fact.changed.join(", "),
          }
        : {
            level: "error",
            topic: "reload",
            text: "refused, and what was in force stays",
            more: fact.problems.map((problem: Problem) => formatProblem(problem)),
          };
    case "proxy_started":
      return {
        level: "info",
        topic: "proxy",
        text: `${fact.proxy}  listens on ${fact.listen} for ${fact.upstream}`,
      };
    case "proxy_stopped":
      return { level: "info", topic: "proxy", text: `${fact.proxy}  stopped` };
    case "listener_closed":
      return { level: "info", topic: "proxy", text: `${fact.proxy}  does not listen: ${fact.why}` };
    case "listener_opened":
      return { level: "info", topic: "proxy", text: `${fact.proxy}  listens again on ${fact.listen}` };
    case "bots_unidentified":
      return {
        level: "warn",
        topic: "bots",
        text: `${fact.proxy}  ALL BOTS LOOK THE SAME: every connection comes from ${fact.client}, so they share one row of draws`,
        more: [`give them addresses of their own, or let \`identify\` or \`proxy_protocol\` tell them apart`],
      };
    case "mark":
      return { level: "info", topic: "mark", text: fact.text };
  }
}

function hit(fact: Of<"fault_hit">): Omit<LogLine, "level"> {
  const amount = fact.amount === 1 ? "" : ` ${fact.amount}`;
  const detail = fact.detail === undefined ? "" : ` (${inWords(fact.detail)})`;
  const what = fact.observed === true ? "would be hit" : `${fact.effect}${amount}${detail}`;
  return { topic: "fault", text: `${who(fact)}  ${what}` };
}

function who({ proxy, fault, bot }: Of<"fault_hit"> | Of<"fault_total">): string {
  return `${proxy}/${fault}  bot ${bot}`;
}

function failure(fact: Of<"connection_failed">): LogLine {
  const level: LineLevel = fact.reason === "internal" ? "error" : "info";
  const { proxy, client, reason, text } = fact;
  return { level, topic: "failed", text: `${proxy}  ${client}  ${reason}: ${text}`, fields: fact };
}

function report({
  proxy,
  fault,
  subjects,
  matched,
  hits,
  effects,
}: Of<"activation_ended">["faults"][number]): string {
  const done = Object.entries(effects).filter(([, amount]) => amount > 0);
  const did = done.length === 0 ? "" : `: ${inWords(Object.fromEntries(done))}`;
  return `${proxy}/${fault}  hit ${hits} of ${matched} matching, of ${subjects} in all${did}`;
}

function traceOf(error: unknown): string {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return trace.length > TRACE_MAX ? `${trace.slice(0, TRACE_MAX)}…` : trace;
}
