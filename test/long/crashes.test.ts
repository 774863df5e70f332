/**
 * A daemon that is killed leaves nothing behind that would be in the way of the next one: no port, no thread that holds one.
 * What the kernel was told to lose is in test/proxy/kernel, the thread that dies alone in test/proxy/tcp. Needs a build.
 */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { LongDaemon, until } from "./support/daemon.js";
import { openThrough, startEcho } from "./support/proxy-process.js";
import { freePort } from "../support/free-port.js";

const ROUNDS = 10;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

it(`is killed ${ROUNDS} times under load, by turns silent and listening, and is there again on the same ports`, async () => {
  const echo = await startEcho();
  ends.push(() => {
    echo.stop();
  });
  const port = await freePort();
  const config = {
    proxies: { bytes: { listen: `127.0.0.1:${port}`, upstream: `tcp://127.0.0.1:${echo.port}` } },
  };
  const away: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    const daemon = await LongDaemon.start(config);
    ends.push(() => daemon.close());
    const sockets: Socket[] = [];
    for (let n = 0; n < 50; n++) sockets.push(await openThrough(port));
    away.push(performance.now() - began);
    const ended = sockets.map((socket) => once(socket, "close"));
    if (round % 2 === 1) {
      await daemon.call("PUT", "/active", {
        faults: [{ type: "down", refuse: "syn_drop", existing: "keep" }],
      });
      await until("it is silent", () => daemon.log.some(({ message }) => message.includes("go unanswered")));
      const unheard = connect({ port, host: "127.0.0.1" });
      unheard.on("error", () => undefined);
      ends.push(() => unheard.destroy());
    }
    daemon.signal("SIGKILL");
    await daemon.ended();
    await Promise.all(ended);
  }
  console.log(
    `killed ${ROUNDS} times: started and serving after ${away.map((millis) => Math.round(millis)).join(", ")} ms`,
  );
  expect(away).toHaveLength(ROUNDS);
});
