/** Peers that send as much as they can to somebody who does not take it: memory stays within what limits say. Needs a build. */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LongDaemon, quantile, until, type Json } from "./support/daemon.js";
import { mib } from "./support/proxy-process.js";

const CLIENTS = 200;
const HELD_MIB = 64;
const MIB = 2 ** 20;

type Flood =
  "bytes" | "headers" | "trailers" | "extensions" | "interim" | "early" | "stuck" | "datagrams" | "answers";

let ports: Readonly<Record<Flood, number>>;
let flooder: ReturnType<typeof spawn>;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  const script = fileURLToPath(new URL("support/flooder.mjs", import.meta.url));
  flooder = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(flooder.stdout ?? flooder, "data")) as [Buffer];
  ports = JSON.parse(line.toString()) as Record<Flood, number>;
});
afterAll(() => flooder.kill("SIGKILL"));
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(
  upstream: string,
  rest: Json = {},
): Promise<{ daemon: LongDaemon; port: number; host: string }> {
  const daemon = await LongDaemon.start({
    limits: { held: `${HELD_MIB}MiB` },
    proxies: { jobs: { listen: "127.0.0.1:0", upstream, ...rest } },
  });
  ends.push(() => daemon.close());
  return { daemon, ...(await daemon.listens("jobs")) };
}

/** Clients that say something and then read nothing. */
function deaf(port: number, count: number, hello: string): Socket[] {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(hello);
    return socket;
  });
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  return sockets;
}

/** The daemon still does what it is there for, and is healed. */
async function isWell(daemon: LongDaemon): Promise<void> {
  expect((await daemon.call("DELETE", "/active")).status).toBeLessThan(300);
  expect(daemon.runs).toBe(true);
  expect(daemon.said("error")).toEqual([]);
}

/** Sockets' own buffers in Node: 64 KiB written ahead and what was read with it, for each of two sockets. */
const PER_CONNECTION = 512 * 1024;

const HOLDING: Readonly<Record<string, readonly Json[]>> = {
  "no fault": [],
  "latency of a minute": [{ type: "latency", delay: "1m" }],
  "bandwidth of 1 kB/s": [{ type: "bandwidth", rate: "1kB/s" }],
  "half a loss": [{ type: "packet_loss", loss: "30%", engine: "model" }],
  "slices of a byte": [{ type: "slicer", size: "1B", gap: "1ms" }],
  "three at once": [
    { type: "latency", delay: "10s", jitter: "5s" },
    { type: "corrupt", rate: "0.1%" },
    { type: "bandwidth", rate: "10MB/s" },
  ],
};

describe(`an upstream that floods ${CLIENTS} clients that do not read`, () => {
  for (const [name, faults] of Object.entries(HOLDING)) {
    it(`costs no more than limits.held and buffers: ${name}`, async () => {
      const { daemon, port } = await start(`tcp://127.0.0.1:${ports.bytes}`);
      if (faults.length > 0) {
        const set = await daemon.call("PUT", "/active", { faults });
        expect(set.status, set.text).toBe(200);
      }
      const before = daemon.rss;
      deaf(port, CLIENTS, "x");
      await until(
        "all are there",
        async () => (await daemon.metric("squall_connections_active")) === CLIENTS,
      );
      await pause(5_000);
      const held = await daemon.metric("squall_held_bytes");
      const cpu = daemon.cpu;
      await pause(2_000);
      console.log(
        `upstream floods, ${name}: RSS ${mib(before)} -> at most ${mib(daemon.peak)}, ${mib(held)} held; ` +
          `${daemon.cpu - cpu} ms of the processor in two seconds afterwards`,
      );
      expect(held).toBeLessThanOrEqual(HELD_MIB * MIB + CLIENTS * 64 * 1024);
      expect(daemon.peak).toBeLessThan(before + HELD_MIB * MIB * 2 + CLIENTS * PER_CONNECTION);
      await isWell(daemon);
    });
  }
});

describe(`${CLIENTS} clients that flood an upstream that does not read`, () => {
  for (const [name, faults] of Object.entries(HOLDING)) {
    it(`cost no more than limits.held and buffers: ${name}`, async () => {
      const { daemon, port } = await start(`tcp://127.0.0.1:${ports.stuck}`);
      if (faults.length > 0) {
        const upstream = faults.map((fault) => ({ ...fault, direction: "upstream" }));
        const set = await daemon.call("PUT", "/active", { faults: upstream });
        expect(set.status, set.text).toBe(200);
      }
      const before = daemon.rss;
      const piece = Buffer.alloc(64 * 1024, "x");
      for (const socket of deaf(port, CLIENTS, "x")) {
        const more = (): void => {
          while (!socket.destroyed && socket.write(piece));
        };
        socket.on("drain", more);
        more();
      }
      await until(
        "all are there",
        async () => (await daemon.metric("squall_connections_active")) === CLIENTS,
      );
      await pause(5_000);
      const held = await daemon.metric("squall_held_bytes");
      console.log(
        `clients flood, ${name}: RSS ${mib(before)} -> at most ${mib(daemon.peak)}, ${mib(held)} held`,
      );
      expect(held).toBeLessThanOrEqual(HELD_MIB * MIB + CLIENTS * 64 * 1024);
      expect(daemon.peak).toBeLessThan(before + HELD_MIB * MIB * 2 + CLIENTS * PER_CONNECTION);
      await isWell(daemon);
    });
  }
});

const REQUEST = "GET / HTTP/1.1\r\nHost: jobs\r\n\r\n";

describe("an HTTP upstream", () => {
  for (const flood of ["headers", "trailers", "extensions", "interim", "early"] as const) {
    for (const reads of [true, false]) {
      it(`that sends ${flood} without end to clients that ${reads ? "read" : "do not"} costs little`, async () => {
        const { daemon, port } = await start(`http://127.0.0.1:${ports[flood]}`);
        const before = daemon.rss;
        const clients = deaf(port, 50, REQUEST);
        let received = 0;
        const ended = clients.filter(() => false);
        for (const socket of clients) {
          socket.on("close", () => ended.push(socket));
          if (reads) socket.on("data", (chunk: Buffer) => (received += chunk.length)).resume();
        }
        await until(
          "the upstream was asked",
          async () => (await daemon.metric("squall_connections_total")) === 50,
        );
        await pause(4_000);
        const protocol = await daemon.metric("squall_connections_errors_total", 'reason="upstream_protocol"');
        console.log(
          `upstream sends ${flood}, clients ${reads ? "read" : "do not"}: RSS ${mib(before)} -> at most ${mib(daemon.peak)}; ` +
            `${ended.length} of 50 ended, ${protocol} for its protocol; ${mib(received)} arrived`,
        );
        expect(daemon.peak).toBeLessThan(before + 128 * MIB);
        const heads = flood === "headers" || flood === "trailers" || flood === "extensions";
        // What can never become a message is cut; interim answers may go on for ever, at the pace of who reads them.
        if (heads && reads) expect(ended.length).toBe(50);
        if (heads) expect(protocol).toBe(50);
        await isWell(daemon);
      });
    }
  }
});

describe("datagrams that nobody asked for", () => {
  it("do not pile up behind a UDP proxy, and the admin port answers", async () => {
    const { daemon, port } = await start(`udp://127.0.0.1:${ports.datagrams}`);
    const faults = [{ type: "latency", delay: "2s", direction: "downstream" }];
    const before = daemon.rss;
    const clients = Array.from({ length: 20 }, () => createSocket("udp4"));
    ends.push(() => {
      for (const client of clients) client.close();
    });
    for (const client of clients) client.send("x", port, "127.0.0.1");
    const calls: number[] = [];
    for (let n = 0; n < 60; n++) {
      if (n === 10) await daemon.call("PUT", "/active", { faults });
      calls.push((await daemon.call("GET", "/status")).millis);
      await pause(200);
    }
    console.log(
      `unasked datagrams: ${await daemon.metric("squall_datagrams_total", 'direction="downstream"')} passed on, ` +
        `${await daemon.metric("squall_datagrams_lost_total")} lost; RSS ${mib(before)} -> at most ${mib(daemon.peak)}; ` +
        `admin median ${quantile(calls, 0.5).toFixed(1)} ms, slowest ${Math.max(...calls).toFixed(1)} ms`,
    );
    // Each datagram is a small buffer of its own, which costs about as much again, and as much is garbage.
    expect(daemon.peak).toBeLessThan(before + HELD_MIB * MIB * 5);
    // What was held together goes out together.
    expect(quantile(calls, 0.5)).toBeLessThan(250);
    expect(Math.max(...calls)).toBeLessThan(5_000);
    await isWell(daemon);
  });

  it("are no answers of a DNS server", async () => {
    const { daemon, port } = await start(`dns://127.0.0.1:${ports.answers}`, {
      records: { "ours.test": "10.0.0.7" },
    });
    const before = daemon.rss;
    const client = createSocket("udp4");
    ends.push(() => client.close());
    const replies: Buffer[] = [];
    client.on("message", (message) => replies.push(message));
    const name = (label: string): Buffer =>
      Buffer.concat([
        Buffer.from("123401000001000000000000", "hex"),
        Buffer.from([label.length]),
        Buffer.from(label),
        Buffer.from([4]),
        Buffer.from("test"),
        Buffer.from("0000010001", "hex"),
      ]);
    client.send(name("theirs"), port, "127.0.0.1");
    await pause(1_000);
    const calls: number[] = [];
    for (let n = 0; n < 20; n++) {
      client.send(name("ours"), port, "127.0.0.1");
      calls.push((await daemon.call("GET", "/status")).millis);
      await pause(200);
    }
    console.log(
      `unasked DNS answers: ${replies.length} of 20 questions of our own records answered; RSS ${mib(before)} -> at most ` +
        `${mib(daemon.peak)}; admin slowest ${Math.max(...calls).toFixed(1)} ms`,
    );
    // Our own, and never one of those for the other question, which nobody answers.
    expect(replies.length).toBeGreaterThan(15);
    expect(replies.every((reply) => reply.includes("ours"))).toBe(true);
    expect(daemon.peak).toBeLessThan(before + 64 * MIB);
    expect(Math.max(...calls)).toBeLessThan(2_000);
    await isWell(daemon);
  });
});
