/** Rate, latency and fault hits above the lanes: three plots on the axis of the lanes, with one cursor. */
import { duration, rate } from "../format.js";
import type { Theme } from "../theme.js";
import uPlot from "../vendor/uplot.js";
import type { Series } from "./series.js";
import type { TimeWindow } from "./window.js";

export interface PlotParts {
  readonly theme: Theme;
  /** Somebody points at a plot, so many pixels across; null when nobody does any more. */
  readonly pointed: (x: number | null) => void;
  /** Somebody has chosen a stretch. */
  readonly chosen: (from: number, until: number) => void;
}

type Values = (number | null)[];

interface Kind {
  readonly label: string;
  readonly lines: readonly {
    readonly label: string;
    readonly colour: string;
    readonly dash?: number[];
    readonly filled?: string;
    readonly stepped?: true;
  }[];
  readonly data: (series: Series) => Values[];
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

const HEIGHT = 46;

export class Plots {
  readonly #parts: PlotParts;
  readonly #plots: uPlot[] = [];
  #window: TimeWindow = { from: 0, until: 1, live: true };

  constructor(places: readonly HTMLElement[], width: number, parts: PlotParts) {
    this.#parts = parts;
    for (const [index, kind] of KINDS.entries()) {
      const place = places[index];
      if (place !== undefined) this.#plots.push(this.#make(kind, place, width));
    }
  }

  /** Of all plots, and what each says at the time, in words. */
  static readonly kinds = KINDS.map(({ label, lines }) => ({ label, lines }));

  show(series: Series, window: TimeWindow): void {
    this.#window = window;
    for (const [index, plot] of this.#plots.entries()) {
      const kind = KINDS[index];
      if (kind === undefined) continue;
      plot.setData([series.at, ...kind.data(series)] as uPlot.AlignedData, true);
    }
  }

  /** Across, in pixels; null for none. */
  point(x: number | null): void {
    for (const plot of this.#plots)
      plot.setCursor({ left: x ?? -10, top: x === null ? -10 : HEIGHT / 2 }, false);
  }

  resize(width: number): void {
    for (const plot of this.#plots) if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
  }

  close(): void {
    for (const plot of this.#plots) plot.destroy();
    this.#plots.length = 0;
  }

  #make(kind: Kind, place: HTMLElement, width: number): uPlot {
    const { theme } = this.#parts;
    const colour = (name: string) => () => theme.colour(name);
    const options: uPlot.Options = {
      width,
      height: HEIGHT,
      padding: [4, 0, 1, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: {
        x: { time: false, range: () => [this.#window.from, this.#window.until] },
        y: {
          range: (_, __, most) => [0, Math.max(Number.isFinite(most) ? most : 0, Number.MIN_VALUE) * 1.15],
        },
      },
      axes: [
        { show: false },
        {
          // Inside, at the left: the axis across has to be that of the lanes.
          show: false,
        },
      ],
      series: [
        {},
        ...kind.lines.map(({ label, colour: name, dash, filled, stepped }) => ({
          label,
          stroke: colour(name),
          width: 1.5,
          points: { show: false },
          spanGaps: false,
          ...(dash === undefined ? {} : { dash }),
          ...(filled === undefined ? {} : { fill: colour(filled) }),
          ...(stepped === undefined ? {} : { paths: uPlot.paths.stepped?.({ align: 1 }) }),
        })),
      ] as uPlot.Series[],
      hooks: {
        draw: [
          (plot) => {
            this.#write(plot, kind);
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width: wide } = plot.select;
            if (wide < 4) return;
            const [from, until] = [plot.posToVal(left, "x"), plot.posToVal(left + wide, "x")];
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            this.#parts.chosen(from, until);
          },
        ],
      },
    };
    const plot = new uPlot(options, [[], ...kind.lines.map(() => [])] as unknown as uPlot.AlignedData, place);
    plot.over.addEventListener("mousemove", ({ offsetX }) => {
      this.#parts.pointed(offsetX);
    });
    plot.over.addEventListener("mouseleave", () => {
      this.#parts.pointed(null);
    });
    return plot;
  }

  /** How high it goes, within the plot. */
  #write(plot: uPlot, { text }: Kind): void {
    const { max } = plot.scales["y"] ?? {};
    if (max === undefined || max <= Number.MIN_VALUE * 2) return;
    const { ctx: context } = plot;
    const scale = devicePixelRatio;
    context.save();
    context.font = `${String(10 * scale)}px ${this.#parts.theme.colour("--sans")}`;
    context.textAlign = "left";
    context.textBaseline = "top";
    context.lineWidth = 3 * scale;
    context.strokeStyle = this.#parts.theme.colour("--paper");
    context.fillStyle = this.#parts.theme.colour("--soft");
    const said = text(max / 1.15);
    context.strokeText(said, 3 * scale, 2 * scale);
    context.fillText(said, 3 * scale, 2 * scale);
    context.restore();
  }
}
