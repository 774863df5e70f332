/**
 * A lane as data: rectangles, hatching, glyphs and threads for what a window of time shows of one bot, in pixels across and in tracks
 * down. What is narrower than a pixel is merged, and the worst of it is what is seen. Pure; `paint.ts` puts it on a canvas.
 */
import { isLost, type LaneEntry } from "./entry.js";
import type { Lane, Ledger } from "./ledger.js";
import {
  clientSignIn,
  clientToneIn,
  hasMore,
  NOTABLE,
  SHAPES,
  TONES,
  trackIn,
  upstreamSignIn,
  upstreamToneIn,
  type GlyphShape,
  type Tone,
} from "./look.js";
import type { Placed, Shelf } from "./shelf.js";
import type { TimeWindow } from "./window.js";

export type Side = "client" | "upstream";

export interface Bar {
  readonly x: number;
  /** At least `BAR_MIN`. */
  readonly width: number;
  readonly side: Side;
  readonly track: number;
  /** The worst of those that are drawn as this one. */
  readonly tone: Tone;
  /** How many these are. */
  readonly count: number;
  /** Its end is within the window, and is not the end of an answer: drawn as torn. */
  readonly torn: boolean;
}

/** Where Squall held it, on the client's side. */
export interface Hatch {
  readonly x: number;
  readonly width: number;
  readonly track: number;
}

export interface Glyph {
  readonly x: number;
  readonly shape: GlyphShape;
  readonly side: Side;
  readonly track: number;
}

/** From the end of one that failed to the beginning of its second try. */
export interface Thread {
  readonly from: number;
  readonly to: number;
  readonly fromTrack: number;
  readonly toTrack: number;
}

export interface LaneLayout {
  readonly bars: readonly Bar[];
  readonly hatches: readonly Hatch[];
  readonly glyphs: readonly Glyph[];
  readonly threads: readonly Thread[];
  /** How many entries there are in the window. */
  readonly count: number;
}

export const BAR_MIN = 1.5;
/** What went wrong is to be seen also where a minute is a few hundred pixels. */
const BAD_MIN = 3;
/** Narrower ones may be merged. */
const NARROW = 3.5;
const HATCH_MIN = 2;
/** Glyphs of one side and track stand at least so far apart. */
const GLYPH_GAP = 9;
const THREAD_MIN = 3;

export interface Scale {
  readonly from: number;
  readonly perMillisecond: number;
  readonly width: number;
}

export function scaleOf({ from, until }: TimeWindow, width: number): Scale {
  return { from, perMillisecond: width / (until - from), width };
}

export function xOf(time: number, { from, perMillisecond }: Scale): number {
  return (time - from) * perMillisecond;
}

/** `now` is where bars end that have no end as yet. */
export function layLane(
  lane: Lane,
  ledger: Ledger,
  window: TimeWindow,
  width: number,
  now: number,
): LaneLayout {
  const drawing = new LaneDrawing(scaleOf(window, width), now, lane.tracks);
  lane.within(window.from, window.until, (shelf, at) => {
    drawing.add(shelf, at);
    if (!hasMore(shelf.look[at] ?? 0)) return;
    const placed = shelf.placed[at];
    if (placed === undefined) return;
    drawing.hold(placed);
    const { again, proxy } = placed.entry;
    const before = again === null ? undefined : ledger.find(proxy, again);
    if (before !== undefined && before.entry.bot === lane.bot) drawing.join(before, placed);
  });
  return drawing;
}

class LaneDrawing implements LaneLayout {
  readonly bars: Bar[] = [];
  readonly hatches: Hatch[] = [];
  readonly glyphs: Glyph[] = [];
  readonly threads: Thread[] = [];
  count = 0;
  readonly #scale: Scale;
  readonly #now: number;
  /** The bar, and where the last glyph stands, of each side and track. */
  readonly #last: (LaidBar | null)[];
  readonly #glyphAt: number[];

  constructor(scale: Scale, now: number, tracks: number) {
    this.#scale = scale;
    this.#now = now;
    this.#last = new Array<LaidBar | null>(tracks * 2).fill(null);
    this.#glyphAt = new Array<number>(tracks * 2).fill(-Infinity);
  }

  add(shelf: Shelf, at: number): void {
    this.count++;
    const look = shelf.look[at] ?? 0;
    const track = trackIn(look);
    const until = shelf.clientUntil[at] ?? 0;
    this.#bar(0, track, shelf.from[at] ?? 0, until, clientToneIn(look));
    const upstream = shelf.upstreamFrom[at] ?? NaN;
    const upstreamUntil = shelf.upstreamUntil[at] ?? NaN;
    if (upstream === upstream) this.#bar(1, track, upstream, upstreamUntil, upstreamToneIn(look));
    const sign = clientSignIn(look);
    if (sign > 0) this.#glyph(sign, 0, track, this.#x(until));
    const other = upstreamSignIn(look);
    if (other > 0) this.#glyph(other, 1, track, this.#x(upstreamUntil));
  }

  /** Where it was held. */
  hold({ entry: { delays, client }, track }: Placed): void {
    for (let at = 0; at + 1 < delays.length; at += 2)
      this.#hatch(track, delays[at] ?? 0, Math.min(delays[at + 1] ?? 0, client.until));
  }

  join(before: Placed, after: Placed): void {
    const from = this.#x(before.entry.client.until);
    const to = xOf(after.entry.from, this.#scale);
    if (to - from < THREAD_MIN || to < 0) return;
    this.threads.push({ from, to, fromTrack: before.track, toTrack: after.track });
  }

  /** Of a time that may be still to come. */
  #x(time: number): number {
    return xOf(Math.min(time, this.#now), this.#scale);
  }

  /** `weight`: of `TONES`. */
  #bar(side: 0 | 1, track: number, from: number, until: number, weight: number): void {
    const { width: all } = this.#scale;
    const begin = xOf(from, this.#scale);
    const finish = this.#x(until);
    if (finish < 0 || begin > all) return;
    const x = begin < -2 ? -2 : begin;
    const width = Math.max(Math.min(finish, all + 2) - x, weight >= NOTABLE ? BAD_MIN : BAR_MIN);
    const key = track * 2 + side;
    const last = this.#last[key] ?? null;
    if (last !== null && width < NARROW && merges(last, x, weight)) {
      if (x + width > last.x + last.width) last.width = x + width - last.x;
      last.count++;
      if (weight > last.weight) last.weight = weight;
      return;
    }
    const bar = new LaidBar(x, width, side, track, weight, weight === TORN && finish <= all);
    this.#last[key] = bar;
    this.bars.push(bar);
  }

  #hatch(track: number, from: number, until: number): void {
    const { width: all } = this.#scale;
    const x = Math.max(xOf(from, this.#scale), -2);
    const width = Math.min(this.#x(until), all + 2) - x;
    if (width >= HATCH_MIN && x <= all) this.hatches.push({ x, width, track });
  }

  #glyph(sign: number, side: 0 | 1, track: number, x: number): void {
    const shape = SHAPES[sign - 1];
    if (x < 0 || x > this.#scale.width || shape === undefined) return;
    const key = track * 2 + side;
    if (Math.abs(x - (this.#glyphAt[key] ?? -Infinity)) < GLYPH_GAP) return;
    this.#glyphAt[key] = x;
    this.glyphs.push({ x, shape, side: SIDES[side], track });
  }
}

class LaidBar implements Bar {
  readonly x: number;
  width: number;
  readonly track: number;
  weight: number;
  count = 1;
  readonly torn: boolean;
  readonly #side: 0 | 1;

  constructor(x: number, width: number, side: 0 | 1, track: number, weight: number, torn: boolean) {
    this.x = x;
    this.width = width;
    this.#side = side;
    this.track = track;
    this.weight = weight;
    this.torn = torn;
  }

  get side(): Side {
    return SIDES[this.#side];
  }

  get tone(): Tone {
    return TONES[this.weight] ?? "open";
  }
}

const SIDES = ["client", "upstream"] as const;
const TORN = TONES.indexOf("broken");

/** They begin in the same pixel; or they touch, are alike, and are many already: then they are a band of the same. */
function merges(last: LaidBar, x: number, weight: number): boolean {
  if (last.width < NARROW && Math.floor(x) === Math.floor(last.x)) return true;
  return last.weight === weight && x <= last.x + last.width + 0.5 && (last.count > 1 || last.width < NARROW);
}

/**
 * What stands there: of all that have a part within `slack` milliseconds of the time, on the track if one is given, the worst; of equals
 * the shortest, since that is harder to point at.
 */
export function entryAt(
  lane: Lane,
  time: number,
  slack: number,
  track: number | null,
  now: number,
): LaneEntry | null {
  let [best, rank, length] = [null as LaneEntry | null, -1, Infinity];
  lane.within(time - slack, time + slack, (shelf, at) => {
    const look = shelf.look[at] ?? 0;
    const entry = shelf.placed[at]?.entry;
    if (entry === undefined || (track !== null && trackIn(look) !== track)) return;
    const weight = clientToneIn(look) + (isLost(entry) ? TONES.length : 0);
    const took = Math.min(entry.until, now) - entry.from;
    if (weight < rank || (weight === rank && took >= length)) return;
    [best, rank, length] = [entry, weight, took];
  });
  return best;
}
