/** A sweep over a made-up program: a table says what each run comes to, and no process is started. */
import { VirtualClock } from "../../src/core/clock.js";
import type { Case, Ordinal } from "../../src/sweep/contract/case.js";
import type { CaseResult, Finding } from "../../src/sweep/contract/finding.js";
import type { Exit, RunPlan, RunResult, Runner } from "../../src/sweep/contract/run.js";
import type { Site } from "../../src/sweep/contract/site.js";
import type { SweepEvent } from "../../src/sweep/sweep/events.js";
import type { Memory, WriteFinding } from "../../src/sweep/sweep/memory.js";
import type { SweepOutcome } from "../../src/sweep/sweep/outcome.js";
import type { SweepSettings } from "../../src/sweep/sweep/settings.js";
import { sweep } from "../../src/sweep/sweep/sweep.js";
import { call, placeOf, PLAIN, run } from "./runs.js";

export const SETTINGS: SweepSettings = {
  budget: null,
  repeat: 1,
  strict: false,
  findingsMax: null,
  requireCoverage: null,
  pairs: false,
  seed: 1,
};

export const CALLS = [
  call(0, "POST /v1/lease", { request: { key: "a" } }),
  call(100, "POST /v1/jobs/7/complete"),
];
const FIRST: Ordinal = { word: "first", nth: 1 };

export function site(name: string): Site {
  const [method = "GET", template = "/"] = name.split(" ");
  return {
    protocol: "http",
    id: `jobs bot-# ${name}`,
    proxy: "jobs",
    botClass: "bot-#",
    bot: "bot-1",
    bots: ["bot-1"],
    steadiness: "stable",
    counts: [1, 1, 1],
    method,
    template,
    operation: null,
    ...{ except: [], within: null },
    traits: {
      safe: false,
      authorized: false,
      keepAlive: false,
      reusedAt: null,
      body: 0,
      leastBody: 0,
      leastSent: 0,
      json: false,
      answers: 1,
      keyed: false,
      slowest: 5,
    },
  };
}

export function single(kind: string, at = "POST /v1/jobs/:n/complete", type = "lost_response"): Case {
  const where = site(at);
  const id = `${at} ${kind}`;
  return {
    id,
    name: `${at.split("/").at(-1) ?? ""}:${kind}:first`,
    cells: [{ site: where, kind, ordinal: FIRST }],
    faults: [{ type, name: "f1" }],
  };
}

/** What one run comes to: the n-th of its label, from 1. Whatever it does not say is as in fault-free runs. */
export type Story = (plan: RunPlan, nth: number) => Partial<RunResult> | Error | undefined;

export interface MadeUp {
  readonly cases: readonly Case[];
  readonly story?: Story;
  readonly settings?: Partial<SweepSettings>;
  readonly usually?: Partial<RunResult>;
  readonly jobs?: number;
  readonly memory?: Memory;
  /** When its budget began, where the clock is at 0. */
  readonly since?: number;
  /** In place of files that can always be written. */
  readonly writeFinding?: WriteFinding;
  /** Cases that could have been planned, and were not. */
  readonly unplanned?: readonly Case[];
  readonly pairsAfter?: (result: CaseResult) => readonly Case[];
}

export interface Told {
  readonly outcome: SweepOutcome;
  readonly events: readonly SweepEvent[];
  /** Ids of cases, and labels of other runs, in the order in which they were begun. */
  readonly runs: readonly string[];
  /** As people see them. */
  readonly labels: readonly string[];
  /** Of runs that were to have no other one beside them. */
  readonly alone: readonly string[];
  readonly written: readonly Finding[];
  /** The most runs that were under way at a time. */
  readonly busiest: number;
}

export const exitOne: Exit = { kind: "exit", code: 1 };
/** Each run takes a second. */
const RUN = 1_000;

export async function madeUpSweep(made: MadeUp): Promise<Told> {
  const clock = new VirtualClock();
  const events: SweepEvent[] = [];
  const runs: string[] = [];
  const labels: string[] = [];
  const alone: string[] = [];
  const written: Finding[] = [];
  const counts = new Map<string, number>();
  /** Runs are labelled by names for people; here stories are told by ids. */
  const ids = new Map<string, string>();
  const known = <T extends readonly Case[]>(cases: T): T => {
    for (const { id, name } of cases) ids.set(name, id);
    return cases;
  };
  known([...made.cases, ...(made.unplanned ?? [])]);
  let busy = 0;
  let busiest = 0;
  const runner: Runner = {
    jobs: made.jobs ?? 1,
    run: async (asked) => {
      labels.push(asked.label);
      if (asked.alone === true) alone.push(asked.label);
      const plan = { ...asked, label: ids.get(asked.label) ?? asked.label };
      busiest = Math.max(busiest, ++busy);
      runs.push(plan.label);
      const nth = (counts.get(plan.label) ?? 0) + 1;
      counts.set(plan.label, nth);
      await Promise.resolve();
      clock.advance(RUN);
      busy--;
      const told = made.story?.(plan, nth);
      if (told instanceof Error) throw told;
      const outcomes = plan.faults.map(({ name }) => ({ fault: name, subjects: 1, matched: 1, hits: 1 }));
      return run(CALLS, { label: plan.label, ms: RUN, outcomes, ...made.usually, ...told });
    },
  };
  const outcome = await sweep({
    runner,
    baselines: [1, 2, 3].map(() => run(CALLS, { ms: RUN, ...made.usually })),
    planner: {
      singles: made.cases,
      pairsAfter: (result) => known(made.pairsAfter?.(result) ?? []),
      together: (cases) => {
        const pack: Case = {
          id: cases.map(({ id }) => id).join(" + "),
          name: cases.map(({ name }) => name).join(" + "),
          cells: cases.flatMap(({ cells }) => cells),
          faults: cases.flatMap(({ faults }, index) =>
            faults.map((fault) => ({ ...fault, name: `${fault.name}-${index + 1}` })),
          ),
        };
        known([pack]);
        return pack;
      },
      repeatedAt: (id) =>
        [...made.cases, ...(made.unplanned ?? [])].find(
          ({ cells: [cell], faults: [fault] }) => cell?.site.id === id && fault?.type === "duplicate_request",
        ) ?? null,
    },
    place: placeOf,
    judge: PLAIN,
    settings: { ...SETTINGS, ...made.settings },
    clock,
    ...(made.since === undefined ? {} : { since: clock.now() + made.since }),
    tell: (event) => events.push(event),
    ...(made.memory === undefined ? {} : { memory: made.memory }),
    writeFinding: (finding) => {
      written.push(finding);
      if (made.writeFinding !== undefined) return made.writeFinding(finding);
      return Promise.resolve(`failures/${String(finding.number).padStart(4, "0")}.yaml`);
    },
  });
  return { outcome, events, runs, labels, alone, written, busiest };
}
