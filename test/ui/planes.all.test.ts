/** Lanes and Why of what is no HTTP, in a real browser before a real daemon: connections, questions and flows, each hit by one fault and let be by another. */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, hasChromium, type Tab } from "../support/browser.js";
import { eachInATab } from "../support/each-in-a-tab.js";
import { getJson, Workshop } from "../support/process.js";

interface Fault {
  readonly type: string;
  readonly [param: string]: unknown;
}

/** The one that hits, and the one that does not; what its client meets with, and what the page says. */
const PLANES: readonly {
  readonly proxy: string;
  readonly letter: string;
  readonly hits: Fault;
  readonly spares: Fault;
  readonly row: RegExp;
  readonly sentence: string;
  readonly spared: string;
  readonly reason: string;
}[] = [
  {
    proxy: "broker",
    letter: "c",
    hits: { type: "reset" },
    spares: { type: "latency", delay: "1ms", when: { skip: 1_000 } },
    row: /bot: cut short/u,
    sentence: "was cut off by Squall",
    spared: "not its turn",
    reason: "skip 1000, for each proxy this was number",
  },
  {
    proxy: "names",
    letter: "q",
    hits: { type: "dns_rcode", rcode: "nxdomain", match: { qname: "lost.example" } },
    spares: { type: "dns_delay", delay: "1ms", match: { qname: "other.example" } },
    row: /bot: NXDOMAIN · server: not asked/u,
    sentence: "NXDOMAIN",
    spared: "does not match",
    reason: "qname wanted other.example was lost.example",
  },
  {
    proxy: "statsd",
    letter: "f",
    hits: { type: "duplicate", direction: "upstream" },
    spares: { type: "corrupt", rate: "5%", when: { skip: 1_000 } },
    row: /server:/u,
    sentence: "Squall acted on it (statsd-hits)",
    spared: "not its turn",
    reason: "skip 1000, for each proxy this was number",
  },
];

describe.skipIf(!hasChromium)("lanes of connections, questions and flows (needs: chromium)", () => {
  const shop = new Workshop();
  const ends: (() => void)[] = [];
  const ports = new Map<string, number>();
  let browser: Browser;
  let tab: Tab;
  let admin = "";

  beforeAll(async () => {
    const tcp = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const echo = createSocket("udp4");
    echo.on("message", (payload, { port, address }) => {
      echo.send(payload, port, address);
    });
    echo.bind(0, "127.0.0.1");
    await once(echo, "listening");
    ends.push(
      () => tcp.close(),
      () => echo.close(),
    );
    const listen = "127.0.0.1:0";
    [browser, { admin }] = await Promise.all([
      Browser.open(),
      shop.daemon({
        proxies: {
          broker: { listen, upstream: `tcp://127.0.0.1:${(tcp.address() as AddressInfo).port}` },
          names: { listen, upstream: "dns://none", records: { "lost.example": "10.0.0.7" } },
          statsd: { listen, upstream: `udp://127.0.0.1:${echo.address().port}` },
        },
      }),
    ]);
    const { body } = await getJson(`${admin}/status`);
    for (const { name, listen: bound } of body["proxies"] as { name: string; listen: string }[])
      ports.set(name, Number(bound.split(":").at(-1)));
    const faults = PLANES.flatMap(({ proxy, hits, spares }) => [
      { ...hits, name: `${proxy}-hits`, proxy },
      { ...spares, name: `${proxy}-spares`, proxy },
    ]);
    const { status, body: refused } = await getJson(`${admin}/active`, {
      method: "PUT",
      body: JSON.stringify({ faults }),
      headers: { "content-type": "application/json" },
    });
    expect(status, JSON.stringify(refused)).toBe(200);
  });
  eachInATab(async () => (tab = await browser.tab()));
  afterAll(async () => {
    await browser.close();
    await shop.close();
    for (const end of ends) end();
  });

  /** Each of the clients once; resolves when it has met with what it meets with. */
  async function all(): Promise<void> {
    const socket = connect(ports.get("broker") ?? 0, "127.0.0.1");
    socket.write("hello");
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    const resolver = new Resolver({ timeout: 10_000, tries: 1 });
    resolver.setServers([`127.0.0.1:${ports.get("names") ?? 0}`]);
    await expect(resolver.resolve4("lost.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
    const udp = createSocket("udp4");
    let answers = 0;
    const twice = new Promise<void>((resolve) => {
      udp.on("message", () => {
        if (++answers === 2) resolve();
      });
    });
    udp.send("x", ports.get("statsd") ?? 0, "127.0.0.1");
    await twice;
    udp.close();
  }

  it("are told of though nobody watched: what the journal knows", async () => {
    await all();
    for (const { proxy, letter } of PLANES) {
      await tab.goto(`${admin}/ui/exchanges/${proxy}/${letter}1`);
      await tab.shows(".why-missing", "nobody was watching");
      await tab.shows(".verdict", `${proxy}-hits`);
    }
  });

  it("are drawn, and lead to why each was hit by the one fault and not by the other", async () => {
    await tab.goto(`${admin}/ui/lanes`);
    await tab.shows(".state-title", "Nobody has sent anything yet");
    await all();
    await tab.shows(".lane-name", "127.0.0.1");
    for (const { proxy, letter, row } of PLANES) {
      const id = `${letter}2`;
      const link = `.lanes-list a[href="/ui/exchanges/${proxy}/${id}"]`;
      await tab.shows(link, `${proxy}-hits`);
      expect(await tab.text(link)).toMatch(row);
      expect(await tab.text(link)).not.toContain(`${proxy}-spares`);
    }
    for (const { proxy, letter, sentence, spared, reason } of PLANES) {
      const id = `${letter}2`;
      await tab.goto(`${admin}/ui/exchanges/${proxy}/${id}`);
      await tab.shows(".why-sentence", sentence);
      const verdicts = await tab.texts(".verdict");
      const of = (name: string): string => verdicts.find((one) => one.includes(`${proxy}-${name}`)) ?? "";
      expect(of("hits")).toMatch(/\bhit\b/u);
      expect(of("spares")).toContain(spared);
      expect(of("spares")).toContain(reason);
      // The others are of other proxies.
      expect(verdicts.filter((one) => one.includes("not in force"))).toHaveLength(4);
    }
  });
});
