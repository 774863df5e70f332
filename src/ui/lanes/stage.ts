/**
 * The canvases and plots of the lanes, on the elements that the view has rendered: sized as the page is, and painted as far as they are
 * in sight.
 */
import type { LiveBand } from "../../live/contract.js";
import type { Theme } from "../theme.js";
import { layBands } from "./bands.js";
import { drawingOn, fitCanvas } from "./canvas.js";
import type { LaneEntry } from "./entry.js";
import type { Geometry } from "./geometry.js";
import { Gestures, type GestureParts, type Point, type Stretch } from "./gestures.js";
import { layLane, scaleOf, xOf } from "./layout.js";
import type { Ledger } from "./ledger.js";
import { AXIS_HEIGHT, BAND_HEIGHT, Painter, paintStrip, type Region, type Scene } from "./paint.js";
import { Plots } from "./plots.js";
import { seriesOf } from "./series.js";
import { ticksOf, type TimeWindow } from "./window.js";

export interface Model {
  readonly ledger: Ledger;
  readonly window: TimeWindow;
  readonly geometry: Geometry;
  readonly bands: readonly LiveBand[];
  /** The daemon's clock, and what makes the wall's of it. */
  readonly now: number;
  readonly wall: number;
  readonly selected: string | null;
  readonly marked: LaneEntry | null;
  /** Across, in pixels. */
  readonly cursor: number | null;
  readonly choosing: Stretch | null;
}

export interface StageParts extends GestureParts {
  readonly theme: Theme;
  /** Somebody points at a plot. */
  readonly pointed: (x: number | null) => void;
  /** It is of another size. */
  readonly resized: () => void;
}

/** The canvas reaches beyond what is in sight by up to so much, and is painted anew only when that is used up. */
const REACH = 128;
/** One step of the plots is about so many pixels. */
const STEP = 5;
const TICK_ROOM = 90;

export class Stage {
  readonly #root: HTMLElement;
  readonly #parts: StageParts;
  readonly #painter: Painter;
  readonly #canvas: HTMLCanvasElement;
  readonly #strip: HTMLCanvasElement;
  readonly #space: HTMLElement;
  readonly #plots: Plots;
  readonly #observer: ResizeObserver;
  #width: number;
  #region: Region = { top: 0, width: 0, height: 0 };

  /** `root` holds `.lanes-canvas` in `.lanes-space`, `.lanes-strip` and three canvases `.plot`. */
  constructor(root: HTMLElement, parts: StageParts) {
    this.#root = root;
    this.#parts = parts;
    this.#painter = new Painter(parts.theme);
    this.#canvas = found(root, ".lanes-canvas", HTMLCanvasElement);
    this.#strip = found(root, ".lanes-strip", HTMLCanvasElement);
    this.#space = found(root, ".lanes-space", HTMLElement);
    this.#width = this.#space.clientWidth;
    const plots = [...root.querySelectorAll<HTMLCanvasElement>(".plot")];
    this.#plots = new Plots(plots, parts.theme);
    for (const plot of plots)
      new Gestures(plot, {
        ...parts,
        point: (at) => {
          parts.pointed(at?.x ?? null);
        },
        open: () => undefined,
      });
    new Gestures(this.#canvas, {
      ...parts,
      point: (at) => {
        parts.point(at === null ? null : this.#down(at));
      },
      open: (at) => {
        parts.open(this.#down(at));
      },
    });
    this.#observer = new ResizeObserver(() => {
      if (this.#space.clientWidth === this.#width) return;
      this.#width = this.#space.clientWidth;
      parts.resized();
    });
    this.#observer.observe(this.#space);
  }

  /** The element that it was made for is still the one that is there. */
  isOn(root: Element | null): boolean {
    return root === this.#root;
  }

  get width(): number {
    return this.#width;
  }

  close(): void {
    this.#observer.disconnect();
  }

  paint(model: Model): void {
    const { ledger, window, geometry, now, wall, cursor, choosing } = model;
    const width = this.#width;
    if (width === 0) return;
    const scale = scaleOf(window, width);
    const bands = layBands(model.bands, scale, now);
    const zone = new Date(wall + now).getTimezoneOffset();
    const ticks = ticksOf(window, Math.max(2, Math.floor(width / TICK_ROOM)), wall, zone).map(
      ({ at, label }) => ({
        x: xOf(at, scale),
        label,
      }),
    );
    this.#place(geometry);
    this.#fit();
    const { top, height } = this.#region;
    const rows = geometry.rows.filter((row) => row.top + row.height >= top && row.top <= top + height);
    const scene: Scene = {
      geometry,
      lanes: rows.flatMap((row) => {
        const lane = ledger.lanes.get(row.bot);
        return lane === undefined ? [] : [{ row, layout: layLane(lane, ledger, window, width, now) }];
      }),
      bands,
      gaps: gapsOf(ledger, window, scale),
      ticks: ticks.map(({ x }) => x),
      now: now <= window.until && now >= window.from ? xOf(now, scale) : null,
      cursor,
      selected: model.selected,
      chosen: choosing,
      marked: this.#marked(model, scale),
    };
    const context = drawingOn(this.#canvas);
    if (context !== null) this.#painter.paint(context, scene, this.#region);
    this.#paintStrip(bands, ticks);
    const series = seriesOf(ledger, window, Math.max(10, Math.round(width / STEP)), now);
    this.#plots.paint(series, { window, width, cursor, choosing });
  }

  /** From where the canvas begins to where the lanes do. */
  #down({ x, y }: Point): Point {
    return { x, y: y + this.#region.top };
  }

  /** Names stand beside their lanes. No style sheet knows where that is. */
  #place(geometry: Geometry): void {
    const height = `${String(geometry.height)}px`;
    if (this.#space.style.height !== height) this.#space.style.height = height;
    const names = this.#root.querySelectorAll<HTMLElement>(".lane-name");
    for (const [index, name] of names.entries()) {
      const row = geometry.rows[index];
      if (row === undefined) continue;
      const [top, tall] = [`${String(row.top)}px`, `${String(row.height)}px`];
      if (name.style.top !== top) name.style.top = top;
      if (name.style.height !== tall) name.style.height = tall;
    }
  }

  #fit(): void {
    const place = this.#space.getBoundingClientRect();
    const above = Math.max(0, Math.floor(-place.top / REACH) * REACH);
    const below = Math.ceil((innerHeight - place.top) / REACH) * REACH;
    const top = Math.min(above, Math.max(0, place.height - REACH));
    const height = Math.max(1, Math.min(place.height, Math.max(below, top + REACH)) - top);
    const known = this.#region;
    const ratio = devicePixelRatio;
    const isSame = known.top === top && known.height === height && known.width === this.#width;
    if (isSame && this.#canvas.width === Math.round(this.#width * ratio)) return;
    this.#region = { top, width: this.#width, height };
    this.#canvas.style.top = `${String(top)}px`;
    fitCanvas(this.#canvas, this.#width, height);
  }

  #marked(
    { marked, geometry, ledger, window, now }: Model,
    scale: ReturnType<typeof scaleOf>,
  ): Scene["marked"] {
    if (marked === null) return null;
    const row = geometry.rows.find(({ bot }) => bot === marked.bot);
    const placed = ledger.find(marked.proxy, marked.id);
    if (row === undefined || placed === undefined) return null;
    const x = xOf(marked.from, scale);
    const end = xOf(Math.min(marked.until, now), scale);
    if (end < 0 || marked.from > window.until) return null;
    return { row, track: placed.track, x, width: Math.max(end - x, 2) };
  }

  #paintStrip(
    bands: ReturnType<typeof layBands>,
    ticks: readonly { readonly x: number; readonly label: string }[],
  ): void {
    const size = { width: this.#width, height: bands.rows * BAND_HEIGHT + AXIS_HEIGHT };
    fitCanvas(this.#strip, size.width, size.height);
    const context = drawingOn(this.#strip);
    if (context === null) return;
    paintStrip(context, this.#parts.theme, bands, ticks, size);
  }
}

/** What of the window nobody saw. */
function gapsOf({ gaps }: Ledger, window: TimeWindow, scale: ReturnType<typeof scaleOf>): Scene["gaps"] {
  return gaps
    .filter(({ from, until }) => until > window.from && from < window.until)
    .map(({ from, until }) => {
      const x = Math.max(0, xOf(from, scale));
      return { x, width: Math.max(1, Math.min(scale.width, xOf(until, scale)) - x) };
    });
}

function found<Kind extends Element>(root: HTMLElement, selector: string, kind: new () => Kind): Kind {
  const element = root.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the view has no ${selector}`);
  return element;
}
