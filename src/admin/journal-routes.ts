/** The calls that show what was done to whom: the journal, marks in it, and the stream of its entries. */
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import { pathMistake } from "../config/pattern.js";
import { choice } from "../faults/params.js";
import { text as textShape } from "../config/shapes.js";
import { Problems } from "../config/problems.js";
import { check } from "../config/validate.js";
import { jsonLine, type JournalQuery } from "../telemetry/entry.js";
import { named } from "./named.js";
import { ENTRY_KINDS, journal, marked } from "./entry-answers.js";
import { serveEvents } from "./event-feed.js";
import type { House } from "./house.js";
import { wholeNumber, word } from "./query.js";
import { defineRoute, json, text, type Route } from "./route.js";
import { readTree } from "./tree.js";

export const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;
/** Characters of entries in one answer. */
export const ANSWER_MAX = 8 * 2 ** 20;
export const LINES = "application/x-ndjson";
export const LINES_TYPE = `${LINES}; charset=utf-8`;
const MARK_MAX = 1_000;

const markShape = named(
  "Mark",
  z.strictObject({
    text: textShape()
      .min(1)
      .max(MARK_MAX, { error: `expected at most ${MARK_MAX} characters` })
      .describe("what begins or ended here, such as the name of a test"),
  }),
);

const sequence = (): z.ZodType<number> => wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** By which entries are found. */
export const entryFilters = {
  bot: word().optional(),
  fault: word().optional().describe("its hits, its totals, and the exchanges that it acted on"),
  type: word().optional().describe("of fault"),
  proxy: word().optional(),
  profile: word().optional(),
  path: word()
    .refine((path) => pathMistake(path) === undefined, { error: ({ input }) => pathMistake(String(input)) })
    .optional()
    .describe("of the exchange; a pattern as in match"),
  activation: word().optional(),
  kind: choice(ENTRY_KINDS).optional(),
};

/** How many of them are answered, and how. */
export const pageShape = {
  limit: wholeNumber(1, LIMIT_MAX).optional().describe(`${LIMIT_DEFAULT} by default`),
  format: choice(["json", "jsonl"]).optional().describe("jsonl: one entry a line"),
};

export function journalRoutes(house: House): Route[] {
  const { control, telemetry } = house;
  return [
    defineRoute({
      method: "get",
      path: "/journal",
      summary: "What was done to whom: the newest entries, or those after a number.",
      query: z.object({
        since: sequence().optional().describe("entries after this number, the oldest of them first"),
        ...entryFilters,
        ...pageShape,
      }),
      answers: { 200: { about: "entries in the order of their numbers", schema: journal, types: [LINES] } },
      handle: ({ query, request }) => {
        const { format, limit = LIMIT_DEFAULT, ...filters } = query;
        const entries = telemetry.journal.query({
          ...given<JournalQuery>(filters),
          limit,
          sizeMax: ANSWER_MAX,
        });
        const lines = format === undefined ? request.accepts(["json", LINES]) === LINES : format === "jsonl";
        if (lines) return text(entries.map((entry) => `${jsonLine(entry)}\n`).join(""), LINES_TYPE);
        return json({
          entries,
          last: telemetry.journal.lastSeq,
          dropped: telemetry.journal.dropped,
          last_event: telemetry.stream.lastEventId,
        });
      },
    }),
    defineRoute({
      method: "post",
      path: "/journal/marks",
      keeps: false,
      summary: "Puts a mark between the entries.",
      body: {
        about: "JSON, YAML or form data",
        required: true,
        schema: markShape,
        types: ["application/x-www-form-urlencoded", "text/yaml"],
        example: '{"text": "test_crash_recovery begins"}',
      },
      answers: { 201: { about: "its number", schema: marked } },
      handle: ({ body }) => {
        const problems = new Problems();
        const mark = check(markShape, readTree(body, "SQ_BAD_REQUEST"), problems);
        if (mark === undefined) throw problems.error("SQ_BAD_REQUEST");
        control.mark(mark.text);
        return json({ seq: telemetry.journal.lastSeq, text: mark.text }, 201);
      },
    }),
    defineRoute({
      method: "get",
      path: "/events",
      summary: "The journal as it is written, as server-sent events; Last-Event-ID replays what was missed.",
      query: z.object({ after: sequence().optional().describe("replays the entries after this number") }),
      answers: {
        200: {
          about:
            "id, event (the kind of entry, or gap where entries are lost) and data (the entry); a comment every 15 s",
          types: ["text/event-stream"],
        },
      },
      errors: ["SQ_TOO_MANY"],
      handle: ({ query, request, response }) => {
        const lastEventId = request.headers["last-event-id"];
        if (Array.isArray(lastEventId))
          throw new SquallError("SQ_BAD_REQUEST", "more than one Last-Event-ID");
        serveEvents(house, request, response, {
          ...(query.after === undefined ? {} : { afterSeq: query.after }),
          ...(lastEventId === undefined || lastEventId === "" ? {} : { lastEventId }),
        });
        return "taken";
      },
    }),
  ];
}

/** Without the keys that nobody gave. */
export function given<T extends object>(filters: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as T;
}
