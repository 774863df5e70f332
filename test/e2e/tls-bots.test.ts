/** Bots that speak nothing but TLS, with real processes: what they live through with it, and who comes back. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Workshop, getJson } from "../support/process.js";
import type { BotLine } from "./matrix/account.js";
import { spawnBots } from "./matrix/spawn-bots.js";

describe("a job world over TLS alone", () => {
  it("gets every job done once: load and bots to Squall, and Squall to the job server", async () => {
    const shop = new Workshop();
    const lines: BotLine[] = [];
    const ca = join(shop.folder, "ca");
    try {
      // One CA for all: that of the job server is the one that Squall makes certificates with.
      const mock = shop.start(["mock-server", "--port", "0", "--tls-ca", ca, "--json"]);
      const [, upstream = "", caFile = ""] = await mock.printed(/"url":"(https:[^"]+)".*"ca":"([^"]+)"/u);
      expect(caFile).toBe(join(ca, "ca.pem"));
      const { admin } = await shop.daemon({
        tls: { ca },
        proxies: { jobs: { listen: "127.0.0.1:0", secure: true, upstream, tls: { ca: caFile } } },
      });
      const { body } = await getJson(`${admin}/status`);
      const server = `https://${(body["proxies"] as { listen: string }[])[0]?.listen ?? ""}`;
      const bots = spawnBots(
        {
          ...{ server, names: ["bot-1", "bot-2"], tls: { ca: caFile }, flaws: [], seed: 1 },
          ...{ concurrency: 2, wait: 500, requestTimeout: 20_000, backOffMax: 500 },
        },
        lines,
      );
      try {
        const words = ["--jobs", "8", "--size", "128KiB", "--duration", "0ms", "--ca", caFile, "--json"];
        const { code, out, err } = await shop.start(["load", "--server", server, ...words]).ended;
        expect([code, err]).toEqual([0, ""]);
        expect(JSON.parse(out)).toMatchObject({ completed: 8, lost: [], twice: [], retries: 0, ok: true });
      } finally {
        bots.kill("SIGKILL");
      }
      expect(lines.filter(({ event }) => event === "retrying")).toEqual([]);
      expect(lines.filter(({ event }) => event === "completed")).toHaveLength(8);
    } finally {
      await shop.close();
    }
  });
});
