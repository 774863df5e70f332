/**
 * The pictures of docs/dashboard.md and the README: four bots under `lost-ack`, view by view. `SQUALL_PICTURES=docs/img` writes them there;
 * without it they are made and thrown away, so that what the docs show can still be made.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stage } from "../e2e/stage.js";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { getJson, ROOT } from "../support/process.js";

const { SQUALL_PICTURES: to } = process.env;
const SIZE = { width: 1120, height: 700 };
const BYTES_MAX = 100_000;

interface Hit {
  readonly seq: number;
  readonly proxy: string;
  readonly exchange?: { readonly id: number };
}

describe.skipIf(!hasChromium)("the pictures of the docs (needs: chromium)", () => {
  let stage: Stage;
  let browser: Browser;
  let tab: Tab;

  beforeAll(async () => {
    [browser, stage] = await Promise.all([Browser.open(), Stage.open()]);
    tab = await browser.tab(SIZE);
    await tab.media({ theme: "light", reducedMotion: true });
    // Somebody watches from the beginning: exchanges are kept for as long as that.
    await tab.goto(`${stage.admin}/ui/lanes`);
    await tab.shows(".connection-live");
    stage.startBots(["ada", "bob", "cleo", "dan"], { wait: 400 });
    await stage.submitMany(10, { numbers: [1, 2] });
    await stage.until(() => stage.count("completed") >= 8);
    await getJson(`${stage.admin}/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ profile: "lost-ack", params: { every: 2 }, seed: 7, ttl: "5m" }),
    });
    await stage.submitMany(20, { numbers: [1, 2] });
    await stage.until(async () => (await hits()).length >= 6);
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  const hits = async (): Promise<readonly Hit[]> =>
    (await getJson(`${stage.admin}/journal?kind=fault_hit&limit=1000`)).body["entries"] as readonly Hit[];

  const picture = async (name: string): Promise<void> => {
    const seen = await tab.screenshot();
    const { width, height } = seen;
    const png = seen.small();
    expect([width, height]).toEqual([SIZE.width, SIZE.height]);
    expect(png.length, name).toBeLessThan(BYTES_MAX);
    expect(tab.problems).toEqual([]);
    if (to === undefined) return;
    const folder = resolve(ROOT, to);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.png`), png);
  };

  it("of lanes: who lost an answer, and tried again", async () => {
    await tab.shows("canvas");
    // Near enough to see single bars.
    for (let step = 0; step < 3; step++)
      await tab.evaluate(
        `[...document.querySelectorAll("main button")].find(({ textContent }) => textContent.trim() === "+").click()`,
      );
    await picture("lanes");
  });

  it("of an exchange: why", async () => {
    const [hit] = await hits();
    await tab.evaluate(
      `history.pushState(null, "", "/ui/exchanges/${hit?.proxy}/${hit?.exchange?.id}"); dispatchEvent(new PopStateEvent("popstate"))`,
    );
    await tab.shows("main h1, main h2");
    await tab.until(`document.querySelector('main [aria-busy="true"]') === null`);
    await picture("why");
  });

  it("of now: who talks to whom, and what is done to it", async () => {
    await tab.click('nav a[href="/ui/"]');
    await tab.shows(".activation");
    await stage.submitMany(40, { numbers: [1, 2] });
    await tab.until(`document.querySelector(".edge.deed-cut") !== null`);
    await picture("now");
  });

  it("of profiles: what one does, and the form", async () => {
    await tab.click('nav a[href="/ui/profiles"]');
    await tab.type('input[name="q"]', "deploy");
    await tab.click('.found a[href^="/ui/profiles/rolling-deploy"]');
    await tab.shows(".activate");
    await tab.evaluate("scrollTo(0, 0)");
    await picture("profiles");
  });

  it("of the journal: hits as they are written", async () => {
    await tab.goto(`${stage.admin}/ui/journal?kind=fault_hit`);
    await tab.shows(".entry");
    await tab.shows(".connection-live");
    await picture("journal");
  });
});
