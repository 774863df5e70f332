/** Profiles, in a real browser: found by what goes wrong, told, filled in, and switched on; and lines that do the same. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { colourOf } from "../support/picture.js";
import { getJson, MAIN, Workshop, type Json } from "../support/process.js";

describe.skipIf(!hasChromium)("Profiles (needs: chromium, curl)", () => {
  const shop = new Workshop();
  let browser: Browser;
  let tab: Tab;
  let admin = "";

  beforeAll(async () => {
    const proxy = { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" };
    [browser, { admin }] = await Promise.all([
      Browser.open(),
      shop.daemon({ proxies: { jobs: proxy, mail: proxy } }),
    ]);
  });
  eachInATab(
    async () => {
      tab = await browser.tab();
      await tab.media({ theme: "light" });
      return tab;
    },
    () => getJson(`${admin}/active`, { method: "DELETE" }),
  );
  afterAll(async () => {
    await browser.close();
    await shop.close();
  });

  /** What is on, without what differs from run to run. */
  const active = async (): Promise<readonly Json[]> => {
    const { body } = await getJson(`${admin}/active`);
    return (body["activations"] as readonly Json[]).map(({ profile, params, seed, mode, proxies }) => ({
      profile,
      params,
      seed,
      mode,
      proxies,
    }));
  };
  const line = (what: string): Promise<string> =>
    tab.evaluate(`document.querySelector('[data-line="${what}"] code').textContent`);

  it("are found by what goes wrong; the address keeps the search, and back leads to it", async () => {
    await tab.goto(`${admin}/ui/profiles`);
    await tab.shows(".found a");
    await tab.type('input[name="q"]', "answer lost");
    await tab.until(`document.querySelectorAll(".found a").length < 20`);
    expect(await tab.texts(".found strong")).toContain("lost-ack");
    expect(await tab.evaluate("location.search")).toBe("?q=answer+lost");
    await tab.click('.found a[href^="/ui/profiles/lost-ack"]');
    await tab.shows(".profile-detail h1", "lost-ack");
    await tab.evaluate("history.back()");
    await tab.shows(".profile-detail .state", "Choose a profile");
    expect(await tab.evaluate(`document.querySelector('input[name="q"]').value`)).toBe("answer lost");
  });

  it("tell what they do in the sentences of explain, and draw when", async () => {
    const { body } = await getJson(`${admin}/profiles/rolling-deploy?format=json`);
    await tab.goto(`${admin}/ui/profiles/rolling-deploy`);
    await tab.shows(".does li");
    expect(await tab.texts(".does li")).toEqual(body["explanation"]);
    expect(await tab.texts(".course-phases span")).toEqual(["calm", "swap", "warm-up"]);
    // The wedge of the last fault: late in the picture, and higher at its beginning than at its end.
    const { x, y, width, height } = await tab.region(".course-grid > svg");
    const late = colourOf(
      await tab.evaluate<string>(
        `getComputedStyle(document.querySelector(".course-grid > .deed-late")).color`,
      ),
    );
    const picture = await tab.screenshot();
    const share = (from: number, to: number): number =>
      picture.share({ x: x + from * width, y, width: (to - from) * width, height }, late, 48);
    expect(share(0, 0.55)).toBe(0);
    expect(share(0.62, 0.72)).toBeGreaterThan(0.3);
    expect(share(0.62, 0.72)).toBeGreaterThan(2 * share(0.9, 0.98));
  });

  it("are switched on with what was filled in, after a question, since they can hit everybody; a no does nothing", async () => {
    await tab.goto(`${admin}/ui/profiles/lost-ack`);
    await tab.type('input[name="params.every"]', "2");
    await tab.type('input[name="seed"]', "7");
    expect(await tab.evaluate(`document.querySelector('input[name="ttl"]').value`)).toBe("1m");
    await tab.click('[data-do="activate"]');
    await tab.shows("dialog", "lost-ack will act on all 2 proxies (nobody is connected just now), for 1m.");
    await tab.key("Escape");
    await tab.until("document.querySelector('dialog') === null");
    expect(await active()).toEqual([]);
    await tab.click('[data-do="activate"]');
    await tab.click('dialog [data-do="yes"]');
    await tab.shows(".notice", "lost-ack is on.");
    await tab.shows(".profile-detail .activation", "ends in 0:5");
    expect(await active()).toEqual([
      {
        profile: "lost-ack",
        params: { path: "/v1/jobs/:id/complete", every: 2, then: "reset" },
        seed: 7,
        mode: "inject",
        proxies: null,
      },
    ]);
  });

  it("ask nothing where they only observe, or where somebody has chosen whom they are for", async () => {
    await tab.goto(`${admin}/ui/profiles/lost-ack`);
    await tab.click('input[name="observe"]');
    await tab.shows('[data-do="activate"]', "Observe");
    await tab.click('[data-do="activate"]');
    await tab.shows(".notice", "lost-ack is observed.");
    // Its card comes above the form.
    await tab.shows(".profile-detail .activation", "only observes");
    await tab.shows(".activate", "this begins it anew, in place of that run");
    await tab.settled();
    await tab.click('input[name="observe"]');
    await tab.click(".choice label:nth-of-type(2) input[name=proxies]");
    await tab.click('[data-do="activate"]');
    await tab.shows(".notice", "lost-ack is on.");
    expect((await active()).map(({ mode, proxies }) => [mode, proxies])).toEqual([["inject", ["jobs"]]]);
    // Another profile comes beside it, unless somebody says otherwise.
    await tab.goto(`${admin}/ui/profiles/high-latency`);
    await tab.click('input[name="observe"]');
    await tab.shows('[data-line="squall"]', "--observe --add");
    await tab.click('[data-do="activate"]');
    await tab.shows(".notice", "high-latency is observed.");
    expect((await active()).map(({ profile }) => profile)).toEqual(["lost-ack", "high-latency"]);
  });

  it("say at each field what the daemon says of it, and keep what was written there", async () => {
    await tab.goto(`${admin}/ui/profiles/rolling-deploy`);
    await tab.type('input[name="params.calm"]', "soon");
    await tab.type('input[name="params.part"]', "900%");
    await tab.click(".choice label:nth-of-type(2) input[name=proxies]");
    await tab.click('[data-do="activate"]');
    await tab.shows(".mistake", "expected a duration");
    const wrong = await tab.evaluate<string[]>(
      `[...document.querySelectorAll('[aria-invalid="true"]')].map(({ name, value }) => name + "=" + value)`,
    );
    expect(wrong).toEqual(["params.calm=soon", "params.part=900%"]);
    await tab.until(`document.activeElement.name === "params.calm"`);
    await tab.type('input[name="params.calm"]', "1s");
    await tab.type('input[name="params.part"]', "");
    await tab.type('input[name="ttl"]', "later");
    await tab.click('[data-do="activate"]');
    await tab.shows("#about-ttl .mistake", "expected a duration");
    expect(tab.problems.splice(0).filter((problem) => !problem.includes("422"))).toEqual([]);
    expect(await active()).toEqual([]);
  });

  it("are the same by curl, by the command and by the button", async () => {
    await tab.goto(`${admin}/ui/profiles/lost-ack`);
    await tab.type('input[name="params.path"]', "/it's/$HOME/`x`");
    await tab.type('input[name="seed"]', "11");
    await tab.click(".choice label:nth-of-type(1) input[name=proxies]");
    await tab.shows('[data-line="curl"]', '"proxies":["mail"]');
    const lines = { curl: await line("curl"), squall: await line("squall"), pytest: await line("pytest") };
    await tab.click('[data-do="activate"]');
    await tab.shows(".notice", "lost-ack is on.");
    const byButton = await active();
    expect(byButton).toMatchObject([{ params: { path: "/it's/$HOME/`x`" }, seed: 11, proxies: ["mail"] }]);
    expect(lines.pytest).toContain(
      '"params": {"path": "/it\'s/$HOME/`x`"}, "seed": 11, "ttl": "1m", "proxies": ["mail"]',
    );
    for (const what of ["curl", "squall"] as const) {
      await getJson(`${admin}/active`, { method: "DELETE" });
      const text = lines[what].replace(/^squall /u, `'${process.execPath}' '${MAIN}' `);
      execFileSync("sh", ["-c", text], { stdio: ["ignore", "pipe", "pipe"] });
      expect(await active(), what).toEqual(byButton);
    }
  });
});
