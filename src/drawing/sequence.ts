/**
 * Calls as a drawing: three lines from top to bottom, the client, Squall and the upstream, and an arrow for what went between them. Time
 * goes down in order, not in proportion: a call that hung for a minute takes a row, and its times stand beside it. The report of a sweep
 * and the dashboard draw the same.
 */
import { timeText } from "./figures.js";

/** One exchange, connection, query or flow, on both sides. */
export interface SequenceRow {
  /** Milliseconds since whatever the reader counts from. */
  readonly at_ms: number;
  readonly over_ms: number;
  readonly bot: string;
  /** `POST /v1/jobs/4/complete`. */
  readonly what: string;
  /** What the client got: `200`, `nothing, reset`. */
  readonly client: string;
  /** What the upstream did: `200`, `no response`, `nothing came`. */
  readonly upstream: string;
  /** Whether anything came to the upstream, whether it responded, and whether the client got something. */
  readonly forwarded: boolean;
  readonly responded: boolean;
  readonly delivered: boolean;
  readonly faults: readonly string[];
  /** No fault-free run has this call. */
  readonly extra: boolean;
}

export type Tone = "plain" | "fault" | "faint";

export type Shape =
  | {
      readonly kind: "line";
      readonly x1: number;
      readonly y1: number;
      readonly x2: number;
      readonly y2: number;
      readonly tone: Tone;
    }
  | {
      readonly kind: "arrow";
      readonly from: number;
      readonly to: number;
      readonly y: number;
      readonly tone: Tone;
    }
  /** An arrow that does not come to its end. */
  | { readonly kind: "lost"; readonly from: number; readonly to: number; readonly y: number }
  | {
      readonly kind: "text";
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly anchor: "start" | "middle" | "end";
      readonly tone: Tone;
    };

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** What somebody hears who does not see it. */
  readonly label: string;
  readonly shapes: readonly Shape[];
}

const CLIENT = 190;
const SQUALL = 460;
const UPSTREAM = 730;
const WIDTH = 900;
const HEAD = 34;
const ROW = 46;
/** Between the arrow of a request and that of its response. */
const BACK = 22;
const LONGEST_NAME = 34;

export function sequenceOf(rows: readonly SequenceRow[]): Drawing {
  const height = HEAD + rows.length * ROW + 10;
  const shapes: Shape[] = [];
  for (const [x, text] of [
    [CLIENT, "client"],
    [SQUALL, "Squall"],
    [UPSTREAM, "upstream"],
  ] as const) {
    shapes.push({ kind: "text", x, y: 16, text, anchor: "middle", tone: "plain" });
    shapes.push({ kind: "line", x1: x, y1: 22, x2: x, y2: height, tone: "faint" });
  }
  rows.forEach((row, index) => {
    shapes.push(...rowOf(row, HEAD + index * ROW + 12));
  });
  return {
    width: WIDTH,
    height,
    label: "What the client and what the upstream saw, in the order of time",
    shapes,
  };
}

function rowOf(row: SequenceRow, y: number): Shape[] {
  const tone: Tone = row.faults.length > 0 ? "fault" : "plain";
  const back = y + BACK;
  const left: Shape[] = [
    { kind: "text", x: 8, y: y + 4, text: clock(row.at_ms), anchor: "start", tone: "faint" },
    {
      kind: "text",
      x: 8,
      y: back + 4,
      text: `+${timeText(row.over_ms - row.at_ms)}`,
      anchor: "start",
      tone: "faint",
    },
    { kind: "text", x: CLIENT - 12, y: y + 4, text: row.bot.slice(0, 14), anchor: "end", tone: "faint" },
    { kind: "text", x: (CLIENT + SQUALL) / 2, y: y - 5, text: short(row.what), anchor: "middle", tone },
    { kind: "arrow", from: CLIENT, to: SQUALL, y, tone },
  ];
  const asked: Shape[] = row.forwarded
    ? [{ kind: "arrow", from: SQUALL, to: UPSTREAM, y, tone }]
    : [{ kind: "lost", from: SQUALL, to: UPSTREAM, y }];
  const said: Shape[] = row.responded ? [{ kind: "arrow", from: UPSTREAM, to: SQUALL, y: back, tone }] : [];
  const got: Shape[] = row.delivered
    ? [{ kind: "arrow", from: SQUALL, to: CLIENT, y: back, tone }]
    : [{ kind: "lost", from: SQUALL, to: CLIENT, y: back }];
  const marks = [...row.faults, ...(row.extra ? ["not in fault-free runs"] : [])].join(", ");
  return [
    ...left,
    ...asked,
    ...said,
    ...got,
    { kind: "text", x: UPSTREAM + 12, y: back + 4, text: row.upstream, anchor: "start", tone },
    { kind: "text", x: (CLIENT + SQUALL) / 2, y: back - 5, text: row.client, anchor: "middle", tone },
    { kind: "text", x: (SQUALL + UPSTREAM) / 2, y: back - 5, text: marks, anchor: "middle", tone: "fault" },
  ];
}

/** `12.345`: seconds. */
function clock(millis: number): string {
  return (millis / 1_000).toFixed(3);
}

/** The end of a path tells more than its beginning. */
function short(text: string): string {
  return text.length <= LONGEST_NAME ? text : `…${text.slice(1 - LONGEST_NAME)}`;
}
