/**
 * What a command may say to a terminal: text, line ends and our own colours. Names, summaries and answers come from elsewhere, and a
 * profile's summary could move the cursor, hide what follows or set the title.
 */
import { harmless } from "../telemetry/entry.js";
import type { Io } from "./io.js";

/** Line ends and tabs. */
const LAYOUT = /([\n\t])/u;
/** And what picocolors makes of bold, dim and colours. */
const LAYOUT_AND_COLOURS = /([\n\t]|\u001b\[(?:1|2|22|3[1-6]|39)m)/u;

/** The same, whatever it is told to say. */
export function harmlessIo(io: Io): Io {
  const kept = io.colours.isColorSupported ? LAYOUT_AND_COLOURS : LAYOUT;
  // What was split by stands at each second place.
  const shown = (text: string): string =>
    text
      .split(kept)
      .map((part, index) => (index % 2 === 1 ? part : harmless(part)))
      .join("");
  const { live } = io;
  return {
    ...io,
    live:
      live === null
        ? null
        : (line) => {
            live(line === null ? null : shown(line).replaceAll("\n", " "));
          },
    out: (text) => {
      io.out(shown(text));
    },
    err: (text) => {
      io.err(shown(text));
    },
  };
}
