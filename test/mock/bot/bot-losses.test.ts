/** What a bot may lose, and how it comes by it again: its token, its lease, its server. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import type { BotEvent } from "../../../src/mock/bot/events.js";
import type { Job } from "../../../src/mock/server/job.js";
import type { JobRecords } from "../../../src/mock/server/records.js";
import { ask, crookedWay, mockServer, submit, watchedBot } from "../support.js";

const kinds = (events: readonly BotEvent[]): string[] => events.map((event) => event.event);

async function audit(
  url: string,
): Promise<{ totals: Record<string, number>; jobs: Record<string, unknown>[] }> {
  return (await ask(url, "GET /v1/audit")).body as never;
}

describe("a bot and its token", () => {
  it("refreshes it before it expires", async () => {
    const { url } = await mockServer({ tokenTtl: 60_000 });
    const bot = watchedBot(url);
    await bot.seen("registered");
    bot.clock.advance(48_000);
    const id = await submit(url);
    await bot.seen("completed", ({ job }) => job === id);
    await bot.seen("refreshed");
    expect(kinds(bot.events)).not.toContain("retrying");
  });

  it("refreshes it when the server says 401, even in the middle of a job", async () => {
    const { url } = await mockServer();
    await submit(url);
    const denied = { status: 401, text: "" };
    const way = await crookedWay(url, { lease: [denied], complete: [denied] });
    const bot = watchedBot(way.url);
    await bot.seen("completed");
    expect(kinds(bot.events)).toEqual([
      ...["registered", "refreshed", "leased", "heartbeat", "working", "refreshed", "completed"],
    ]);
  });

  it("does not hammer a server that denies every token", async () => {
    const { url } = await mockServer();
    await submit(url);
    const denied = { status: 401, text: "" };
    const way = await crookedWay(url, { lease: [denied, denied, denied] });
    const bot = watchedBot(way.url);
    await bot.seen("completed");
    const retries = bot.events.filter((event) => event.event === "retrying");
    expect(retries.map(({ why }) => why)).toEqual(["401: not authorized", "401: not authorized"]);
  });
});

describe("a bot that loses its lease", () => {
  it("drops the work when a heartbeat is refused, and takes the next job", async () => {
    const serverClock = new VirtualClock();
    const { url } = await mockServer({ clock: serverClock, lease: 30_000 });
    const id = await submit(url);
    let dropped: unknown;
    const bot = watchedBot(url, {
      work: (job, { signal }) => {
        if (job.attempt > 1) return Promise.resolve("done");
        signal.addEventListener("abort", () => (dropped = signal.reason));
        return new Promise(() => undefined);
      },
    });
    await bot.seen("working");
    serverClock.advance(30_000);
    bot.clock.advance(10_000);
    const lost = await bot.seen("lease_lost");
    expect(lost.why).toBe(`409: The lease expired; ${id} is queued now.`);
    expect(String(dropped)).toContain("The lease expired");
    await bot.seen("completed");
    expect((await audit(url)).jobs).toMatchObject([{ leases: 2, executions: 2, completions: 1, refused: 1 }]);
  });

  it("drops the work when no heartbeat has got through for the time of the lease", async () => {
    const { url } = await mockServer({ lease: 30_000 });
    await submit(url);
    const way = await crookedWay(url, {});
    const bot = watchedBot(way.url, { work: () => new Promise(() => undefined) });
    await bot.seen("working");
    way.plan.heartbeat = Array.from({ length: 1_000 }, () => "reset" as const);
    bot.clock.advance(10_000);
    const lost = await bot.seen("lease_lost");
    expect(lost.why).toBe("no heartbeat got through before the lease expired");
    expect(bot.clock.now()).toBeGreaterThanOrEqual(30_000);
    expect(bot.events.filter((event) => event.event === "retrying").length).toBeGreaterThan(2);
  });

  it("repeats a completion that is not answered while the lease still holds", async () => {
    const clock = new VirtualClock();
    const { url } = await mockServer({ clock, lease: 4_000 });
    await submit(url);
    const way = await crookedWay(url, { complete: ["say nothing"] });
    const bot = watchedBot(way.url, { requestTimeout: 10_000 });
    while (!way.requests.some(({ url: path }) => path?.endsWith("/complete")))
      await new Promise((resolve) => setImmediate(resolve));
    clock.advance(2_000);
    bot.clock.advance(2_000);
    expect(await bot.seen("retrying")).toMatchObject({ call: "complete", why: "no answer within 2s" });
    await bot.seen("completed");
    expect((await audit(url)).totals).toMatchObject({ leases: 1, completions: 1, refused: 0 });
  });

  it("waits no longer between completions than between heartbeats, as the lease runs on", async () => {
    const { url } = await mockServer({ lease: 30_000 });
    await submit(url);
    const way = await crookedWay(url, { complete: Array.from({ length: 4 }, () => "reset" as const) });
    const bot = watchedBot(way.url, { backOff: { first: 4_000, max: 60_000 } });
    await bot.seen("completed");
    const waits = bot.events.flatMap((event) => (event.event === "retrying" ? [event.wait] : []));
    expect(waits).toEqual([3_000, 3_750, 3_750, 3_750]);
  });

  it("takes a refused completion for a lost lease, not for a failure", async () => {
    const serverClock = new VirtualClock();
    const { url } = await mockServer({ clock: serverClock, lease: 30_000 });
    await submit(url);
    const bot = watchedBot(url, {
      work: (job) => {
        if (job.attempt === 1) serverClock.advance(30_000);
        return Promise.resolve("done");
      },
    });
    await bot.seen("lease_lost");
    await bot.seen("completed");
    expect((await audit(url)).totals).toMatchObject({ leases: 2, completions: 1, failures: 0, refused: 1 });
  });

  it("begins no work under a lease that had expired before its answer came", async () => {
    const serverClock = new VirtualClock();
    const { url } = await mockServer({ clock: serverClock, lease: 30_000 });
    await submit(url);
    const way = await crookedWay(url, { heartbeat: ["reset"] });
    let works = 0;
    const bot = watchedBot(way.url, { work: () => Promise.resolve(++works) });
    await bot.seen("leased");
    serverClock.advance(30_000);
    await bot.seen("completed");
    expect(kinds(bot.events)).toContain("lease_lost");
    expect(works).toBe(1);
  });
});

describe("a bot, when the server dies", () => {
  it("waits for it, registers with the new one and carries on, idle or busy, again and again", async () => {
    const first = await mockServer();
    const { port, url } = first;
    const bot = watchedBot(url, { concurrency: 2 });
    await bot.seen("registered");
    let server = first;
    for (let death = 1; death <= 3; death++) {
      const before = bot.events.length;
      await server.close();
      await bot.seen("retrying", (event) => bot.events.indexOf(event) >= before);
      server = await mockServer({ port });
      const id = await submit(url);
      await bot.seen("completed", ({ job }) => job === id);
    }
    expect(kinds(bot.events).filter((kind) => kind === "registered")).toHaveLength(4);
  });

  it("hands in the result of a job that it was given by the server before the crash", async () => {
    const saved = new Map<string, string>();
    const records: JobRecords = {
      load: () => [...saved.values()].map((text) => JSON.parse(text) as Job),
      save: (job) => void saved.set(job.id, JSON.stringify(job)),
      remove: (id) => void saved.delete(id),
      flushed: () => Promise.resolve(),
    };
    const first = await mockServer({ records });
    const { port, url } = first;
    const id = await submit(url);
    let finish: (result: string) => void = () => undefined;
    const bot = watchedBot(url, { work: () => new Promise((resolve) => (finish = resolve)) });
    await bot.seen("working");
    await first.close();
    finish("done");
    await bot.seen("retrying", ({ call, why }) => call === "complete" && why === "connection refused");
    await mockServer({ port, records });
    await bot.seen("completed", ({ job }) => job === id);
    expect((await audit(url)).jobs).toMatchObject([{ id, leases: 1, completions: 1, refused: 0 }]);
  });

  it("drops a job that the new server does not know", async () => {
    const first = await mockServer();
    const { port, url } = first;
    await submit(url);
    const bot = watchedBot(url, { work: () => new Promise(() => undefined) });
    await bot.seen("working");
    await first.close();
    await mockServer({ port });
    bot.clock.advance(10_000);
    expect((await bot.seen("lease_lost")).why).toMatch(/^404: There is no job/u);
  });
});
