/** What the bytes of uploads cost beside being copied. Needs a build. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { LongDaemon } from "./support/daemon.js";

const MIB = 1024 * 1024;
const WARM = 512;
const COUNTED = 1_024;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Pages that the kernel had to give to the process so far. */
function faults(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[7]);
}

it("gives the read buffers of uploads no fresh memory from the kernel each time", async () => {
  const sink = createServer((socket) => {
    let taken = 0;
    socket
      .on("error", () => undefined)
      .on("data", ({ length }) => {
        taken += length;
        for (; taken >= MIB; taken -= MIB) socket.write("k");
      });
  }).listen(0, "127.0.0.1");
  await once(sink, "listening");
  ends.push(() => sink.close());
  const daemon = await LongDaemon.start({
    admin: { listen: "127.0.0.1:0" },
    proxies: {
      up: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${(sink.address() as AddressInfo).port}` },
    },
  });
  ends.push(() => daemon.close());
  const { port } = await daemon.listens("up");

  const body = Buffer.alloc(MIB);
  let before = 0;
  let done = 0;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const socket = connect(port, "127.0.0.1");
      ends.push(() => socket.destroy());
      for (;;) {
        socket.write(body);
        await once(socket, "data");
        if (++done === WARM) before = faults(daemon.pid);
        if (done >= WARM + COUNTED) break;
      }
    }),
  );
  const each = (faults(daemon.pid) - before) / (done - WARM);
  console.log(`${each.toFixed(1)} page faults for each MiB of uploads`);
  expect(each).toBeLessThan(60);
}, 120_000);
