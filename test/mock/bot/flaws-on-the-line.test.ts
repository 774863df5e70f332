/** Flaws in how a bot takes what happens on the line: each ends or misleads it, and the good bot goes on. */
import type { LookupFunction } from "node:net";
import { describe, expect, it } from "vitest";
import type { BotOptions } from "../../../src/mock/bot/bot.js";
import type { Flaws } from "../../../src/mock/bot/flaws.js";
import { crookedWay, mockServer, submit, watchedBot } from "../support.js";
import { GOOD, only, auditOf, leases, waits, mortalBot, until } from "./parts.js";

describe("no-timeout", () => {
  const silent = async (flaws: Flaws) => {
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

describe("ignores-retry-after", () => {
  const waitsOf = async (flaws: Flaws): Promise<number[]> => {
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
