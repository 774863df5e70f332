/**
 * A profile's timeline as lines of text: the phases, and below them a row for each fault that shows when it is there.
 *
 *     calm 5s, away 5s, warm-up 10s; 20s in all
 *       down     ··········██████████····················
 *       latency  ····················████▓▓▓▓▓▒▒▒▒▒▒░░░░░
 *
 * Full where all are hit, half where a share of them is, and going from thin to full or back along a ramp.
 */
import { pictureOf, type CourseRow, type CourseSpan } from "../plan/picture.js";
import type { CompiledProfile } from "../plan/value.js";

const WIDTH = 40;
const NOTHING = "·";
const SHADES = ["░", "▒", "▓", "█"] as const;
const SOME = "▒";
const ALL = "█";
const ON = "▶";

export function drawTimeline(profile: CompiledProfile): string[] {
  const { headline, shown_ms: shown, rows } = pictureOf(profile);
  const width = Math.max(0, ...rows.map(({ fault }) => fault.length));
  return [headline, ...rows.map((row) => `  ${row.fault.padEnd(width)}  ${cellsOf(row, shown)}`)];
}

function cellsOf({ spans, goes_on: goesOn }: CourseRow, shown: number): string {
  const cells = new Array<string>(WIDTH).fill(NOTHING);
  const at = (time: number): number => Math.min(WIDTH, Math.round((time * WIDTH) / shown));
  for (const { from_ms: from, until_ms: until, level } of spans) {
    // What is there for a moment only is to be seen all the same.
    const first = Math.min(at(from), WIDTH - 1);
    const last = Math.max(at(until), first + 1);
    for (let cell = first; cell < last; cell++)
      cells[cell] = shade(level, (cell - first + 0.5) / (last - first));
  }
  return `${cells.join("")}${goesOn ? ON : ""}`;
}

function shade(level: CourseSpan["level"], done: number): string {
  if (level === "all") return ALL;
  if (level === "some") return SOME;
  const share = level === "rising" ? done : 1 - done;
  return SHADES[Math.min(SHADES.length - 1, Math.floor(share * SHADES.length))] ?? ALL;
}
