/** Lanes in a real browser, with traffic that is made up so that all is known of it: what is drawn, and what hands and keys do. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { liveExchange } from "../support/live-sample.js";
import { MadeUpLive } from "../support/made-up-live.js";
import { colourOf, distance, type Colour, type Picture, type Region } from "../support/picture.js";
import type { LiveExchange } from "../../src/live/contract.js";

const HOSTILE = '<img src=x onerror="alert(1)">\u202egnp.exe';

/** The server was done, the client's connection was reset. */
function lost(id: string, bot: string, at: number): LiveExchange {
  const whole = liveExchange(at, { id, bot, path: "/v1/jobs/4/complete" });
  const act = {
    activation: "a1",
    profile: "lost-ack",
    phase: "",
    fault: "lose-the-ack",
    type: "lost_response",
  };
  return {
    ...whole,
    client_side: {
      ...whole.client_side,
      over: at + 900,
      answer_first: null,
      answer_last: null,
      status: null,
      end: "reset",
      by: "fault",
    },
    upstream_side: { ...(whole.upstream_side ?? fail()), forwarded: at + 20, over: at + 600, status: 201 },
    acts: [{ ...act, effect: "lost", amount: 1, at: at + 600, detail: null, observed: false }],
  };
}

function fail(): never {
  throw new Error("every sample has an upstream");
}

describe.skipIf(!hasChromium)("lanes in a browser (needs: chromium)", () => {
  let browser: Browser;
  let live: MadeUpLive;
  let tab: Tab;

  beforeAll(async () => {
    browser = await Browser.open();
  });
  afterAll(async () => {
    await browser.close();
  });
  eachInATab(
    async () => {
      live = await MadeUpLive.open({ bots: 3, perSecond: 0, past: 0, tick: 250 });
      tab = await browser.tab({ width: 1280, height: 800 });
      await tab.media({ theme: "light" });
      await tab.goto(`${live.url}/ui/lanes`);
      await tab.shows(".lanes h1", "Lanes");
      return tab;
    },
    () => live.close(),
  );

  /** Told once the page listens, which it says by having no lanes. */
  async function tell(...exchanges: LiveExchange[]): Promise<void> {
    await tab.shows(".state-title", "Nobody has sent anything yet");
    live.tell(exchanges);
    await tab.shows(".lane-name");
  }

  async function colour(name: string): Promise<Colour> {
    return colourOf(
      await tab.evaluate<string>(`getComputedStyle(document.documentElement).getPropertyValue("${name}")`),
    );
  }

  /** Of the lane of that place, from the top: where its bars are. */
  async function lane(place: number): Promise<Region> {
    return tab.evaluate<Region>(`(() => {
      const row = document.querySelectorAll(".lane-name")[${String(place)}].getBoundingClientRect();
      const canvas = document.querySelector(".lanes-canvas").getBoundingClientRect();
      return { x: canvas.x, y: row.y, width: canvas.width, height: row.height };
    })()`);
  }

  function part({ x, y, width, height }: Region, from: number, until: number): Region {
    return { x, y: y + height * from, width, height: height * (until - from) };
  }

  it("shows a lost answer as a broken bar above a whole one, worst first, and joins its second try to it", async () => {
    const at = live.now - 20_000;
    const second = liveExchange(at + 2_000, { id: "3", bot: "bot-3", again: "2", again_by: "failed" });
    await tell(liveExchange(at, { id: "1", bot: "bot-1" }), lost("2", "bot-3", at), second);
    expect(await tab.texts(".lane-name button")).toEqual(["bot-3 1 lost", "bot-1 fine"]);
    expect(await tab.text(".lanes-list .row-lost")).toMatch(
      /POST \/v1\/jobs\/4\/complete bot: reset · server: 201 in 580 ms lose-the-ack answer lost · tried again 1\.1 s later: 200/u,
    );
    const [picture, cut, good, ink] = [
      await tab.screenshot(),
      await colour("--cut"),
      await colour("--good"),
      await colour("--ink"),
    ];
    const [first, other] = [await lane(0), await lane(1)];
    // Each with the other's part as its control.
    const share = (of: Picture, region: Region, shade: Colour): number => of.share(region, shade, 40);
    expect(share(picture, part(first, 0.25, 0.55), cut)).toBeGreaterThan(0.01);
    expect(share(picture, part(first, 0.62, 0.9), good)).toBeGreaterThan(0.005);
    expect(share(picture, part(first, 0.62, 0.9), cut)).toBeLessThan(
      share(picture, part(first, 0.25, 0.55), cut) / 3,
    );
    expect(share(picture, part(first, 0, 0.25), ink)).toBeGreaterThan(0.001);
    expect(share(picture, part(other, 0, 0.25), ink)).toBe(0);
    for (const shade of [cut, good]) expect(share(picture, other, shade)).toBe(0);
  });

  it("tells in words what is pointed at, and a click leads to why", async () => {
    const at = live.now - 15_000;
    await tell(lost("7", "bot-3", at));
    // So that nothing moves while it is looked for.
    await tab.click('.lanes-tools button[aria-label="Earlier"]');
    await tab.shows('.live-switch[aria-pressed="false"]');
    const place = await lane(0);
    const [picture, cut] = [await tab.screenshot(), await colour("--cut")];
    const down = place.y + place.height * 0.4;
    let left = place.x;
    while (left < place.x + place.width && distance(picture.at(left, down), cut) > 40) left++;
    left += 6;
    await tab.mouse("mouseMoved", left, down);
    await tab.shows(
      ".lanes-words",
      "Squall took the answer 201 of the server away after the server had done the work",
    );
    await tab.mouse("mousePressed", left, down);
    await tab.mouse("mouseReleased", left, down);
    await tab.shows(".why-sentence", "after the server had done the work");
    expect(await tab.evaluate("location.pathname")).toBe("/ui/exchanges/jobs/7");
    await tab.shows(".sequence svg text", "nothing, reset");
    expect(await tab.texts(".verdict .tag")).toEqual(["does not match", "hit"]);
    await tab.evaluate("history.back()");
    await tab.shows(".lane-name", "bot-3");
  });

  it("zooms to what is chosen with the mouse, stands still then, and goes back to live", async () => {
    await tell(lost("7", "bot-3", live.now - 15_000));
    const { x, y, width, height } = await lane(0);
    await tab.mouse("mouseMoved", x + width * 0.4, y + height / 2);
    await tab.mouse("mousePressed", x + width * 0.4, y + height / 2);
    await tab.call("Input.dispatchMouseEvent", {
      type: "mouseMoved",
      x: x + width * 0.6,
      y: y + height / 2,
      button: "left",
      buttons: 1,
    });
    await tab.mouse("mouseReleased", x + width * 0.6, y + height / 2);
    await tab.shows(".lanes-span", "6.0 s");
    await tab.shows('.live-switch[aria-pressed="false"]', "back to live");
    await tab.click(".live-switch");
    await tab.shows('.live-switch[aria-pressed="true"]', "live");
  });

  it("is walked with keys alone, from bot to bot and from exchange to exchange", async () => {
    const at = live.now - 15_000;
    await tell(
      lost("7", "bot-3", at),
      liveExchange(at, { id: "1", bot: "bot-1" }),
      liveExchange(at + 5_000, { id: "2", bot: "bot-1" }),
    );
    await tab.evaluate('document.querySelector(".lanes-canvas").focus()');
    await tab.key("ArrowLeft");
    await tab.shows(".lanes-words", "Squall took the answer 201");
    await tab.key("ArrowDown");
    await tab.shows('.lane-name button[aria-pressed="true"]', "bot-1");
    await tab.shows(".lanes-words", "No fault acted on it.");
    await tab.key("PageUp");
    await tab.shows('.live-switch[aria-pressed="false"]');
    await tab.key("End");
    await tab.shows('.live-switch[aria-pressed="true"]');
    await tab.key("ArrowUp");
    await tab.key("ArrowLeft");
    await tab.key("Enter");
    await tab.until('location.pathname === "/ui/exchanges/jobs/7"');
  });

  it("does not move what is listed while somebody points at it", async () => {
    await tell(liveExchange(live.now - 900, { id: "1", bot: "bot-1" }));
    const place = await tab.region(".lanes-list li");
    await tab.mouse("mouseMoved", place.x + 20, place.y + 10);
    await tab.shows(".lanes-words", "No fault acted on it.");
    live.tell([liveExchange(live.now - 100, { id: "2", bot: "bot-1" })]);
    await tab.shows(".lanes-head", "2 exchanges");
    expect(await tab.texts(".lanes-list li")).toHaveLength(1);
    await tab.mouse("mouseMoved", 400, 20);
    await tab.until('document.querySelectorAll(".lanes-list li").length === 2');
  });

  it("finds a bot by its name, and says so in the address", async () => {
    await tell(
      liveExchange(live.now - 900, { id: "1", bot: "bot-1" }),
      liveExchange(live.now - 900, { id: "2", bot: "other" }),
    );
    await tab.type('.lanes-tools input[type="search"]', "oth");
    await tab.until('document.querySelectorAll(".lane-name").length === 1');
    expect(await tab.evaluate("location.search")).toBe("?bot=oth");
    await tab.type('.lanes-tools input[type="search"]', "nobody");
    await tab.shows(".state-title", "No such bot");
  });

  it("makes no markup of what clients send, in lanes, lists, words and drawings", async () => {
    const at = live.now - 2_000;
    await tell({ ...lost("7", HOSTILE, at), path: `/${HOSTILE}`, route: HOSTILE });
    await tab.shows(".lane-name", "<img src=x");
    expect(await tab.evaluate('document.querySelectorAll("main img, main script").length')).toBe(0);
    expect(await tab.evaluate('document.querySelector("main").textContent.includes("\\u202e")')).toBe(false);
    expect(await tab.text(".lanes-list")).toContain("\\u{202e}");
  });

  it("is readable at the width of a telephone, in both themes", async () => {
    const at = live.now - 20_000;
    await tell(lost("2", "bot-3", at), liveExchange(at, { id: "1", bot: "bot-1" }));
    for (const theme of ["light", "dark"] as const) {
      await tab.media({ theme });
      await tab.viewport({ width: 390, height: 844 });
      await tab.until("document.querySelector('.lanes-canvas').clientWidth < 390");
      expect(await tab.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
      const picture = await tab.screenshot();
      const place = await tab.region(".lanes-canvas");
      expect(picture.share(place, await colour("--cut"), 40)).toBeGreaterThan(0.0005);
      expect(picture.share(place, await colour("--paper"), 40)).toBeGreaterThan(0.3);
    }
  });
});

describe.skipIf(!hasChromium)("findings in a browser (needs: chromium)", () => {
  let browser: Browser;
  let live: MadeUpLive;
  let tab: Tab;

  beforeAll(async () => {
    [browser, live] = await Promise.all([
      Browser.open(),
      MadeUpLive.open({ bots: 1, perSecond: 0, past: 0, tick: 250 }),
    ]);
  });
  eachInATab(async () => (tab = await browser.tab()));
  afterAll(async () => {
    await browser.close();
    await live.close();
  });

  it("are a map and a card for each bot, which leads to the exchanges that show them", async () => {
    await tab.goto(`${live.url}/ui/findings`);
    await tab.shows(".finding-card h2", "bot-1");
    expect(await tab.texts(".heat tbody td")).toEqual([
      "✗ 1 a flaw was seen",
      ...new Array<string>(4).fill("· nothing was seen"),
      "• 1 s a figure, and no flaw",
    ]);
    await tab.click(".heat-bad button");
    await tab.until('document.activeElement?.classList.contains("finding-card")');
    await tab.click('.finding-bad a[href="/ui/exchanges/jobs/7"]');
    await tab.shows(".why-sentence", "tried again 991 ms later, and got 200.");
  });

  it("say what is looked for while there are none", async () => {
    live.findings = { ...live.findings, findings: [] };
    await tab.goto(`${live.url}/ui/findings`);
    await tab.shows(".findings-none", "Retries in lock-step");
    expect(await tab.texts(".findings-none dt")).toHaveLength(6);
  });
});
