import type { LookupFunction } from "node:net";
import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import type { BotOptions, Work } from "../../../src/mock/bot/bot.js";
import type { BotEvent } from "../../../src/mock/bot/events.js";
import { FLAWS, FLAW_NAMES, unknownFlaw, type Flaw } from "../../../src/mock/bot/flaws.js";
import { ask, crookedWay, mockServer, submit, watchedBot, type CrookedWay } from "../support.js";
import { coded, digesting, mortalBot, sha256, submitBody, until, uploadServer } from "./parts.js";

const GOOD: ReadonlySet<Flaw> = new Set();
const only = (flaw: Flaw): ReadonlySet<Flaw> => new Set([flaw]);

async function auditOf(url: string): Promise<Record<string, unknown>> {
  const { jobs } = (await ask(url, "GET /v1/audit")).body as { jobs: Record<string, unknown>[] };
  return jobs[0] ?? {};
}

const leases = (way: CrookedWay): number =>
  way.requests.filter(({ url }) => url?.startsWith("/v1/lease")).length;
const waits = (events: readonly BotEvent[]): number[] =>
  events.flatMap((event) => (event.event === "retrying" ? [event.wait] : []));

/** Work that the test ends. */
function endless(): { work: Work; finish: () => void } {
  let finish: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (finish = resolve));
  return { work: () => over, finish };
}

describe("no-timeout", () => {
  const silent = async (flaws: ReadonlySet<Flaw>) => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: ["say nothing"] });
    const bot = watchedBot(way.url, { flaws });
    await until(
      () => leases(way),
      (count) => count === 1,
    );
    return bot;
  };

  it("a good bot gives up on a silent connection and gets its job by another", async () => {
    const bot = await silent(GOOD);
    bot.clock.advance(20_000);
    await bot.seen("completed");
  });

  it("the flawed one has nothing that would ever wake it", async () => {
    const bot = await silent(only("no-timeout"));
    expect(bot.clock.idle).toBe(true);
  });
});

describe("lost-lease", () => {
  const afterLostAnswer = async (flaws: ReadonlySet<Flaw>): Promise<Record<string, unknown>> => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, lease: 30_000 });
    await submit(url);
    const way = await crookedWay(url, { lease: ["lose the answer"] });
    const bot = watchedBot(way.url, { flaws });
    await bot.seen("retrying");
    if (flaws.size > 0) clock.advance(30_000);
    await bot.seen("completed");
    return auditOf(url);
  };

  it("a good bot is given the same job again", async () => {
    expect(await afterLostAnswer(GOOD)).toMatchObject({ leases: 1, expired: 0, executions: 1 });
  });

  it("the flawed one leaves the job to the end of a lease that nobody works under", async () => {
    expect(await afterLostAnswer(only("lost-lease"))).toMatchObject({ leases: 2, expired: 1, executions: 1 });
  });
});

describe("double-run", () => {
  const runs = async (flaws: ReadonlySet<Flaw>): Promise<number> => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { complete: ["lose the answer"] });
    let runs = 0;
    const bot = watchedBot(way.url, { flaws, work: () => Promise.resolve(++runs) });
    await bot.seen("completed");
    expect(bot.events.filter(({ event }) => event === "working")).toHaveLength(runs);
    return runs;
  };

  it("a good bot repeats the completion", async () => {
    expect(await runs(GOOD)).toBe(1);
  });

  it("the flawed one repeats the job", async () => {
    expect(await runs(only("double-run"))).toBe(2);
  });
});

describe("stale-lease", () => {
  const afterExpiry = async (flaws: ReadonlySet<Flaw>) => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, lease: 30_000 });
    await submit(url);
    const { work, finish } = endless();
    const bot = watchedBot(url, { flaws, work });
    await bot.seen("working");
    clock.advance(30_000);
    bot.clock.advance(10_000);
    await until(
      () => auditOf(url),
      ({ refused }) => refused === 1,
    );
    return { url, bot, finish };
  };

  it("a good bot drops its work when the lease is another's", async () => {
    const { bot } = await afterExpiry(GOOD);
    await bot.seen("lease_lost");
    expect(bot.events.some(({ event }) => event === "completed")).toBe(false);
  });

  it("the flawed one works on, and claims a completion that the server refused", async () => {
    const { url, bot, finish } = await afterExpiry(only("stale-lease"));
    finish();
    await bot.seen("completed");
    expect(bot.events.some(({ event }) => event === "lease_lost")).toBe(false);
    expect(await auditOf(url)).toMatchObject({ completions: 0, refused: 2 });
  });
});

describe("dies-on-reset", () => {
  it("a good bot survives a reset", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: ["reset"] });
    await watchedBot(way.url).seen("completed");
  });

  it("the flawed one ends by its own retry, and survives what is no reset", async () => {
    const { url } = await mockServer();
    const way = await crookedWay(url, { lease: [{ status: 503, text: "" }, "reset"] });
    const bot = mortalBot(way.url, { flaws: only("dies-on-reset") });
    expect((await bot.end).message).toContain("disposed");
    expect(leases(way)).toBe(2);
    expect(waits(bot.events)).toHaveLength(2);
  });
});

describe("connected-but-idle", () => {
  it("a good bot leases on after two cuts", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: ["reset", "reset"] });
    await watchedBot(way.url).seen("completed");
  });

  it("the flawed one survives one cut, and two that are not close together", async () => {
    const { url } = await mockServer();
    const way = await crookedWay(url, { lease: ["reset", { status: 503, text: "" }, "reset"] });
    const bot = watchedBot(way.url, {
      flaws: only("connected-but-idle"),
      backOff: { first: 4_000, max: 4_000 },
    });
    await submit(url);
    await bot.seen("completed");
  });

  it("after two within three seconds it is there, and asks for nothing", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: ["reset", "reset"] });
    const bot = watchedBot(way.url, { flaws: only("connected-but-idle") });
    for (let times = 1; times <= 5; times++) {
      await bot.seen(
        "refreshed",
        () => bot.events.filter(({ event }) => event === "refreshed").length === times,
      );
      await new Promise((resolve) => setImmediate(resolve));
      bot.clock.advance(10_000);
    }
    expect(leases(way)).toBe(2);
    expect(await auditOf(url)).toMatchObject({ state: "queued" });
  });
});

describe("no-refresh", () => {
  const longJob = async (flaws: ReadonlySet<Flaw>) => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, tokenTtl: 60_000, lease: 600_000 });
    await submit(url);
    const { work, finish } = endless();
    const bot = watchedBot(url, { flaws, work });
    await bot.seen("working");
    clock.advance(70_000);
    bot.clock.advance(70_000);
    finish();
    return { url, bot };
  };

  it("a good bot hands in the result of a job that outlived its token", async () => {
    const { bot } = await longJob(GOOD);
    await bot.seen("completed");
  });

  it("the flawed one drops the result, and goes on with a new token", async () => {
    const { url, bot } = await longJob(only("no-refresh"));
    expect((await bot.seen("lease_lost")).why).toContain("401");
    expect(await auditOf(url)).toMatchObject({ completions: 0, failures: 0 });
    await bot.seen("refreshed");
  });
});

describe("ignores-retry-after", () => {
  const waitsOf = async (flaws: ReadonlySet<Flaw>): Promise<number[]> => {
    const { url } = await mockServer();
    await submit(url);
    const slow = { status: 429, headers: { "retry-after": "7" }, text: `{"code":"slow","error":"Slow."}` };
    const way = await crookedWay(url, { lease: [slow, slow, slow] });
    const bot = watchedBot(way.url, { flaws, backOff: { first: 100, max: 1_000 } });
    await bot.seen("completed");
    return waits(bot.events);
  };

  it("a good bot stays away, and longer each time", async () => {
    expect(await waitsOf(GOOD)).toEqual([7_075, 7_150, 7_300]);
  });

  it("the flawed one is back at once, each time", async () => {
    expect(await waitsOf(only("ignores-retry-after"))).toEqual([75, 75, 75]);
  });
});

describe("trusts-short-bodies", () => {
  const payload = coded(300_000);
  const afterCut = async (flaws: ReadonlySet<Flaw>) => {
    const { url } = await mockServer();
    const id = await submitBody(url, payload);
    const way = await crookedWay(url, { payload: ["cut the answer"] });
    const bot = watchedBot(way.url, { flaws, work: digesting });
    await bot.seen("completed");
    const { result } = (await ask(url, `GET /v1/jobs/${id}`)).body;
    return { result, downloaded: await bot.seen("downloaded") };
  };

  it("a good bot fetches the rest, and no more than that", async () => {
    const { result, downloaded } = await afterCut(GOOD);
    expect(result).toBe(sha256(payload));
    expect(downloaded).toMatchObject({ bytes: payload.length, received: payload.length });
  });

  it("the flawed one works on what came", async () => {
    const { result, downloaded } = await afterCut(only("trusts-short-bodies"));
    expect(downloaded.bytes).toBeLessThan(payload.length);
    expect(result).not.toBe(sha256(payload));
  });
});

describe("html-as-json", () => {
  const HTML = { status: 502, headers: { "content-type": "text/html" }, text: "<html>Bad Gateway</html>" };

  it("a good bot tries again after a balancer's error page", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: [HTML] });
    await watchedBot(way.url).seen("completed");
  });

  it("the flawed one ends by a syntax error", async () => {
    const { url } = await mockServer();
    const way = await crookedWay(url, { lease: [HTML] });
    expect(await mortalBot(way.url, { flaws: only("html-as-json") }).end).toBeInstanceOf(SyntaxError);
  });
});

describe("restart-from-zero", () => {
  const artifact = coded(1_000_000);
  const upload = async (flaws: ReadonlySet<Flaw>) => {
    const server = await uploadServer([400_000, 300_000]);
    const work: Work = async (_job, desk) => {
      const file = await desk.newFile();
      await writeFile(file, artifact);
      await desk.attach("log", file);
    };
    const bot = watchedBot(server.url, { flaws, work });
    await bot.seen("completed");
    expect(server.kept().equals(artifact)).toBe(true);
    return server.starts;
  };

  it("a good bot goes on behind what has arrived", async () => {
    expect(await upload(GOOD)).toEqual([0, 400_000, 700_000]);
  });

  it("the flawed one sends everything again", async () => {
    expect(await upload(only("restart-from-zero"))).toEqual([0, 0, 0]);
  });
});

describe("storm", () => {
  const waitsOf = async (options: Partial<BotOptions>): Promise<number[]> => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: ["reset", "reset"] });
    const bot = watchedBot(way.url, { backOff: { first: 100, max: 1_000 }, ...options });
    await bot.seen("completed");
    return waits(bot.events);
  };

  it("good bots come back at different times", async () => {
    expect(await waitsOf({ random: () => 0 })).toEqual([50, 100]);
    expect(await waitsOf({ random: () => 0.5 })).toEqual([75, 150]);
  });

  it("flawed ones all come back at the same", async () => {
    const flaws = only("storm");
    expect(await waitsOf({ flaws, random: () => 0 })).toEqual([100, 200]);
    expect(await waitsOf({ flaws, random: () => 0.5 })).toEqual([100, 200]);
  });
});

describe("permanent-dns", () => {
  /** Fails as the codes say, one after the other, and then knows the name. */
  const resolver =
    (codes: string[]): LookupFunction =>
    (_host, { all }, answer) => {
      const code = codes.shift();
      if (code !== undefined) answer(Object.assign(new Error(code), { code }), "", 4);
      else if (all) answer(null, [{ address: "127.0.0.1", family: 4 }]);
      else answer(null, "127.0.0.1", 4);
    };
  const named = ({ port }: { port: number }): string => `http://jobs.test:${port}`;

  it("a good bot asks for the name again, whatever the answer was", async () => {
    const server = await mockServer();
    await submit(server.url);
    const lookup = resolver(["ENOTFOUND", "EAI_FAIL", "EAI_AGAIN"]);
    const bot = watchedBot(named(server), { lookup });
    await bot.seen("completed");
    expect(waits(bot.events)).toHaveLength(3);
  });

  it.each(["ENOTFOUND", "EAI_FAIL"])("the flawed one ends with %s, and not with EAI_AGAIN", async (code) => {
    const server = await mockServer();
    const lookup = resolver(["EAI_AGAIN", code]);
    const bot = mortalBot(named(server), { lookup, flaws: only("permanent-dns") });
    expect((await bot.end).message).toMatch(/^the server's name/u);
    expect(waits(bot.events)).toHaveLength(1);
  });
});

describe("one-strike", () => {
  const afterFailedHeartbeat = async (flaws: ReadonlySet<Flaw>) => {
    const { url } = await mockServer({ lease: 30_000 });
    await submit(url);
    const way = await crookedWay(url, {});
    const { work, finish } = endless();
    const bot = watchedBot(way.url, { flaws, work });
    await bot.seen("working");
    way.plan.heartbeat = ["reset"];
    bot.clock.advance(10_000);
    return { bot, finish };
  };

  it("a good bot repeats the heartbeat and keeps its job", async () => {
    const { bot, finish } = await afterFailedHeartbeat(GOOD);
    await bot.seen("recovered", ({ call }) => call === "heartbeat");
    finish();
    await bot.seen("completed");
  });

  it("the flawed one drops the job, which is still its own", async () => {
    const { bot } = await afterFailedHeartbeat(only("one-strike"));
    expect((await bot.seen("lease_lost")).why).toBe("connection reset");
  });
});

describe("the table of flaws", () => {
  it("has a report for each", () => {
    for (const flaw of FLAW_NAMES)
      for (const report of FLAWS[flaw].reports)
        expect(report).toMatch(/^https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/(?:issues|pull)\/\d+$/u);
  });

  it("helps who asks for one that there is not", () => {
    const text = unknownFlaw("no-timout");
    expect(text).toContain(`there is no flaw "no-timout"; did you mean "no-timeout"?`);
    for (const flaw of FLAW_NAMES) expect(text).toContain(flaw);
  });
});
