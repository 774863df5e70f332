/** What was switched on while the lanes were watched, as bands above and behind them: profiles, their phases, and marks. Pure. */
import type { LiveBand } from "../../live/contract.js";
import { xOf, type Scale } from "./layout.js";

export interface Band {
  readonly x: number;
  readonly width: number;
  readonly label: string;
  /** Below each other where several profiles are on; from 0. */
  readonly row: number;
  /** Every second phase of a profile is shaded otherwise. */
  readonly odd: boolean;
}

export interface Line {
  readonly x: number;
  readonly label: string;
  readonly kind: "mark" | "on" | "off";
}

export interface BandLayout {
  readonly bands: readonly Band[];
  readonly lines: readonly Line[];
  /** Rows of bands, 0 for none. */
  readonly rows: number;
}

const ROWS_MAX = 4;

export function layBands(all: readonly LiveBand[], scale: Scale, now: number): BandLayout {
  const bands: Band[] = [];
  const lines: Line[] = [];
  const rowOf = new Rows();
  const sorted = [...all].sort((one, other) => one.at - other.at);
  const phased = new Set(sorted.flatMap(({ activation, phase }) => (phase === null ? [] : [activation])));
  const counts = new Map<string | null, number>();
  for (const { activation, profile, phase, mark, at, until } of sorted) {
    const x = xOf(at, scale);
    const end = xOf(until ?? now, scale);
    const isSeen = end >= 0 && x <= scale.width;
    if (mark !== null) {
      if (isSeen) lines.push({ x, label: mark, kind: "mark" });
      continue;
    }
    const nth = counts.get(activation) ?? 0;
    if (phase !== null) counts.set(activation, nth + 1);
    const row = rowOf.row(activation ?? "", at, until ?? Infinity);
    if (!isSeen) continue;
    const label = phase === null ? (profile ?? "") : `${profile ?? ""}: ${phase}`;
    // Its phases show that it is on; a profile without any is one band.
    if (phase !== null || !phased.has(activation))
      bands.push({
        x: Math.max(x, 0),
        width: Math.min(end, scale.width) - Math.max(x, 0),
        label,
        row,
        odd: nth % 2 === 1,
      });
    if (phase !== null) continue;
    if (x >= 0) lines.push({ x, label: `${label} on`, kind: "on" });
    if (until !== null && end <= scale.width) lines.push({ x: end, label: `${label} off`, kind: "off" });
  }
  return { bands, lines, rows: bands.reduce((most, { row }) => Math.max(most, row + 1), 0) };
}

/** An activation keeps the row that it has got; one that is over leaves it to others. */
class Rows {
  readonly #of = new Map<string, number>();
  readonly #until: number[] = [];

  row(activation: string, at: number, until: number): number {
    let row = this.#of.get(activation);
    if (row === undefined) {
      row = this.#until.findIndex((end) => end <= at);
      if (row < 0) row = Math.min(this.#until.length, ROWS_MAX - 1);
      this.#of.set(activation, row);
    }
    this.#until[row] = Math.max(this.#until[row] ?? 0, until);
    return row;
  }
}
