/** The journals of a fleet as one: the newest of it, and the stream of what comes. */
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import type { FleetJournalPage, FleetJournalQuery, FleetLine } from "../fleet/contract/journal.js";
import { jsonLine } from "../telemetry/entry.js";
import { FleetFeed } from "./fleet-feed.js";
import { fleetOf, translated } from "./fleet-house.js";
import type { House } from "./house.js";
import {
  ANSWER_MAX,
  entryFilters,
  given,
  LIMIT_DEFAULT,
  LINES,
  LINES_TYPE,
  pageShape,
} from "./journal-routes.js";
import { named } from "./named.js";
import { word } from "./query.js";
import { defineRoute, json, text, type Call, type Route } from "./route.js";

/** Pages are put together here, out of ten times as much as they have: so many at a time. */
const PAGES_MAX = 4;
/** What is held for each of those who follow is theirs alone. */
const FOLLOWERS_MAX = 16;
const CURSOR = /^[\w.:-]{1,100}$/u;

const line = named(
  "FleetJournalLine",
  z.looseObject({
    daemon: z.string().optional().describe("who wrote it; missing of what happened to the reading itself"),
    life: z.string().optional().describe("another one after a restart: its numbers begin again"),
    engine_time: z
      .string()
      .nullable()
      .optional()
      .describe("time by the engine's clock; null if its daemon did not know that"),
    late: z.literal(true).optional().describe("it came when later ones had been shown"),
    seq: z.int().min(0).describe("from 1 in each life of a daemon; 0 of what is no entry"),
    time: z.string(),
    kind: z
      .string()
      .describe(
        "of an entry as in GET /journal; gap (from, to, why) of what is missing; away, back, anew, unreadable (text) of the reading itself",
      ),
  }),
);

const page = named(
  "FleetJournal",
  z.strictObject({
    entries: z.array(line),
    last_event: z.string().describe("as Last-Event-ID it has GET /fleet/events go on behind what is there"),
    whole: z.boolean().describe("false where older ones are there, or were not looked at"),
  }),
);

const ERRORS = [
  "SQ_NO_FLEET",
  "SQ_FLEET_AWAY",
  "SQ_FLEET_FORBIDDEN",
  "SQ_FLEET_FAILED",
  "SQ_TOO_MANY",
] as const;

const filters = { daemon: word().optional().describe("who wrote it"), ...entryFilters };

export function fleetJournalRoutes(house: House): Route[] {
  let pages = 0;
  let followers = 0;
  const read = async (
    { response }: Pick<Call<unknown, unknown>, "response">,
    query: FleetJournalQuery,
    limit: number,
  ): Promise<FleetJournalPage> => {
    const fleet = fleetOf(house);
    if (pages >= PAGES_MAX)
      throw new SquallError(
        "SQ_TOO_MANY",
        `${PAGES_MAX} pages of the fleet's journal are being read already`,
      );
    const left = new AbortController();
    const leave = (): void => {
      left.abort();
    };
    response.once("close", leave);
    pages++;
    try {
      return await translated(fleet, () => fleet.journal.entries(query, limit, left.signal));
    } finally {
      pages--;
      response.off("close", leave);
    }
  };
  return [
    defineRoute({
      method: "get",
      path: "/fleet/journal",
      summary:
        "The newest entries of all daemons' journals, by the engine's clock, with what is missing named.",
      query: z.object({ ...filters, ...pageShape }),
      answers: {
        200: { about: "entries in the order of the engine's clock, and gaps", schema: page, types: [LINES] },
      },
      errors: [...ERRORS],
      handle: async (call) => {
        const { format, limit = LIMIT_DEFAULT, ...rest } = call.query;
        const { entries, cursor, whole } = await read(call, given<FleetJournalQuery>(rest), limit);
        const fitting = newest(entries, ANSWER_MAX);
        const lines =
          format === undefined ? call.request.accepts(["json", LINES]) === LINES : format === "jsonl";
        if (lines) return text(fitting.map((entry) => `${jsonLine(entry)}\n`).join(""), LINES_TYPE);
        return json({
          entries: fitting,
          last_event: cursor,
          whole: whole && fitting.length === entries.length,
        });
      },
    }),
    defineRoute({
      method: "get",
      path: "/fleet/events",
      summary:
        "The journals of all daemons as they are written, as server-sent events; Last-Event-ID replays what was missed.",
      query: z.object({
        ...filters,
        after: z
          .string()
          .regex(CURSOR, { error: "expected a last_event of GET /fleet/journal" })
          .optional()
          .describe("the same as Last-Event-ID, for those who cannot send one"),
      }),
      answers: {
        200: {
          about:
            "id (of some events), event (the kind of line) and data (the line, as in GET /fleet/journal); a comment every 15 s",
          types: ["text/event-stream"],
        },
      },
      errors: [...ERRORS],
      handle: async (call) => {
        const { after, ...rest } = call.query;
        const { request, response } = call;
        const query = given<FleetJournalQuery>(rest);
        const header = request.headers["last-event-id"];
        const last = header === undefined || header === "" ? after : header;
        if (last !== undefined && (Array.isArray(last) || !CURSOR.test(last)))
          throw new SquallError(
            "SQ_BAD_REQUEST",
            "Last-Event-ID: expected one that this stream has given out",
          );
        if (followers >= FOLLOWERS_MAX)
          throw new SquallError("SQ_TOO_MANY", `${FOLLOWERS_MAX} follow the fleet's journal already`);
        followers++;
        response.once("close", () => {
          followers--;
        });
        // Where now is says the engine: if it does not answer, that is an answer, and not a stream.
        const cursor = last ?? (await read(call, {}, 1)).cursor;
        if (!response.destroyed) new FleetFeed(house, fleetOf(house), request, response).open(query, cursor);
        return "taken" as const;
      },
    }),
  ];
}

/** As many as fit, from the end. */
function newest(lines: readonly FleetLine[], sizeMax: number): readonly FleetLine[] {
  let size = 0;
  let from = lines.length;
  for (let one = lines[from - 1]; one !== undefined; one = lines[from - 1]) {
    size += JSON.stringify(one).length;
    if (size > sizeMax && from < lines.length) break;
    from--;
  }
  return lines.slice(from);
}
