/** The frame of the dashboard in a real browser, before a real daemon: its views' addresses, themes, keys, token, and what it does without one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { freePort } from "../support/free-port.js";
import { colourOf, distance } from "../support/picture.js";
import { Workshop } from "../support/process.js";

const VIEWS = ["/ui/", "/ui/lanes", "/ui/profiles", "/ui/profiles/rolling-deploy", "/ui/journal"];
const PROXIES = { jobs: { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" } };

describe.skipIf(!hasChromium)("the frame of the page (needs: chromium)", () => {
  const shop = new Workshop();
  let browser: Browser;
  let tab: Tab;
  let admin = "";

  beforeAll(async () => {
    [browser, { admin }] = await Promise.all([
      Browser.open(["--ignore-certificate-errors"]),
      shop.daemon({ proxies: PROXIES }),
    ]);
  });
  eachInATab(async () => (tab = await browser.tab()));
  afterAll(async () => {
    await browser.close();
    await shop.close();
  });

  it("opens at the address of the admin port, and leads from view to view and back", async () => {
    await tab.goto(`${admin}/`);
    await tab.shows("nav a[aria-current]", "Now");
    await tab.shows(".connection-live");
    expect(await tab.evaluate("location.pathname")).toBe("/ui/");
    await tab.click('nav a[href="/ui/journal"]');
    await tab.shows("nav a[aria-current]", "Journal");
    expect(await tab.evaluate("document.title")).toBe("Journal · Squall");
    await tab.evaluate("history.back()");
    await tab.shows("nav a[aria-current]", "Now");
    await tab.evaluate("history.forward()");
    await tab.shows("nav a[aria-current]", "Journal");
    // Loaded once: what else it asks for are calls of the API.
    expect(tab.requests.filter((url) => url.includes("/ui/app.js"))).toHaveLength(1);
  });

  it("is there soon though the daemon says nothing: navigation, and that it is connecting", async () => {
    // As a daemon that is busy does it: the call is taken, and nothing comes.
    const source = `const ask = window.fetch;
      window.fetch = (target, ...more) => (/\\/live\\b/u.test(String(target)) ? new Promise(() => {}) : ask(target, ...more));`;
    await tab.call("Page.addScriptToEvaluateOnNewDocument", { source });
    await tab.goto(`${admin}/ui/journal`);
    await tab.shows("nav a[aria-current]", "Journal");
    expect(await tab.text(".connection-wait")).toBe("connecting");
  });

  it("has each view at an address of its own, which needs no other before it, and is as wide as a telephone", async () => {
    await tab.viewport({ width: 390, height: 844 });
    for (const path of VIEWS) {
      await tab.goto(`${admin}${path}`);
      await tab.shows(".connection-live");
      await tab.shows("main h1, main .state, main h2");
      await tab.settled();
      const [inner, wide] = await tab.evaluate<[number, number]>(
        "[innerWidth, document.documentElement.scrollWidth]",
      );
      expect(wide, path).toBeLessThanOrEqual(inner);
    }
  });

  it("holds no connection for a page that was left, which the browser keeps: all that come after are answered, and back is alive", async () => {
    // A browser has six connections for one server.
    for (let page = 1; page <= 8; page++) {
      await tab.goto(`${admin}/ui/journal?kind=${page % 2 === 0 ? "mark" : "reload"}`);
      await tab.shows(".connection-live");
      await tab.shows(".journal-foot", "0 entries");
      await tab.shows("main .state-title", "Nothing with these filters.");
    }
    await tab.evaluate("history.back()");
    await tab.until(`location.search === "?kind=reload"`);
    await tab.shows(".connection-live");
    await tab.shows("main .state-title", "Nothing with these filters.");
  });

  it("is light or dark as the system is, or as its switch says, which a reload keeps", async () => {
    const ground = async (): Promise<readonly number[]> => {
      const picture = await tab.screenshot();
      return picture.ground({ x: 0, y: 300, width: picture.width, height: 400 });
    };
    const [light, dark] = [colourOf("#f6f7f8"), colourOf("#14171a")];
    await tab.media({ theme: "dark" });
    await tab.goto(`${admin}/ui/`);
    await tab.shows(".theme", "auto");
    expect(distance(dark, (await ground()) as typeof dark)).toBeLessThan(6);
    await tab.media({ theme: "light" });
    expect(distance(light, (await ground()) as typeof dark)).toBeLessThan(6);
    await tab.click(".theme");
    await tab.shows(".theme", "light");
    await tab.click(".theme");
    await tab.shows(".theme", "dark");
    expect(distance(dark, (await ground()) as typeof dark)).toBeLessThan(6);
    await tab.reload();
    await tab.shows(".theme", "dark");
    expect(distance(dark, (await ground()) as typeof dark)).toBeLessThan(6);
  });

  it("is walked through with keys alone, and shows where the focus is", async () => {
    await tab.goto(`${admin}/ui/profiles`);
    await tab.shows(".found a");
    await tab.key("Tab");
    expect(await tab.evaluate("document.activeElement.className")).toBe("skip");
    const seen: string[] = [];
    for (let step = 0; step < 12; step++) {
      await tab.key("Tab");
      const { what, outline } = await tab.evaluate<{ what: string; outline: string }>(
        `(({ tagName, textContent }, { outlineStyle, outlineWidth }) => ({ what: tagName + " " + textContent.trim(), outline: outlineStyle + outlineWidth }))(document.activeElement, getComputedStyle(document.activeElement))`,
      );
      expect(outline, what).toMatch(/^(?:solid|auto)[1-9]/u);
      seen.push(what);
    }
    expect(seen.slice(0, 2)).toEqual(["A Squall", "A Now"]);
    expect(seen).toContain("A Journal");
    await tab.key("Tab", { shift: true });
    await tab.evaluate(`document.querySelector('.found a').focus()`);
    await tab.key("Enter");
    await tab.shows(".profile-detail h1");
  });

  it("says that there is no such view, where the daemon has none", async () => {
    await tab.goto(`${admin}/ui/nowhere`);
    expect(await tab.text("body")).toContain("SQ_NOT_FOUND");
    expect(tab.problems.splice(0).every((problem) => problem.includes("404"))).toBe(true);
  });

  it("says when the daemon is gone, comes back with it, and says that it is another one", async () => {
    const port = await freePort();
    const own = new Workshop();
    try {
      const words = ["--admin", `127.0.0.1:${port}`];
      const first = await own.daemon({ proxies: PROXIES }, words);
      await tab.goto(`${first.admin}/ui/`);
      await tab.shows(".connection-live");
      first.process.kill("SIGKILL");
      await tab.shows(".banner", "Try now");
      await tab.shows(".connection-lost", "no connection");
      await first.process.ended;
      await tab.click(".banner button");
      await tab.shows(".banner", "The daemon does not answer.");
      await own.daemon({ proxies: PROXIES }, words);
      await tab.shows(".connection-live");
      await tab.shows(".notice", "restarted");
      expect(await tab.evaluate("document.querySelector('.banner')")).toBeNull();
      await tab.goto("about:blank");
    } finally {
      await own.close();
    }
    // What could not be reached meanwhile.
    const refused =
      /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/u;
    expect(tab.problems.splice(0).filter((problem) => !refused.test(problem))).toEqual([]);
  });

  it("asks for the token once, refuses a wrong one in words, and keeps the right one for this tab alone", async () => {
    const own = new Workshop();
    try {
      const guarded = await own.daemon({
        admin: { listen: "127.0.0.1:0", token: "open sesame".replace(" ", "-") },
        proxies: PROXIES,
      });
      await tab.goto(`${guarded.admin}/ui/journal`);
      await tab.shows("dialog", "wants a token");
      await tab.type("dialog input", "wrong");
      await tab.key("Enter");
      await tab.shows("dialog .mistake", "does not take this token");
      await tab.type("dialog input", "open-sesame");
      await tab.click("dialog button");
      await tab.shows(".connection-live");
      await tab.shows(".entry, .state", "");
      await tab.until("document.querySelector('dialog') === null");
      await tab.reload();
      await tab.shows(".connection-live");
      expect(tab.requests.filter((url) => url.includes("sesame"))).toEqual([]);
      expect(await tab.evaluate("JSON.stringify(Object.entries(localStorage))")).toBe("[]");
      const other = await browser.tab();
      await other.goto(`${guarded.admin}/ui/`);
      await other.shows("dialog", "wants a token");
      await other.close();
      await tab.goto("about:blank");
    } finally {
      await own.close();
    }
    expect(tab.problems.splice(0).filter((problem) => !problem.includes("401"))).toEqual([]);
  });

  it("works over HTTPS as well", async () => {
    const own = new Workshop();
    try {
      const file = own.file(
        "squall.yaml",
        JSON.stringify({ admin: { listen: "127.0.0.1:0", tls: true }, proxies: PROXIES }),
      );
      const daemon = own.start(["serve", "--config", file, "--log-format", "json"]);
      const [, secure = ""] = await daemon.printed(/"admin":"(https:[^"]+)"/u);
      await tab.goto(`${secure}/`);
      await tab.shows(".connection-live");
      await tab.goto(`${secure}/ui/profiles/lost-ack`);
      await tab.shows('[data-line="curl"]', "--cacert");
      await tab.shows('select[name="params.then"]');
      await tab.goto("about:blank");
    } finally {
      await own.close();
    }
  });
});
