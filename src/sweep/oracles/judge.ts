/** All oracles over one run, in the order in which they are believed: how it ended, what it left, and what was seen on the wire. */
import type { Alarm, Judgement } from "../contract/finding.js";
import type { FaultInput, RunResult } from "../contract/run.js";
import { accepted } from "./accepted.js";
import { wrongAudit } from "./audit.js";
import { blind } from "./blind.js";
import { bytes } from "./bytes.js";
import { early } from "./early.js";
import { badExit, failedCheck, hang } from "./ending.js";
import type { PlaceOf } from "./calls.js";
import type { Evidence, JudgeOptions, Oracle } from "./evidence.js";
import { inStep } from "./in-step.js";
import { leak } from "./leak.js";
import { lost } from "./lost.js";
import { learnNormal } from "./normal.js";
import { recovery } from "./recovery.js";
import { objectives } from "./slo.js";
import { storm } from "./storm.js";
import { twice } from "./twice.js";

const ORACLES: readonly Oracle[] = [
  hang,
  badExit,
  failedCheck,
  wrongAudit,
  recovery,
  objectives,
  accepted,
  lost,
  twice,
  blind,
  early,
  storm,
  inStep,
  bytes,
  leak,
];

export type Judge = (run: RunResult, faults: readonly FaultInput[]) => Judgement;

/** A judge who has seen these fault-free runs. */
export function judgeBy(baselines: readonly RunResult[], place: PlaceOf, options: JudgeOptions): Judge {
  const normal = learnNormal(baselines, place);
  return (run, faults) => judged({ run, faults, normal, place, options });
}

function judged(evidence: Evidence): Judgement {
  const alarms = ORACLES.flatMap((oracle) => [...oracle(evidence)]);
  return { verdict: leading(alarms)?.verdict ?? "survived", alarms };
}

/** The alarm that a run is known by: the first that is more than a suspicion, or else the first. */
export function leading(alarms: readonly Alarm[]): Alarm | null {
  return alarms.find(({ verdict }) => verdict !== "SUSPECT") ?? alarms[0] ?? null;
}
