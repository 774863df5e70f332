/**
 * Nothing of a client's becomes markup, wherever it is shown; and a page of somebody else can neither read nor change anything, whatever
 * it tries.
 */
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stage } from "../e2e/stage.js";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { getJson } from "../support/process.js";

/** Each would be seen by its own trace, had it become more than text. */
const HOSTILE: readonly string[] = [
  "<script>window.pwned=1</script>",
  '"><img src=x onerror=window.pwned=2>',
  "'><svg onload=window.pwned=3>",
  "</title><iframe src=javascript:window.pwned=4>",
  "${window.pwned=5} {{7*7}} <!--?lit$1$-->",
  "javascript:window.pwned=6",
  "\u001b[31mred\u001b[0m\u0007",
  "\u202egnp.exe\u2066",
  "zero\u200bwidth\ufeff\u00ad",
  "z\u0301\u0302\u0303\u0304\u0305\u0306\u0307",
  "__proto__",
];
const VIEWS = [
  "/ui/",
  "/ui/lanes",
  "/ui/profiles",
  "/ui/profiles/evil",
  "/ui/journal",
  "/ui/journal?kind=mark",
];

/** What must be nowhere in a page that shows such text. */
const TRACES = `({
  pwned: window.pwned ?? null,
  made: [...document.querySelectorAll("main script, main iframe, main img, main object, main embed, main style, main [onerror], main [onload]")].map(({ outerHTML }) => outerHTML),
  links: [...document.querySelectorAll("main a")].map(({ href }) => href).filter((href) => !href.startsWith(location.origin + "/ui/")),
  unseen: /[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\ufeff\\u001b\\u0007]/u.test(document.body.innerText),
  wide: document.documentElement.scrollWidth > innerWidth,
})`;
const HARMLESS = { pwned: null, made: [], links: [], unseen: false, wide: false };

/** As bytes on the wire: header values are latin1 to node:http, and UTF-8 to whoever reads names. */
const wire = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const isHeader = (text: string): boolean => !/[\0-\x1f\x7f]/u.test(text);

describe.skipIf(!hasChromium)("hostile text (needs: chromium)", () => {
  let stage: Stage;
  let browser: Browser;
  let tab: Tab;

  beforeAll(async () => {
    [browser, stage] = await Promise.all([Browser.open(), Stage.open()]);
    tab = await browser.tab();
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  const call = (path: string, bot: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(stage.through);
      const headers = { "x-bot-id": wire(bot), "user-agent": wire(bot), "x-evil": wire(bot) };
      httpRequest({ hostname, port, path, headers, agent: false }, (response) => {
        response.resume().on("end", resolve);
      })
        .on("error", reject)
        .end();
    });

  it("stays text in every view: names, paths, headers, marks, profiles", async () => {
    // JSON is YAML.
    const profile = {
      profile: "evil",
      // What looks like a param is refused there.
      summary: HOSTILE.filter((text) => !text.includes("${")).join(" "),
      breaks: HOSTILE[1],
      survives: HOSTILE[2],
      tags: ["evil"],
      params: { by: { default: "1ms", summary: HOSTILE[0] } },
      phases: [{ phase: "calm", for: "1h", faults: [{ name: "late", type: "http_delay", delay: "${by}" }] }],
    };
    const put = await getJson(`${stage.admin}/profiles/evil`, {
      method: "PUT",
      body: JSON.stringify(profile),
    });
    expect(put.status, JSON.stringify(put.body)).toBe(201);
    const on = await getJson(`${stage.admin}/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ profile: "evil", seed: 1 }),
    });
    expect(on.status).toBe(200);
    // Once before it looks and once while it does: bots are those that came meanwhile.
    await tab.goto(`${stage.admin}/ui/lanes`);
    await tab.shows(".connection-live");
    for (const text of [...HOSTILE, "x".repeat(10_000)]) {
      await getJson(`${stage.admin}/journal/marks`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: text.slice(0, 1_000) }),
      });
      if (isHeader(text))
        await call(
          `/v1/${encodeURIComponent(text.slice(0, 3_000))}?q=${encodeURIComponent(text.slice(0, 1_000))}`,
          text.slice(0, 8_000),
        );
    }
    for (const path of VIEWS) {
      await tab.viewport({});
      await tab.goto(`${stage.admin}${path}`);
      await tab.shows(".connection-live");
      await tab.shows(path === "/ui/" ? ".bot" : path.startsWith("/ui/journal") ? ".entry" : "main > *");
      if (path.startsWith("/ui/journal")) {
        await tab.click(".entry");
        await tab.shows(".details dd");
      }
      for (const size of [{}, { width: 390, height: 844 }]) {
        await tab.viewport(size);
        await tab.settled();
        expect(await tab.evaluate(TRACES), `${path} at ${size.width ?? "full"} width`).toEqual(HARMLESS);
      }
    }
    // It is shown, and not merely left out.
    await tab.viewport({});
    await tab.goto(`${stage.admin}/ui/`);
    await tab.shows(".bot strong", "<script>window.pwned=1</script>".slice(0, 20));
    await tab.goto(`${stage.admin}/ui/journal?kind=mark`);
    await tab.shows(".entry-text", "\\x1b[31mred");
    await tab.shows(".entry-text", "\\u{202e}gnp.exe");
    expect(tab.problems).toEqual([]);
  });

  it("stays text in the address as well", async () => {
    const all = encodeURIComponent(HOSTILE.join(" "));
    for (const path of [
      `journal?bot=${all}`,
      `journal?path=${all}`,
      `profiles?q=${all}`,
      `lanes?bot=${all}`,
      `profiles/${all}`,
    ]) {
      await tab.goto(`${stage.admin}/ui/${path}`);
      await tab.shows(".connection-live");
      await tab.shows("main > *");
      await tab.settled();
      expect(await tab.evaluate(TRACES), path).toMatchObject({ pwned: null, made: [], unseen: false });
    }
    // A path pattern that is none is a mistake, told as one.
    expect(tab.problems.splice(0).filter((problem) => !/ 4\d\d /u.test(problem))).toEqual([]);
  });
});

describe.skipIf(!hasChromium)("a page of somebody else (needs: chromium)", () => {
  let stage: Stage;
  let browser: Browser;
  let evil: Server;
  let origin = "";

  beforeAll(async () => {
    [browser, stage] = await Promise.all([Browser.open(), Stage.open()]);
    evil = createServer((_request, response) => {
      response
        .writeHead(200, { "content-type": "text/html" })
        .end("<!doctype html><title>evil</title><body>evil</body>");
    });
    await new Promise<void>((done) => evil.listen(0, "127.0.0.1", done));
    origin = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
    evil.closeAllConnections();
    evil.close();
  });

  it("changes nothing and reads nothing by fetch, form, frame, picture, script, beacon, event stream or socket", async () => {
    const revision = async (): Promise<unknown> => (await getJson(`${stage.admin}/active`)).body["revision"];
    const before = await revision();
    // As another port of the same host (same site), and as another site.
    for (const from of [origin, origin.replace("127.0.0.1", "localhost")]) {
      const tab = await browser.tab();
      await tab.goto(from);
      const told = await tab.evaluate<Record<string, string>>(`(async () => {
        const admin = ${JSON.stringify(stage.admin)};
        const body = JSON.stringify({ profile: "lost-ack" });
        const said = async (what) => { try { return String(await what()); } catch (error) { return "refused: " + error.name; } };
        const fetched = (path, init) => said(async () => { const response = await fetch(admin + path, init); return response.type + " " + response.status + " " + (await response.text()).length; });
        const loaded = (tag, set) => said(() => new Promise((resolve, reject) => {
          const element = document.createElement(tag);
          element.onload = () => resolve("loaded");
          element.onerror = () => reject(new Error("not loaded"));
          set(element);
          document.body.append(element);
        }));
        const told = {
          read: await fetched("/status"),
          simple: await fetched("/active", { method: "POST", mode: "no-cors", body }),
          json: await fetched("/active", { method: "PUT", headers: { "content-type": "application/json" }, body }),
          heal: await fetched("/active", { method: "DELETE" }),
          mark: await fetched("/journal/marks", { method: "POST", mode: "no-cors", body: "text=evil" }),
          live: await fetched("/live", { mode: "no-cors" }),
          page: await fetched("/ui/"),
          script: await loaded("script", (one) => { one.src = admin + "/ui/app.js"; }),
          style: await loaded("link", (one) => { one.rel = "stylesheet"; one.href = admin + "/ui/app.css"; }),
          image: await loaded("img", (one) => { one.src = admin + "/ui/icon.svg"; }),
          events: await said(() => new Promise((resolve, reject) => { const source = new EventSource(admin + "/events"); source.onopen = () => resolve("opened"); source.onerror = () => { source.close(); reject(new Error("closed")); }; })),
          socket: await said(() => new Promise((resolve, reject) => { const socket = new WebSocket(admin.replace("http", "ws") + "/live"); socket.onopen = () => resolve("opened"); socket.onerror = () => reject(new Error("closed")); })),
        };
        navigator.sendBeacon(admin + "/active", body);
        const frame = document.createElement("iframe");
        frame.name = "framed";
        const framed = new Promise((resolve) => { frame.onload = resolve; });
        frame.src = admin + "/ui/";
        document.body.append(frame);
        await framed;
        told.frame = await said(() => frame.contentWindow.document.title);
        // A form needs no leave of anybody to be sent.
        const form = document.createElement("form");
        const answered = new Promise((resolve) => { frame.onload = resolve; });
        Object.assign(form, { method: "post", action: admin + "/active", target: "framed", enctype: "application/x-www-form-urlencoded" });
        const field = document.createElement("input");
        Object.assign(field, { name: "profile", value: "lost-ack" });
        form.append(field);
        document.body.append(form);
        form.submit();
        await answered;
        return told;
      })()`);
      expect(told, from).toMatchObject({
        read: "refused: TypeError",
        json: "refused: TypeError",
        heal: "refused: TypeError",
        page: "refused: TypeError",
        script: "refused: Error",
        style: "refused: Error",
        image: "refused: Error",
        events: "refused: Error",
        socket: "refused: Error",
        frame: "refused: SecurityError",
      });
      // What may be sent without asking is answered with nothing that the page could read.
      for (const blind of ["simple", "mark", "live"])
        expect(told[blind], blind).toMatch(/^(?:opaque 0 0|refused: TypeError)$/u);
      await tab.close();
    }
    expect(await revision()).toBe(before);
    expect((await getJson(`${stage.admin}/journal?kind=mark`)).body["entries"]).toEqual([]);
    expect((await getJson(`${stage.admin}/status`)).body["streams"]).toBe(0);
  });
});
