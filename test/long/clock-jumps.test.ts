/**
 * The clock on the wall is set forward and back by hours while the daemon runs: nothing that waits, repeats, runs out or
 * refills may notice. Needs a build, Linux and a C compiler.
 */
import { once } from "node:events";
import { createServer, connect, type AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { LongDaemon, quantile, until } from "./support/daemon.js";
import { WallClock } from "./support/wall-clock.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const HOUR = 3_600;
const JUMPS = [24 * HOUR, -24 * HOUR, 30 * 24 * HOUR, 0] as const;

it("lets nothing come early or late", async ({ skip }) => {
  const wall = WallClock.make(ends);
  if (wall === null) {
    skip("needs: Linux and a C compiler");
    return;
  }
  let probes = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const request = chunk.toString();
      if (request.includes("GET /healthz")) probes++;
      if (request.startsWith("GET ") || request.startsWith("POST "))
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      else socket.write(chunk);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const daemon = await LongDaemon.start(
    {
      proxies: {
        bytes: { listen: "127.0.0.1:0", upstream: `tcp://${upstream}` },
        jobs: {
          listen: "127.0.0.1:0",
          upstreams: { a: `http://${upstream}`, b: `http://${upstream}` },
          health: { path: "/healthz", interval: "200ms", timeout: "150ms", fall: 2, rise: 1 },
        },
      },
    },
    { env: wall.env, inspect: true },
  );
  ends.push(() => daemon.close());
  const bytes = await daemon.listens("bytes");

  const now = async (): Promise<number> => Number(await daemon.evaluate("Date.now()"));
  /** Sets the clock, and makes sure that the daemon sees it so. */
  const jump = async (to: number): Promise<void> => {
    wall.set(to);
    expect(Math.abs((await now()) - Date.now() - to * 1_000)).toBeLessThan(5_000);
  };

  const socket = connect(bytes).setNoDelay(true);
  ends.push(() => socket.destroy());
  const echo = async (): Promise<number> => {
    const before = performance.now();
    socket.write("x");
    await once(socket, "data");
    return performance.now() - before;
  };
  await echo();
  const latencies: number[] = [];
  const ttls: number[] = [];
  const phases: number[] = [];
  const limits: number[] = [];
  for (const to of JUMPS) {
    // 1. A byte that is held when the clock jumps.
    await daemon.call("PUT", "/active", {
      faults: [{ type: "latency", delay: "300ms" }],
      proxies: ["bytes"],
    });
    const held = echo();
    await jump(to);
    latencies.push(await held, await echo());

    // 2. An activation that ends by itself, and one that does not.
    const began = performance.now();
    const { status } = await daemon.call("PUT", "/active", {
      activations: [
        { faults: [{ type: "latency", delay: "1ms" }], ttl: "1500ms", proxies: ["bytes"] },
        { profile: "rate-limit", proxies: ["jobs"] },
      ],
    });
    expect(status).toBe(200);
    await jump(-to);
    const active = async (): Promise<number> =>
      ((await daemon.call("GET", "/active")).json["activations"] as unknown[]).length;
    expect(await active()).toBe(2);
    await until("the activation is over", async () => (await active()) === 1);
    ttls.push(performance.now() - began);

    // 3. Phases of a profile.
    const wave = {
      profile: "wave",
      phases: [
        { phase: "calm", for: "500ms" },
        { phase: "slow", for: "500ms", faults: [{ type: "latency", delay: "1ms" }] },
      ],
    };
    expect((await daemon.call("PUT", "/profiles/wave", wave)).status).toBeLessThan(300);
    const waved = performance.now();
    await daemon.call("PUT", "/active", { profile: "wave" });
    await jump(to);
    await until("the profile is over", async () => (await active()) === 0);
    phases.push(performance.now() - waved);

    // 4. Bytes at a rate.
    await daemon.call("PUT", "/active", {
      faults: [{ type: "bandwidth", rate: "100kB/s" }],
      proxies: ["bytes"],
    });
    const payload = Buffer.alloc(30_000, "x");
    let received = 0;
    const sent = performance.now();
    const arrived = new Promise<void>((resolve) => {
      const take = (chunk: Buffer): void => {
        received += chunk.length;
        if (received < payload.length) return;
        socket.off("data", take);
        resolve();
      };
      socket.on("data", take);
    });
    socket.write(payload);
    await jump(0);
    await arrived;
    limits.push(performance.now() - sent);
    await daemon.call("DELETE", "/active");
  }
  const before = probes;
  const from = performance.now();
  await jump(7 * HOUR);
  await pause(2_000);
  const perSecond = (probes - before) / ((performance.now() - from) / 1_000);
  const { json } = await daemon.call("GET", "/status");
  const shown = (values: readonly number[]): string => values.map((value) => Math.round(value)).join(", ");
  console.log(
    `clock set ${2 * JUMPS.length + 1} times by up to 30 days: latency of 300 ms ${shown(latencies)}; ttl of 1500 ms ` +
      `${shown(ttls)}; phases of 1000 ms ${shown(phases)}; 30 kB at 100 kB/s ${shown(limits)} ms; ` +
      `${perSecond.toFixed(1)} health checks a second`,
  );
  // Early is never right; late is as late as a busy machine makes it, but for the median.
  for (const [values, due] of [
    [latencies, 300],
    [ttls, 1_500],
    [phases, 1_000],
    [limits, 250],
  ] as const) {
    expect(Math.min(...values)).toBeGreaterThan(due - 5);
    expect(quantile(values, 0.5)).toBeLessThan(due + 400);
    expect(Math.max(...values)).toBeLessThan(due + 5_000);
  }
  expect(perSecond).toBeGreaterThan(5);
  expect(perSecond).toBeLessThan(15);
  expect(Number(json["uptime_seconds"])).toBeLessThan(600);
  expect(await daemon.metric("squall_upstream_up", 'proxy="jobs"')).toBe(2);
  expect(daemon.said("error")).toEqual([]);
});
