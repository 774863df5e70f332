/** One line of a plot as SVG paths, in pixels: what is not known is a gap in it, and a value that stands alone is seen. Pure. */

export interface PlotBox {
  readonly width: number;
  /** Where the highest value that there is room for is, and where nought is. */
  readonly top: number;
  readonly bottom: number;
  /** That value. */
  readonly most: number;
}

export interface PlotPaths {
  readonly line: string;
  /** What is between the line and nought. */
  readonly area: string;
}

/** Of a step, how far from its middle the value is drawn in a line that is not stepped: a lone one is a dash. */
const AROUND = 0.2;

/** `at` are the beginnings of steps, all of the same length. */
export function pathsOf(
  values: readonly (number | null)[],
  at: readonly number[],
  { from, until }: { readonly from: number; readonly until: number },
  { width, top, bottom, most }: PlotBox,
  stepped: boolean,
): PlotPaths {
  const step = (at[1] ?? until) - (at[0] ?? from);
  const x = (time: number): string => fixed(((time - from) / (until - from)) * width);
  const y = (value: number): string => fixed(bottom - (most === 0 ? 0 : value / most) * (bottom - top));
  const [left, right] = stepped ? [0, 1] : [0.5 - AROUND, 0.5 + AROUND];
  let [line, area] = ["", ""];
  for (const [index, value] of values.entries()) {
    const begin = at[index];
    if (value === null || begin === undefined) continue;
    const [first, last] = [x(begin + left * step), x(begin + right * step)];
    const isFirst = (values[index - 1] ?? null) === null;
    line += `${isFirst ? "M" : "L"}${first} ${y(value)}L${last} ${y(value)}`;
    area += `${isFirst ? `M${first} ${fixed(bottom)}` : ""}L${first} ${y(value)}L${last} ${y(value)}`;
    if ((values[index + 1] ?? null) === null) area += `L${last} ${fixed(bottom)}`;
  }
  return { line, area };
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
