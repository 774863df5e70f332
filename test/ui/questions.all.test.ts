/**
 * A newcomer's questions, answered by looking only: a daemon, a job server and bots are run by `squall demo`, faults are switched on over
 * the API, and what the dashboard shows is compared with the journal.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { colourOf, type Colour, type Region } from "../support/picture.js";
import { getJson, Workshop } from "../support/process.js";

interface Entry {
  readonly kind: string;
  readonly bot?: string;
  readonly exchange?: { readonly id: number; readonly method: string; readonly path: string };
  readonly upstream_status?: number | null;
  readonly client_status?: number | null;
}

describe.skipIf(!hasChromium)("what a newcomer asks (needs: chromium)", () => {
  const shop = new Workshop();
  let browser: Browser;
  let tab: Tab;
  let admin = "";

  beforeAll(async () => {
    browser = await Browser.open();
    const words = ["demo", "--admin", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--bots", "3"];
    const [, found = ""] = await shop.start(words).printed(/admin on (http:\S+)/u);
    admin = found;
  });
  eachInATab(async () => {
    tab = await browser.tab({ width: 1280, height: 800 });
    await tab.media({ theme: "light" });
    await tab.goto(`${admin}/ui/lanes`);
    await tab.shows(".lane-name", "bot-");
    return tab;
  });
  afterEach(() => call("DELETE", "/active"));
  afterAll(async () => {
    await browser.close();
    await shop.close();
  });

  async function call(method: string, path: string, body?: object): Promise<void> {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${admin}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.ok, await response.text()).toBe(true);
  }

  async function journal(query: string): Promise<readonly Entry[]> {
    const { body } = await getJson(`${admin}/journal?limit=1000&${query}`);
    return body["entries"] as readonly Entry[];
  }

  async function colour(name: string): Promise<Colour> {
    return colourOf(
      await tab.evaluate<string>(`getComputedStyle(document.documentElement).getPropertyValue("${name}")`),
    );
  }

  it("who is hit by this flapping balancer?", async () => {
    await call("PUT", "/active", {
      profile: "lb-flapping",
      params: { good: "300ms", bad: "700ms", times: "100" },
    });
    await tab.until(
      `/lb-flapping, phase (?:bad-gateway|unavailable)/u.test(document.querySelector(".lanes-strip").ariaLabel)`,
    );
    await tab.until(
      '[...document.querySelectorAll(".lane-name small")].filter((one) => /failed/u.test(one.textContent)).length === 3',
    );
    const shown = await tab.texts(".lane-name .name");
    const hit = new Set((await journal("kind=fault_hit")).map(({ bot }) => bot));
    expect(shown.every((bot) => hit.has(bot))).toBe(true);
    await tab.until(
      '/bot:\\s+50[23] · server:\\s+not asked/u.test(document.querySelector(".lanes-list").textContent)',
    );
    await tab.shows(".lanes-list .tag", "http_status");
    // Its bands lie above the lanes.
    const strip = await tab.region(".lanes-strip");
    expect((await tab.screenshot()).share(strip, await colour("--changed"), 40)).toBeGreaterThan(0.001);
  });

  it("which bot lost an acknowledgement, did the server do the work, and when did the bot try again?", async () => {
    await call("PUT", "/active", { profile: "lost-ack" });
    await tab.shows(".lane-name small", "lost");
    // It is the worst by now, or will be once the order is made anew.
    await tab.until('document.querySelector(".lane-name small").textContent.includes("lost")');
    const bot = await tab.text(".lane-name .name");
    await tab.click(".lane-name button");
    const { row, href } = await tab.until<{ row: string; href: string }>(`(() => {
      const one = [...document.querySelectorAll(".lanes-list .row-lost a")].find((link) => link.innerText.includes("tried again"));
      return one === undefined ? null : { row: one.innerText.replaceAll(/\\s+/g, " ").trim(), href: one.href };
    })()`);
    expect(row).toMatch(
      /POST \/v1\/jobs\/\S+\/complete bot: reset · server: 2\d\d in [\d.]+ m?s lose-the-ack answer lost · tried again [\d.]+ m?s later: /u,
    );

    // The pictures: both colours stand in that lane.
    const region = await tab.evaluate<Region>(`(() => {
      const row = document.querySelector(".lane-name").getBoundingClientRect();
      const canvas = document.querySelector(".lanes-canvas").getBoundingClientRect();
      return { x: canvas.x, y: row.y, width: canvas.width, height: row.height };
    })()`);
    const picture = await tab.screenshot();
    expect(picture.share(region, await colour("--cut"), 40)).toBeGreaterThan(0);
    expect(picture.share(region, await colour("--good"), 40)).toBeGreaterThan(0);

    // The journal says the same.
    const [, path = ""] = /POST (\/v1\/jobs\/\S+\/complete)/u.exec(row) ?? [];
    const told = (await journal("kind=exchange_over")).filter((entry) => entry.exchange?.path === path);
    expect(told[0]).toMatchObject({ bot, client_status: null });
    expect(told[0]?.upstream_status).toBeGreaterThanOrEqual(200);

    await tab.goto(href);
    await tab.shows(".why-sentence", "of the server away after the server had done the work");
    await tab.shows(".why-sentence", `${bot} saw its connection reset`);
    await tab.shows(".why-sentence", `${bot} tried again`);
    await tab.shows(".verdict-hit", "lose-the-ack");
    await tab.shows(".again code", "squall use lost-ack --seed");
    await tab.shows(".sequence svg text", "nothing, reset");
    // Whoever has the address has the same page.
    const address = await tab.evaluate<string>("location.href");
    await tab.goto(address);
    await tab.shows(".why-sentence", "after the server had done the work");
  });

  it("why was this request not hit?", async () => {
    const lost =
      '(Number(/^\\d+(?= lost)/u.exec(document.querySelector(".lane-name small").textContent)?.[0] ?? 0))';
    await tab.click(".lane-name button");
    const before = await tab.evaluate<number>(lost);
    await call("PUT", "/active", { profile: "lost-ack", params: { every: 4 } });
    // The newest of that bot are of the time of the profile, then.
    await tab.until(`${lost} > ${String(before)}`);
    const of = (pattern: string): string =>
      `[...document.querySelectorAll(".lanes-list a")].find((one) => ${pattern}.test(one.textContent.replaceAll(/\\s+/g, " ")))?.href`;
    const address = await tab.until<string>(of("/complete bot: 2\\d\\d · server: 2\\d\\d/u"));
    await tab.goto(address);
    await tab.shows(".why-sentence", "No fault acted on it.");
    await tab.shows(".verdict .tag", "not its turn");
    expect(await tab.text(".verdict .reason")).toMatch(/^every 4, for each bot this was number \d+$/u);

    await tab.evaluate("history.back()");
    await tab.goto(await tab.until<string>(of("/POST \\/v1\\/lease/u")));
    await tab.shows(".verdict .tag", "does not match");
    expect(await tab.text(".verdict .reason")).toMatch(
      /^path wanted \/v1\/jobs\/:id\/complete was \/v1\/\S*lease/u,
    );
  });

  it("what do these exchanges say of the bots?", async () => {
    await call("PUT", "/active", { profile: "lost-ack" });
    await tab.shows(".lane-name small", "lost");
    await tab.click('nav a[href="/ui/findings"]');
    await tab.shows('.finding[data-kind="recovery"]');
    await tab.click(".finding a");
    await tab.shows(".why-sentence", "bot-");
  });
});
