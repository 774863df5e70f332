/**
 * What changes under a page that is open, in a real browser before a real daemon: the profile whose form somebody fills in, the daemon,
 * its token, its proxies. The page says so, asks for a token once, and loses nothing that somebody has written.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { freePort } from "../support/free-port.js";
import { getJson, Workshop, type Squall } from "../support/process.js";

const HTTP = { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" };
/** What the browser itself says of calls that were refused, or found nobody. */
const EXPECTED = /status of (?:401|404|422)|net::ERR_/u;

const slow = (delay: string, param = "by"): string =>
  `profile: slow\nsummary: Late by ${delay}.\nparams:\n  ${param}: { default: ${delay}, summary: how late }\nfaults:\n  - { name: late, type: http_delay, delay: "\${${param}}" }\n`;

describe.skipIf(!hasChromium)("a page under which something changes (needs: chromium)", () => {
  let browser: Browser;
  let shop: Workshop;
  let tab: Tab;
  let admin = "";
  let port = 0;

  beforeAll(async () => {
    browser = await Browser.open();
  });
  eachInATab(
    async () => {
      shop = new Workshop();
      port = await freePort();
      admin = `http://127.0.0.1:${port}`;
      return (tab = await browser.tab());
    },
    () => shop.close(),
    EXPECTED,
  );
  afterAll(() => browser.close());

  /** On the port of this test; the one before it is gone. */
  const daemon = async (proxies: readonly string[], token?: string): Promise<Squall> => {
    const { process } = await shop.daemon({
      admin: { listen: `127.0.0.1:${port}`, ...(token === undefined ? {} : { token }) },
      proxies: Object.fromEntries(proxies.map((proxy) => [proxy, HTTP])),
    });
    return process;
  };
  const end = async (process: Squall): Promise<void> => {
    process.kill("SIGKILL");
    await process.ended;
  };
  const put = async (text: string): Promise<void> => {
    const { status } = await getJson(`${admin}/profiles/slow`, { method: "PUT", body: text });
    expect([200, 201]).toContain(status);
  };
  const active = async (): Promise<unknown> => {
    const { body } = await getJson(`${admin}/active`);
    return (body["activations"] as { profile: string; params: unknown }[]).map(({ params }) => params);
  };
  /** The form of `slow`, with something written into each of its fields. */
  const fillIn = async (): Promise<void> => {
    await tab.goto(`${admin}/ui/profiles/slow`);
    await tab.type('input[name="params.by"]', "77ms");
    await tab.type('input[name="seed"]', "12");
    await tab.type('input[name="ttl"]', "9m");
  };
  const filledIn = (): Promise<string[]> =>
    tab.evaluate(
      `["params.by", "seed", "ttl"].map((name) => document.querySelector('input[name="' + name + '"]')?.value ?? "")`,
    );

  it("switches on no other profile than somebody has read: one that was changed is shown first, with what was filled in", async () => {
    await daemon(["jobs"]);
    await put(slow("200ms"));
    await fillIn();
    await tab.shows(".profile-detail header", "Late by 200ms.");
    await put(slow("5s"));
    await tab.click('[data-do="activate"]');
    await tab.shows(".news", "was changed while you looked at it");
    await tab.shows(".profile-detail header", "Late by 5s.");
    expect(await tab.evaluate("document.querySelector('dialog')")).toBeNull();
    expect(await active()).toEqual([]);
    expect(await filledIn()).toEqual(["77ms", "12", "9m"]);
    await tab.click('[data-do="activate"]');
    await tab.click('dialog [data-do="yes"]');
    await tab.shows(".notice", "slow is on.");
    await tab.until("document.querySelector('.news') === null");
    expect(await active()).toEqual([{ by: "77ms" }]);
  });

  it("says by itself that the profile was changed, which of its params are gone, and that it is gone", async () => {
    await daemon(["jobs"]);
    await put(slow("200ms"));
    await fillIn();
    await put(slow("200ms", "later"));
    await tab.shows(".news", "It has no param by any more.");
    await tab.shows('.activate input[name="params.later"]');
    await tab.shows(".found a", "slow");
    await getJson(`${admin}/profiles/slow`, { method: "DELETE" });
    await tab.shows(".news", "there no more");
    expect(await tab.evaluate(`document.querySelector('input[name="seed"]').value`)).toBe("12");
    await tab.click('[data-do="activate"]');
    await tab.shows(".notice", "slow is there no more.");
    // It is back.
    await put(slow("200ms", "later"));
    await tab.click('[data-do="activate"]');
    await tab.click('dialog [data-do="yes"]');
    await tab.shows(".notice", "slow is on.");
  });

  it("keeps what somebody has written over a daemon that comes back with another token and other proxies, and asks once", async () => {
    const give = async (token: string): Promise<void> => {
      await tab.shows("dialog", "wants a token");
      await tab.type("dialog input", token);
      await tab.key("Enter");
      await tab.until("document.querySelector('dialog') === null");
    };
    const first = await daemon(["jobs", "mail", "pay"], "first-token");
    await tab.goto(`${admin}/ui/profiles/lost-ack`);
    await give("first-token");
    await tab.type('input[name="params.every"]', "2");
    await tab.type('input[name="seed"]', "12");
    await tab.click(".choice label:nth-of-type(1) input[name=proxies]");
    const written = `[...document.querySelectorAll(".activate input[type=text]")].map(({ name, value }) => name + "=" + value).filter((one) => !one.endsWith("=")).join(" ")`;
    const before = await tab.evaluate<string>(written);
    expect(before).toBe("params.every=2 ttl=1m seed=12");
    await end(first);
    await tab.shows(".banner", "Try now");
    await daemon(["jobs", "pay", "chat"], "second-token");
    await tab.shows("dialog", "wants a token");
    expect(await tab.evaluate("document.querySelectorAll('dialog').length")).toBe(1);
    await give("second-token");
    await tab.shows(".connection-live");
    await tab.shows(".notice", "restarted");
    await tab.shows(".choice label", "chat");
    expect(await tab.evaluate(written)).toBe(before);
    const choices = `[...document.querySelectorAll(".choice label:has(input[name=proxies])")].map((one) => one.textContent.replaceAll(/\\s+/g, " ").trim() + (one.querySelector("input").checked ? " x" : "")).join(", ")`;
    expect(await tab.evaluate(choices)).toBe("chat, jobs, pay x, mail there no more x");
    // What it is about can be seen, and mended where it stands.
    await tab.click('[data-do="activate"]');
    await tab.shows(".choice .mistake", "mail");
    await tab.click(".choice label:nth-of-type(4) input[name=proxies]");
    await tab.click('[data-do="activate"]');
    await tab.shows(".notice", "lost-ack is on.");
    const headers = { authorization: "Bearer second-token" };
    const { body } = await getJson(`${admin}/active`, { headers });
    expect(body["activations"]).toMatchObject([{ seed: 12, params: { every: 2 }, proxies: ["pay"] }]);
  });

  it("asks nobody anything while the dialog asks for a token, whatever view is opened behind it", async () => {
    await daemon(["jobs"], "first-token");
    await tab.goto(`${admin}/ui/`);
    await tab.shows("dialog", "wants a token");
    const asked = tab.requests.length;
    for (const [view, title] of [
      ["findings", "The daemon wants a token first."],
      ["journal", "The daemon wants a token first."],
      ["profiles", "The daemon wants a token first."],
    ] as const) {
      await tab.evaluate(`document.querySelector('nav a[href="/ui/${view}"]').click()`);
      await tab.shows("main .state-title", title);
    }
    expect(tab.requests.slice(asked).filter((url) => !url.endsWith("/icon.svg"))).toEqual([]);
    await tab.type("dialog input", "first-token");
    await tab.key("Enter");
    await tab.shows(".found a");
  });

  it("calls the daemon silent only when it has read what waits: a page that was stopped has its timers before that", async () => {
    await daemon(["jobs"]);
    // Its long timers are the test's to ring.
    const source =
      "window.timers = {}; const wait = window.setTimeout; window.setTimeout = (run, after, ...more) => { if (after !== 40000 && after !== 2000) return wait(run, after, ...more); window.timers[after] = run; return 0; };";
    await tab.call("Page.addScriptToEvaluateOnNewDocument", { source });
    await tab.goto(`${admin}/ui/profiles`);
    await tab.shows(".connection-live");
    const streams = (): number => tab.requests.filter((url) => url === `${admin}/live`).length;
    expect(streams()).toBe(1);
    await tab.evaluate("window.timers[40000]()");
    await tab.settled();
    await tab.shows(".connection-live");
    expect([streams(), await tab.evaluate("document.querySelector('.banner')")]).toEqual([1, null]);
    // It comes back soon: whoever is to see it looks before.
    const told = tab.shows(".banner", "silent for too long");
    await tab.evaluate("window.timers[2000]()");
    await told;
    await tab.shows(".connection-live");
    expect(streams()).toBe(2);
  });

  it("keeps a mark that is half written over a token that was changed", async () => {
    const first = await daemon(["jobs"], "first-token");
    await tab.goto(`${admin}/ui/journal`);
    await tab.type("dialog input", "first-token");
    await tab.key("Enter");
    await tab.shows(".connection-live");
    await tab.type('input[name="mark"]', "half of a ma");
    await end(first);
    await tab.shows(".banner", "Try now");
    await daemon(["jobs"], "second-token");
    await tab.type("dialog input", "second-token");
    await tab.key("Enter");
    await tab.shows(".connection-live");
    await tab.shows(".journal-head", "follows as it is written");
    expect(await tab.evaluate(`document.querySelector('input[name="mark"]').value`)).toBe("half of a ma");
  });
});
