/** One daemon with a proxy of each protocol and a pool: each carries what it is there for, and is hurt by a fault of its own kind. */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSquall } from "../../src/index.js";
import { getJson, Workshop, type Json } from "../support/process.js";

let shop: Workshop;
let ends: (() => void)[];
let servers: { readonly tcp: number; readonly a: number; readonly b: number; readonly udp: number };

beforeAll(async () => {
  shop = new Workshop();
  ends = [];
  servers = { tcp: await echo(), a: await named("a"), b: await named("b"), udp: await udpEcho() };
});

afterAll(async () => {
  for (const end of ends) end();
  await shop.close();
});

async function echo(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function named(name: string): Promise<number> {
  const server = createHttpServer((request, response) => response.end(`${name} ${request.url ?? ""}`));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function udpEcho(): Promise<number> {
  const socket = createSocket("udp4");
  socket.on("message", (payload, { port, address }) => {
    socket.send(payload, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  ends.push(() => socket.close());
  return socket.address().port;
}

async function overTcp(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

async function overUdp(port: number, text: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    const answer = once(socket, "message") as Promise<[Buffer]>;
    socket.send(text, port, "127.0.0.1");
    return (await answer)[0].toString();
  } finally {
    socket.close();
  }
}

async function overHttp(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/jobs`, { headers: { connection: "close" } });
  return `${response.status} ${await response.text()}`;
}

function overDns(port: number, name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 10_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return resolver.resolve4(name);
}

describe("a daemon with every kind of proxy in its squall.yaml", () => {
  let admin: string;
  const ports: Record<string, number> = {};

  beforeAll(async () => {
    const listen = "127.0.0.1:0";
    ({ admin } = await shop.daemon({
      proxies: {
        broker: { listen, upstream: `tcp://127.0.0.1:${servers.tcp}` },
        jobs: { listen, upstream: `http://127.0.0.1:${servers.a}` },
        statsd: { listen, upstream: `udp://127.0.0.1:${servers.udp}` },
        names: { listen, upstream: "dns://none", records: { "job-server.example": "10.0.0.7" } },
        pool: {
          listen,
          upstreams: { a: `http://127.0.0.1:${servers.a}`, b: `http://127.0.0.1:${servers.b}` },
          balance: "round_robin",
        },
      },
    }));
    const { body } = await getJson(`${admin}/status`);
    for (const { name, listen: bound } of body["proxies"] as { name: string; listen: string }[])
      ports[name] = Number(bound.split(":").at(-1));
  });

  const port = (name: string): number => ports[name] ?? 0;

  async function hurt(faults: readonly Json[]): Promise<void> {
    const init = {
      method: "PUT",
      body: JSON.stringify({ faults }),
      headers: { "content-type": "application/json" },
    };
    const { status, body } = await getJson(`${admin}/active`, init);
    expect(status, JSON.stringify(body)).toBe(200);
  }

  async function all(): Promise<unknown[]> {
    return [
      await overTcp(port("broker"), "hello"),
      await overHttp(port("jobs")),
      await overUdp(port("statsd"), "jobs:1|c"),
      await overDns(port("names"), "job-server.example"),
      (await Promise.all([overHttp(port("pool")), overHttp(port("pool"))])).sort(),
    ];
  }

  const WELL = ["hello", "200 a /jobs", "jobs:1|c", ["10.0.0.7"], ["200 a /jobs", "200 b /jobs"]];

  it("carries the traffic of all", async () => {
    expect(await all()).toEqual(WELL);
  });

  it("hurts each in its own way at once, and heals all", async () => {
    await hurt([
      { type: "truncate", after: "2B", proxy: "broker" },
      { type: "http_status", status: 503, proxy: "jobs" },
      { type: "corrupt", rate: "100%", proxy: "statsd" },
      { type: "dns_rcode", rcode: "nxdomain", proxy: "names" },
      { type: "flap", targets: ["a"], proxy: "pool", pattern: ["down 10m", "up 1s"], down: "hidden" },
    ]);
    expect(await overTcp(port("broker"), "hello")).toBe("he");
    expect(await overHttp(port("jobs"))).toMatch(/^503 /u);
    const garbled = await overUdp(port("statsd"), "jobs:1|c");
    expect(garbled).not.toBe("jobs:1|c");
    await expect(overDns(port("names"), "job-server.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(await Promise.all([overHttp(port("pool")), overHttp(port("pool"))])).toEqual(
      Array(2).fill("200 b /jobs"),
    );
    await getJson(`${admin}/active`, { method: "DELETE" });
    expect(await all()).toEqual(WELL);
    const { body } = await getJson(`${admin}/journal?kind=fault_hit&limit=100`);
    const hit = (body["entries"] as { proxy: string }[]).map(({ proxy }) => proxy);
    expect([...new Set(hit)].sort()).toEqual(["broker", "jobs", "names", "pool", "statsd"]);
  });
});

describe("proxies.add of the library", () => {
  it("takes udp:// and http:// upstreams as well as plain addresses", async () => {
    const squall = await startSquall();
    try {
      const statsd = await squall.proxies.add("statsd", { upstream: `udp://127.0.0.1:${servers.udp}` });
      const jobs = await squall.proxies.add("jobs", {
        upstream: `http://127.0.0.1:${servers.a}`,
        persona: "nginx",
      });
      expect(await overUdp(statsd.port, "jobs:1|c")).toBe("jobs:1|c");
      expect(await overHttp(jobs.port)).toBe("200 a /jobs");
      await squall.activate([{ type: "http_status", status: 503, persona: "nginx" }]);
      expect(await overHttp(jobs.port)).toMatch(/^503 .*nginx/su);
      expect(await overUdp(statsd.port, "jobs:2|c")).toBe("jobs:2|c");
      expect(squall.journal({ fault: "http_status", kind: "fault_hit" })).toMatchObject([{ proxy: "jobs" }]);
    } finally {
      await squall.stop();
    }
  });
});
