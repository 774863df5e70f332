/**
 * Time in a fleet of real daemons with a real engine: wall clocks that are set by hours, a process that is stopped for longer than its
 * faults last, and a beginning together. Needs a build, `nats-server`, Linux and a C compiler.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Agent, get, type AgentOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { natsVersion, NatsServer } from "../support/nats-server.js";
import { LongDaemon, quantile, until } from "./support/daemon.js";
import { WallClock } from "./support/wall-clock.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const missing = natsVersion() === null;

interface Node {
  readonly daemon: LongDaemon;
  readonly port: number;
}

/** Daemons of one fleet, each with a proxy before the same server; `env` is for those behind the first. */
async function fleet(count: number, env: Readonly<Record<string, string>> = {}): Promise<readonly Node[]> {
  const nats = await NatsServer.start();
  ends.push(() => nats.close());
  const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
  // Longer than any process here is stopped.
  server.keepAliveTimeout = 60_000;
  await once(server, "listening");
  ends.push(() => server.close());
  const folder = mkdtempSync(join(tmpdir(), "squall-fleet-"));
  ends.push(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(
    join(folder, "refusing.yaml"),
    "profile: refusing\nfaults: [{ type: http_status, status: 503 }]\n",
  );
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Promise.all(
    Array.from({ length: count }, async (_, index): Promise<Node> => {
      const daemon = await LongDaemon.start(
        {
          profiles: [folder],
          proxies: { jobs: { listen: "127.0.0.1:0", upstream } },
          fleet: { name: "time", engine: nats.url, daemon: `node-${index + 1}`, control: true },
        },
        index === 0 ? {} : { env },
      );
      ends.push(() => daemon.close());
      return { daemon, port: (await daemon.listens("jobs")).port };
    }),
  );
}

/** The status of one request, and when its answer came, by the wall clock of this process. */
function ask(
  port: number,
  options: AgentOptions | Agent = {},
): Promise<{ readonly status: number; readonly at: number }> {
  const agent = options instanceof Agent ? options : new Agent(options);
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, agent }, (response) => {
      response.resume().on("end", () => {
        resolve({ status: response.statusCode ?? 0, at: Date.now() });
      });
    }).on("error", reject);
  });
}

async function use(node: Node, rest: object): Promise<{ readonly starts: number; readonly ends: number }> {
  const { status, json, text } = await node.daemon.call("PUT", "/fleet/active", {
    profile: "refusing",
    ...rest,
  });
  expect([status, json["met"]], text).toEqual([200, true]);
  const [activation] = json["activations"] as { starts_at: string; ends_at: string }[];
  return { starts: Date.parse(activation?.starts_at ?? ""), ends: Date.parse(activation?.ends_at ?? "") };
}

it.skipIf(missing)("ends faults in time while wall clocks are set by hours", async ({ skip }) => {
  const wall = WallClock.make(ends);
  if (wall === null) {
    skip("needs: Linux and a C compiler");
    return;
  }
  const nodes = await fleet(2, wall.env);
  const [first] = nodes;
  if (first === undefined) throw new Error("there is no fleet");
  const late: number[] = [];
  for (const jump of [3_600, -3_600, 86_400, 0]) {
    const { ends: end } = await use(first, { ttl: "3s" });
    const lasts = nodes.map(async ({ port }) => {
      let last = 0;
      for (;;) {
        const { status, at } = await ask(port);
        if (status === 503) last = at;
        else if (at > end) return last - end;
        else if (last > 0 && at < end - 1_000) throw new Error(`ended ${end - at} ms early`);
        await pause(5);
      }
    });
    await pause(1_000);
    wall.set(jump);
    late.push(...(await Promise.all(lasts)));
  }
  process.stdout.write(`  the last hit came so many ms after the end: ${late.join(", ")}\n`);
  expect(Math.max(...late)).toBeLessThan(1_000);
  expect(Math.min(...late)).toBeGreaterThan(-1_000);
});

it.skipIf(missing)(
  "hits nothing that begins after the end in a daemon that was stopped meanwhile, of a fleet or alone",
  async () => {
    const [node] = await fleet(1);
    if (node === undefined) throw new Error("there is no fleet");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    ends.push(() => {
      agent.destroy();
    });
    for (const path of ["/fleet/active", "/active"]) {
      const { status } = await node.daemon.call("PUT", path, { profile: "refusing", ttl: "3s" });
      expect(status).toBe(200);
      expect((await ask(node.port, agent)).status).toBe(503);
      process.kill(node.daemon.pid, "SIGSTOP");
      await pause(5_000);
      const asked = [ask(node.port, agent), ...Array.from({ length: 20 }, () => ask(node.port))];
      await pause(5_000);
      process.kill(node.daemon.pid, "SIGCONT");
      const statuses = (await Promise.all(asked)).map((one) => one.status);
      expect(new Set(statuses), path).toEqual(new Set([200]));
      await until("nothing is on", async () => {
        const { json } = await node.daemon.call("GET", "/active");
        return (json["activations"] as unknown[]).length === 0;
      });
    }
    await until("the fleet knows", async () => {
      const { text } = await node.daemon.call("GET", "/fleet");
      return text.includes('"idle"');
    });
  },
);

it.skipIf(missing)("begins together", async () => {
  const nodes = await fleet(3);
  const [first] = nodes;
  if (first === undefined) throw new Error("there is no fleet");
  const off: number[] = [];
  const apart: number[] = [];
  for (let round = 0; round < 20; round++) {
    const { starts } = await use(first, { ttl: "2s", starts_in: "1s" });
    await pause(Math.max(0, starts - Date.now() - 100));
    const begun = await Promise.all(
      nodes.map(async ({ port }) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        try {
          for (;;) {
            const { status, at } = await ask(port, agent);
            if (status === 503) return at;
          }
        } finally {
          agent.destroy();
        }
      }),
    );
    off.push(...begun.map((at) => at - starts));
    apart.push(Math.max(...begun) - Math.min(...begun));
    await first.daemon.call("DELETE", "/fleet/active");
  }
  const of = (list: readonly number[]): string =>
    [0.5, 0.9, 1].map((q) => quantile(list, q).toFixed(0)).join(", ");
  process.stdout.write(
    `  began after the moment (ms; median, 90 %, most): ${of(off)}; apart: ${of(apart)}\n`,
  );
  expect(quantile(apart, 0.9)).toBeLessThan(1_000);
});
