/**
 * Quantities as people write them: `50ms`, `64KiB`, `1MB/s`, `5%`. Each carries its unit; a bare
 * number where a unit belongs is refused, since tools disagree on what it would mean.
 */
import type { Millis } from "./clock.js";

export type Bytes = number;
export type BytesPerSecond = number;
/** 0 to 1. */
export type Ratio = number;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  µs: 0.001,
  μs: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const RATE_UNITS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(SIZE_UNITS).map(([unit, factor]) => [`${unit}/s`, factor])),
  "bit/s": 1 / 8,
  "kbit/s": 1e3 / 8,
  "Mbit/s": 1e6 / 8,
  "Gbit/s": 1e9 / 8,
};

const NUMBER = String.raw`\d+(?:\.\d+)?`;
const alternatives = (units: Readonly<Record<string, number>>): string =>
  Object.keys(units)
    .sort((a, b) => b.length - a.length)
    .join("|");

/** Regular expressions in the dialect of JSON Schema, so that editors check what we check. */
export const DURATION_PATTERN = `^(?:${NUMBER}(?:${alternatives(DURATION_UNITS)}))+$`;
export const SIZE_PATTERN = `^${NUMBER} ?(?:${alternatives(SIZE_UNITS)})$`;
export const RATE_PATTERN = `^${NUMBER} ?(?:${alternatives(RATE_UNITS)})$`;
export const RATIO_PATTERN = `^${NUMBER} ?%$`;

const DURATION = new RegExp(DURATION_PATTERN, "u");
const DURATION_PART = new RegExp(`(${NUMBER})(${alternatives(DURATION_UNITS)})`, "gu");
const SIZE = new RegExp(`^(${NUMBER}) ?(${alternatives(SIZE_UNITS)})$`, "u");
const RATE = new RegExp(`^(${NUMBER}) ?(${alternatives(RATE_UNITS)})$`, "u");
const RATIO = new RegExp(`^(${NUMBER}) ?%$`, "u");

/** Milliseconds, or null if it is not a duration. `1m30s` adds up. */
export function parseDuration(text: string): Millis | null {
  if (text.length > 64 || !DURATION.test(text)) return null;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) {
    sum += Number(amount) * (DURATION_UNITS[unit ?? ""] ?? NaN);
  }
  return sum;
}

/** Whole bytes, or null. kB is 1000, KiB is 1024. */
export function parseSize(text: string): Bytes | null {
  const bytes = scaled(text, SIZE, SIZE_UNITS);
  return bytes === null ? null : Math.round(bytes);
}

/** Bytes per second, or null. */
export function parseRate(text: string): BytesPerSecond | null {
  return scaled(text, RATE, RATE_UNITS);
}

/** A share, 0 to 1 (more than 100 % is not one), or null. */
export function parseRatio(text: string): Ratio | null {
  const match = text.length > 64 ? null : RATIO.exec(text);
  if (!match) return null;
  const ratio = Number(match[1]) / 100;
  return ratio <= 1 ? ratio : null;
}

function scaled(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  const match = text.length > 64 ? null : pattern.exec(text);
  if (!match) return null;
  return Number(match[1]) * (units[match[2] ?? ""] ?? NaN);
}

/** As people would write it: 1500 -> `1.5s`, 90000 -> `1m30s`, 0.05 -> `50us`. */
export function formatDuration(millis: Millis): string {
  if (!Number.isFinite(millis)) return "for ever";
  if (millis < 60_000) return shortDuration(millis);
  // Beyond an hour nobody asks for parts of a second. Rounded first, so that no minute gets sixty seconds.
  let rest = millis < 3_600_000 ? Math.round(millis) : Math.round(millis / 1000) * 1000;
  let text = "";
  for (const [unit, factor] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const) {
    const whole = Math.floor(rest / factor);
    rest -= whole * factor;
    if (whole > 0) text += `${whole}${unit}`;
  }
  return rest > 0 ? `${text}${trimmed(rest / 1000)}s` : text;
}

function shortDuration(millis: Millis): string {
  if (millis >= 1_000) return `${trimmed(millis / 1_000)}s`;
  if (millis >= 1) return `${trimmed(millis)}ms`;
  return millis === 0 ? "0ms" : `${trimmed(millis * 1000)}us`;
}

export function formatSize(bytes: Bytes): string {
  for (const [unit, factor] of [
    ["GiB", 2 ** 30],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
  ] as const) {
    if (bytes >= factor) return `${trimmed(bytes / factor)}${unit}`;
  }
  return `${trimmed(bytes)}B`;
}

export function formatRate(rate: BytesPerSecond): string {
  for (const [unit, factor] of [
    ["GB/s", 1e9],
    ["MB/s", 1e6],
    ["kB/s", 1e3],
  ] as const) {
    if (rate >= factor) return `${trimmed(rate / factor)}${unit}`;
  }
  return `${trimmed(rate)}B/s`;
}

export function formatRatio(ratio: Ratio): string {
  return `${trimmed(ratio * 100)}%`;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(3)));
}
