/** Several cases in one run: all that were hit have survived it, or something is wrong, and then each is run by itself. */
import type { Case } from "../contract/case.js";
import type { CaseResult } from "../contract/finding.js";
import type { RunResult } from "../contract/run.js";
import { cellsHit } from "./reach.js";
import type { TrialMeans } from "./trial.js";

export interface Unpacked {
  /** Of those that are decided. */
  readonly results: readonly CaseResult[];
  /** Those that are to be run by themselves: all where there was an alarm, and else those that were not hit. */
  readonly left: readonly Case[];
}

/** `of` has the cells of all members, in their order. Throws what the runner throws. */
export async function tryPack(of: Case, members: readonly Case[], means: TrialMeans): Promise<Unpacked> {
  const { runner, controls, settings } = means;
  let shown: RunResult | null = null;
  let hit = members;
  for (let passed = 0; passed < settings.repeat && (passed === 0 || !means.isOver()); passed++) {
    const run = await runner.run({ label: of.name, faults: of.faults, seed: settings.seed });
    means.saw(run);
    // Whether a suspicion means no harm is asked of each by itself.
    if (controls.judge(run, of.faults).alarms.length > 0) return { results: [], left: members };
    shown = run;
    const acted = cellsHit(of, run);
    hit = hit.filter((one) => acted[members.indexOf(one)] === true);
  }
  const run = shown;
  if (run === null) return { results: [], left: members };
  // What the client did about which of the faults is not known, so that no pairs follow.
  const results = hit.map((one): CaseResult => ({
    case: one,
    verdict: "survived (packed)",
    alarms: [],
    confirmation: null,
    run,
    edges: [],
  }));
  return { results, left: members.filter((one) => !hit.includes(one)) };
}
