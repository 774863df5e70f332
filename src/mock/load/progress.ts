/** How far a load is, as one line that a terminal draws again and again. */
import type { Formatter } from "picocolors/types.js";
import type { Progress } from "./load.js";

const WIDTH = 30;

export interface BarColours {
  readonly green: Formatter;
  readonly yellow: Formatter;
  readonly dim: Formatter;
}

/** Finished, under way (leased), and submitted jobs, as shares of all. */
export function progressBar({ jobs, submitted, leased, finished }: Progress, colours: BarColours): string {
  const cells = (count: number): number => Math.floor((WIDTH * Math.min(count, jobs)) / jobs);
  const done = cells(finished);
  const busy = Math.max(cells(finished + leased) - done, 0);
  const there = Math.max(cells(submitted) - done - busy, 0);
  const bar = [
    colours.green("█".repeat(done)),
    colours.yellow("▓".repeat(busy)),
    colours.dim("░".repeat(there)),
    " ".repeat(WIDTH - done - busy - there),
  ].join("");
  const share = Math.floor((100 * finished) / jobs);
  return `[${bar}] ${String(share).padStart(3)} %  ${finished}/${jobs} done, ${leased} leased, ${submitted} submitted`;
}
