/** The journal over HTTP: asked for, marked. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab } from "./admin-lab.js";
import { FACTS, SAMPLES } from "../telemetry/samples.js";

let here: AdminLab;

beforeEach(async () => {
  here = await AdminLab.open();
});

afterEach(async () => {
  await here.close();
});

const seqs = (json: { entries: { seq: number }[] }): number[] => json.entries.map(({ seq }) => seq);

describe("GET /journal", () => {
  it("answers the newest entries in order, and how many there were", async () => {
    for (let i = 0; i < 150; i++) here.control.mark(`mark ${i}`);
    const { json } = await here.get("/journal");
    expect(seqs(json)).toEqual(Array.from({ length: 100 }, (_, i) => json.last - 99 + i));
    expect(json.dropped).toBe(0);
    expect(seqs((await here.get("/journal?limit=1")).json)).toEqual([json.last]);
  });

  it("answers the oldest entries after a number", async () => {
    for (let i = 0; i < 5; i++) here.control.mark(`mark ${i}`);
    expect(seqs((await here.get("/journal?since=2&limit=3")).json)).toEqual([3, 4, 5]);
    expect(seqs((await here.get("/journal?since=999")).json)).toEqual([]);
  });

  it("says how many entries left memory", async () => {
    await here.close();
    here = await AdminLab.open({ keep: 2 });
    for (let i = 0; i < 5; i++) here.control.mark(`mark ${i}`);
    const { json } = await here.get("/journal?since=0");
    expect(json).toMatchObject({ dropped: json.last - 2 });
    expect(json.entries).toHaveLength(2);
  });

  it("picks by what was hit", async () => {
    const hit = {
      activation: "slow",
      profile: "slow",
      phase: "",
      type: "latency",
      effect: "delayed",
      amount: 1,
    };
    for (const [proxy, bot, fault] of [
      ["jobs", "bot-1", "late"],
      ["jobs", "bot-2", "late"],
      ["other", "bot-1", "later"],
    ] as const) {
      here.lab.facts.tell({ kind: "fault_hit", ...hit, proxy, bot, fault, connection: 1 });
    }
    for (const [query, count] of [
      ["bot=bot-1", 2],
      ["fault=late", 2],
      ["proxy=other", 1],
      ["proxy=jobs&bot=bot-1", 1],
      ["profile=slow&kind=fault_hit", 3],
      ["activation=slow&type=latency", 3],
      ["kind=mark", 0],
      ["bot=nobody", 0],
    ] as const) {
      expect((await here.get(`/journal?${query}`)).json.entries, query).toHaveLength(count);
    }
  });

  it("has entries of every kind in the shape that the document promises", async () => {
    const exchange = { id: 12, method: "GET", path: "/v1/jobs" };
    for (const fact of FACTS) here.lab.facts.tell(fact);
    here.lab.facts.tell({ ...SAMPLES.fault_hit, exchange, observed: true });
    here.lab.facts.tell({ ...SAMPLES.fault_total, exchange });
    here.lab.facts.tell({ ...SAMPLES.exchange_over, trace: "4bf92f3577b34da6a3ce929d0e0e4736" });
    // The answer is held against the document where it is fetched.
    const { json } = await here.get("/journal");
    expect(new Set(json.entries.map(({ kind }: { kind: string }) => kind))).toEqual(
      new Set(FACTS.map(({ kind }) => kind).filter((kind) => kind !== "plan_changed")),
    );
  });

  it("finds an exchange by any of the faults that acted on it", async () => {
    const faults = ["slow", "lose-the-ack"];
    here.lab.facts.tell({ ...SAMPLES.exchange_over, faults });
    here.lab.facts.tell({ ...SAMPLES.fault_hit, fault: "slow", bot: "bot-1" });
    for (const [query, count] of [
      ["fault=slow", 2],
      ["fault=lose-the-ack&bot=bot-1", 1],
      ["fault=slow&kind=exchange_over&proxy=jobs", 1],
      ["fault=lose", 0],
      ["bot=bot-1", 2],
    ] as const) {
      expect((await here.get(`/journal?${query}`)).json.entries, query).toHaveLength(count);
    }
  });

  it("answers JSON lines where they are asked for", async () => {
    here.control.mark("one");
    here.control.mark("tw\u2028o\nlines");
    for (const [path, accept] of [
      ["/journal?kind=mark&format=jsonl", "*/*"],
      ["/journal?kind=mark", "application/x-ndjson"],
    ] as const) {
      const { headers, text } = await here.get(path, { headers: { accept } });
      expect(headers["content-type"]).toBe("application/x-ndjson; charset=utf-8");
      const lines = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { text: string });
      expect(lines.map((line) => line.text)).toEqual(["one", "tw\u2028o\nlines"]);
    }
    expect((await here.get("/journal?since=99&format=jsonl")).text).toBe("");
    expect(
      (await here.get("/journal?format=json", { headers: { accept: "application/x-ndjson" } })).json.last,
    ).toBe(3);
  });

  it.each([
    ["limit", "limit=0"],
    ["limit", "limit=10001"],
    ["limit", "limit=1e3"],
    ["limit", "limit="],
    ["limit", "limit=-1"],
    ["limit", "limit=1&limit=2"],
    ["since", "since=x"],
    ["since", "since=1.5"],
    ["since", "since=9999999999999999"],
    ["since", "since=9007199254740992"],
    ["since", `since=${"9".repeat(400)}`],
    ["kind", "kind=fault_hits"],
    ["bot", "bot="],
    ["bot", `bot=${"b".repeat(300)}`],
    ["format", "format=xml"],
    ["limt", "limt=3"],
    ["__proto__", "__proto__=1"],
    ["limit[a]", "limit[a]=1"],
  ])("refuses the parameter %s in %s", async (path, query) => {
    expect((await here.get(`/journal?${query}`)).json).toMatchObject({
      status: 400,
      code: "SQ_BAD_PARAM",
      path,
    });
  });
});

it("takes the largest number that it says it takes", async () => {
  expect((await here.get("/journal?since=9007199254740991")).status).toBe(200);
  expect((await here.get("/journal?since=9007199254740992")).text).toContain(
    "expected a whole number from 0 to 9007199254740991",
  );
});

describe("POST /journal/marks", () => {
  it("puts a mark between the entries", async () => {
    const { status, json } = await here.call("POST", "/journal/marks", { body: '{"text":"test begins"}' });
    expect(status).toBe(201);
    const { entries } = (await here.get("/journal?limit=1")).json;
    expect(entries).toMatchObject([{ seq: json.seq, kind: "mark", text: "test begins" }]);
  });

  it("takes form data", async () => {
    const type = "application/x-www-form-urlencoded";
    expect((await here.call("POST", "/journal/marks", { body: "text=007+begins", type })).json.text).toBe(
      "007 begins",
    );
    expect((await here.call("POST", "/journal/marks", { body: "text=007", type })).json.text).toBe("007");
  });

  it.each([
    "",
    "{}",
    '{"text":""}',
    '{"text":5}',
    '{"txt":"a"}',
    "[]",
    `{"text":"${"x".repeat(1_001)}"}`,
    "{",
  ])("refuses %s", async (body) => {
    expect((await here.call("POST", "/journal/marks", { body })).json).toMatchObject({
      code: "SQ_BAD_REQUEST",
    });
    expect((await here.get("/journal?kind=mark")).json.entries).toEqual([]);
  });
});
