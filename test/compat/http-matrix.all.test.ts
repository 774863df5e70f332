/** Real clients with real servers, through an HTTP proxy without faults and without it: nobody can tell the difference. */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getJson, Workshop } from "../support/process.js";
import { CLIENTS } from "./http-peers/clients.js";
import { comparable, type Outcome } from "./http-peers/scenarios.js";
import { has, SERVERS, type Running } from "./http-peers/servers.js";

const run = promisify(execFile);

function needs(missing: string | null): string {
  return missing === null ? "" : ` (needs: ${missing})`;
}

function statuses(outcomes: readonly Outcome[], scenario: string): number[] {
  return outcomes.filter((outcome) => outcome.scenario.startsWith(scenario)).map(({ status }) => status);
}

for (const server of SERVERS) {
  describe.skipIf(server.missing !== null)(`with ${server.name}`, () => {
    let shop: Workshop;
    let running: Running;
    let admin: string;
    let port: number;

    beforeAll(async () => {
      shop = new Workshop();
      const folder = join(shop.folder, "server");
      mkdirSync(folder);
      running = await server.start(folder);
      const upstream = `http://127.0.0.1:${running.port}`;
      ({ admin } = await shop.daemon({ proxies: { jobs: { listen: "127.0.0.1:0", upstream } } }));
      const { body } = await getJson(`${admin}/status`);
      const [proxy] = body["proxies"] as { listen: string }[];
      port = Number(proxy?.listen.split(":").at(-1));
    });

    afterAll(async () => {
      await running.stop();
      await shop.close();
    });

    for (const client of CLIENTS) {
      const title = `${client.name} gets what it gets directly${needs(server.missing ?? client.missing)}`;
      it.skipIf(client.missing !== null)(title, async () => {
        const play = (at: number) => client.play(`http://127.0.0.1:${at}`, server.resources, shop.folder);
        const direct = await play(running.port);
        const through = await play(port);
        expect(comparable(through.outcomes)).toEqual(comparable(direct.outcomes));
        for (const { connections } of [direct, through])
          expect(connections).toBeLessThanOrEqual(client.connections);
        // So that both are not alike in that nothing worked.
        expect(statuses(direct.outcomes, "GET")).toEqual([200]);
        expect(statuses(direct.outcomes, "HEAD")).toEqual([200]);
        expect(statuses(direct.outcomes, "404")).toEqual([404]);
        expect(statuses(direct.outcomes, "POST with")[0]).toBeOneOf([200, 201]);
        expect(statuses(direct.outcomes, "chunked upload")[0]).toBeOneOf([200, 201]);
        expect(direct.outcomes.find(({ scenario }) => scenario.startsWith("large"))?.length).toBeGreaterThan(
          2e4,
        );
      });
    }

    it.skipIf(!has("wrk"))(
      `wrk has no error, and all its requests are counted${needs(server.missing ?? (has("wrk") ? null : "wrk"))}`,
      async () => {
        const counted = async (): Promise<number> => {
          const text = await (await fetch(`${admin}/metrics`)).text();
          const samples = [...text.matchAll(/^squall_requests_total\{.*code="200".*\} (\d+)$/gmu)];
          return samples.reduce((sum, [, value]) => sum + Number(value), 0);
        };
        const before = await counted();
        const url = `http://127.0.0.1:${port}${server.resources.get}`;
        const { stdout } = await run("wrk", ["-t", "1", "-c", "8", "-d", "1s", url]);
        expect(stdout).not.toMatch(/Socket errors|Non-2xx/u);
        const requests = Number(/(\d+) requests in/u.exec(stdout)?.[1]);
        expect(requests).toBeGreaterThan(0);
        // Those that wrk left unanswered at its end are counted as well, one for each connection at most.
        expect((await counted()) - before).toBeGreaterThanOrEqual(requests);
        expect((await counted()) - before).toBeLessThanOrEqual(requests + 8);
      },
    );
  });
}
