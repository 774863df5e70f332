/**
 * Much of everything, in a real browser before a real daemon: a thousand profiles, a crowd of bots, and names as long and as odd as they
 * may be. What is listed is bounded, and nothing lies on anything else, on a telephone and on a desk.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { getJson, Workshop } from "../support/process.js";

const LONG = (letter: string): string => `${letter}-${"very-long-name-".repeat(14)}`.slice(0, 200);
/** As long as names of a file may be. */
const NAME = (letter: string): string => LONG(letter).slice(0, 64);
const ODD: readonly string[] = [
  LONG("bot"),
  "W".repeat(200),
  "\u05e9\u05dc\u05d5\u05dd-\u0645\u0631\u062d\u0628\u0627-".repeat(20).slice(0, 200),
  "zero\u200bwidth\u200d\u2060".repeat(20).slice(0, 200),
  "\u202eright\u2066to\u2069left".repeat(12).slice(0, 200),
];
const BOTS = 400;

/** As bytes on the wire: header values are latin1 to node:http, and UTF-8 to whoever reads names. */
const wire = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** Pairs of texts that lie on each other, as far as each is seen; and whether there is anything to scroll sideways to. */
const OVERLAPS = `(() => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || element === null || !element.checkVisibility()) continue;
    if (element.closest(".visually-hidden, .skip, option, .top") !== null) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const clips = [];
    for (let box = element; box !== null; box = box.parentElement)
      if (getComputedStyle(box).overflow !== "visible" && box !== document.documentElement) clips.push(box.getBoundingClientRect());
    for (const { left, right, top, bottom } of range.getClientRects()) {
      const shown = { node, left, right, top: top + 3, bottom: bottom - 3 };
      for (const clip of clips) {
        shown.left = Math.max(shown.left, clip.left);
        shown.right = Math.min(shown.right, clip.right);
        shown.top = Math.max(shown.top, clip.top);
        shown.bottom = Math.min(shown.bottom, clip.bottom);
      }
      if (shown.right - shown.left > 2 && shown.bottom - shown.top > 2) seen.push(shown);
    }
  }
  seen.sort((one, other) => one.top - other.top);
  const pairs = [];
  seen.forEach((one, index) => {
    for (let next = index + 1; next < seen.length && seen[next].top < one.bottom; next++) {
      const other = seen[next];
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - other.top;
      if (one.node !== other.node && across > 2 && down > 2) pairs.push(one.node.data.trim().slice(0, 40) + " / " + other.node.data.trim().slice(0, 40));
    }
  });
  const beyond = seen.filter(({ right }) => right > innerWidth + 1).map(({ node }) => node.data.trim().slice(0, 40));
  return { pairs: pairs.slice(0, 5), beyond: beyond.slice(0, 5), wide: document.documentElement.scrollWidth > innerWidth };
})()`;
const APART = { pairs: [], beyond: [], wide: false };

describe.skipIf(!hasChromium)("much of everything (needs: chromium)", () => {
  const shop = new Workshop();
  let browser: Browser;
  let tab: Tab;
  let server: Server;
  let admin = "";
  let through = 0;

  beforeAll(async () => {
    server = createServer((_request, response) => response.end("fine"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    mkdirSync(join(shop.folder, "many"));
    const made = Array.from(
      { length: 1_000 },
      (_, index) =>
        `profile: made-${index}\nsummary: Late, number ${index}.\ntags: [made]\nfaults:\n  - { name: late, type: latency, delay: 1ms }\n`,
    );
    writeFileSync(join(shop.folder, "many/made.yaml"), made.join("---\n"));
    writeFileSync(
      join(shop.folder, "many/long.yaml"),
      `profile: ${NAME("profile")}\nsummary: ${LONG("summary")}\nbreaks: ${LONG("breaks")}\ntags: [${NAME("tag")}]\nparams:\n  ${NAME("param")}: { default: 1ms, summary: ${LONG("hint")} }\nphases:\n  - phase: ${NAME("phase")}\n    for: 1h\n    faults:\n      - { name: ${NAME("fault")}, type: http_delay, delay: 1ms }\n`,
    );
    const upstream = `http://127.0.0.1:${port}`;
    const odd = {
      listen: "127.0.0.1:0",
      upstream: `http://${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.invalid:80`,
    };
    const identify = [{ header: "x-bot-id" }];
    [browser, { admin }] = await Promise.all([
      Browser.open(),
      shop.daemon({
        proxies: {
          jobs: { listen: "127.0.0.1:0", upstream, identify },
          mail: { listen: "127.0.0.1:0", upstream, identify },
          [NAME("proxy")]: odd,
        },
        profiles: ["many"],
      }),
    ]);
    tab = await browser.tab();
  });
  afterAll(async () => {
    await browser.close();
    await shop.close();
    server.closeAllConnections();
    server.close();
  });

  const ask = (bot: string, path: string): Promise<void> =>
    new Promise((done, failed) => {
      const headers = { "x-bot-id": wire(bot) };
      request({ agent: false, host: "127.0.0.1", port: through, path, headers }, (response) => {
        response.resume().on("end", done);
      })
        .on("error", failed)
        .end();
    });
  const portOf = async (name: string): Promise<number> => {
    const { body } = await getJson(`${admin}/status`);
    const found = (body["proxies"] as { name: string; listen: string }[]).find((one) => one.name === name);
    return Number(found?.listen.split(":").at(-1));
  };
  const count = (selector: string): Promise<number> =>
    tab.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);

  it("lists of a thousand profiles the first, says how many more there are, and finds any", async () => {
    const { body } = await getJson(`${admin}/profiles`);
    const more = (body["profiles"] as unknown[]).length - 200;
    expect(more).toBeGreaterThan(800);
    await tab.goto(`${admin}/ui/profiles`);
    await tab.shows(".found-more", `And ${more} more: another word finds fewer.`);
    expect(await count(".found a")).toBe(200);
    await tab.type('input[name="q"]', "made-987");
    await tab.until(`document.querySelectorAll(".found a").length === 1`);
    expect(await tab.texts(".found strong")).toEqual(["made-987"]);
    expect(await count(".found-more")).toBe(0);
    await tab.click(".found a");
    await tab.shows(".profile-detail h1", "made-987");
  });

  it("shows of a crowd so many bots, each with its lines, and how many more there are", async () => {
    await tab.goto(`${admin}/ui/`);
    await tab.shows(".connection-live");
    for (const proxy of ["jobs", "mail"]) {
      through = await portOf(proxy);
      for (let bot = 0; bot < BOTS; bot += 50)
        await Promise.all(Array.from({ length: 50 }, (_, index) => ask(`bot-${bot + index}`, "/")));
    }
    await tab.shows(".map > .faint", "And 200 more bots.");
    await tab.until(`document.querySelectorAll(".map .bot").length === 200`);
    await tab.until(`document.querySelectorAll(".lines:nth-of-type(1) .edge, .lines .edge").length >= 403`);
    expect(await tab.evaluate(OVERLAPS)).toEqual(APART);
  });

  it("keeps names of 200 letters apart, whatever they are made of, in every view and at both widths", async () => {
    through = await portOf("jobs");
    const on = await getJson(`${admin}/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ profile: NAME("profile"), seed: 1, ttl: "1h" }),
    });
    expect(on.status, JSON.stringify(on.body)).toBe(200);
    await tab.goto(`${admin}/ui/lanes`);
    await tab.shows(".connection-live");
    for (const bot of ODD) await ask(bot, `/v1/${encodeURIComponent(bot)}`.slice(0, 200));
    await tab.shows(".lane-name", "bot-very-long");
    const { body } = await getJson(`${admin}/exchanges?proxy=jobs&limit=1`);
    const [last] = body["exchanges"] as { id: string }[];
    for (const [path, sign] of [
      ["", ".activation"],
      ["lanes", ".lane-name"],
      ["profiles", ".found a"],
      [`profiles/${NAME("profile")}`, ".activate"],
      ["journal", ".entry"],
      ["findings", "h1"],
      [`exchanges/jobs/${last?.id ?? ""}`, ".why"],
    ] as const) {
      await tab.viewport({});
      await tab.goto(`${admin}/ui/${path}`);
      await tab.shows(".connection-live");
      await tab.shows(sign);
      for (const size of [{}, { width: 390, height: 844 }]) {
        await tab.viewport(size);
        await tab.settled();
        expect(await tab.evaluate(OVERLAPS), `${path} at ${size.width ?? "full"} width`).toEqual(APART);
      }
    }
    expect(tab.problems).toEqual([]);
  });
});
