/** Rate, latency and fault hits above the lanes: three plots on the axis of the lanes, with one cursor. */
import { duration, rate } from "../format.js";
import type { Theme } from "../theme.js";
import { dashed, drawingOn, fitCanvas } from "./canvas.js";
import type { Stretch } from "./gestures.js";
import { pathsOf } from "./plot-paths.js";
import type { Series } from "./series.js";
import type { TimeWindow } from "./window.js";

type Values = readonly (number | null)[];

interface Line {
  readonly label: string;
  readonly colour: string;
  readonly dash?: number[];
  readonly filled?: string;
  readonly stepped?: true;
}

interface Kind {
  readonly label: string;
  readonly lines: readonly Line[];
  /** Of each line. */
  readonly data: (series: Series) => readonly Values[];
  readonly text: (value: number) => string;
}

const KINDS: readonly Kind[] = [
  {
    label: "rate",
    lines: [{ label: "exchanges", colour: "--fine", filled: "--sunken", stepped: true }],
    data: ({ rate: began }) => [began],
    text: rate,
  },
  {
    label: "latency",
    lines: [
      { label: "95 of 100", colour: "--late", dash: [4, 3] },
      { label: "median", colour: "--ink" },
    ],
    data: ({ median, slow }) => [slow, median],
    text: duration,
  },
  {
    label: "fault hits",
    lines: [
      { label: "hit", colour: "--changed", filled: "--changed-soft", stepped: true },
      { label: "no whole answer", colour: "--cut", dash: [2, 2], stepped: true },
    ],
    data: ({ hits, bad }) => [hits, bad],
    text: rate,
  },
];

/** In pixels: of the whole, and what is left free above and below the lines. */
const HEIGHT = 46;
const ABOVE = 4;
const BELOW = 1;
/** The highest value leaves room for its own label. */
const HEADROOM = 1.15;

export interface PlotView {
  readonly window: TimeWindow;
  readonly width: number;
  /** Across, in pixels; null for none. */
  readonly cursor: number | null;
  readonly choosing: Stretch | null;
}

export class Plots {
  readonly #canvases: readonly HTMLCanvasElement[];
  readonly #theme: Theme;

  constructor(canvases: readonly HTMLCanvasElement[], theme: Theme) {
    this.#canvases = canvases;
    this.#theme = theme;
  }

  /** Of all plots, and what each says at the time, in words. */
  static readonly kinds = KINDS.map(({ label, lines }) => ({ label, lines }));

  paint(series: Series, view: PlotView): void {
    for (const [index, canvas] of this.#canvases.entries()) {
      const kind = KINDS[index];
      fitCanvas(canvas, view.width, HEIGHT);
      const context = drawingOn(canvas);
      if (kind !== undefined && context !== null) this.#paint(context, kind, series, view);
    }
  }

  #paint(context: CanvasRenderingContext2D, kind: Kind, series: Series, view: PlotView): void {
    const { window, width, cursor, choosing } = view;
    context.clearRect(0, 0, width, HEIGHT);
    const data = kind.data(series);
    const most = data.flat().reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
    const box = { width, top: ABOVE, bottom: HEIGHT - BELOW, most: most * HEADROOM };
    for (const [index, line] of kind.lines.entries()) {
      const paths = pathsOf(data[index] ?? [], series.at, window, box, line.stepped === true);
      if (line.filled !== undefined) {
        context.fillStyle = this.#theme.colour(line.filled);
        context.fill(new Path2D(paths.area));
      }
      context.strokeStyle = this.#theme.colour(line.colour);
      context.lineWidth = 1.5;
      context.setLineDash(line.dash ?? []);
      context.stroke(new Path2D(paths.line));
    }
    context.setLineDash([]);
    if (choosing !== null) {
      context.fillStyle = this.#theme.colour("--accent");
      context.globalAlpha = 0.16;
      context.fillRect(choosing.from, 0, choosing.to - choosing.from, HEIGHT);
      context.globalAlpha = 1;
    }
    if (cursor !== null) {
      context.fillStyle = this.#theme.colour("--soft");
      dashed(context, cursor, 0, HEIGHT, 3);
    }
    if (most > 0) this.#write(context, kind.text(most));
  }

  /** How high it goes, within the plot. */
  #write(context: CanvasRenderingContext2D, text: string): void {
    context.font = `10px ${this.#theme.colour("--sans")}`;
    context.textBaseline = "top";
    context.lineWidth = 3;
    context.strokeStyle = this.#theme.colour("--paper");
    context.fillStyle = this.#theme.colour("--soft");
    context.strokeText(text, 3, 2);
    context.fillText(text, 3, 2);
  }
}
