/** The journals of a fleet over the admin API: pages and the stream, with an engine that is there or not, and readers of every kind. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CURSOR_START } from "../../src/fleet/contract/journal.js";
import { HOLD } from "../../src/fleet/journal/merged.js";
import { batch, entry } from "../fleet/journal/batch.js";
import type { KeptStream } from "../fleet/journal/kept-stream.js";
import { until } from "../support/lab.js";
import { NOON } from "../telemetry/samples.js";
import { AdminLab } from "./admin-lab.js";
import { EventReader } from "./event-reader.js";
import { fleetJournalLab } from "./fleet-journal-lab.js";

let here: AdminLab;
let engine: KeptStream;

beforeEach(async () => {
  ({ here, engine } = await fleetJournalLab());
});

afterEach(async () => {
  await here.close();
});

async function two(): Promise<void> {
  await engine.append(
    batch(
      "node-1",
      [
        [1, 0],
        [2, 20],
      ],
      { offset_ms: 5 },
    ),
  );
  await engine.append(batch("node-2", [[4, 10]], { after: 3, lost: 1, offset_ms: null }));
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("GET /fleet/journal", () => {
  it("has the entries of all daemons in one order, with who wrote them and what is missing", async () => {
    await two();
    const { json, status } = await here.call("GET", "/fleet/journal");
    expect(status).toBe(200);
    expect(json).toMatchObject({ last_event: "1:2", whole: true });
    expect(json.entries).toMatchObject([
      { daemon: "node-1", life: "a", seq: 1, kind: "mark", engine_time: new Date(NOON + 5).toISOString() },
      { daemon: "node-2", seq: 0, kind: "gap", from: 1, to: 2, why: "aged" },
      { daemon: "node-2", seq: 0, kind: "gap", from: 3, to: 3, why: "dropped", engine_time: null },
      { daemon: "node-2", seq: 4, engine_time: null },
      { daemon: "node-1", seq: 2 },
    ]);
  });

  it.each([
    ["daemon=node-1", ["1", "2"]],
    ["daemon=node-1&limit=1", ["2"]],
    ["kind=fault_hit", []],
    ["kind=mark&daemon=node-2", ["4"]],
  ])("finds by %s", async (query, seqs) => {
    await two();
    const { json } = await here.call("GET", `/fleet/journal?${query}`);
    const found = json.entries.filter(({ kind }: { kind: string }) => kind !== "gap");
    expect(found.map(({ seq }: { seq: number }) => String(seq))).toEqual(seqs);
  });

  it("is one line for each, where that is asked for", async () => {
    await two();
    const { text, headers } = await here.call("GET", "/fleet/journal?format=jsonl");
    expect(headers["content-type"]).toContain("application/x-ndjson");
    expect(text.trim().split("\n")).toHaveLength(5);
  });

  it("has as many as fit into 8 MiB, and says that there are more", async () => {
    const long = (seq: number) => ({ ...entry(seq, seq), text: "x".repeat(100_000) }) as never;
    for (let n = 0; n < 5; n++)
      await engine.append({
        ...batch("node-1", []),
        after: n * 20,
        upto: n * 20 + 20,
        entries: Array.from({ length: 20 }, (_, index) => long(n * 20 + index + 1)),
      });
    const { json, text } = await here.call("GET", "/fleet/journal");
    expect(text.length).toBeLessThan(9 * 2 ** 20);
    expect(json.whole).toBe(false);
    expect(json.entries.at(-1).seq).toBe(100);
  });

  it("says why there is none: no engine, no right, no fleet, a parameter that is wrong", async () => {
    engine.cut();
    for (const path of ["/fleet/journal", "/fleet/events"])
      expect(await here.call("GET", path)).toMatchObject({ status: 503, json: { code: "SQ_FLEET_AWAY" } });
    engine.mend();
    engine.forbidden = true;
    expect(await here.call("GET", "/fleet/journal")).toMatchObject({
      status: 403,
      json: { code: "SQ_FLEET_FORBIDDEN" },
    });
    for (const [path, code] of [
      ["/fleet/journal?since=4", "SQ_BAD_PARAM"],
      ["/fleet/journal?kind=nonsense", "SQ_BAD_PARAM"],
      ["/fleet/journal?path=nonsense", "SQ_BAD_PARAM"],
      ["/fleet/events?after=a%0ab", "SQ_BAD_PARAM"],
    ] as const)
      expect((await here.call("GET", path)).json.code).toBe(code);
    const alone = await AdminLab.open({});
    expect(await alone.call("GET", "/fleet/journal")).toMatchObject({
      status: 404,
      json: { code: "SQ_NO_FLEET" },
    });
    await alone.close();
  });

  it("is put together for four at a time", async () => {
    await two();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => here.call("GET", "/fleet/journal", { unchecked: true })),
    );
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].every((status) => status === 200 || status === 429)).toBe(true);
    expect((await here.call("GET", "/fleet/journal")).status).toBe(200);
  });
});

describe("GET /fleet/events", () => {
  const hear = async (reader: EventReader, count: number): Promise<string[]> => {
    await turn();
    for (let n = 0; n < 50 && reader.events.length < count; n++) {
      here.clock.advance(HOLD);
      await turn();
      await turn();
    }
    const events = await reader.atLeast(count);
    return events.map(({ event, data }) => (event === "mark" ? `${data.daemon}#${data.seq}` : String(event)));
  };

  it("goes on behind a page, in order, over breaks, which it tells of", async () => {
    const { json } = await here.call("GET", "/fleet/journal");
    expect(json.last_event).toBe(CURSOR_START);
    const reader = await EventReader.open(here, "/fleet/events", { "last-event-id": json.last_event });
    await two();
    expect(await hear(reader, 5)).toEqual(["node-1#1", "gap", "gap", "node-2#4", "node-1#2"]);
    expect(reader.retry).toBe(2_000);
    engine.cut();
    await turn();
    engine.mend();
    await engine.append(batch("node-1", [[3, 500]], { after: 2 }));
    expect((await hear(reader, 8)).slice(5)).toEqual(["away", "back", "node-1#3"]);
    const ids = reader.events.flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(ids.at(-1)).toBe("1:3");
    reader.leave();
  });

  it("begins with what comes, where nobody says where; and finds by what is asked for", async () => {
    await two();
    const reader = await EventReader.open(here, "/fleet/events?daemon=node-2");
    await engine.append(batch("node-1", [[3, 30]]));
    await engine.append(batch("node-2", [[5, 40]]));
    expect(await hear(reader, 1)).toEqual(["node-2#5"]);
    reader.leave();
  });

  it("ends with a word where the engine does not let it read any more", async () => {
    const reader = await EventReader.open(here, "/fleet/events");
    engine.forbidden = true;
    engine.cut();
    await turn();
    engine.mend();
    await turn();
    expect(await hear(reader, 1)).toContain("refused");
    await until(() => reader.ended);
  });

  it("lets go of the engine when its reader leaves, and has places for sixteen", async () => {
    const readers = await Promise.all(
      Array.from({ length: 4 }, async () => EventReader.open(here, "/fleet/events?after=start")),
    );
    for (const reader of readers) reader.leave();
    await until(() => engine.hearers === 0);
    const more = await Promise.all(
      Array.from(
        { length: 18 },
        async () => (await EventReader.open(here, "/fleet/events?after=start")).response,
      ),
    );
    const refused = more.filter(({ statusCode }) => statusCode === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    for (const response of more) response.destroy();
  });

  it("gives no daemon a line of its own in the stream, whatever it says", async () => {
    const reader = await EventReader.open(here, "/fleet/events?after=start");
    const forged = { ...entry(1, 0), kind: "mark\ndata: {}\n\nevent: x", text: "a\n\ndata: b\u001b[2J" };
    await engine.append({ ...batch("n\nid: 7", []), upto: 1, entries: [forged as never] });
    await hear(reader, 1);
    expect(reader.events).toHaveLength(1);
    expect(reader.events[0]).toMatchObject({ event: "entry", data: { daemon: "n\nid: 7" } });
    reader.leave();
  });
});
