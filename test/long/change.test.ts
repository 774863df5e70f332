/** How long a switch of profiles takes to be in force on thousands of live connections. Needs a build. */
import type { Socket } from "node:net";
import { expect, it } from "vitest";
import {
  inParallel,
  openThrough,
  startEcho,
  startProxy,
  type Plain,
  type Taken,
} from "./support/proxy-process.js";

const CONNECTIONS = 5_000;
const ROUNDS = 20;

const PROFILES: Readonly<Record<string, readonly Plain[]>> = {
  "latency": [["latency", { delay: "50ms", jitter: "10ms" }]],
  "five at once": [
    ["latency", { delay: "50ms" }],
    ["bandwidth", { rate: "1MB/s" }],
    ["corrupt", { rate: "0.1%" }],
    ["slicer", { size: "100B" }],
    ["idle_kill", { after: "60s" }],
  ],
};

const median = (of: readonly Taken[], which: keyof Taken): number =>
  of.map((one) => one[which]).sort((a, b) => a - b)[ROUNDS / 2]!;

const shown = (of: readonly Taken[]): string =>
  `${median(of, "wall").toFixed(1)} ms (${median(of, "cpu").toFixed(1)} of the processor, at most ${Math.max(...of.map(({ wall }) => wall)).toFixed(1)})`;

it("is in force on 5,000 live connections within 100 ms", async () => {
  const echo = await startEcho();
  const proxy = await startProxy(echo.port);
  const sockets: Socket[] = [];
  await inParallel(CONNECTIONS, 100, async () => {
    sockets.push(await openThrough(proxy.port));
  });
  expect((await proxy.stats()).connectionsActive).toBe(CONNECTIONS);
  let worst = 0;
  for (const [name, faults] of Object.entries(PROFILES)) {
    const taken: Taken[] = [];
    const healed: Taken[] = [];
    const before = await proxy.matched();
    for (let round = 0; round < ROUNDS; round++) {
      taken.push(await proxy.replace(faults));
      healed.push(await proxy.heal());
    }
    expect((await proxy.matched()) - before).toBe(ROUNDS * CONNECTIONS * faults.length);
    worst = Math.max(worst, median(taken, "cpu"), median(healed, "cpu"));
    console.log(
      `${name}: in force on ${CONNECTIONS} connections after ${shown(taken)}, healed after ${shown(healed)}`,
    );
  }
  // The sharpest there is, as the clients feel it: from the request to the last RST.
  const resets = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
  const before = performance.now();
  const applied = await proxy.replace([["reset", {}]]);
  await Promise.all(resets);
  console.log(
    `reset: over after ${applied.wall.toFixed(1)} ms (${applied.cpu.toFixed(1)} of the processor), the last client was down after ${(performance.now() - before).toFixed(1)} ms`,
  );
  proxy.stop();
  echo.stop();
  // What the machine does besides is not held against it.
  expect(worst).toBeLessThan(100);
});
