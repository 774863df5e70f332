/** More clients than there are descriptors: refused at once, counted, said once; the admin port goes on answering. Needs a build. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createSocket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { startSilentServer } from "../support/silent-server.js";
import { LongDaemon, quantile, until } from "./support/daemon.js";

const LIMIT = 256;
const CLIENTS = 600;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** What became of a client. */
class Client {
  readonly socket: Socket;
  answer = "";
  fate: "waits" | "reset" | "closed" = "waits";

  constructor({ host, port }: { host: string; port: number }, hello: string) {
    this.socket = connect({ host, port });
    this.socket.write(hello);
    this.socket.on("data", (chunk: Buffer) => (this.answer += chunk.toString()));
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") this.fate = "reset";
    });
    this.socket.on("close", () => {
      if (this.fate === "waits") this.fate = "closed";
    });
  }
}

async function startServer(serve: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    serve(socket);
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  ends.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

async function start(upstream: string): Promise<LongDaemon> {
  const daemon = await LongDaemon.start(
    { proxies: { jobs: { listen: "127.0.0.1:0", upstream } } },
    { descriptors: LIMIT },
  );
  ends.push(() => daemon.close());
  return daemon;
}

/** Asks the admin port again and again, each time on a connection of its own. */
async function ask(daemon: LongDaemon, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) {
    const { status, millis } = await daemon.call("GET", n % 2 === 0 ? "/metrics" : "/status");
    expect(status).toBe(200);
    taken.push(millis);
  }
  return taken;
}

const PLANES = [
  { plane: "tcp", hello: "x", served: (answer: string) => answer === "x" },
  {
    plane: "http",
    hello: "GET / HTTP/1.1\r\nHost: jobs\r\n\r\n",
    served: (answer: string) => answer.startsWith("HTTP/1.1 200"),
  },
] as const;

for (const { plane, hello, served } of PLANES) {
  it(`turns clients away when a ${plane} proxy runs out of descriptors, and recovers`, async () => {
    const { port } = await startServer((socket) => {
      socket.on("data", () => {
        socket.write(plane === "tcp" ? "x" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    const daemon = await start(`${plane}://127.0.0.1:${port}`);
    expect(daemon.said("warn").map(({ message }) => message)).toEqual([
      expect.stringMatching(/^this process may open 256 descriptors: enough for 96 connections/u),
    ]);
    const before = daemon.descriptors;
    const where = await daemon.listens("jobs");
    const clients = Array.from({ length: CLIENTS }, () => new Client(where, hello));
    ends.push(() => {
      for (const { socket } of clients) socket.destroy();
    });
    await until("every client knows", () =>
      clients.every(({ fate, answer }) => fate !== "waits" || answer !== ""),
    );
    const fates = (fate: Client["fate"]): number => clients.filter((client) => client.fate === fate).length;
    const lucky = clients.filter(({ answer }) => served(answer)).length;
    const refused = await daemon.metric("squall_connections_errors_total", 'reason="connection_limit"');
    const most = daemon.descriptors;

    const cpu = daemon.cpu;
    const taken = await ask(daemon, 100);
    await pause(2_000);
    const busy = daemon.cpu - cpu;
    console.log(
      `${plane}: ${CLIENTS} clients, ${lucky} served, ${fates("reset")} were reset, ` +
        `${fates("closed")} closed; ${refused} counted; ${most} of ${LIMIT} descriptors; ` +
        `admin p50 ${quantile(taken, 0.5).toFixed(1)} ms, slowest ${Math.max(...taken).toFixed(1)} ms; ${busy} ms of the processor`,
    );
    expect(lucky).toBe(await daemon.metric("squall_connections_limit"));
    expect([lucky, fates("reset")]).toEqual([96, CLIENTS - 96]);
    expect(refused).toBe(CLIENTS - 96);
    // The reserve is an eighth.
    expect(most).toBeLessThanOrEqual(LIMIT - LIMIT / 8 + 4);
    // A hundred calls and two quiet seconds: a loop that turns for nothing would take 2,000.
    expect(busy).toBeLessThan(1_200);
    const lines = daemon.log.filter(({ message }) => /limit/u.test(message));
    expect(lines.length).toBeLessThanOrEqual(5);
    expect(daemon.said("error")).toEqual([]);

    for (const { socket } of clients) socket.destroy();
    await until("the descriptors are free again", () => daemon.descriptors <= before + 4);
    const again = Array.from({ length: 50 }, () => new Client(where, hello));
    await until("they are served again", () => again.every(({ answer }) => served(answer)));
    for (const { socket } of again) socket.destroy();
  });
}

it("does not let clients of an upstream that never answers a SYN take the last descriptors", async () => {
  const silent = await startSilentServer();
  ends.push(() => {
    silent.stop();
  });
  const daemon = await start(`tcp://127.0.0.1:${silent.port}`);
  const where = await daemon.listens("jobs");
  const clients = Array.from({ length: CLIENTS }, () => new Client(where, "x"));
  ends.push(() => {
    for (const { socket } of clients) socket.destroy();
  });
  await until("all have come", async () => (await daemon.metric("squall_connections_total")) === CLIENTS);
  const taken = await ask(daemon, 50);
  console.log(
    `black hole: ${daemon.descriptors} of ${LIMIT} descriptors, admin slowest ${Math.max(...taken).toFixed(1)} ms`,
  );
  expect(await daemon.metric("squall_connections_active")).toBe(96);
  expect(daemon.descriptors).toBeLessThanOrEqual(LIMIT - LIMIT / 8 + 4);
});

it("loses datagrams of new clients where flows have no descriptors left, and keeps those that are answered", async () => {
  const server = createSocket("udp4");
  server.on("message", (message, { port, address }) => server.send(message, port, address));
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  const daemon = await start(`udp://127.0.0.1:${server.address().port}`);
  const where = await daemon.listens("jobs");
  const sockets = Array.from({ length: CLIENTS }, () => createSocket("udp4"));
  ends.push(() => {
    for (const socket of sockets) socket.close();
  });
  let answered = 0;
  for (const socket of sockets) {
    socket.on("message", () => answered++);
    socket.send("x", where.port, where.host);
  }
  const refused = async (): Promise<number> =>
    daemon.metric("squall_connections_errors_total", 'reason="connection_limit"');
  await until("the rest is refused", async () => answered + (await refused()) >= CLIENTS);
  const taken = await ask(daemon, 50);
  console.log(
    `udp: ${CLIENTS} clients, ${answered} answered, ${await refused()} refused; ${daemon.descriptors} of ${LIMIT} ` +
      `descriptors; admin slowest ${Math.max(...taken).toFixed(1)} ms`,
  );
  expect(answered).toBe(96);
  expect(daemon.descriptors).toBeLessThanOrEqual(LIMIT - LIMIT / 8 + 4);
});

it("answers 502 where clients need more upstreams than there are descriptors, and does not hold it against those", async () => {
  const { port } = await startServer((socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const upstreams = Object.fromEntries(
    ["a", "b", "c", "d"].map((name) => [name, `http://127.0.0.1:${port}`] as const),
  );
  const health = { interval: "200ms", timeout: "100ms", fall: 1, rise: 1 };
  const daemon = await LongDaemon.start(
    {
      proxies: {
        jobs: { listen: "127.0.0.1:0", upstreams, health, eject: { failures: 1, for: "10m" } },
      },
    },
    { descriptors: LIMIT },
  );
  ends.push(() => daemon.close());
  const where = await daemon.listens("jobs");
  // Each keeps a connection to each upstream that it has used: five descriptors in place of two.
  const clients = Array.from({ length: 90 }, () => new Client(where, ""));
  ends.push(() => {
    for (const { socket } of clients) socket.destroy();
  });
  for (let round = 1; round <= 4; round++) {
    for (const { socket } of clients) socket.write("GET / HTTP/1.1\r\nHost: jobs\r\n\r\n");
    await until(`each has its answer ${round}`, () =>
      clients.every(({ answer }) => answer.split("HTTP/1.1 ").length === round + 1),
    );
  }
  const lacking = clients.reduce((sum, { answer }) => sum + answer.split("HTTP/1.1 502").length - 1, 0);
  const taken = await ask(daemon, 50);
  console.log(
    `pool: ${lacking} of 360 requests got 502; ${daemon.descriptors} of ${LIMIT} descriptors, ` +
      `admin slowest ${Math.max(...taken).toFixed(1)} ms`,
  );
  expect(lacking).toBeGreaterThan(0);
  expect(await daemon.metric("squall_connections_errors_total", 'reason="descriptor_limit"')).toBe(lacking);
  expect(daemon.descriptors).toBeLessThanOrEqual(LIMIT - LIMIT / 8 + 4);
  await pause(1_000);
  expect(daemon.log.filter(({ message }) => message.includes("is down"))).toEqual([]);
  expect(await daemon.metric("squall_upstream_up")).toBe(4);
});
