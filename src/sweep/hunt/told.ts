/** What is told of a failure that a hunt came upon, by what came of shrinking it; and how long that may take. */
import type { ReplayCase } from "../replay/case-file.js";
import type { ShrinkResult } from "../shrink/shrink.js";
import { titleOf } from "../shrink/title.js";
import type { Failure } from "./hunt.js";

export type Told = Pick<ReplayCase, "title" | "signature" | "failed" | "shrunk" | "threshold" | "faults"> & {
  /** Whether there is to be a file that replays it. */
  readonly written: boolean;
};

const ONCE = { failed: 1, runs: 1 } as const;

/**
 * The failure, and others that came up on the way, unless they are known by their signatures. `result` is null where it did not fail again:
 * for want of time, or though there was time.
 */
export function toldOf(
  { faults, signature, alarm }: Pick<Failure, "faults" | "signature" | "alarm">,
  result: ShrinkResult | null,
  { wasInTime, known }: { readonly wasInTime: boolean; readonly known: ReadonlySet<string> },
): Told[] {
  const plain = { shrunk: null, threshold: null, failed: ONCE };
  if (result === null) {
    const how = wasInTime ? "once, and not again: " : "once, and there was no time to run it again: ";
    const title = titleOf({ faults, signature, alarms: [alarm] }, how);
    return [{ ...plain, title, signature, faults, written: !wasInTime }];
  }
  const { failed, shrunk, threshold } = result;
  const own = { title: titleOf(result), signature: result.signature, faults: result.faults };
  const news = result.others.filter((other) => !known.has(other.signature));
  return [
    { ...own, failed, shrunk, threshold, written: true },
    ...news.map((other) => ({
      ...plain,
      title: titleOf({ ...other, alarms: [] }, "once, and it was not run again: "),
      signature: other.signature,
      faults: other.faults,
      written: true,
    })),
  ];
}

/** Milliseconds for shrinking one failure: of a budget, what is left. */
export function timeToShrink(
  most: number,
  budget: number | null,
  { since, now }: { readonly since: number; readonly now: number },
): number {
  return budget === null ? most : Math.max(0, Math.min(most, since + budget - now));
}
