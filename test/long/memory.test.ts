/** What connections cost, and that they give it back. Needs a build, since the proxy runs in a process of its own. */
import type { Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import {
  inParallel,
  kib,
  mib,
  openThrough,
  startEcho,
  startProxy,
  type ProxyProcess,
} from "./support/proxy-process.js";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function start(): Promise<ProxyProcess> {
  const echo = await startEcho();
  const proxy = await startProxy(echo.port);
  ends.push(() => {
    proxy.stop();
    echo.stop();
  });
  return proxy;
}

async function idle(proxy: ProxyProcess): Promise<void> {
  while ((await proxy.stats()).connectionsActive > 0);
}

it("stays flat over half a million short connections, however they end", async () => {
  const proxy = await start();
  await proxy.replace([
    ["latency", { delay: "1ms", jitter: "1ms" }],
    ["connection_limit", { max: 1_000 }],
  ]);
  const some = async (total: number): Promise<void> => {
    await inParallel(total, 100, async (n) => {
      const socket = await openThrough(proxy.port, `127.0.0.${2 + (n % 200)}`);
      if (n % 2 === 0) socket.resetAndDestroy();
      else socket.end();
      if (n % 2 === 1) await new Promise((resolve) => socket.once("close", resolve));
    });
    await idle(proxy);
  };
  const started = await proxy.memory();
  await some(100_000);
  const warm = await proxy.memory();
  const steps: string[] = [];
  let last = warm;
  for (let step = 0; step < 4; step++) {
    await some(100_000);
    last = await proxy.memory();
    steps.push(mib(last.rss));
  }
  console.log(
    `RSS ${mib(started.rss)} at the start, ${mib(warm.rss)} after 100,000 connections, then each 100,000: ${steps.join(", ")}`,
  );
  const { connectionsTotal, held } = await proxy.stats();
  expect([connectionsTotal, held]).toEqual([500_000, 0]);
  expect(last.rss).toBeLessThanOrEqual(warm.rss * 1.1);
});

it("keeps an idle connection in 25 KiB", async () => {
  const proxy = await start();
  const COUNT = 8_000;
  const open = async (count: number): Promise<Socket[]> => {
    const sockets: Socket[] = [];
    await inParallel(count, 100, async () => {
      sockets.push(await openThrough(proxy.port));
    });
    return sockets;
  };
  for (const socket of await open(500)) socket.resetAndDestroy();
  await idle(proxy);
  const before = await proxy.memory();
  const sockets = await open(COUNT);
  const after = await proxy.memory();
  expect((await proxy.stats()).connectionsActive).toBe(COUNT);
  const each = (after.rss - before.rss) / COUNT;
  const heap = (after.heapUsed - before.heapUsed) / COUNT;
  console.log(
    `${COUNT} idle connections: RSS ${mib(before.rss)} -> ${mib(after.rss)}, ${kib(each)} each, of which ${kib(heap)} on the heap`,
  );
  for (const socket of sockets) socket.resetAndDestroy();
  await idle(proxy);
  expect(each).toBeLessThanOrEqual(25 * 1024);
});
