/** A replay file as text: a profile that `squall use` takes as well, with the case that it stands for. */
import { stringify } from "yaml";
import type { CaseBlock, CaseInput } from "../../config/case-block.js";
import { formatDuration } from "../../core/units.js";
import { version } from "../../version.js";
import type { FaultInput } from "../contract/run.js";

export interface Shrunk {
  readonly from: number;
  readonly to: number;
  readonly runs: number;
  /** Milliseconds. */
  readonly took: number;
  /** Why it may be smaller still; null if nothing more was to be tried. */
  readonly partly: "runs" | "time" | "interrupted" | null;
  /** Whether single hits were told apart, or whole faults only. */
  readonly level: "hits" | "profile";
}

export interface ReplayCase {
  readonly title: string;
  readonly signature: string;
  readonly sites: readonly string[];
  readonly foundBy: string;
  readonly seed: number;
  readonly failed: { readonly failed: number; readonly runs: number };
  readonly clean: { readonly failed: number; readonly runs: number };
  readonly shrunk: Shrunk | null;
  readonly threshold: string | null;
  /** Where commands run, relative to where the command was started; empty for there. */
  readonly folder: string;
  /** With the keys of the run file. */
  readonly run: Readonly<Record<string, unknown>>;
  readonly faults: readonly FaultInput[];
}

const HEAD = [
  "# squall replay FILE runs it again and says whether it still fails; squall use FILE only switches its faults on.",
  "",
].join("\n");

/** `name` is that of the profile, such as `case-0007`; `node` the version of the runtime. */
export function caseText(name: string, of: ReplayCase, node: string): string {
  const { failed, clean, shrunk, sites, folder } = of;
  const block: CaseInput = {
    version: 1,
    title: of.title,
    signature: of.signature,
    ...(sites.length === 0 ? {} : { sites: [...sites] }),
    found_by: of.foundBy,
    seed: of.seed,
    failed: `${failed.failed} of ${failed.runs}`,
    clean: `${clean.failed} of ${clean.runs}`,
    ...(shrunk === null ? {} : { shrunk: shrunkInput(shrunk) }),
    threshold: of.threshold,
    made_by: `squall ${version}, node ${node.replace(/^v/u, "")}`,
    ...(folder === "" ? {} : { folder }),
    run: { ...of.run },
  };
  const profile = { profile: name, summary: of.title, faults: of.faults, case: block };
  return HEAD + stringify(profile, { lineWidth: 120, aliasDuplicateObjects: false });
}

function shrunkInput({ from, to, runs, took, partly, level }: Shrunk): CaseInput["shrunk"] {
  return {
    from,
    to,
    runs,
    took: formatDuration(Math.round(took / 1_000) * 1_000),
    ...(partly === null ? {} : { partly }),
    ...(level === "profile" ? { level } : {}),
  };
}

/** The lines that `squall explain` and `squall replay` show of it. */
export function caseLines({
  title,
  signature,
  failed,
  clean,
  found_by: foundBy,
  shrunk,
  threshold,
  run,
}: CaseBlock): string[] {
  const made =
    shrunk === null || shrunk === undefined
      ? []
      : [
          `Shrunk from ${shrunk.from} to ${shrunk.to} in ${shrunk.runs} runs (${shrunk.took})` +
            (shrunk.partly === undefined
              ? ""
              : `, and may be smaller still: it was stopped (${shrunk.partly})`),
        ];
  const command = Array.isArray(run["command"]) ? run["command"].join(" ") : run["command"];
  return [
    `A replay file: ${title ?? signature}`,
    `Known by: ${signature}`,
    `Failed ${failed.of} of ${failed.among} runs, and ${clean.of} of ${clean.among} without faults${foundBy === undefined ? "" : `; found by ${foundBy}`}`,
    ...(typeof command === "string" ? [`Runs: ${command}`] : []),
    ...made,
    ...(typeof threshold === "string" ? [`Threshold: ${threshold}`] : []),
  ];
}
