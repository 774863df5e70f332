/**
 * `case:` of a profile: what makes it a replay file. It says which failure the faults bring about, in which command, and how often they
 * did. A daemon that is told to use the profile ignores it; `squall replay` runs it.
 */
import { z } from "zod";
import { count, shown } from "../faults/params.js";

const text = (): z.ZodString =>
  z
    .string({ error: (issue) => `expected text, got ${shown(issue.input)}` })
    .regex(/\S/u, { error: "expected text, got nothing" });

/** `3 of 3`, as `{ of: 3, among: 3 }`. */
function share(): z.ZodType<{ readonly of: number; readonly among: number }, string> {
  const error = (issue: { readonly input?: unknown }): string =>
    `expected a count such as 3 of 3, got ${shown(issue.input)}`;
  return z
    .string({ error })
    .regex(/^\d{1,9} of \d{1,9}$/u, { error })
    .transform((words) => {
      const [of = 0, among = 0] = words.split(" of ").map(Number);
      return { of, among };
    })
    .refine(({ of, among }) => of <= among, { error: "no more can fail than were run" });
}

const VERSION = 1;
const STOPS = ["runs", "time", "interrupted"] as const;

const shrunkShape = z.strictObject({
  from: count().describe("hits, or faults, of the run that was shrunk"),
  to: count().describe("those that are left"),
  runs: count().describe("runs that it took"),
  took: text().describe("how long it took, such as 38s"),
  partly: z
    .enum(STOPS, { error: (issue) => `expected one of ${STOPS.join(", ")}, got ${shown(issue.input)}` })
    .optional()
    .describe("why it may be smaller still: which limit was reached"),
  level: text()
    .optional()
    .describe("`profile` where whole faults were left out, since single hits cannot be said"),
});

export const caseShape = z.strictObject({
  version: z
    .literal(VERSION, {
      error: (issue) => `expected ${VERSION}, the only version there is, got ${shown(issue.input)}`,
    })
    .describe("of this block"),
  title: text().optional().describe("one line for people: what was done, and what came of it"),
  signature: text().describe("by what the failure is known again, such as WRONG audit:/duplicates"),
  sites: z.array(text()).optional().describe("the calls at which the faults are"),
  found_by: text().optional().describe("what found it, such as sweep complete:lost:first"),
  seed: count().describe("of all that is drawn"),
  failed: share().describe("how many runs failed with these faults, such as 3 of 3"),
  clean: share().describe("how many fault-free runs failed, such as 0 of 9"),
  shrunk: shrunkShape.nullish().describe("what it was made smaller from"),
  threshold: text().nullish().describe("from what value on it fails, where that was looked for"),
  made_by: text().optional().describe("the version that wrote it, and its runtime"),
  folder: text().optional().describe("where the command runs, relative to where squall replay is started"),
  run: z
    .record(z.string(), z.unknown(), {
      error: (issue) => `expected the settings of a run, as in squall.run.yaml, got ${shown(issue.input)}`,
    })
    .describe("what is run, with the keys of squall.run.yaml"),
});

/** What a replay file says beyond its faults. */
export type CaseBlock = z.output<typeof caseShape>;
export type CaseInput = z.input<typeof caseShape>;
