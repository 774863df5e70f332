/** One line of the log and its two forms: for people, and as JSON. */
import type { Colors } from "picocolors/types.js";
import { harmless, jsonLine } from "./entry.js";

export type LineLevel = "error" | "warn" | "info" | "debug";

export interface LogLine {
  readonly level: LineLevel;
  /** ISO 8601. Now, if not given. */
  readonly time?: string;
  /** The word in the second column of the pretty form. */
  readonly topic?: string;
  readonly text: string;
  /** What the pretty form adds to the text; JSON has it in its fields. */
  readonly note?: string;
  /** Further lines of the pretty form. */
  readonly more?: readonly string[];
  /** For the JSON form; bounded and without secrets already. */
  readonly fields?: object;
}

export type TimedLine = LogLine & { readonly time: string };

const TOPIC_WIDTH = 8;

/** `14:03:07.120  fault    jobs/latency  bot 127.0.0.2  delayed (delay_ms 200)` */
export function prettyForm(line: TimedLine, colours: Colors): string {
  const { level, topic = level === "info" ? "squall" : level, text, note = "", more = [] } = line;
  const paint = painter(level, topic, colours);
  const indent = " ".repeat("14:03:07.120  ".length);
  const rest = note === "" ? "" : `  ${harmless(note)}`;
  const head = `${colours.dim(timeOfDay(line.time))}  ${paint(topic.padEnd(TOPIC_WIDTH))} ${harmless(text)}${rest}`;
  return [
    head,
    ...more.flatMap((one) => one.split("\n")).map((one) => indent + colours.dim(harmless(one))),
  ].join("\n");
}

/** The fields of the journal, and before them what a collector of logs looks for. */
export function jsonForm({ level, time, text, fields = {} }: TimedLine): string {
  const own = { time, level, message: text };
  return jsonLine({ ...own, ...fields, ...own });
}

/** `delay_ms 200, attempt 2` */
export function inWords(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** By the clock on the wall where it is read; the journal has the full time in UTC. */
export function timeOfDay(time: string): string {
  const date = new Date(time);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, "0"),
  );
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function painter(level: LineLevel, topic: string, colours: Colors): (text: string) => string {
  if (level === "error") return colours.red;
  if (level === "warn") return colours.yellow;
  if (topic === "fault" || topic === "exchange") return colours.magenta;
  if (topic === "profile" || topic === "phase") return colours.cyan;
  return level === "debug" ? colours.dim : colours.green;
}
