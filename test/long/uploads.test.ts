/** What the bytes of uploads cost beside being copied. Needs a build. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LongDaemon } from "./support/daemon.js";

const MIB = 1024 * 1024;
const WARM = 512;
const COUNTED = 1_024;
const BODY = Buffer.alloc(MIB);
const REQUEST = Buffer.concat([
  Buffer.from(`POST /jobs HTTP/1.1\r\nHost: jobs\r\nContent-Length: ${MIB}\r\n\r\n`),
  BODY,
]);
const ANSWER = "HTTP/1.1 204 No Content\r\n\r\n";

/** They change nothing, but hold bytes for a moment each. */
const FAULTS = [
  { type: "http_status", status: 503, when: { probability: "0%" } },
  { type: "http_delay", delay: "0ms" },
  { type: "latency", delay: "0ms" },
  { type: "bandwidth", rate: "100GB/s" },
];

const ends: (() => unknown)[] = [];
let daemon: LongDaemon;

beforeEach(async () => {
  // Answers each MiB, whether it has a head or not.
  const sink = createServer((socket) => {
    let taken = 0;
    socket
      .on("error", () => undefined)
      .on("data", ({ length }) => {
        taken += length;
        for (; taken >= MIB; taken -= MIB) socket.write(ANSWER);
      });
  }).listen(0, "127.0.0.1");
  await once(sink, "listening");
  ends.push(() => sink.close());
  const upstream = `127.0.0.1:${(sink.address() as AddressInfo).port}`;
  daemon = await LongDaemon.start(
    {
      admin: { listen: "127.0.0.1:0" },
      proxies: {
        tcp: { listen: "127.0.0.1:0", upstream: `tcp://${upstream}` },
        http: { listen: "127.0.0.1:0", upstream: `http://${upstream}` },
      },
    },
    { inspect: true },
  );
  ends.push(() => daemon.close());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** So many MiB over four connections, each sent when the one before was answered. */
async function upload(proxy: string, piece: Buffer, times: number): Promise<void> {
  const { port } = await daemon.listens(proxy);
  let asked = 0;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const socket = connect(port, "127.0.0.1");
      ends.push(() => socket.destroy());
      while (asked++ < times) {
        socket.write(piece);
        await once(socket, "data");
      }
    }),
  );
}

/** Pages that the kernel had to give to the process so far. */
function faults(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[7]);
}

it("gives the read buffers of uploads no fresh memory from the kernel each time", async () => {
  await upload("tcp", BODY, WARM);
  const before = faults(daemon.pid);
  await upload("tcp", BODY, COUNTED);
  const each = (faults(daemon.pid) - before) / COUNTED;
  console.log(`${each.toFixed(1)} page faults for each MiB of uploads`);
  expect(each).toBeLessThan(60);
}, 120_000);

it("does not mark the whole heap again and again because of the bytes that pass", async () => {
  expect((await daemon.call("PUT", "/active", { faults: FAULTS })).status).toBe(200);
  await upload("http", REQUEST, WARM);
  // A collection in full, after which V8 sets its limit by what is left: next to nothing.
  await daemon.memory();
  await daemon.evaluate(
    `globalThis.marked = 0;
     new PerformanceObserver((list) => {
       for (const { detail } of list.getEntries()) if (detail.kind === 4) marked++;
     }).observe({ entryTypes: ["gc"] })`,
  );
  await upload("http", REQUEST, COUNTED);
  const each = Number(await daemon.evaluate("marked")) / (COUNTED / 1024);
  console.log(`${each.toFixed(1)} collections in full for each GiB of uploads`);
  expect(each).toBeLessThan(3);
}, 120_000);
