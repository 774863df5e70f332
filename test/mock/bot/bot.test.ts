import { describe, expect, it } from "vitest";
import type { BotEvent } from "../../../src/mock/bot/events.js";
import { ask, crookedWay, mockServer, submit, watchedBot, type Misdeed } from "../support.js";

const kinds = (events: readonly BotEvent[]): string[] => events.map((event) => event.event);

async function audit(
  url: string,
): Promise<{ totals: Record<string, number>; jobs: Record<string, unknown>[] }> {
  return (await ask(url, "GET /v1/audit")).body as never;
}

describe("a bot, when all is well", () => {
  it("registers, leases, works and completes, one job after the other", async () => {
    const { url } = await mockServer();
    const first = await submit(url, { payload: "one" });
    const second = await submit(url, { payload: "two" });
    const bot = watchedBot(url, { work: (job) => Promise.resolve({ did: job.payload }) });
    await bot.seen("completed", ({ job }) => job === second);
    const each = ["leased", "heartbeat", "working", "completed"];
    expect(kinds(bot.events)).toEqual(["registered", ...each, ...each]);
    expect((await ask(url, `GET /v1/jobs/${first}`)).body).toMatchObject({ result: { did: "one" } });
    expect((await audit(url)).totals).toMatchObject({ leases: 2, executions: 2, completions: 2, refused: 0 });
  });

  it("makes all its calls over the same connection", async () => {
    const { url } = await mockServer();
    const way = await crookedWay(url, {});
    for (let count = 0; count < 5; count++) await submit(url);
    const last = await submit(url);
    const bot = watchedBot(way.url);
    await bot.seen("completed", ({ job }) => job === last);
    expect(new Set(way.requests.map(({ socket }) => socket)).size).toBe(1);
  });

  it("works on as many jobs at the same time as it is told, under one registration", async () => {
    const { url } = await mockServer();
    for (let count = 0; count < 3; count++) await submit(url);
    let busy = 0;
    let release: () => void = () => undefined;
    const all = new Promise<void>((resolve) => (release = resolve));
    const work = (): Promise<void> => {
      if (++busy === 3) release();
      return all;
    };
    const bot = watchedBot(url, { concurrency: 3, work });
    await bot.seen("completed");
    expect(kinds(bot.events).filter((kind) => kind === "registered")).toHaveLength(1);
  });

  it("keeps the lease of a long job alive and tells how far it is", async () => {
    const { url } = await mockServer({ lease: 30_000 });
    const id = await submit(url);
    let finish: (result: string) => void = () => undefined;
    const bot = watchedBot(url, {
      work: (_job, desk) => {
        desk.progress(0.5);
        return new Promise((resolve) => (finish = resolve));
      },
    });
    await bot.seen("working");
    bot.clock.advance(10_000);
    await bot.seen("heartbeat", ({ job, progress }) => job === id && progress === 0.5);
    expect((await ask(url, `GET /v1/jobs/${id}`)).body).toMatchObject({ progress: 0.5 });
    finish("done");
    await bot.seen("completed");
  });

  it("pretends to work for its work time", async () => {
    const { url } = await mockServer();
    const id = await submit(url, { payload: [1] });
    const bot = watchedBot(url, { workTime: 70 });
    await bot.seen("working");
    for (let step = 1; step <= 10; step++) {
      expect(kinds(bot.events)).not.toContain("completed");
      bot.clock.advance(7);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await bot.seen("completed");
    expect((await ask(url, `GET /v1/jobs/${id}`)).body).toMatchObject({ result: { echo: [1] } });
  });

  it("reports a failure of the work as the failure of the job, and carries on", async () => {
    const { url } = await mockServer();
    const bad = await submit(url, { priority: 1 });
    const endless = await submit(url, { priority: 1 });
    const good = await submit(url);
    const loop: unknown[] = [];
    loop.push(loop);
    const bot = watchedBot(url, {
      work: (job) => {
        if (job.id === bad) return Promise.reject(new Error("out of soap"));
        return Promise.resolve(job.id === endless ? loop : "fine");
      },
    });
    await bot.seen("completed", ({ job }) => job === good);
    expect(await bot.seen("failed", ({ job }) => job === bad)).toMatchObject({ why: "out of soap" });
    expect((await bot.seen("failed", ({ job }) => job === endless)).why).toContain("circular");
    expect((await ask(url, `GET /v1/jobs/${bad}`)).body).toMatchObject({ result: { reason: "out of soap" } });
  });

  it("fails a job whose result the server does not take", async () => {
    const { url } = await mockServer({ bodyMax: 1_000 });
    const id = await submit(url);
    const bot = watchedBot(url, { work: () => Promise.resolve("x".repeat(2_000)) });
    expect(await bot.seen("failed")).toMatchObject({ job: id });
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["state"]).toBe("failed");
  });

  it("leaves at once when it is told to, in the middle of work as in the middle of a long poll", async () => {
    const { url } = await mockServer();
    const idle = watchedBot(url);
    await idle.seen("registered");
    await idle.stop();
    expect(idle.events.at(-1)).toEqual({ event: "stopped" });

    const id = await submit(url);
    const busy = watchedBot(url, { work: () => new Promise(() => undefined) });
    await busy.seen("working");
    await busy.stop();
    expect(kinds(busy.events)).toEqual(["registered", "leased", "heartbeat", "working", "stopped"]);
    expect((await ask(url, `GET /v1/jobs/${id}`)).body["state"]).toBe("leased");
    expect(busy.clock.idle).toBe(true);
  });
});

describe("a bot, when answers go wrong", () => {
  const HTML = { status: 502, headers: { "content-type": "text/html" }, text: "<html>Bad Gateway</html>" };
  const misdeeds: [string, Misdeed, RegExp][] = [
    ["reset connections", "reset", /^connection reset$/u],
    ["lost answers", "lose the answer", /^connection reset$/u],
    ["answers cut short", "cut the answer", /^connection reset$/u],
    ["a balancer's error page", HTML, /^502 with an HTML page$/u],
    ["an HTML page with status 200", { ...HTML, status: 200 }, /^200 with an HTML page instead of JSON$/u],
    ["an HTML page with status 404", { ...HTML, status: 404 }, /^404 with an HTML page$/u],
    ["half of a JSON answer with status 200", { status: 200, text: `{"job": {` }, /instead of JSON$/u],
    [
      "an answer of another protocol",
      { status: 200, text: `{"ok": true}` },
      /^the answer is not one of the job/u,
    ],
    ["an empty 500", { status: 500, text: "" }, /^500 with an empty body$/u],
    ["an overload", { status: 503, text: `{"code":"busy","error":"Too busy."}` }, /^503 Too busy\.$/u],
    ["a redirect", { status: 302, headers: { location: "/" }, text: "" }, /^302 with an empty body$/u],
  ];

  it.each(misdeeds)(
    "survives %s in every call, and completes the job exactly once",
    async (_, misdeed, why) => {
      const { url } = await mockServer();
      const id = await submit(url);
      const twice = [misdeed, misdeed];
      const way = await crookedWay(url, {
        register: [...twice],
        lease: [...twice],
        heartbeat: [...twice],
        complete: [...twice],
      });
      const bot = watchedBot(way.url);
      await bot.seen("completed");
      const retries = bot.events.filter((event) => event.event === "retrying");
      expect(retries.map(({ call }) => call)).toEqual(
        ["register", "lease", "heartbeat", "complete"].flatMap((call) => [call, call]),
      );
      const odd = retries.filter((retry) => !why.test(retry.why));
      expect(odd).toEqual([]);
      expect((await audit(url)).jobs).toMatchObject([
        { id, leases: 1, executions: 1, completions: 1, refused: 0 },
      ]);
    },
  );

  it("says how long it took when it gets through again", async () => {
    const { url } = await mockServer();
    const way = await crookedWay(url, { register: ["reset", "reset"] });
    const bot = watchedBot(way.url, { backOff: { first: 100, max: 1_000 } });
    // Three quarters of 100 ms and of 200 ms, as the draws are all one half.
    expect(await bot.seen("recovered")).toMatchObject({ call: "register", attempts: 3, after: 225 });
  });

  it("knows that the server had the completion already when only the answer was lost", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { complete: ["lose the answer"] });
    expect(await watchedBot(way.url).seen("completed")).toMatchObject({ repeated: true });
  });

  it("gives up on a silent connection after its time, not before, and tries again", async () => {
    const { url } = await mockServer();
    await submit(url);
    const way = await crookedWay(url, { lease: ["say nothing"] });
    const bot = watchedBot(way.url, { wait: 10_000, requestTimeout: 5_000 });
    await bot.seen("registered");
    while (!way.requests.some(({ url: path }) => path?.startsWith("/v1/lease"))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    bot.clock.advance(14_999);
    expect(kinds(bot.events)).toEqual(["registered"]);
    bot.clock.advance(1);
    expect(await bot.seen("retrying")).toMatchObject({ call: "lease", why: "no answer within 15s" });
    await bot.seen("completed");
  });

  it("stays away for as long as Retry-After says, in seconds or until a date", async () => {
    const { url } = await mockServer();
    await submit(url);
    const text = `{"code":"slow_down","error":"Slow down."}`;
    const date = new Date(60_000).toUTCString();
    const way = await crookedWay(url, {
      lease: [
        { status: 429, headers: { "retry-after": "7" }, text },
        { status: 503, headers: { "retry-after": date }, text: "" },
        { status: 503, headers: { "retry-after": "soon" }, text: "" },
      ],
    });
    const bot = watchedBot(way.url, { backOff: { first: 100, max: 1_000 } });
    await bot.seen("completed");
    const waits = bot.events.filter((event) => event.event === "retrying").map(({ wait }) => wait);
    expect(waits).toEqual([7_000 + 75, 60_000 - 7_075 + 150, 300]);
  });

  it("takes a token that no header can carry for a corrupted answer", async () => {
    const { url } = await mockServer();
    const text = JSON.stringify({ bot_id: "bot-1", token: "a\nb", expires_in: 60 });
    const way = await crookedWay(url, { register: [{ status: 201, text }] });
    expect((await watchedBot(way.url).seen("retrying")).why).toContain("(token)");
  });
});
