/** The event stream over HTTP: replay, gaps, signs of life, and readers who are too slow or leave. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, until } from "../support/lab.js";
import { AdminLab } from "./admin-lab.js";
import { EventReader } from "./event-reader.js";

let here: AdminLab;

async function open(options: Parameters<typeof AdminLab.open>[0] = {}): Promise<void> {
  here = await AdminLab.open(options);
}

beforeEach(() => open());

afterEach(async () => {
  await here.close();
  expect(here.telemetry.stream.subscribers).toBe(0);
  expect(here.clock.idle).toBe(true);
});

async function reopen(options: Parameters<typeof AdminLab.open>[0]): Promise<void> {
  await here.close();
  await open(options);
}

const texts = (reader: EventReader): unknown[] => reader.events.map(({ data }) => data.text as unknown);

describe("GET /events", () => {
  it("sends each entry of the journal as it is written", async () => {
    const reader = await EventReader.open(here, "/events");
    expect(reader.response.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
    await until(() => reader.retry !== null);
    await here.call("POST", "/journal/marks", { body: '{"text":"one\\ntwo\\u2028three"}' });
    const [event] = await reader.atLeast(1);
    const [entry] = (await here.get("/journal?limit=1")).json.entries;
    expect(event).toMatchObject({ event: "mark", data: entry });
    expect(event?.id).toMatch(new RegExp(`-${entry.seq}$`, "u"));
  });

  it("replays what came after an entry, and goes on from there", async () => {
    for (let i = 0; i < 3; i++) here.control.mark(`${i}`);
    const { last } = (await here.get("/journal")).json;
    const reader = await EventReader.open(here, `/events?after=${last - 2}`);
    here.control.mark("later");
    await reader.atLeast(3);
    expect(texts(reader)).toEqual(["1", "2", "later"]);
  });

  it("replays what a reader that comes back has missed", async () => {
    const first = await EventReader.open(here, "/events");
    here.control.mark("seen");
    const [seen] = await first.atLeast(1);
    first.leave();
    here.control.mark("missed");
    const second = await EventReader.open(here, "/events", { "last-event-id": seen?.id ?? "" });
    await second.atLeast(1);
    expect(texts(second)).toEqual(["missed"]);
  });

  it("replays more than a socket holds, in order", async () => {
    for (let i = 0; i < 5_000; i++) here.control.mark(`${i} ${"x".repeat(900)}`);
    const reader = await EventReader.open(here, "/events?after=0");
    await until(() => reader.events.length >= 100);
    for (let i = 5_000; i < 5_010; i++) here.control.mark(`${i} `);
    await reader.atLeast(5_011);
    const numbers = reader.events
      .filter(({ event }) => event === "mark")
      .map(({ data }) => parseInt(data.text, 10));
    expect(numbers).toEqual(Array.from({ length: 5_010 }, (_, i) => i));
  });

  it("says how many entries are lost when it cannot replay them all", async () => {
    await reopen({ keep: 2 });
    for (let i = 0; i < 5; i++) here.control.mark(`${i}`);
    const reader = await EventReader.open(here, "/events?after=1");
    const events = await reader.atLeast(3);
    expect(events[0]).toMatchObject({ event: "gap", id: undefined, data: { kind: "gap", lost: 3 } });
    expect(texts(reader)).toEqual([undefined, "3", "4"]);
  });

  it("tells a gap of unknown size to a reader that knew another daemon", async () => {
    here.control.mark("one");
    const reader = await EventReader.open(here, "/events", { "last-event-id": "elsewhere-7" });
    const [gap] = await reader.atLeast(2);
    expect(gap).toMatchObject({ event: "gap", data: { lost: null } });
  });

  it("shows signs of life while nothing happens", async () => {
    const reader = await EventReader.open(here, "/events");
    await until(() => reader.retry !== null);
    here.clock.advance(14_999);
    await turns();
    expect(reader.comments).toEqual([]);
    here.clock.advance(1);
    await until(() => reader.comments.length === 1);
    here.clock.advance(15_000);
    await until(() => reader.comments.length === 2);
    expect(reader.events).toEqual([]);
  });

  it("drops a reader that lets too many entries wait, and nobody else", async () => {
    await reopen({ limits: { streamQueue: 10 } });
    const good = await EventReader.open(here, "/events");
    const slow = await EventReader.open(here, "/events");
    slow.response.pause();
    for (let i = 0; here.telemetry.stream.subscribers === 2; i++) {
      here.control.mark(`${i} ${"x".repeat(900)}`);
      await until(() => good.events.length === i + 1);
    }
    expect((await here.get("/status")).json.streams).toBe(1);
    slow.response.resume();
    await until(() => slow.ended);
    expect(slow.events.length).toBeLessThan(good.events.length);
    expect(good.ended).toBe(false);
  });

  it.each([
    ["too much", { streamBytes: 20_000 }],
    ["for too long", { streamLag: 1_000 }],
  ])("drops a reader that lets entries wait %s, and nobody else", async (_, limits) => {
    await reopen({ limits });
    const good = await EventReader.open(here, "/events");
    const slow = await EventReader.open(here, "/events");
    slow.response.pause();
    for (let i = 0; here.telemetry.stream.subscribers === 2; i++) {
      here.control.mark(`${i} ${"x".repeat(900)}`);
      here.clock.advance(1);
      await until(() => good.events.length === i + 1);
    }
    expect(good.ended).toBe(false);
    slow.leave();
  });

  it("lets nobody take all places from one address", async () => {
    await reopen({ limits: { streams: 8 } });
    for (let n = 0; n < 6; n++) await EventReader.open(here, "/events");
    expect((await here.get("/events")).json).toMatchObject({
      code: "SQ_TOO_MANY",
      error: expect.stringContaining("of 127.0.0.1") as string,
    });
  });

  it("drops a reader that takes nothing between two signs of life", async () => {
    const stuck = await EventReader.open(here, "/events");
    stuck.response.pause();
    // More than a socket holds, less than may wait.
    for (let i = 0; i < 15_000; i++) here.control.mark(`${i} ${"x".repeat(900)}`);
    await turns();
    here.clock.advance(15_000);
    expect(here.telemetry.stream.subscribers).toBe(1);
    await turns();
    here.clock.advance(15_000);
    await until(() => here.telemetry.stream.subscribers === 0);
  });

  it("forgets a reader that leaves", async () => {
    const reader = await EventReader.open(here, "/events");
    expect(here.telemetry.stream.subscribers).toBe(1);
    reader.leave();
    await until(() => here.telemetry.stream.subscribers === 0);
    expect(here.clock.idle).toBe(true);
  });

  it("lets so many read at once and no more", async () => {
    await reopen({ limits: { streams: 2 } });
    const readers = [await EventReader.open(here, "/events"), await EventReader.open(here, "/events")];
    expect((await here.get("/events")).json).toMatchObject({ status: 429, code: "SQ_TOO_MANY" });
    readers[0]?.leave();
    await until(() => here.telemetry.stream.subscribers === 1);
    const third = await EventReader.open(here, "/events");
    expect(third.response.statusCode).toBe(200);
  });

  it("answers HEAD and keeps nobody", async () => {
    const { status, headers } = await here.call("HEAD", "/events");
    expect([status, headers["content-type"]]).toEqual([200, "text/event-stream; charset=utf-8"]);
    expect(here.telemetry.stream.subscribers).toBe(0);
  });

  it("ends when the admin port closes", async () => {
    const reader = await EventReader.open(here, "/events");
    await here.admin.close();
    await until(() => reader.ended);
    expect(here.telemetry.stream.subscribers).toBe(0);
  });

  it("refuses what it does not know", async () => {
    expect((await here.get("/events?after=x")).json).toMatchObject({ code: "SQ_BAD_PARAM", path: "after" });
    expect((await here.get("/events?since=1")).json).toMatchObject({ code: "SQ_BAD_PARAM", path: "since" });
  });
});
