/** Bars with whiskers as SVG: plain text that is readable on light and dark pages. */
import { format } from "./format.mjs";

const WIDTH = 820;
const NAMES = 260;
const FIGURES = 90;
const LINE = 24;
const BAR = 14;
const TOP = 44;
const BOTTOM = 12;
/** How far beyond the longest bar the axis goes; whiskers that are longer end there. */
const ROOM = 1.15;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .bar { fill: #8c959f } .own { fill: #0969da } .direct { fill: #d0d7de }
  .whisker { stroke: #24292f; stroke-width: 1.5 } .missing { font-style: italic; fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .bar { fill: #6e7681 } .own { fill: #4493f8 } .direct { fill: #373e47 }
    .whisker { stroke: #e6edf3 } .missing { fill: #8b949e }
  }
`;

/** One chart for each unit among the rows that a case wants drawn: `{ file, title, svg }`. */
export function charts({ name, title, rows, charts: wanted = [] }) {
  const drawn = rows.filter((row) => wanted.includes(row.name));
  const units = [...new Set(drawn.map(({ unit }) => unit))];
  return units
    .map((unit) => ({ unit, bars: drawn.filter((row) => row.unit === unit) }))
    .filter(({ bars }) => bars.filter(({ values }) => values.length > 0).length > 1)
    .map(({ unit, bars }, n) => ({
      file: n === 0 ? `${name}.svg` : `${name}-${n + 1}.svg`,
      title: `${title}, ${unit}`,
      svg: chart(`${title}, ${unit}`, bars),
    }));
}

/** Rows as horizontal bars of their median, with whiskers from the smallest to the largest round. */
export function chart(title, rows) {
  const measured = rows.filter(({ values }) => values.length > 0);
  const most = Math.max(0, ...measured.map(({ median }) => median)) * ROOM;
  const least = Math.min(0, ...measured.map(({ median }) => median)) * ROOM;
  const span = most - least || 1;
  const room = WIDTH - NAMES - FIGURES;
  const x = (value) => NAMES + ((Math.min(most, Math.max(least, value)) - least) / span) * room;
  const height = TOP + rows.length * LINE + BOTTOM;
  const lines = rows.map((row, n) => line(row, TOP + n * LINE, x));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<text class="title" x="8" y="22">${escaped(title)}</text>
${lines.join("\n")}
</svg>
`;
}

function line(row, y, x) {
  const middle = y + LINE / 2;
  const name = `<text x="${NAMES - 8}" y="${middle + 4}" text-anchor="end">${escaped(row.name)}</text>`;
  if (row.values.length === 0) {
    const why = row.missing === undefined ? "failed" : "not measured";
    return `${name}\n<text class="missing" x="${NAMES + 4}" y="${middle + 4}">${why}</text>`;
  }
  const [zero, end, min, max] = [0, row.median, row.min, row.max].map((value) => Number(x(value).toFixed(1)));
  const kind = row.name.startsWith("Squall") ? "own" : row.name.startsWith("direct") ? "direct" : "bar";
  return [
    name,
    `<rect class="${kind}" x="${Math.min(zero, end)}" y="${middle - BAR / 2}" width="${Math.abs(end - zero).toFixed(1)}" height="${BAR}"/>`,
    `<line class="whisker" x1="${min}" y1="${middle}" x2="${max}" y2="${middle}"/>`,
    `<text x="${WIDTH - 8}" y="${middle + 4}" text-anchor="end">${escaped(format(row.median))}</text>`,
  ].join("\n");
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
