/** The page under a path of a reverse proxy, in a real browser before a real daemon. */
import { createServer, request as ask, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium } from "../support/browser.js";
import { Workshop } from "../support/process.js";

const PREFIX = "/tools/squall";

describe.skipIf(!hasChromium)("the page behind a reverse proxy (needs: chromium)", () => {
  const shop = new Workshop();
  let browser: Browser;
  let front: Server;
  let url = "";

  beforeAll(async () => {
    const [opened, { admin }] = await Promise.all([
      Browser.open(),
      shop.daemon({ proxies: { jobs: { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" } } }),
    ]);
    browser = opened;
    front = createServer((request, response) => {
      const path = request.url ?? "/";
      if (!path.startsWith(`${PREFIX}/`)) {
        response.writeHead(404).end();
        return;
      }
      const passed = ask(
        `${admin}${path.slice(PREFIX.length)}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      passed.on("error", () => response.destroy());
      response.on("close", () => passed.destroy());
      request.pipe(passed);
    });
    await new Promise<void>((done) => front.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await browser.close();
    front.closeAllConnections();
    front.close();
    await shop.close();
  });

  it("is whole: each view by its address and by links, calls, streams and the lines to copy", async () => {
    const tab = await browser.tab();
    await tab.goto(`${url}${PREFIX}/`);
    await tab.shows(".connection-live");
    expect(await tab.evaluate("location.pathname")).toBe(`${PREFIX}/ui/`);
    await tab.click(`nav a[href="${PREFIX}/ui/journal"]`);
    await tab.shows(".journal-head", "follows as it is written");
    expect(await tab.text(".journal-foot code")).toContain(`${url}${PREFIX}/journal`);
    await tab.goto(`${url}${PREFIX}/ui/profiles/lost-ack`);
    await tab.shows('[data-line="curl"]', `${url}${PREFIX}/active`);
    await tab.shows(".connection-live");
    // Three segments down, and nothing is known of it.
    await tab.goto(`${url}${PREFIX}/ui/exchanges/jobs/17`);
    await tab.shows(".state-title", "Nothing is known of this exchange any more");
    expect(tab.problems.filter((problem) => !problem.includes("404"))).toEqual([]);
    expect(tab.requests.filter((one) => !one.startsWith(`${url}${PREFIX}/`))).toEqual([]);
    await tab.close();
  });
});
