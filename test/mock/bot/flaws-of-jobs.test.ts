/** Flaws in how a bot holds a job: each breaks the job, and the good bot does not. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import type { Flaws } from "../../../src/mock/bot/flaws.js";
import { crookedWay, mockServer, submit, watchedBot } from "../support.js";
import { GOOD, only, auditOf, endless, until } from "./parts.js";

describe("lost-lease", () => {
  const afterLostAnswer = async (flaws: Flaws): Promise<Record<string, unknown>> => {
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
  const runs = async (flaws: Flaws): Promise<number> => {
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
  const afterExpiry = async (flaws: Flaws) => {
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

describe("no-refresh", () => {
  const longJob = async (flaws: Flaws) => {
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

describe("one-strike", () => {
  const afterFailedHeartbeat = async (flaws: Flaws) => {
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
