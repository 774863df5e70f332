/** The same faults switched on again and again at the same proxies: nothing of what was before is left, and the same seed is the same chaos. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../src/proxy/http/proxy.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { answersTo, get, httpTimeLab, ok, type HttpLab } from "../support/http-lab.js";
import { fault } from "../support/lab.js";

const PROXIES = ["a", "b"];
const BOTS = ["x", "y"];

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

let proxies: readonly HttpProxy[];
async function setUp(): Promise<void> {
  ({ lab } = httpTimeLab());
  let served = 0;
  const server = await lab.scripted(() => ok(`${++served}`));
  const identify = [{ by: "header" as const, name: "x-bot" }];
  proxies = await Promise.all(PROXIES.map((name) => lab.http(server.port, { name, identify })));
}

/** What each bot sees of each proxy: the statuses of six calls, and whether an answer was an old one. */
async function run(): Promise<string> {
  const seen: string[] = [];
  for (const proxy of proxies)
    for (const bot of BOTS) {
      const client = lab.client(proxy);
      const calls = [0, 1, 0, 1, 0, 1].map((job) => get(`/jobs/${job}`, [`X-Bot: ${bot}`]));
      client.write(calls.join(""));
      let last = 0;
      let statuses = "";
      for (const { head, body } of await answersTo(client, calls.length)) {
        const isOld = Number(body) <= last;
        last = Math.max(last, Number(body) || 0);
        statuses += head.includes(" 200 ") ? (isOld ? "o" : ".") : "x";
      }
      client.fin();
      seen.push(`${proxy.name} ${bot} ${statuses}`);
    }
  return seen.join("\n");
}

const status = (when: CompiledFault["when"]): CompiledFault =>
  fault("http_status", { status: 503 }, { when });
const FAULTS: Readonly<Record<string, CompiledFault>> = {
  "an ordinal": status({ only: [3], per: ["bot", "route"] }),
  "an ordinal of the proxy": status({ only: [2, 9] }),
  "a quota": status({ count: 2, per: "bot" }),
  "every third behind the first": status({ skip: 1, every: 3, per: "route" }),
  "a share": status({ probability: 0.4 }),
  "retries": status({ only: [1], per: "proxy", follow: "retries" }),
  "a limit of calls": fault("rate_limit", { limit: 4, window: "1h" }),
  "an old answer": fault("stale_response", { age: "0ms" }, { when: { skip: 2, count: 1, per: "bot" } }),
};

describe("switched on again, with nothing between", () => {
  for (const [name, one] of Object.entries(FAULTS))
    it(`${name} is what it was the first time`, async () => {
      await setUp();
      lab.use([one], { seed: 7 });
      const first = await run();
      expect(first).toMatch(/[xo]/u);
      // Another run has left off in the middle of everything.
      for (let again = 0; again < 2; again++) {
        lab.use([one], { seed: 7 });
        expect(await run(), `again ${again}`).toBe(first);
      }
      // Healed in between, and with other faults, as a sweep does it.
      lab.heal();
      await run();
      lab.use([status({ probability: 0.5 })], { seed: 3 });
      await run();
      lab.use([one], { seed: 7 });
      expect(await run()).toBe(first);
    });

  it("a share is another with another seed, and the same with the same one, a hundred times", async () => {
    await setUp();
    const shares = new Map<number, string>();
    for (let turn = 0; turn < 100; turn++) {
      const seed = turn % 10;
      lab.use([FAULTS["a share"] ?? status({})], { seed });
      // One call of each: what its draws are is plain by that already.
      const before = shares.get(seed);
      if (turn < 10 || turn >= 90) {
        const now = await run();
        if (before === undefined) shares.set(seed, now);
        else expect(now).toBe(before);
      }
    }
    expect(new Set(shares.values()).size).toBeGreaterThan(7);
  });
});
