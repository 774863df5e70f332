/** Findings to replay files: a new one, or the one that says the same already. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import type { Finding } from "../contract/finding.js";
import type { RunSettings } from "../run-file/settings.js";
import { caseText, type ReplayCase } from "./case-file.js";
import { Failures } from "./failures.js";
import { readCase } from "./read-case.js";
import { runBlockOf } from "./run-block.js";

export interface WriteMeans {
  readonly settings: RunSettings;
  /** Where the command was started: files are told relative to it. */
  readonly cwd: string;
  /** The version of the runtime. */
  readonly node: string;
}

/** A finding of a sweep, as it is told there: its first case. Null for one that was not run. */
export function findingCase(
  finding: Finding,
  { settings, cwd }: Omit<WriteMeans, "node">,
): ReplayCase | null {
  const [result] = finding.results;
  if (result === undefined) return null;
  const { confirmation } = finding;
  return {
    title: finding.title,
    signature: signatureWords(finding),
    sites: [...new Set(result.case.cells.map(({ site }) => site.id))],
    foundBy: `sweep ${result.case.name}`,
    seed: settings.seed,
    failed: { failed: confirmation.failed, runs: confirmation.runs },
    clean: confirmation.controls,
    shrunk: null,
    threshold: null,
    folder: relative(cwd, settings.folder),
    run: runBlockOf(settings),
    faults: result.case.faults,
  };
}

/** Writes it, unless there is a file of the same faults and the same failure. Answers the path, relative to where Squall was started. */
export function writeCase(of: ReplayCase, { settings, cwd, node }: WriteMeans): string {
  const failures = new Failures(settings.directory);
  const same = failures.all().find((file) => saysTheSame(file, of));
  if (same !== undefined) {
    const name = readCase(readFileSync(same, "utf8"), same).name;
    failures.replace(same, caseText(name, of, node));
    return relative(cwd, same);
  }
  return relative(
    cwd,
    failures.write((name) => caseText(name, of, node)),
  );
}

/** Its signature has the verdict in front, unless it has it already. */
function signatureWords({ signature, results: [result] }: Finding): string {
  const [alarm] = result?.alarms.filter((one) => signature.endsWith(one.signature)) ?? [];
  return alarm === undefined || signature.startsWith(`${alarm.verdict} `)
    ? signature
    : `${alarm.verdict} ${signature}`;
}

/** A file that nobody can read says nothing. */
function saysTheSame(file: string, { signature, faults, run }: ReplayCase): boolean {
  try {
    const known = readCase(readFileSync(file, "utf8"), file);
    return (
      known.case.signature === signature &&
      JSON.stringify(known.faults) === JSON.stringify(faults) &&
      JSON.stringify(known.case.run) === JSON.stringify(run)
    );
  } catch {
    return false;
  }
}
