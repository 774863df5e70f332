/** Peers that misbehave by the thousand, at the admin port and at proxies; afterwards all is as it was. Needs a build. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LongDaemon, quantile, until } from "./support/daemon.js";
import { inParallel, mib, openThrough, startEcho } from "./support/proxy-process.js";

const MIB = 2 ** 20;

const ends: (() => unknown)[] = [];
let daemon: LongDaemon;
let before: { readonly descriptors: number; readonly rss: number };

beforeEach(async () => {
  const echo = await startEcho();
  ends.push(() => {
    echo.stop();
  });
  daemon = await LongDaemon.start(
    {
      proxies: {
        bytes: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${echo.port}` },
        jobs: { listen: "127.0.0.1:0", upstream: `http://127.0.0.1:${echo.port}`, head_timeout: "3s" },
      },
    },
    { inspect: true },
  );
  ends.push(() => daemon.close());
  await daemon.call("GET", "/metrics");
  before = { descriptors: daemon.descriptors, rss: (await daemon.memory()).rss };
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Peer {
  readonly socket: Socket;
  text: string;
  closed: boolean;
}

function peers(count: number, port: number): Peer[] {
  const all = Array.from({ length: count }, () => {
    const socket = connect({ port, host: "127.0.0.1" });
    const peer: Peer = { socket, text: "", closed: false };
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => (peer.text += chunk.toString("latin1").slice(0, 1_000)));
    socket.on("close", () => (peer.closed = true));
    return peer;
  });
  ends.push(() => {
    for (const { socket } of all) socket.destroy();
  });
  return all;
}

const adminPort = (): number => Number(new URL(daemon.admin).port);

/** An operator, who calls on a connection of his own each time. */
async function operator(times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) {
    const { status, millis } = await daemon.call("GET", "/status");
    expect(status).toBe(200);
    taken.push(millis);
  }
  return taken;
}

/** All are gone, nothing is left of them, and whoever behaves is served. */
async function asBefore(): Promise<{ readonly grown: number }> {
  await until(
    "all connections are over",
    async () => (await daemon.metric("squall_connections_active")) === 0,
  );
  await until("their descriptors are free", () => daemon.descriptors <= before.descriptors + 4);
  (await openThrough((await daemon.listens("bytes")).port)).destroy();
  expect(daemon.said("error")).toEqual([]);
  const grown = (await daemon.memory()).rss - before.rss;
  expect(grown).toBeLessThan(80 * MIB);
  return { grown };
}

const said = (what: string, taken: readonly number[], grown: number): void => {
  console.log(
    `${what}; admin p50 ${quantile(taken, 0.5).toFixed(1)} ms, slowest ${Math.max(...taken).toFixed(1)} ms; RSS +${mib(grown)} afterwards`,
  );
};

describe("at the admin port", () => {
  it("10,000 who connect and say nothing do not keep an operator out", async () => {
    const idle: Peer[] = [];
    const taken: number[] = [];
    let most = 0;
    for (let n = 0; n < 20; n++) {
      idle.push(...peers(500, adminPort()));
      taken.push(...(await operator(3)));
      most = Math.max(most, daemon.descriptors);
    }
    taken.push(...(await operator(50)));
    for (const { socket } of idle) socket.destroy();
    const { grown } = await asBefore();
    said(`10,000 idle at the admin port: at most ${most} descriptors`, taken, grown);
    expect(most).toBeLessThan(before.descriptors + 600);
    expect(quantile(taken, 0.5)).toBeLessThan(250);
  });

  it("slow heads and slow bodies are answered 408, and others do not wait for them", async () => {
    const slow = peers(400, adminPort());
    slow.forEach(({ socket }, n) => {
      socket.write(
        n % 2 === 0
          ? "GET /status HTTP/1.1\r\nHost: localhost\r\n"
          : "PUT /active HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
      );
    });
    const drip = setInterval(() => {
      for (const [n, { socket }] of slow.entries())
        if (socket.writable) socket.write(n % 2 === 0 ? "a: b\r\n" : " ");
    }, 200);
    ends.push(() => {
      clearInterval(drip);
    });
    const taken = await operator(100);
    await until("all have been told", () => slow.every(({ closed }) => closed), 40_000);
    clearInterval(drip);
    const told = slow.filter(({ text }) => text.startsWith("HTTP/1.1 408")).length;
    const { grown } = await asBefore();
    said(`400 slow requests, ${told} answered 408`, taken, grown);
    // Whoever sends on while it is closed may lose the answer to an RST.
    expect(told).toBeGreaterThan(200);
    expect(quantile(taken, 0.5)).toBeLessThan(250);
  });

  it("huge heads, garbage and pipelines are refused or answered, one by one", async () => {
    const [head, garbage, pipeline, deep] = peers(4, adminPort()) as [Peer, Peer, Peer, Peer];
    head.socket.write(`GET /status HTTP/1.1\r\nHost: localhost\r\nx: ${"y".repeat(2 ** 20)}\r\n\r\n`);
    garbage.socket.write(randomBytes(100_000));
    let answers = 0;
    pipeline.socket.on("data", (chunk: Buffer) => {
      answers += chunk.toString("latin1").split("HTTP/1.1 200 OK").length - 1;
    });
    pipeline.socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000));
    const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    deep.socket.write(
      `PUT /active HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${nested.length}\r\nConnection: close\r\n\r\n${nested}`,
    );
    await until("the first two are refused", () => head.closed && garbage.closed && deep.closed);
    await until("all 2,000 are answered", () => answers >= 1_990);
    const taken = await operator(20);
    for (const { socket } of [pipeline]) socket.destroy();
    const { grown } = await asBefore();
    said("huge heads, garbage, 2,000 pipelined calls, 100,000 brackets", taken, grown);
    expect(garbage.text).toMatch(/^HTTP\/1\.1 400/u);
    expect(deep.text).toMatch(/^HTTP\/1\.1 4\d\d/u);
  });
});

describe("at proxies", () => {
  for (const name of ["bytes", "jobs"] as const) {
    it(`10,000 who reset at once leave nothing behind: ${name}`, async () => {
      const { port } = await daemon.listens(name);
      const started = performance.now();
      await inParallel(10_000, 200, async (n) => {
        await new Promise<void>((resolve) => {
          const socket = connect({ port, host: "127.0.0.1" });
          socket.on("error", () => undefined);
          socket.on("close", () => {
            resolve();
          });
          socket.on("connect", () => {
            // Some without a word, some in the middle of a head or a request.
            if (n % 3 === 1) socket.write("GET / HT");
            if (n % 3 === 2) socket.write("POST / HTTP/1.1\r\nHost: jobs\r\nContent-Length: 100\r\n\r\nhalf");
            if (n % 2 === 0) socket.resetAndDestroy();
            else setImmediate(() => socket.resetAndDestroy());
          });
        });
      });
      const seconds = (performance.now() - started) / 1_000;
      const taken = await operator(20);
      const { grown } = await asBefore();
      said(
        `10,000 resets at ${name} in ${seconds.toFixed(1)} s, ${await daemon.metric("squall_connections_total", `proxy="${name}"`)} accepted`,
        taken,
        grown,
      );
    });
  }

  it("2,000 who send random bytes to an HTTP proxy are refused", async () => {
    const { port } = await daemon.listens("jobs");
    await inParallel(2_000, 100, async () => {
      const [peer] = peers(1, port) as [Peer];
      peer.socket.on("connect", () => peer.socket.end(randomBytes(200)));
      await until("it is over", () => peer.closed);
    });
    const taken = await operator(20);
    const refused = await daemon.metric("squall_connections_errors_total", 'reason="client_protocol"');
    const { grown } = await asBefore();
    said(`2,000 random beginnings, ${refused} refused as no HTTP`, taken, grown);
    // A first byte of 0x16 is taken for TLS, and an early line break may leave nothing to refuse.
    expect(refused).toBeGreaterThan(1_500);
  });

  it("1,000 who never finish a head are given up in time", async () => {
    const { port } = await daemon.listens("jobs");
    const slow = peers(1_000, port);
    for (const { socket } of slow) socket.write("GET / HTTP/1.1\r\n");
    const drip = setInterval(() => {
      for (const { socket } of slow) if (socket.writable) socket.write("a: b\r\n");
    }, 500);
    ends.push(() => {
      clearInterval(drip);
    });
    await until("they are counted", async () => {
      return (await daemon.metric("squall_connections_errors_total", 'reason="client_slow_head"')) === 1_000;
    });
    const taken = await operator(20);
    await until("they are closed", () => slow.every(({ closed }) => closed));
    clearInterval(drip);
    const { grown } = await asBefore();
    said("1,000 slow heads at an HTTP proxy", taken, grown);
  });

  it("1,000 half-open clients are served to their end, and cost nothing afterwards", async () => {
    const { port } = await daemon.listens("bytes");
    const half = peers(1_000, port);
    // They say all that they have to say and then wait; the echo ends when it has heard their end.
    for (const { socket } of half) socket.end("x");
    await until("all have their answer", () => half.every(({ text }) => text === "x"));
    const taken = await operator(20);
    await until("all are over", () => half.every(({ closed }) => closed));
    const { grown } = await asBefore();
    said("1,000 half-open clients", taken, grown);
  });

  it("1,000 who vanish without a word while a fault holds them are let go", async () => {
    const { port } = await daemon.listens("bytes");
    await daemon.call("PUT", "/active", { faults: [{ type: "accept_delay", delay: "1h" }] });
    const held = peers(1_000, port);
    await until("all are held", async () => (await daemon.metric("squall_connections_active")) === 1_000);
    for (const { socket } of held) socket.resetAndDestroy();
    const taken = await operator(20);
    await until("all are gone", async () => (await daemon.metric("squall_connections_active")) === 0);
    await daemon.call("DELETE", "/active");
    const { grown } = await asBefore();
    said("1,000 who reset while a fault held them", taken, grown);
  });
});
