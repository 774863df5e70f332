/** Now, in a real browser: bots of the mock job server under a profile, what is seen of them, and the way out. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stage } from "../e2e/stage.js";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { colourOf } from "../support/picture.js";
import { getJson } from "../support/process.js";

describe.skipIf(!hasChromium)("Now (needs: chromium)", () => {
  let stage: Stage;
  let browser: Browser;
  let tab: Tab;
  let silent: Socket;

  beforeAll(async () => {
    [browser, stage] = await Promise.all([Browser.open(), Stage.open()]);
    tab = await browser.tab();
    await tab.media({ theme: "light" });
    await tab.goto(`${stage.admin}/ui/`);
  });
  afterAll(async () => {
    const { problems } = tab;
    silent.destroy();
    await browser.close();
    await stage.close();
    expect(problems).toEqual([]);
  });

  it("says what to do while nobody has come, and that nothing is on", async () => {
    await tab.shows(".waiting", "Point a bot at the address of a proxy");
    await tab.shows(".strip-empty", "all traffic goes through untouched");
    expect(await tab.texts(".proxy strong")).toEqual(["jobs http"]);
    expect(await tab.text(".upstream .mono, .upstream strong")).toBe(stage.server.replace("http://", ""));
  });

  it("shows each bot as it comes, joined to its proxy, and one that is connected and silent by its pulse", async () => {
    stage.startBots(["ada", "bob"], { wait: 100 });
    await tab.until(`document.querySelectorAll(".bot").length === 2`);
    expect((await tab.texts(".bot strong")).sort()).toEqual(["ada", "bob"]);
    await tab.until(`document.querySelectorAll(".lines:nth-of-type(1) .edge, .lines .edge").length >= 3`);
    const { hostname, port } = new URL(stage.through);
    silent = connect(Number(port), hostname);
    silent.write("GET /v1/jobs HTTP/1.1\r\nhost: jobs\r\nx-bot-id: sleeper\r\n\r\n");
    await tab.shows(".bot.silent .pulse");
    await tab.shows(".bot.silent", "sleeper");
    await tab.shows(".bot.silent", "connected, silent for");
  });

  it("marks by shape and colour whom a profile hits, and heals it by a click", async () => {
    await stage.use("lost-ack", { every: 1 });
    await tab.shows(".activation h2", "lost-ack");
    await tab.shows(".activation .ends", "until healed");
    await tab.shows(".weather-on", "1 profile on");
    await stage.submitMany(40, { numbers: [1, 2] });
    await tab.until(
      `[...document.querySelectorAll(".activation .facts span")].some((one) => /[1-9]\\d* hits?/.test(one.textContent))`,
    );
    await tab.until(
      `document.querySelector(".edge.deed-cut") !== null && document.querySelector(".bot .deed-cut") !== null`,
    );
    const [mark, cut] = [
      await tab.region(".edge-mark .mark"),
      await tab.evaluate<string>(`getComputedStyle(document.documentElement).getPropertyValue("--cut")`),
    ];
    const picture = await tab.screenshot();
    expect(picture.share(mark, colourOf(cut))).toBeGreaterThan(0.03);
    // What nothing is done to has no such colour.
    expect(picture.share(await tab.region(".brand"), colourOf(cut))).toBe(0);
    await tab.click('[data-do="heal"]');
    await tab.shows(".notice", "Healed: lost-ack.");
    await tab.shows(".strip-empty");
    expect((await getJson(`${stage.admin}/active`)).body["activations"]).toEqual([]);
    await tab.shows(".weather", "calm");
  });

  it("tells where a profile stands in its phases, and what only observes", async () => {
    await getJson(`${stage.admin}/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        profile: "rolling-deploy",
        params: { calm: "1h" },
        seed: 3,
        mode: "observe",
        ttl: "2h",
      }),
    });
    await tab.shows(".activation .phases", "Phase calm 1 of 3");
    await tab.shows(".activation .phases", "left");
    await tab.shows(".activation .ends", "ends in 1:5");
    await tab.shows(".activation h2 .tag", "only observes");
    await tab.shows(".activation .facts", "seed 3");
    await tab.shows(".weather-on", "1 profile observed");
    await tab.click('[data-do="heal-all"]');
    await tab.shows(".strip-empty");
  });

  it("is a stack of cards where there is no room for columns", async () => {
    await tab.viewport({ width: 390, height: 844 });
    await tab.shows(".stack .proxy");
    await tab.shows(".stack .bot");
    expect(await tab.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await tab.viewport({});
    await tab.shows(".map");
  });
});
