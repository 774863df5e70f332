/**
 * A lane as data: rectangles, hatching, glyphs and threads for what a window of time shows of one bot, in pixels across and in tracks
 * down. What is narrower than a pixel is merged, and the worst of it is what is seen. Pure; `paint.ts` puts it on a canvas.
 */
import { isLost, type LaneEntry } from "./entry.js";
import type { Lane, Ledger, Placed } from "./ledger.js";
import type { TimeWindow } from "./window.js";

/**
 * How a bar looks. Of the client: `whole`, `touched` (a whole answer, and a fault acted), `error` (a status of 400 or more), `left`, and
 * `broken` (no whole answer). Of the upstream: `whole`, `error`, `silent` (it has not answered), `broken`, and `lost` (a whole answer that
 * the client has not got). `open`: it is under way.
 */
export type Tone = "open" | "whole" | "touched" | "left" | "error" | "silent" | "lost" | "broken";

/** Of several in one pixel the last of these is seen. */
const TONES: readonly Tone[] = ["open", "whole", "touched", "left", "error", "silent", "lost", "broken"];
const WEIGHTS = Object.fromEntries(TONES.map((tone, weight) => [tone, weight])) as Readonly<
  Record<Tone, number>
>;

export type Side = "client" | "upstream";

export interface Bar {
  x: number;
  /** At least `BAR_MIN`. */
  width: number;
  readonly side: Side;
  readonly track: number;
  tone: Tone;
  /** How many are drawn as this one. */
  count: number;
  /** Its end is within the window, and is not the end of an answer: drawn as torn. */
  torn: boolean;
}

/** Where Squall held it, on the client's side. */
export interface Hatch {
  readonly x: number;
  readonly width: number;
  readonly track: number;
}

/** `made_up`: Squall answered in the upstream's place. `copied`: a fault sent the request more than once. */
export type GlyphShape =
  "cut" | "reset" | "closed" | "left" | "refused" | "unanswered" | "made_up" | "copied";

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
/** Narrower ones may be merged. */
const NARROW = 3;
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
  lane.within(window.from, window.until, (placed) => {
    drawing.add(placed);
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
  readonly #last: (Bar | null)[];
  readonly #glyphAt: number[];

  constructor(scale: Scale, now: number, tracks: number) {
    this.#scale = scale;
    this.#now = now;
    this.#last = new Array<Bar | null>(tracks * 2).fill(null);
    this.#glyphAt = new Array<number>(tracks * 2).fill(-Infinity);
  }

  add({ entry, track }: Placed): void {
    this.count++;
    const { client, upstream, delays } = entry;
    const tone = clientTone(entry);
    this.#bar("client", track, entry.from, client.until, tone, tone === "broken");
    if (upstream !== null) {
      const did = upstreamTone(entry);
      this.#bar("upstream", track, upstream.from, upstream.until, did, did === "broken");
    }
    for (let at = 0; at + 1 < delays.length; at += 2)
      this.#hatch(track, delays[at] ?? 0, Math.min(delays[at + 1] ?? 0, client.until));
    const end = endGlyph(entry);
    if (end !== null) this.#glyph(end, "client", track, this.#x(client.until));
    const other = upstreamGlyph(entry);
    if (other !== null && upstream !== null) this.#glyph(other, "upstream", track, this.#x(upstream.until));
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

  #bar(side: Side, track: number, from: number, until: number, tone: Tone, torn: boolean): void {
    const { width: all } = this.#scale;
    const begin = xOf(from, this.#scale);
    const finish = this.#x(until);
    if (finish < 0 || begin > all) return;
    const x = Math.max(begin, -2);
    const width = Math.max(Math.min(finish, all + 2) - x, BAR_MIN);
    const key = track * 2 + (side === "client" ? 0 : 1);
    const last = this.#last[key] ?? null;
    if (last !== null && width < NARROW && merges(last, x, tone)) {
      last.width = Math.max(last.width, x + width - last.x);
      last.count++;
      last.torn ||= torn;
      if (WEIGHTS[tone] > WEIGHTS[last.tone]) last.tone = tone;
      return;
    }
    const bar: Bar = { x, width, side, track, tone, count: 1, torn: torn && finish <= all };
    this.#last[key] = bar;
    this.bars.push(bar);
  }

  #hatch(track: number, from: number, until: number): void {
    const { width: all } = this.#scale;
    const x = Math.max(xOf(from, this.#scale), -2);
    const width = Math.min(this.#x(until), all + 2) - x;
    if (width >= HATCH_MIN && x <= all) this.hatches.push({ x, width, track });
  }

  #glyph(shape: GlyphShape, side: Side, track: number, x: number): void {
    if (x < 0 || x > this.#scale.width) return;
    const key = track * 2 + (side === "client" ? 0 : 1);
    if (Math.abs(x - (this.#glyphAt[key] ?? -Infinity)) < GLYPH_GAP) return;
    this.#glyphAt[key] = x;
    this.glyphs.push({ x, shape, side, track });
  }
}

/** They begin in the same pixel; or they touch, are alike, and are many already: then they are a band of the same. */
function merges(last: Bar, x: number, tone: Tone): boolean {
  if (last.width < NARROW && Math.floor(x) === Math.floor(last.x)) return true;
  return last.tone === tone && x <= last.x + last.width + 0.5 && (last.count > 1 || last.width < NARROW);
}

export function clientTone(entry: LaneEntry): Tone {
  const { end, status } = entry.client;
  if (end === null) return "open";
  if (end === "client_left") return "left";
  if (end !== "complete") return "broken";
  if (entry.kind !== "query" && status !== null && status >= 400) return "error";
  if (entry.kind === "query" && status !== null && status !== 0) return "error";
  return entry.faults.length > 0 && !entry.observed ? "touched" : "whole";
}

export function upstreamTone(entry: LaneEntry): Tone {
  const { upstream } = entry;
  if (upstream === null || upstream.end === null) return "open";
  if (upstream.end === "abandoned") return upstream.status === null ? "silent" : "whole";
  if (upstream.end !== "complete") return "broken";
  if (upstream.status !== null && upstream.status >= 400) return "error";
  return isLost(entry) ? "lost" : "whole";
}

function endGlyph({ client: { end, by }, upstream, kind }: LaneEntry): GlyphShape | null {
  switch (end) {
    case "cut":
    case "reset":
    case "closed":
    case "refused":
    case "unanswered":
      return end;
    case "client_left":
      return "left";
    case "complete":
      return by === "fault" && upstream === null && kind !== "connection" ? "made_up" : null;
    case null:
      return null;
  }
}

function upstreamGlyph({ upstream }: LaneEntry): GlyphShape | null {
  if (upstream === null) return null;
  if (upstream.copies > 0) return "copied";
  switch (upstream.end) {
    case "cut":
    case "reset":
    case "closed":
    case "refused":
      return upstream.end;
    case "unreachable":
    case "timeout":
      return "unanswered";
    case "complete":
    case "abandoned":
    case null:
      return null;
  }
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
  lane.within(time - slack, time + slack, (placed) => {
    if (track !== null && placed.track !== track) return;
    const { entry } = placed;
    const weight = WEIGHTS[clientTone(entry)] + (isLost(entry) ? TONES.length : 0);
    const took = Math.min(entry.until, now) - entry.from;
    if (weight < rank || (weight === rank && took >= length)) return;
    [best, rank, length] = [entry, weight, took];
  });
  return best;
}
