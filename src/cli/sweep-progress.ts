/**
 * What a sweep says while it runs, as renderers of its one stream of events: a bar on a terminal with findings above it, plain lines where
 * nobody can see a bar, and lines of JSON for programs.
 */
import type { Colors } from "picocolors/types.js";
import type { CaseResult, Finding } from "../sweep/contract/finding.js";
import type { RunResult } from "../sweep/contract/run.js";
import { exitText } from "../sweep/oracles/ending.js";
import { confirmed } from "../sweep/report/cells.js";
import { several, timeText } from "../drawing/figures.js";
import type { OnSweepEvent, Progress, SweepEvent } from "../sweep/sweep/events.js";
import { STOPPED } from "../sweep/sweep/outcome.js";

/** What there is to say before the first case. */
export interface Beginning {
  readonly baselines: readonly RunResult[];
  readonly sites: Readonly<Record<"stable" | "wavering" | "rare", number>>;
  readonly cases: number;
  readonly jobs: number;
  /** Of one run with all that goes with it, in milliseconds. */
  readonly each: number;
  /** Of all, if none hangs; and of a run that hangs, null where there is none. */
  readonly whole: number;
  readonly timeout: number | null;
  readonly pairs: boolean;
}

export interface Renderer {
  /** A fault-free run before anything else is over. */
  readonly baseline: (run: RunResult, number: number, of: number) => void;
  readonly begin: (beginning: Beginning) => void;
  readonly event: OnSweepEvent;
  /** A sentence of the harness. */
  readonly note: (text: string) => void;
  /** Nothing more will be said. */
  readonly end: () => void;
}

export interface Words {
  readonly say: (text: string) => void;
  readonly colours: Colors;
}

/** `cases: 142 singles, 2.6 s each, about 2 min with 3 workers; a run that hangs takes 33 s; pairs follow`. */
export function estimateText({ cases, jobs, each, whole, timeout, pairs }: Beginning): string {
  return [
    `cases: ${several(cases, "single")}, ${timeText(each)} each, about ${timeText(whole)} with ${several(jobs, "worker")}`,
    ...(timeout === null ? [] : [`a run that hangs takes ${timeText(timeout)}`]),
    ...(pairs ? ["pairs follow"] : []),
  ].join("; ");
}

export function headText({ baselines, sites }: Beginning): string {
  const times = baselines.map(({ ms }) => ms);
  const [least, most] = [Math.min(...times), Math.max(...times)];
  const range =
    timeText(least) === timeText(most) ? timeText(most) : `${timeText(least)} to ${timeText(most)}`;
  const kinds = (["stable", "wavering", "rare"] as const).filter((word) => sites[word] > 0);
  const count = kinds.reduce((sum, word) => sum + sites[word], 0);
  const told = kinds.map((word) => `${sites[word]} ${word}`).join(", ");
  return `fault-free: ${several(baselines.length, "run")} passed, ${range} each; ${several(count, "site")}${told === "" ? "" : ` (${told})`}, ${seenText(baselines[0])}`;
}

/** `61 exchanges, 2 connections`: what the first run brought to the proxies; what HTTP runs over is not counted beside it. */
function seenText(run: RunResult | undefined): string {
  if (run === undefined) return "nothing seen";
  const { exchanges, connections, queries, flows } = run.record;
  const overHttp = new Set(exchanges.map(({ connection }) => connection));
  const plain = connections.filter(({ connection }) => !overHttp.has(connection));
  const parts = [
    [exchanges.length, "exchange"],
    [plain.length, "connection"],
    [queries.length, "question"],
    [flows.length, "flow"],
  ] as const;
  const seen = parts.filter(([count, word]) => count > 0 || word === "exchange");
  const told = seen.length > 1 ? seen.filter(([count]) => count > 0) : seen;
  return told.map(([count, word]) => several(count, word)).join(", ");
}

/** Lines of text, each to be kept; what is only for the moment is left to `moment`. */
export function lineRenderer(
  { say, colours }: Words,
  moment: (event: SweepEvent) => void = () => undefined,
): Renderer {
  return {
    baseline: ({ exit, ms }, number, of) => {
      say(`fault-free run ${number} of ${of}: ${exitText(exit)} after ${timeText(ms)}`);
    },
    begin: (beginning) => {
      say(headText(beginning));
      say(estimateText(beginning));
    },
    event: (event) => {
      const text = lineOf(event, colours);
      if (text !== null) say(text);
      moment(event);
    },
    note: (text) => {
      say(text);
    },
    end: () => undefined,
  };
}

function lineOf(event: SweepEvent, colours: Colors): string | null {
  switch (event.kind) {
    case "planned":
      return event.what === "pairs"
        ? `pairs: ${several(event.cases, "pair")} along the edges of what survived`
        : null;
    case "case_over":
      return event.result.verdict === "harness error" ? troubleText(event.result) : null;
    case "finding":
      return findingText(event.finding, event.known, event.result, colours);
    case "control":
      return event.failed
        ? colours.yellow(
            `a fault-free run failed (${event.controls.failed} of ${event.controls.runs} now): ${event.text}`,
          )
        : null;
    case "stopping":
      return `ends early: ${STOPPED[event.stop]}`;
    case "trouble":
      return event.case === true ? null : colours.yellow(`${event.label}: ${event.text}`);
    case "case_started":
    case "confirming":
      return null;
  }
}

const troubleText = ({ case: { name }, note = "" }: CaseResult): string => `no verdict: ${name}: ${note}`;

function findingText(finding: Finding, known: boolean, result: CaseResult, colours: Colors): string {
  const { number, verdict, title, confirmation, file } = finding;
  if (known)
    return colours.dim(
      `${String(number).padStart(3)} ${verdict.padEnd(7)} ${result.case.name} shows the same`,
    );
  const colour = verdict === "SUSPECT" || verdict === "FLAKY" ? colours.yellow : colours.red;
  const lines = [
    `${String(number).padStart(3)} ${colour(verdict.padEnd(7))} ${title}`,
    `    ${confirmed(confirmation)}`,
  ];
  if (file !== null) lines.push(`    squall replay ${file}`);
  return lines.join("\n");
}

/** A line of progress now and then: where a log is read, one for each case would hide the findings. */
export function plainRenderer(words: Words, every = 15_000): Renderer {
  let told = 0;
  return lineRenderer(words, (event) => {
    if (event.kind !== "case_over" || event.recalled) return;
    const { elapsed, done, planned } = event.progress;
    if (elapsed - told < every || done === planned) return;
    told = elapsed;
    words.say(progressText(event.progress));
  });
}

/** `34 of 108 cases, 1 min 20 s, about 3 min left`. */
export function progressText({ done, planned, elapsed, left }: Progress): string {
  const rest = left === null ? "" : `, about ${timeText(left)} left`;
  return `${done} of ${several(planned, "case")}, ${timeText(elapsed)}${rest}`;
}

const BAR = 24;

/** A bar below all else; `live` shows a line that its next call replaces, and nothing for null. */
export function barRenderer(words: Words, live: (line: string | null) => void): Renderer {
  const { colours } = words;
  let bar: string | null = null;
  let findings = 0;
  const show = (line: string | null): void => {
    bar = line;
    live(bar);
  };
  const above: Words = {
    colours,
    say: (text) => {
      live(null);
      words.say(text);
      if (bar !== null) live(bar);
    },
  };
  const lines = lineRenderer(above, (event) => {
    if (event.kind === "finding" && !event.known) findings++;
    if (event.kind === "confirming") {
      show(`${colours.yellow("confirming")} ${event.case.name}: ${event.failed} of ${event.runs} failed`);
      return;
    }
    if (!("progress" in event)) return;
    const { progress } = event;
    const name =
      event.kind === "case_started"
        ? event.case.name
        : event.kind === "case_over"
          ? event.result.case.name
          : "";
    show(barText(progress, findings, name));
  });
  return {
    ...lines,
    baseline: (_run, number, of) => {
      show(number === of ? null : `fault-free run ${number} of ${of}`);
    },
    end: () => {
      show(null);
    },
  };
}

function barText(progress: Progress, findings: number, name: string): string {
  const { done, planned, left } = progress;
  const full = planned === 0 ? BAR : Math.floor((BAR * done) / planned);
  const bar = `${"█".repeat(full)}${"░".repeat(BAR - full)}`;
  const rest = left === null ? "" : `  ${timeText(left)} left`;
  const found = findings === 0 ? "" : `  ${several(findings, "finding")}`;
  return `${bar} ${done}/${planned}${rest}${found}  ${name}`;
}

/** Lines of JSON: one for each event, its name first. */
export function jsonRenderer(say: (text: string) => void): Renderer {
  const tell = (event: string, fields: Readonly<Record<string, unknown>>): void => {
    say(JSON.stringify({ event, ...fields }));
  };
  return {
    baseline: ({ exit, ms }, number) => {
      tell("baseline", { number, exit: exitText(exit), ms: Math.round(ms) });
    },
    begin: ({ baselines, each, whole, ...rest }) => {
      tell("begun", {
        baselines: baselines.length,
        ...rest,
        each: Math.round(each),
        whole: Math.round(whole),
      });
    },
    event: (event) => {
      tell(event.kind, fieldsOf(event));
    },
    note: (text) => {
      tell("note", { text });
    },
    end: () => undefined,
  };
}

function fieldsOf(event: SweepEvent): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case "planned":
      return { what: event.what, cases: event.cases };
    case "case_started":
      return { case: event.case.id, name: event.case.name, ...progressOf(event.progress) };
    case "confirming":
      return {
        case: event.case.id,
        name: event.case.name,
        signature: event.alarm.signature,
        failed: event.failed,
        runs: event.runs,
      };
    case "case_over": {
      const { case: of, verdict, alarms, confirmation, run, note } = event.result;
      const ms = run === null ? null : Math.round(run.ms);
      return {
        case: of.id,
        name: of.name,
        verdict,
        alarms,
        confirmation,
        ms,
        note: note ?? null,
        recalled: event.recalled,
        ...progressOf(event.progress),
      };
    }
    case "finding": {
      const { number, verdict, signature, title, confirmation, file, results } = event.finding;
      return {
        number,
        verdict,
        signature,
        title,
        confirmation,
        file,
        known: event.known,
        cases: results.map((one) => one.case.id),
      };
    }
    case "control":
      return { failed: event.failed, controls: event.controls, text: event.text };
    case "trouble":
      return { label: event.label, text: event.text };
    case "stopping":
      return { stop: event.stop };
  }
}

function progressOf({ done, planned, elapsed, left, runs }: Progress): Readonly<Record<string, unknown>> {
  return {
    done,
    planned,
    runs,
    elapsed_ms: Math.round(elapsed),
    left_ms: left === null ? null : Math.round(left),
  };
}
