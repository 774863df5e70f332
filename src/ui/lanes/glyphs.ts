/** How ends are marked, on the canvas and in the legend: a shape of its own for each, in a box of 16 by 16. */
import type { GlyphShape } from "./look.js";

/** Stroked, never filled. */
export const GLYPHS: Readonly<Record<GlyphShape, string>> = {
  cut: "M2 8h5M9.500 2.500L7 7.600h3L7.500 13.500",
  reset: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  closed: "M3 8h7M12 2.500v11",
  left: "M13.500 3v10M11 8H3M6.500 4.500L3 8l3.500 3.500",
  refused: "M8 2.500a5.500 5.500 0 1 0 .01 0M4.200 11.800l7.600-7.600",
  unanswered: "M3 8h.01M8 8h.01M13 8h.01",
  made_up: "M8 2.500L13.500 8 8 13.500 2.500 8z",
  copied: "M3 3h7v7H3zM6 10v3h7V6h-3",
};

export const GLYPH_WORDS: Readonly<Record<GlyphShape, string>> = {
  cut: "cut short",
  reset: "reset",
  closed: "closed without an answer",
  left: "the client left",
  refused: "refused",
  unanswered: "no answer",
  made_up: "Squall answered itself",
  copied: "sent more than once",
};
