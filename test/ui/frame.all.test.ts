/** The frame of the dashboard in a real browser, before a real daemon. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { Workshop } from "../support/process.js";

describe.skipIf(!hasChromium)("the frame of the page (needs: chromium)", () => {
  const shop = new Workshop();
  let browser: Browser;
  let tab: Tab;
  let admin = "";

  beforeAll(async () => {
    [browser, { admin }] = await Promise.all([Browser.open(), shop.daemon({ proxies: {} })]);
  });
  afterEach(async () => {
    const { problems } = tab;
    await tab.close();
    expect(problems.filter((problem) => !problem.includes("/live"))).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await shop.close();
  });

  it("opens at the address of the admin port, and leads from view to view and back", async () => {
    tab = await browser.tab();
    await tab.goto(`${admin}/`);
    await tab.shows("nav a[aria-current]", "Now");
    expect(await tab.evaluate("location.pathname")).toBe("/ui/");
    await tab.click('nav a[href="/ui/journal"]');
    await tab.shows("nav a[aria-current]", "Journal");
    await tab.evaluate("history.back()");
    await tab.shows("nav a[aria-current]", "Now");
    await tab.evaluate("history.forward()");
    await tab.shows("nav a[aria-current]", "Journal");
  });
});
