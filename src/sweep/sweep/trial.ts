/** One case from its run to its verdict: run, judged, and confirmed where something is against it. */
import type { Case } from "../contract/case.js";
import type { Alarm, CaseResult } from "../contract/finding.js";
import type { RunResult, Runner } from "../contract/run.js";
import type { PlaceOf } from "../oracles/calls.js";
import { leading } from "../oracles/judge.js";
import { confirm } from "./confirm.js";
import type { Controls } from "./controls.js";
import type { OnSweepEvent } from "./events.js";
import { edgesOf, reachOf } from "./reach.js";
import type { SweepSettings } from "./settings.js";

export interface TrialMeans {
  readonly runner: Runner;
  readonly controls: Controls;
  readonly place: PlaceOf;
  readonly settings: SweepSettings;
  readonly tell: OnSweepEvent;
  /** Whether there is time for no other run. */
  readonly isOver: () => boolean;
  /** Called with each run that was made with the faults. */
  readonly saw: (run: RunResult) => void;
  /** Whether a finding shows these alarms at the same place, and was confirmed. */
  readonly isKnown: (of: Case, alarms: readonly Alarm[]) => boolean;
  /** The alarms without those that an experiment has shown to mean no harm, and why they went. */
  readonly sift: (alarms: readonly Alarm[]) => Promise<Sifted>;
}

export interface Sifted {
  readonly alarms: readonly Alarm[];
  /** Signatures of those that went. */
  readonly harmless: ReadonlySet<string>;
  readonly note?: string;
}

/** Throws what the runner throws. */
export async function tryCase(of: Case, means: TrialMeans): Promise<CaseResult> {
  const { runner, controls, place, settings, tell } = means;
  const { seed } = settings;
  let edges: readonly string[] = [];
  let shown: RunResult | null = null;
  let note: string | undefined;
  for (let passed = 0; passed < settings.repeat && (passed === 0 || !means.isOver()); passed++) {
    const run = await runner.run({ label: of.name, faults: of.faults, seed });
    means.saw(run);
    const reach = reachOf(of, run);
    if (reach === "none") {
      // Nothing was done to it, so what it did wrong it does by itself.
      controls.take(run);
      return { ...plain(of, run), verdict: "not reached" };
    }
    shown ??= run;
    edges = edgesOf(run, controls.baselines, place);
    const sifted = await means.sift(controls.judge(run, of.faults).alarms);
    note ??= sifted.note;
    const alarm = leading(sifted.alarms);
    if (alarm !== null) {
      const sift = (alarms: readonly Alarm[]): readonly Alarm[] =>
        alarms.filter(({ signature }) => !sifted.harmless.has(signature));
      // Before others come after it, since only the latest can still have their folders.
      const folder = (await runner.keep?.(run)) ?? run.folder;
      const kept = note === undefined ? {} : { note };
      if (means.isKnown(of, sifted.alarms))
        return {
          case: of,
          verdict: alarm.verdict,
          alarms: sifted.alarms,
          confirmation: null,
          run: { ...run, folder },
          edges,
          ...kept,
        };
      const first = { case: of, run: { ...run, folder }, alarms: sifted.alarms, alarm, passed };
      const found = await confirm(first, { runner, controls, seed, tell, sift, isOver: means.isOver });
      return { case: of, ...found, edges, ...kept };
    }
    if (reach === "some") return { ...plain(of, run), verdict: "not reached", edges };
  }
  if (shown === null) throw new Error("a case is run once at least");
  return { ...plain(of, shown), edges, ...(note === undefined ? {} : { note }) };
}

function plain(of: Case, run: RunResult): CaseResult {
  return { case: of, verdict: "survived", alarms: [], confirmation: null, run, edges: [] };
}

/** Of a run with nothing in it only the figures are kept: its record may be long, and there may be many. */
export function light(result: CaseResult): CaseResult {
  if (result.run === null || result.alarms.length > 0) return result;
  const record = { exchanges: [], connections: [], queries: [], flows: [], hits: [] };
  return { ...result, run: { ...result.run, record, output: { stdout: "", stderr: "" } } };
}
