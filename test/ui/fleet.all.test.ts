/** The view of a fleet in a real browser: what it says of an engine and of daemons in every state, healing with the keyboard, names of strangers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TICK_MS } from "../../src/live/limits.js";
import { AdminLab } from "../admin/admin-lab.js";
import { FleetStandIn, memberPresence } from "../admin/fleet-stand-in.js";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { until } from "../support/lab.js";
import { NOON } from "../telemetry/samples.js";

const HOSTILE = `"><img src=x onerror=window.pwned=1>\u202egnp.exe<script>window.pwned=2</script>${"x".repeat(300)}`;
const WISH = {
  how: "replace",
  startsIn: 0,
  require: "none",
  wait: 0,
  orHeal: false,
  by: "ci",
  why: null,
  activations: [
    {
      profile: "slow",
      params: {},
      ttl: 1_800_000,
      targets: { daemons: ["node-*"], labels: {}, percent: 50 },
    },
  ],
} as const;

describe.skipIf(!hasChromium)("the view of a fleet (needs: chromium)", () => {
  let browser: Browser;
  let tab: Tab;
  let here: AdminLab;
  let fleet: FleetStandIn;

  beforeAll(async () => {
    browser = await Browser.open();
  });
  eachInATab(
    async () => {
      fleet = new FleetStandIn();
      here = await AdminLab.open({ fleet, start: NOON });
      return (tab = await browser.tab());
    },
    () => here.close(),
  );
  afterAll(() => browser.close());

  const admin = (): string => `http://127.0.0.1:${here.port}`;
  const open = async (): Promise<void> => {
    await tab.goto(`${admin()}/ui/fleet`);
    await tab.shows("h1", "Fleet staging");
  };
  const texts = (selector: string): Promise<string[]> =>
    tab.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.innerText.replaceAll(/\\s+/g, " ").trim())`,
    );

  it("has a tab where the daemon belongs to a fleet, and none where it does not", async () => {
    await tab.goto(`${admin()}/ui/`);
    await tab.click('nav a[href="/ui/fleet"]');
    await tab.shows("h1", "Fleet staging");
    const alone = await AdminLab.open({});
    try {
      const status = `http://127.0.0.1:${alone.port}/ui/`;
      await tab.goto(status);
      await tab.shows(".connection-live");
      await until(() => tab.requests.filter((url) => url.endsWith("/status")).length > 1);
      await tab.settled();
      expect(await texts("nav a")).not.toContain("Fleet");
    } finally {
      await alone.close();
    }
  });

  it("has a row for each of two that go by one name, and a warning", async () => {
    fleet.others = [{ presence: memberPresence("node-1", { life: "life-2" }), age: 900 }];
    await open();
    expect(await texts(".members tbody th")).toEqual(["node-1 life-1 this one", "node-1 life-2"]);
    expect((await texts(".fleet-trouble"))[0]).toContain("2 daemons go by the name node-1, ");
  });

  it("shows the engine, the plan and each daemon, those in trouble first and told by more than colour", async () => {
    await fleet.activate(WISH);
    fleet.others.push({ presence: memberPresence("node-9", { admin: "http://10.0.0.9:8474" }), age: 20_000 });
    await open();
    expect(await texts(".fleet-engine")).toEqual(["connected nats://nats-1:4222"]);
    expect((await texts(".fleet-on li"))[0]).toMatch(/^slow on node-\*, 50 % ends in \d+:\d\d$/u);
    expect(await texts(".members tbody th")).toEqual(["node-3", "node-9", "node-1 this one", "node-2"]);
    expect(await texts(".members tbody td:nth-child(2)")).toEqual([
      "refused",
      "silent",
      "applied",
      "applied",
    ]);
    expect(await texts(".members tbody td:last-child")).toEqual(['no proxy "jobs"', "", "", ""]);
    const marks = await tab.evaluate<string[]>(
      "[...document.querySelectorAll('.members tbody .mark')].map((one) => one.innerHTML.replaceAll(/<!--.*?-->/g, ''))",
    );
    expect(new Set(marks).size).toBe(3);
    expect(await tab.evaluate("document.querySelector('.members a').href")).toBe("http://10.0.0.9:8474/ui/");
  });

  it("keeps itself up to date, and says what becomes of the engine", async () => {
    await open();
    fleet.others = [{ presence: memberPresence("node-2", { state: "healed_here" }), age: 0 }];
    await tab.shows(".members td b", "healed there");
    fleet.state = "away";
    await tab.shows(".fleet-engine.fleet-trouble", "no engine nats://nats-1:4222 connect ECONNREFUSED");
    await tab.shows("main", "The engine does not tell who is there.");
    fleet.state = "up";
    await tab.shows(".fleet-engine", "connected");
    await tab.shows(".members", "node-2");
  });

  it("heals with the keyboard, when asked twice; Escape is a no", async () => {
    await fleet.activate(WISH);
    await open();
    await tab.shows(".fleet-curl code", `curl -X DELETE ${admin()}/fleet/active`);
    await tab.shows('[data-do="heal-fleet"]:not([disabled])');
    await tab.evaluate("document.querySelector('[data-do=\"heal-fleet\"]').focus()");
    await tab.key("Enter");
    await tab.shows("dialog", "Heal the fleet?");
    await tab.key("Escape");
    await tab.until("document.querySelector('dialog') === null");
    expect(fleet.healed).toBeNull();
    await tab.evaluate("document.querySelector('[data-do=\"heal-fleet\"]').focus()");
    await tab.key("Enter");
    await tab.shows("dialog", "on 3 daemons");
    await tab.click('dialog [data-do="yes"]');
    await tab.shows(".notices", "1 daemon said nothing yet");
    await tab.shows("main", "The fleet has nothing on.");
    expect(fleet.healed).toMatchObject({ by: "somebody at node-1" });
    expect(await tab.evaluate("document.querySelector('[data-do=\"heal-fleet\"]').disabled")).toBe(true);
  });

  it("is told where its faults are seen: that they are the fleet's, and that healing them here leaves them on elsewhere", async () => {
    const { fleet: hand } = here.control;
    const mark = { identity: "7", lasts: 60_000, words: [] };
    const moments = { startsAt: here.clock.now(), endsAt: here.clock.now() + 60_000 };
    const switchOn = (): void => {
      const input = { what: { profile: "slow" } };
      hand.apply(hand.checked([{ id: "slow", input, library: here.library, mark, ...moments }]));
    };
    switchOn();
    await tab.goto(`${admin()}/ui/`);
    await tab.shows(".weather", "1 profile on, 1 by the fleet");
    await tab.shows(".activation", "by the fleet");
    await tab.shows(".activation", "Heal ends it on this daemon alone.");
    await tab.goto(`${admin()}/ui/profiles/slow`);
    await tab.shows(".activate", "The fleet has it on: this takes its place here.");
    await tab.click('[data-do="heal"]');
    await tab.shows(".notice", "for this daemon alone: the fleet goes on with it elsewhere");
    expect(hand.activations).toEqual([]);
    await tab.goto(`${admin()}/ui/`);
    await tab.shows(".weather", "calm");
    switchOn();
    here.clock.advance(TICK_MS);
    await tab.click('[data-do="heal-all"]');
    await tab.shows(".notice", "Healed: 1 ended. That is for this daemon alone");
    expect(hand.activations).toEqual([]);
  });

  it("offers no healing where the daemon only follows", async () => {
    fleet.control = false;
    await open();
    await tab.shows("main", "This daemon only follows");
    expect(await tab.evaluate("document.querySelector('[data-do=\"heal-fleet\"]')")).toBeNull();
  });

  it("takes what daemons say for text, links nowhere but to pages, and fits a telephone", async () => {
    await tab.viewport({ width: 390, height: 844 });
    fleet.others = [
      {
        presence: memberPresence(HOSTILE, {
          state: "refused",
          why: HOSTILE,
          admin: "javascript:window.pwned=3",
        }),
        age: 0,
      },
      { presence: memberPresence("node-4", { state: HOSTILE as never, admin: HOSTILE }), age: 0 },
    ];
    await fleet.activate({
      ...WISH,
      activations: [{ ...WISH.activations[0], profile: HOSTILE, proxies: [HOSTILE] }],
    });
    await open();
    await tab.shows(".members", "node-4");
    const seen = await tab.evaluate<Record<string, unknown>>(`({
      pwned: window.pwned ?? null,
      made: document.querySelectorAll("main script, main iframe, main img").length,
      links: [...document.querySelectorAll(".members a")].map(({ href }) => href),
      unseen: /[\\u202a-\\u202e]/u.test(document.body.innerText),
      wide: document.documentElement.scrollWidth > innerWidth,
    })`);
    expect(seen).toEqual({ pwned: null, made: 0, links: [], unseen: false, wide: false });
  });
});
