/**
 * Lanes on a canvas: what `layout.ts` and `bands.ts` have worked out, in the colours of the theme. Nothing but shape tells tones apart
 * where colour does not: a torn end, an outline, hatching, a glyph.
 */
import { seen } from "../text.js";
import type { Theme } from "../theme.js";
import type { BandLayout } from "./bands.js";
import { dashed, frame } from "./canvas.js";
import { barTop, type Geometry, type LaneRow } from "./geometry.js";
import { GLYPHS } from "./glyphs.js";
import type { Bar, Glyph, Hatch, LaneLayout, Thread } from "./layout.js";
import type { GlyphShape, Tone } from "./look.js";

export interface Scene {
  readonly geometry: Geometry;
  readonly lanes: readonly { readonly row: LaneRow; readonly layout: LaneLayout }[];
  readonly bands: BandLayout;
  /** What nobody saw. */
  readonly gaps: readonly { readonly x: number; readonly width: number }[];
  /** Across, where the axis has its marks. */
  readonly ticks: readonly number[];
  /** Where it is now, and where somebody points; null where that is out of sight. */
  readonly now: number | null;
  readonly cursor: number | null;
  readonly selected: string | null;
  /** The stretch that is being chosen. */
  readonly chosen: { readonly from: number; readonly to: number } | null;
  /** The exchange that is told of. */
  readonly marked: {
    readonly x: number;
    readonly width: number;
    readonly row: LaneRow;
    readonly track: number;
  } | null;
}

/** What of the whole is on the canvas. */
export interface Region {
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const COLOURS: Readonly<Record<Tone, string>> = {
  open: "--accent",
  whole: "--fine",
  touched: "--late",
  left: "--changed",
  error: "--changed",
  silent: "--fine",
  lost: "--good",
  broken: "--cut",
};

const GLYPH_COLOURS: Readonly<Record<GlyphShape, string>> = {
  cut: "--cut",
  reset: "--cut",
  closed: "--cut",
  left: "--changed",
  refused: "--down",
  unanswered: "--cut",
  made_up: "--changed",
  copied: "--late",
};

const GLYPH_SIZE = 11;
/** Where there is room to show more than colour. */
const WIDE = 5;

export class Painter {
  readonly #theme: Theme;
  readonly #glyphs = new Map<GlyphShape, Path2D>();
  #hatch: { readonly colour: string; readonly pattern: CanvasPattern | null } | null = null;

  constructor(theme: Theme) {
    this.#theme = theme;
  }

  paint(context: CanvasRenderingContext2D, scene: Scene, region: Region): void {
    context.clearRect(0, 0, region.width, region.height);
    context.save();
    context.translate(0, -region.top);
    const { geometry, lanes } = scene;
    const bottom = Math.min(geometry.height, region.top + region.height);
    this.#grounds(context, scene, region);
    for (const { row, layout } of lanes) {
      if (row.top + row.height < region.top || row.top > bottom) continue;
      context.translate(0, row.top);
      this.#bars(context, layout.bars, geometry);
      this.#hatches(context, layout.hatches, geometry);
      this.#threads(context, layout.threads, geometry);
      this.#glyphsOf(context, layout.glyphs, geometry);
      context.translate(0, -row.top);
    }
    this.#overlay(context, scene, region.top, bottom);
    context.restore();
  }

  #grounds(
    context: CanvasRenderingContext2D,
    { geometry, lanes, bands, gaps, ticks, selected }: Scene,
    region: Region,
  ): void {
    const { width, top, height } = region;
    for (const { row } of lanes)
      if (row.bot === selected) {
        context.fillStyle = this.#colour("--accent-soft");
        context.globalAlpha = 0.6;
        context.fillRect(0, row.top, width, row.height);
        context.globalAlpha = 1;
      }
    context.fillStyle = this.#colour("--changed-soft");
    context.globalAlpha = 0.45;
    // Phases of the same profile lie beside each other, so every second one is enough to tell them apart.
    for (const { x, width: wide, odd } of bands.bands) if (odd) context.fillRect(x, top, wide, height);
    context.globalAlpha = 1;
    const bottom = Math.min(geometry.height, top + height);
    for (const { x, width: wide } of gaps) {
      context.fillStyle = this.#colour("--sunken");
      context.fillRect(x, top, wide, bottom - top);
      context.fillStyle = this.#colour("--line-strong");
      for (const edge of [x, x + wide - 1]) dashed(context, edge, top, bottom, 3);
      context.textBaseline = "top";
      for (const { row } of lanes)
        write(context, "not watched", x + 4, row.top + 2, wide - 6, this.#colour("--soft"));
    }
    context.fillStyle = this.#colour("--line");
    for (const x of ticks) context.fillRect(Math.round(x), top, 1, height);
    for (const { row } of lanes) context.fillRect(0, row.top + row.height - 1, width, 1);
    for (const { x, kind } of bands.lines) {
      context.fillStyle = this.#colour(kind === "mark" ? "--observed" : "--changed");
      dashed(context, x, top, bottom, kind === "off" ? 2 : 5);
    }
  }

  #bars(context: CanvasRenderingContext2D, bars: readonly Bar[], geometry: Geometry): void {
    let last: Tone | null = null;
    for (const bar of bars) {
      const { x, width, side, track, tone } = bar;
      if (tone !== last) context.fillStyle = this.#colour(COLOURS[tone]);
      last = tone;
      const y = barTop(geometry, side, track);
      const height = side === "client" ? geometry.client : geometry.upstream;
      const outlined = tone === "silent" || tone === "error";
      // The upstream's is what the eye goes to only where something became of it that the client has not seen.
      context.globalAlpha = side === "upstream" && tone === "whole" ? 0.55 : 1;
      if (width < WIDE || bar.count > 1) context.fillRect(x, y, width, height);
      else if (outlined) {
        frame(context, x, y, width, height);
        if (tone === "error") context.fillRect(x, y + height / 2 - 0.75, width, 1.5);
      } else if (tone === "open") {
        context.globalAlpha = 0.5;
        context.fillRect(x, y + 1, width, height - 2);
      } else if (bar.torn) torn(context, x, y, width, height);
      else context.fillRect(x, y, width, height);
    }
    context.globalAlpha = 1;
  }

  #hatches(context: CanvasRenderingContext2D, hatches: readonly Hatch[], geometry: Geometry): void {
    if (hatches.length === 0) return;
    const pattern = this.#pattern(context);
    for (const { x, width, track } of hatches) {
      const y = barTop(geometry, "client", track);
      context.fillStyle = this.#colour("--late-soft");
      context.fillRect(x, y, width, geometry.client);
      context.fillStyle = pattern ?? this.#colour("--late");
      context.fillRect(x, y, width, geometry.client);
      context.fillStyle = this.#colour("--late");
      frame(context, x, y, width, geometry.client);
    }
  }

  #threads(context: CanvasRenderingContext2D, threads: readonly Thread[], geometry: Geometry): void {
    if (threads.length === 0) return;
    context.strokeStyle = this.#colour("--ink");
    context.lineWidth = 1.25;
    context.beginPath();
    for (const { from, to, fromTrack, toTrack } of threads) {
      const [begin, end] = [
        barTop(geometry, "client", fromTrack) + 1,
        barTop(geometry, "client", toTrack) + 1,
      ];
      const crown = Math.min(begin, end) - geometry.above + 2.5;
      const bend = Math.min(8, (to - from) / 2);
      context.moveTo(from, begin);
      context.quadraticCurveTo(from, crown, from + bend, crown);
      context.lineTo(to - bend, crown);
      context.quadraticCurveTo(to, crown, to, end);
      // The head of an arrow, where it was tried again.
      context.moveTo(to - 2.5, end - 3.5);
      context.lineTo(to, end);
      context.lineTo(to + 2.5, end - 3.5);
    }
    context.stroke();
  }

  #glyphsOf(context: CanvasRenderingContext2D, glyphs: readonly Glyph[], geometry: Geometry): void {
    for (const { x, shape, side, track } of glyphs) {
      const height = side === "client" ? geometry.client : geometry.upstream;
      const y = barTop(geometry, side, track) + height / 2;
      context.fillStyle = this.#colour("--paper");
      context.beginPath();
      context.arc(x + GLYPH_SIZE / 2, y, GLYPH_SIZE / 2 + 0.5, 0, Math.PI * 2);
      context.fill();
      context.save();
      context.translate(x, y - GLYPH_SIZE / 2);
      context.scale(GLYPH_SIZE / 16, GLYPH_SIZE / 16);
      context.lineWidth = 2.4;
      context.lineCap = "round";
      context.strokeStyle = this.#colour(GLYPH_COLOURS[shape]);
      context.stroke(this.#path(shape));
      context.restore();
    }
  }

  #overlay(context: CanvasRenderingContext2D, scene: Scene, top: number, bottom: number): void {
    const { geometry, now, cursor, chosen, marked } = scene;
    if (now !== null) {
      context.fillStyle = this.#colour("--accent");
      context.globalAlpha = 0.5;
      context.fillRect(Math.round(now), top, 1, bottom - top);
      context.globalAlpha = 1;
    }
    if (chosen !== null) {
      const [from, to] = [Math.min(chosen.from, chosen.to), Math.max(chosen.from, chosen.to)];
      context.fillStyle = this.#colour("--accent");
      context.globalAlpha = 0.16;
      context.fillRect(from, top, to - from, bottom - top);
      context.globalAlpha = 1;
      context.fillRect(from, top, 1, bottom - top);
      context.fillRect(to, top, 1, bottom - top);
    }
    if (cursor !== null) {
      context.fillStyle = this.#colour("--soft");
      dashed(context, cursor, top, bottom, 3);
    }
    if (marked !== null) {
      const { row, track, x, width } = marked;
      const y = row.top + barTop(geometry, "client", track);
      context.strokeStyle = this.#colour("--ink");
      context.lineWidth = 1.5;
      context.strokeRect(x - 2, y - 2, width + 4, geometry.client + geometry.upstream + 5);
    }
  }

  #path(shape: GlyphShape): Path2D {
    let path = this.#glyphs.get(shape);
    if (path === undefined) this.#glyphs.set(shape, (path = new Path2D(GLYPHS[shape])));
    return path;
  }

  /** Lines from bottom left to top right. */
  #pattern(context: CanvasRenderingContext2D): CanvasPattern | null {
    const colour = this.#colour("--late");
    if (this.#hatch?.colour === colour) return this.#hatch.pattern;
    const tile = document.createElement("canvas");
    [tile.width, tile.height] = [6, 6];
    const inside = tile.getContext("2d");
    if (inside === null) return null;
    inside.strokeStyle = colour;
    inside.lineWidth = 1.4;
    for (const shift of [-6, 0, 6]) {
      inside.beginPath();
      inside.moveTo(shift, 6);
      inside.lineTo(shift + 6, 0);
      inside.stroke();
    }
    const pattern = context.createPattern(tile, "repeat");
    this.#hatch = { colour, pattern };
    return pattern;
  }

  #colour(property: string): string {
    return this.#theme.colour(property);
  }
}

/** Names of profiles and phases, and the times of the axis: on a canvas of their own, which stays in sight. */
export function paintStrip(
  context: CanvasRenderingContext2D,
  theme: Theme,
  { bands, lines, rows }: BandLayout,
  ticks: readonly { readonly x: number; readonly label: string }[],
  { width, height }: { readonly width: number; readonly height: number },
): void {
  context.clearRect(0, 0, width, height);
  context.font = `11px ${theme.colour("--sans")}`;
  context.textBaseline = "middle";
  for (const { x, width: wide, label, row, odd } of bands) {
    context.fillStyle = theme.colour(odd ? "--changed-soft" : "--sunken");
    context.fillRect(x, row * BAND_HEIGHT + 1, wide, BAND_HEIGHT - 2);
    context.fillStyle = theme.colour("--changed");
    context.fillRect(x, row * BAND_HEIGHT + 1, 2, BAND_HEIGHT - 2);
    write(
      context,
      seen(label, 60),
      x + 6,
      row * BAND_HEIGHT + BAND_HEIGHT / 2 + 0.5,
      wide - 8,
      theme.colour("--ink"),
    );
  }
  const axis = rows * BAND_HEIGHT;
  for (const { x, label } of ticks) {
    context.fillStyle = theme.colour("--line-strong");
    context.fillRect(Math.round(x), axis, 1, 4);
    context.textAlign = x < 30 ? "left" : x > width - 30 ? "right" : "center";
    write(context, label, x, axis + 11, 100, theme.colour("--soft"));
  }
  context.textAlign = "left";
  for (const { x, label, kind } of lines) {
    if (kind !== "mark") continue;
    context.fillStyle = theme.colour("--observed");
    context.beginPath();
    context.moveTo(x - 4, axis);
    context.lineTo(x + 4, axis);
    context.lineTo(x, axis + 6);
    context.fill();
    write(context, seen(label, 40), x + 6, axis + 5, 160, theme.colour("--observed"));
  }
}

export const BAND_HEIGHT = 17;
export const AXIS_HEIGHT = 18;

/** As much of it as there is room for; nothing where there is none for a word. */
function write(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  room: number,
  colour: string,
): void {
  if (room < 14) return;
  context.fillStyle = colour;
  let shown = text;
  // Fewer letters each time, whatever they are: one that is wider than the room ends it as well.
  for (let letters = [...text]; letters.length > 1 && context.measureText(shown).width > room;) {
    letters = letters.slice(0, Math.floor(letters.length * 0.85));
    shown = `${letters.join("")}…`;
  }
  if (context.measureText(shown).width <= room) context.fillText(shown, x, y);
}

/** Its end is jagged: there was to be more. */
function torn(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  const end = x + width;
  const tooth = Math.min(3, width / 2);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(end, y);
  context.lineTo(end - tooth, y + height / 4);
  context.lineTo(end, y + height / 2);
  context.lineTo(end - tooth, y + (height * 3) / 4);
  context.lineTo(end, y + height);
  context.lineTo(x, y + height);
  context.fill();
}
