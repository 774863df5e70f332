/** Tabs that nobody sees, in a real browser before a real daemon: they let their streams go, and begin again with a gap where nothing was seen. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Stage } from "../e2e/stage.js";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { colourOf } from "../support/picture.js";
import { getJson } from "../support/process.js";

describe.skipIf(!hasChromium)("tabs that nobody sees (needs: chromium)", () => {
  let stage: Stage;
  let browser: Browser;
  let open: readonly Tab[] = [];

  beforeAll(async () => {
    [browser, stage] = await Promise.all([Browser.open(), Stage.open()]);
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  // Those of a test that failed would read on.
  afterEach(async () => {
    for (const tab of open) await tab.close();
    open = [];
  });

  /** Of one window. */
  async function tabsOf(count: number): Promise<readonly Tab[]> {
    return (open = await browser.tabs(count));
  }

  /** The daemon says so. */
  async function nobodyReads(): Promise<void> {
    while ((await getJson(`${stage.admin}/status`)).body["streams"] !== 0);
  }

  function nothingIsWrong(): void {
    for (const tab of open) expect(tab.problems).toEqual([]);
  }

  it("hold no connection: eight journals are open, and each is alive when it is looked at", async () => {
    const tabs = await tabsOf(8);
    for (const tab of tabs) {
      await tab.show();
      await tab.goto(`${stage.admin}/ui/journal`);
      // A browser has six connections for one server, and each of these takes two.
      await tab.shows(".connection-live");
      await tab.shows(".journal-head", "follows as it is written");
    }
    await getJson(`${stage.admin}/journal/marks`, { method: "POST", body: '{"text":"while hidden"}' });
    for (const tab of [...tabs].reverse()) {
      await tab.show();
      await tab.shows(".connection-live");
      await tab.shows(".journal", "while hidden");
    }
    nothingIsWrong();
  });

  it("have the daemon watch nothing, say how long they were paused, and draw no calm that nobody saw", async () => {
    const [lanes, other] = await tabsOf(2);
    if (lanes === undefined || other === undefined) throw new Error("there are two");
    await lanes.show();
    await lanes.media({ theme: "light" });
    await lanes.goto(`${stage.admin}/ui/lanes`);
    stage.startBots(["bot-1"], { wait: 50 });
    await lanes.shows(".lane-name", "bot-1");
    await other.show();
    await nobodyReads();
    // What was seen is forgotten, and with it what comes now.
    while ((await getJson(`${stage.admin}/exchanges/jobs/1`)).status !== 404);
    await stage.submitMany(3, { numbers: [1] });
    await lanes.show();
    await lanes.shows(".connection-live");
    await lanes.shows(".notice", "Paused for");
    await lanes.shows(".lanes-head", "not watched all the time");
    const [picture, place] = [await lanes.screenshot(), await lanes.region(".lanes-canvas")];
    const sunken = colourOf(
      await lanes.evaluate<string>('getComputedStyle(document.documentElement).getPropertyValue("--sunken")'),
    );
    expect(picture.share(place, sunken, 2)).toBeGreaterThan(0.05);
    nothingIsWrong();
  });

  it("that are frozen in the background begin again when they are thawed", async () => {
    const [tab, other] = await tabsOf(2);
    if (tab === undefined || other === undefined) throw new Error("there are two");
    await tab.show();
    await tab.goto(`${stage.admin}/ui/`);
    await tab.shows(".connection-live");
    await other.show();
    await tab.call("Page.setWebLifecycleState", { state: "frozen" });
    await nobodyReads();
    await tab.call("Page.setWebLifecycleState", { state: "active" });
    await tab.show();
    await tab.shows(".connection-live");
    nothingIsWrong();
  });
});
