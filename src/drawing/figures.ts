/** Figures as people read them. */

/** `2.4 s`, `4 min 40 s`. */
export function timeText(millis: number): string {
  if (millis < 1_000) return `${String(Math.round(millis))} ms`;
  if (millis < 60_000) return `${(millis / 1_000).toFixed(1)} s`;
  const seconds = Math.round(millis / 1_000);
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? `${String(minutes)} min` : `${String(minutes)} min ${String(seconds % 60)} s`;
}

/** `1 case`, `2 cases`. */
export function several(count: number, word: string): string {
  return `${String(count)} ${word}${count === 1 ? "" : "s"}`;
}
