/** Every stream socket of every plane asks after a peer that has been silent for long: the kernel's own timers are read. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { platform } from "node:os";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { streamOptions, type Keepalive } from "../../../src/core/stream-options.js";
import { HealthChecks } from "../../../src/proxy/upstream/health.js";
import { Pool } from "../../../src/proxy/upstream/pool.js";
import { AdminLab } from "../../admin/admin-lab.js";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { dnsProxy, question } from "../../support/dns-lab.js";
import { framed } from "../../../src/proxy/dns/frames.js";
import { get, HttpLab } from "../../support/http-lab.js";
import { keepaliveOfPeer } from "../../support/kernel-timers.js";

let lab: HttpLab;
const ends: (() => unknown)[] = [];

function setUp(keepalive?: Keepalive): void {
  lab = new HttpLab(keepalive === undefined ? {} : { keepalive });
}

beforeEach(() => {
  setUp();
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await lab.close();
});

/** A connection that a kernel will ask after, and at the default time at the latest. */
async function expectKept(peer: Socket): Promise<void> {
  const left = await keepaliveOfPeer(peer);
  expect(left).not.toBeNull();
  expect(left).toBeLessThanOrEqual(15_000);
}

describe.skipIf(platform() !== "linux")("keepalive", () => {
  it("is on towards the client and the upstream of a tcp proxy", async () => {
    const upstream = await lab.upstream();
    const { client, peer } = await lab.through(await lab.proxy(upstream.port), upstream);
    await expectKept(client.socket);
    await expectKept(peer.socket);
  });

  it("is on towards both sides of an http proxy", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/"));
    const peer = await upstream.next();
    await peer.received(1);
    await expectKept(client.socket);
    await expectKept(peer.socket);
  });

  it("is on below TLS", async () => {
    const server = createTlsServer({ cert: CERTIFICATE, key: KEY }).listen(0, "127.0.0.1");
    ends.push(() => server.close());
    await once(server, "listening");
    const found = server.address();
    const port = found !== null && typeof found === "object" ? found.port : 0;
    const proxy = await lab.http(port, { tls: { ca: null, insecure: true, servername: null } });
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const secured = once(server, "secureConnection");
    lab.client(proxy).write(get("/"));
    const [peer] = await accepted;
    await secured;
    await expectKept(peer);
    peer.destroy();
  });

  it("is on towards whoever asks a dns proxy over TCP, and towards the server that it asks over TCP", async () => {
    const upstream = await lab.upstream();
    const short = createSocket("udp4").bind(upstream.port, "127.0.0.1");
    ends.push(() => short.close());
    await once(short, "listening");
    short.on("message", (message, from) => {
      // An answer that does not fit: QR and TC.
      message.writeUInt8(message.readUInt8(2) | 0x82, 2);
      short.send(message, from.port, from.address);
    });
    const proxy = await dnsProxy(lab, {
      source: "server",
      upstream: { host: "127.0.0.1", port: upstream.port },
    });
    const client = connect(proxy.address.port, "127.0.0.1");
    ends.push(() => client.destroy());
    await once(client, "connect");
    client.write(framed(question("a.example", "A")));
    const server = await upstream.next();
    await server.received(1);
    await expectKept(client);
    await expectKept(server.socket);
  });

  it("is on in health checks", async () => {
    const upstream = await lab.upstream();
    const { clock, facts, resolver, keepalive } = lab.context;
    const health = { path: "/", interval: 60_000, timeout: 60_000, fall: 1, rise: 1 };
    const members = [{ name: "a", host: "127.0.0.1", port: upstream.port }];
    const pool = new Pool({
      proxy: "p",
      spec: { members, balance: "first", health, eject: null, seed: 0 },
      clock,
      facts,
      changed: () => undefined,
    });
    const checks = new HealthChecks({
      pool,
      spec: health,
      clock,
      mistakes: { failed: expect.unreachable },
      options: () => ({ clock, resolver, keepalive }),
    });
    ends.push(() => {
      checks.stop();
    });
    checks.start();
    const peer = await upstream.next();
    await peer.received(1);
    await expectKept(peer.socket);
  });

  it("is on at the admin port", async () => {
    const here = await AdminLab.open();
    ends.push(() => here.close());
    const client = connect(here.port, "127.0.0.1");
    ends.push(() => client.destroy());
    client.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await once(client, "data");
    await expectKept(client);
  });

  it("begins when it is told to, on both legs", async () => {
    await lab.close();
    setUp(3_000);
    const upstream = await lab.upstream();
    const { client, peer } = await lab.through(await lab.proxy(upstream.port), upstream);
    for (const { socket } of [client, peer]) expect(await keepaliveOfPeer(socket)).toBeLessThanOrEqual(3_000);
  });

  it("can be off", async () => {
    await lab.close();
    setUp(null);
    const upstream = await lab.upstream();
    const { client, peer } = await lab.through(await lab.proxy(upstream.port), upstream);
    for (const { socket } of [client, peer]) expect(await keepaliveOfPeer(socket)).toBeNull();
  });
});

it("never asks for less than a second, which Linux would take for two hours", () => {
  expect(streamOptions(1).keepAliveInitialDelay).toBe(1_000);
  expect(streamOptions(null).keepAlive).toBe(false);
});
