/** How an entry looks on a lane: the tones of its two bars and the signs at their ends, packed into one number for those who draw many. */
import { isLost, type LaneEntry } from "./entry.js";

/**
 * Of the client: `whole`, `touched` (a whole answer, and a fault acted), `error` (a status of 400 or more), `left`, and `broken` (no whole
 * answer). Of the upstream: `whole`, `error`, `silent` (it has not answered), `broken`, and `lost` (a whole answer that the client has not
 * got). `open`: it is under way.
 */
export type Tone = "open" | "whole" | "touched" | "left" | "error" | "silent" | "lost" | "broken";

/** Of several in one pixel the last of these is seen. */
export const TONES: readonly Tone[] = [
  "open",
  "whole",
  "touched",
  "left",
  "error",
  "silent",
  "lost",
  "broken",
];
/** The lightest of those that are to be seen in any case. */
export const NOTABLE = TONES.indexOf("left");

/** `made_up`: Squall answered in the upstream's place. `copied`: a fault sent the request more than once. */
export type GlyphShape =
  "cut" | "reset" | "closed" | "left" | "refused" | "unanswered" | "made_up" | "copied";

export const SHAPES: readonly GlyphShape[] = [
  ...(["cut", "reset", "closed", "left"] as const),
  ...(["refused", "unanswered", "made_up", "copied"] as const),
];

/** Bits, from the lowest: tone of the client, of the upstream, sign of either (0 for none), the track, and whether there is more to draw. */
const [UPSTREAM, CLIENT_SIGN, UPSTREAM_SIGN, TRACK, MORE] = [4, 8, 12, 16, 20];

export function lookOf(entry: LaneEntry, track: number): number {
  const end = endGlyph(entry);
  const other = upstreamGlyph(entry);
  return (
    TONES.indexOf(clientTone(entry)) |
    (TONES.indexOf(upstreamTone(entry)) << UPSTREAM) |
    ((end === null ? 0 : SHAPES.indexOf(end) + 1) << CLIENT_SIGN) |
    ((other === null ? 0 : SHAPES.indexOf(other) + 1) << UPSTREAM_SIGN) |
    (track << TRACK) |
    ((entry.delays.length > 0 || entry.again !== null ? 1 : 0) << MORE)
  );
}

/** Indices into `TONES`. */
export const clientToneIn = (look: number): number => look & 15;
export const upstreamToneIn = (look: number): number => (look >> UPSTREAM) & 15;
/** From 1, of `SHAPES`; 0 for none. */
export const clientSignIn = (look: number): number => (look >> CLIENT_SIGN) & 15;
export const upstreamSignIn = (look: number): number => (look >> UPSTREAM_SIGN) & 15;
export const trackIn = (look: number): number => (look >> TRACK) & 15;
/** It has delays, or is a second try. */
export const hasMore = (look: number): boolean => ((look >> MORE) & 1) === 1;

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
