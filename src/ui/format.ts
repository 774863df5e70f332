/** Numbers and times as people read them. Pure. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A time in milliseconds: `4 ms`, `1.2 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(millis: number): string {
  const whole = Math.max(0, millis);
  if (whole < 9.95) return `${trimmed(whole, 1)} ms`;
  if (whole < 999.5) return `${Math.round(whole)} ms`;
  if (whole < 9_950) return `${trimmed(whole / 1_000, 1)} s`;
  if (whole < 59_500) return `${Math.round(whole / 1_000)} s`;
  const seconds = Math.round(whole / 1_000);
  if (whole < HOUR - 500) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(whole / MINUTE);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A clock that runs down: `0:09`, `12:30`, `1:02:03`. */
export function countdown(millis: number): string {
  const seconds = Math.ceil(Math.max(0, millis) / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  const tail = `${hours > 0 ? two(minutes) : String(minutes)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/** Of a second: `0/s`, `0.4/s`, `12/s`, `1.2k/s`. */
export function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) return "<0.1/s";
  return `${count(perSecond, perSecond < 9.95 ? 1 : 0)}/s`;
}

/** `950`, `1.2k`, `3.4M`. */
export function count(number: number, digits = 0): string {
  if (number < 999.5) return trimmed(number, digits);
  if (number < 999_500) return `${trimmed(number / 1_000, number < 99_500 ? 1 : 0)}k`;
  return `${trimmed(number / 1_000_000, 1)}M`;
}

/** Bytes: `512 B`, `1.5 KiB`, `20 MiB`. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1_023.5 && unit < units.length - 1) [value, unit] = [value / 1_024, unit + 1];
  return `${trimmed(value, unit === 0 || value >= 99.5 ? 0 : 1)} ${units[unit] ?? ""}`;
}

/** The time of day of an ISO time, with milliseconds, in this browser's zone: `14:03:07.042`. */
export function timeOfDay(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return `${clockTime(date)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** In this browser's zone: `14:03:07`. */
export function clockTime(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

/** `1 bot`, `3 bots`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

function trimmed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return digits > 0 ? text.replace(/\.?0+$/u, "") : text;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
