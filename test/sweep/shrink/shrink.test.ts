/** Failing runs of made-up programs made small: explicit hits, simpler words, thresholds, slippage, and what cannot be made explicit. */
import { describe, expect, it } from "vitest";
import type { Alarm } from "../../../src/sweep/contract/finding.js";
import type { Hit, RunRecord, SeenExchange } from "../../../src/sweep/contract/record.js";
import type { FaultInput, RunPlan, RunResult } from "../../../src/sweep/contract/run.js";
import { explicit, faultsOfParts } from "../../../src/sweep/shrink/explicit.js";
import { shrink, type ShrinkMeans, type ShrinkResult } from "../../../src/sweep/shrink/shrink.js";
import { findSites } from "../../../src/sweep/sites/sites.js";
import { call } from "../../support/runs.js";

/** Ten jobs, each asked for and completed by one of two bots. */
const CALLS: readonly SeenExchange[] = Array.from({ length: 10 }, (_, job) =>
  [`GET /v1/jobs/${job + 1}`, `POST /v1/jobs/${job + 1}/complete`].map((what, step) =>
    call(100 * job + 10 * step + 1, what, { bot: `bot-${(job % 2) + 1}` }),
  ),
).flat();

const EMPTY: RunRecord = { exchanges: CALLS, connections: [], queries: [], flows: [], hits: [] };
const { calls } = findSites([EMPTY]);
const MEANS = { calls, bots: new Set(["bot-1", "bot-2"]) };

const hitOn = (one: SeenExchange, fault: string, type: string, detail: Hit["detail"] = {}): Hit => ({
  seq: one.id,
  at: one.at,
  activation: "a1",
  fault,
  type,
  proxy: one.proxy,
  bot: one.bot,
  connection: 1,
  exchange: { id: one.id, method: one.method, path: one.path },
  query: null,
  effect: "hit",
  detail,
});

const LOST: FaultInput = { type: "lost_response", name: "lost", then: "hang", when: { probability: "30%" } };
const SLOW: FaultInput = { type: "http_delay", name: "slow", delay: "2s", jitter: "1s" };
const WHERE = { proxy: "jobs", when: { only: [1], per: ["bot", "route"] } };

const posts = CALLS.filter(({ method }) => method === "POST");
const at = (index: number): SeenExchange => {
  const one = posts[index];
  if (one === undefined) throw new Error("no such call");
  return one;
};

describe("a run made explicit", () => {
  it("has a fault for each call that was hit, by bot, route and ordinal, with what was drawn", () => {
    const hits = [
      hitOn(at(2), "lost", "lost_response"),
      hitOn(at(3), "slow", "http_delay", { delay_ms: 2_345.6 }),
    ];
    const { parts, whole } = explicit({ ...EMPTY, hits }, [LOST, SLOW], MEANS);
    expect(whole).toEqual([]);
    expect(faultsOfParts(parts)).toEqual([
      {
        type: "lost_response",
        name: "lost",
        then: "hang",
        ...WHERE,
        match: { bot: "bot-1", method: "POST", path: "/v1/jobs/:n/complete" },
        when: { only: [2], per: ["bot", "route"] },
      },
      {
        type: "http_delay",
        name: "slow",
        delay: "2346ms",
        jitter: "0ms",
        ...WHERE,
        match: { bot: "bot-2", method: "POST", path: "/v1/jobs/:n/complete" },
        when: { only: [2], per: ["bot", "route"] },
      },
    ]);
  });

  it("puts hits of one fault at one place together, and takes several hits of one call for one", () => {
    const hits = [at(4), at(0), at(0), at(1)].map((one) => hitOn(one, "lost", "lost_response"));
    const { parts } = explicit({ ...EMPTY, hits }, [LOST], MEANS);
    expect(parts).toHaveLength(3);
    expect(faultsOfParts(parts).map(({ name, when }) => [name, when])).toEqual([
      ["lost", { only: [1, 3], per: ["bot", "route"] }],
      ["lost-2", { only: [1], per: ["bot", "route"] }],
    ]);
  });

  it("counts bots together whose names are new each time", () => {
    const { parts } = explicit({ ...EMPTY, hits: [hitOn(at(3), "lost", "lost_response")] }, [LOST], {
      calls,
      bots: new Set(),
    });
    expect(parts[0]?.fault).toMatchObject({
      match: { method: "POST", path: "/v1/jobs/:n/complete" },
      when: { only: [4], per: "route" },
    });
  });

  it("names a handshake by its ordinal among all of its proxy", () => {
    const wrong: FaultInput = { type: "tls_certificate", name: "wrong", problem: "expired" };
    const handshakes = [3, 5, 8].map((connection) => ({
      proxy: "jobs",
      bot: "127.0.0.1",
      connection,
      at: connection,
      over: connection,
      sni: null,
      version: null,
      problem: "expired",
      took: "closed",
      faults: [],
    }));
    const hit: Hit = { ...hitOn(at(0), "wrong", "tls_certificate"), exchange: null, connection: 5 };
    const { parts } = explicit({ ...EMPTY, hits: [hit], handshakes }, [wrong], MEANS);
    expect(faultsOfParts(parts)).toEqual([{ ...wrong, proxy: "jobs", when: { only: [2], per: "proxy" } }]);
  });

  it("leaves faults whole whose hits have no ordinal", () => {
    const down: FaultInput = { type: "down", name: "down", when: { after: "1s", for: "2s" } };
    const hit: Hit = { ...hitOn(at(0), "down", "down"), exchange: null };
    const { parts, whole } = explicit({ ...EMPTY, hits: [hit, hit] }, [down], MEANS);
    expect(whole).toEqual(["down"]);
    expect(faultsOfParts(parts)).toEqual([down]);
  });
});

/** What a plan hits of the calls above. */
function hitBy({ faults }: RunPlan): { fault: FaultInput; one: SeenExchange; nth: number }[] {
  const ordinals = calls.ordinals(EMPTY);
  return faults.flatMap((fault) => {
    const { match = {}, when = {} } = fault as {
      match?: Record<string, string>;
      when?: { only?: number[]; per?: unknown };
    };
    const matching = CALLS.filter(
      (one) =>
        (match["bot"] === undefined || one.bot === match["bot"] || match["bot"] === "bot-*") &&
        (match["method"] === undefined || one.method === match["method"]) &&
        (match["path"] === undefined || calls.templateOf(one) === match["path"]),
    );
    const nthOf = (one: SeenExchange): number =>
      Array.isArray(when.per) ? (ordinals.get(one) ?? 0) : matching.indexOf(one) + 1;
    return matching
      .filter((one) => when.only === undefined || when.only.includes(nthOf(one)))
      .map((one) => ({ fault, one, nth: nthOf(one) }));
  });
}

const alarmOf = (signature: string): Alarm =>
  ({ verdict: "FAILED", oracle: "O1", signature, text: signature }) as Alarm;

/** `fails` says with which signature a program ends, of what was hit; null for passing. */
function means(
  fails: (hit: ReturnType<typeof hitBy>) => string | null,
  more: Partial<ShrinkMeans> = {},
): ShrinkMeans {
  let number = 0;
  const words = new Map<number, string>();
  const run = (plan: RunPlan): Promise<RunResult> => {
    const hit = hitBy(plan);
    const word = fails(hit);
    number++;
    if (word !== null) words.set(number, word);
    const hits = hit.map(({ fault, one }) => hitOn(one, fault.name, fault.type));
    return Promise.resolve({
      number,
      label: plan.label,
      exit: { kind: "exit", code: word === null ? 0 : 1 },
      ms: 100,
      check: null,
      record: { ...EMPTY, hits: hits.sort((a, b) => a.seq - b.seq) },
      outcomes: plan.faults.map(({ name }) => ({ fault: name, subjects: 1, matched: 1, hits: 1 })),
      left: [],
      output: { stdout: "", stderr: "", dropped: 0 },
      folder: null,
    });
  };
  return {
    runner: { jobs: 1, run },
    judge: ({ number: of }) => {
      const word = words.get(of);
      return word === undefined
        ? { verdict: "survived", alarms: [] }
        : { verdict: "FAILED", alarms: [alarmOf(word)] };
    },
    explicit: MEANS,
    alarm: 0.001,
    caps: { runs: 100, time: 300_000 },
    now: () => 0,
    progress: () => undefined,
    say: () => undefined,
    ...more,
  };
}

const ALL: FaultInput = { type: "lost_response", name: "lost", then: "hang", match: { method: "POST" } };
const shrunkOf = async (made: Promise<ShrinkResult | null>): Promise<ShrinkResult> => {
  const result = await made;
  if (result === null) throw new Error("it did not fail");
  return result;
};
const input = (faults: readonly FaultInput[]): Parameters<typeof shrink>[0] => ({
  faults,
  seed: 7,
  record: null,
  signature: null,
});

describe("a failing run", () => {
  it("of ten hits becomes one fault at one call, in plain words", async () => {
    // It cannot bear that the answer to a completion is lost, whichever it is.
    const sizes: string[] = [];
    const found = await shrunkOf(
      shrink(
        input([ALL]),
        means((hit) => (hit.some(({ one }) => one.method === "POST") ? "exit 1: lease not found" : null), {
          progress: (all) => sizes.push(all.join(" -> ")),
        }),
      ),
    );
    expect(found.faults).toEqual([
      {
        type: "lost_response",
        name: "lost",
        then: "reset",
        proxy: "jobs",
        match: { method: "POST", path: "/v1/jobs/:n/complete" },
        when: { only: [1], per: "route" },
      },
    ]);
    expect(found).toMatchObject({
      signature: "FAILED exit 1: lease not found",
      failed: { failed: 3, runs: 3 },
      shrunk: { from: 10, to: 1, partly: null, level: "hits" },
      threshold: null,
      others: [],
    });
    expect(sizes.at(-1)).toMatch(/^10 -> .*1$/u);
    expect(found.shrunk.runs).toBeLessThanOrEqual(22);
  });

  it("keeps the ordinal and the bot that it needs", async () => {
    const second = (hit: ReturnType<typeof hitBy>): string | null =>
      hit.some(({ one }) => one === at(3)) ? "exit 1: lease not found" : null;
    const found = await shrunkOf(shrink(input([ALL]), means(second)));
    expect(found.faults).toMatchObject([
      { then: "reset", match: { bot: "bot-2" }, when: { only: [2], per: ["bot", "route"] } },
    ]);
  });

  it("tells from what delay on it fails, and keeps the plain one", async () => {
    const slow: FaultInput = { type: "http_delay", name: "slow", delay: "14500ms", match: { method: "GET" } };
    const late = (hit: ReturnType<typeof hitBy>): string | null =>
      hit.some(({ fault }) => Number(/^(\d+)/u.exec(String(fault["delay"]))?.[1]) >= 9_800) ? "hung" : null;
    const found = await shrunkOf(shrink(input([slow]), means(late)));
    expect(found.faults).toMatchObject([{ delay: "20000ms" }]);
    const from = Number(/fails from ([\d.]+)s on; the file keeps 20s/u.exec(found.threshold ?? "")?.[1]);
    expect(from).toBeGreaterThanOrEqual(9.8);
    expect(from).toBeLessThanOrEqual(9.8 * 1.1);
  });

  it("tells another failure as a finding of its own, and does not follow it", async () => {
    const two = (hit: ReturnType<typeof hitBy>): string | null => {
      const has = (index: number): boolean => hit.some(({ one }) => one === at(index));
      if (has(1) && has(8)) return "exit 1: lease not found";
      return has(8) ? "exit 2: out of memory" : null;
    };
    const found = await shrunkOf(shrink(input([ALL]), means(two)));
    expect(found.shrunk.to).toBe(2);
    expect(found.others.map(({ signature }) => signature)).toEqual(["FAILED exit 2: out of memory"]);
  });

  it("is shrunk by whole faults where its hits alone do not bring it about", async () => {
    // Fails of the fault as it was written only, as where it is the draws that matter.
    const other: FaultInput = { type: "http_delay", name: "slow", delay: "1s", match: { method: "GET" } };
    const said: string[] = [];
    const written = (hit: ReturnType<typeof hitBy>): string | null =>
      hit.some(({ fault }) => fault.type === "lost_response" && fault["when"] === undefined) ? "hung" : null;
    const found = await shrunkOf(
      shrink(input([ALL, other]), means(written, { say: (text) => said.push(text) })),
    );
    expect(found).toMatchObject({ shrunk: { from: 2, to: 1, level: "profile" } });
    expect(found.faults).toMatchObject([{ name: "lost" }]);
    expect(said.join("\n")).toContain("its hits alone do not fail as the run did");
  });

  it("that fails no more is nothing to shrink", async () => {
    expect(
      await shrink(
        input([ALL]),
        means(() => null),
      ),
    ).toBeNull();
  });

  it("is written as small as it was when the runs were used up", async () => {
    const last = (hit: ReturnType<typeof hitBy>): string | null =>
      hit.some(({ one }) => one === at(9)) ? "hung" : null;
    const found = await shrunkOf(shrink(input([ALL]), means(last, { caps: { runs: 6, time: 1_000 } })));
    expect(found.shrunk).toMatchObject({ partly: "runs", runs: 6 });
    expect(found.failed.failed).toBeGreaterThan(0);
  });
});
