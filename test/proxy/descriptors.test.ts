/** A client who finds no descriptor is turned away and counted, nothing is held against upstreams, and some are kept. */
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { platform } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { Descriptors } from "../../src/proxy/descriptors.js";
import { lackOf } from "../../src/proxy/local-lacks.js";
import { dial } from "../../src/proxy/upstream/dial.js";
import { HealthChecks } from "../../src/proxy/upstream/health.js";
import { Pool } from "../../src/proxy/upstream/pool.js";
import { Resolver } from "../../src/proxy/upstream/resolver.js";
import { Lab, turns } from "../support/lab.js";

/** As many as a test says. */
class Scarce extends Descriptors {
  gone = false;

  constructor() {
    super(100);
  }

  override isReserved(): boolean {
    return this.gone;
  }
}

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe("the descriptors of a process", () => {
  it("are an eighth for others than clients, but not more than 1,024, and two for each connection", () => {
    const kept = [200, 1_024, 20_000, 1_048_576].map((limit) => new Descriptors(limit));
    expect(kept.map(({ reserve }) => reserve)).toEqual([25, 128, 1_024, 1_024]);
    expect(kept.map(({ connections }) => connections)).toEqual([71, 432, 9_472, 523_760]);
    expect(new Descriptors(Infinity).connections).toBe(Infinity);
    expect(new Descriptors(8).connections).toBe(1);
  });

  it.skipIf(platform() !== "linux")("are known by their numbers", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    ends.push(() => server.close());
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    ends.push(() => socket.destroy());
    expect(new Descriptors(0).isReserved(socket)).toBe(false);
    server.once("connection", (accepted) => ends.push(() => accepted.destroy()));
    await once(socket, "connect");
    // The last number that it is not below is its own.
    const numbers = Array.from({ length: 10_000 }, (_, number) => number);
    const number = numbers.findLast((n) => new Descriptors(n + 1, 1).isReserved(socket));
    expect(readlinkSync(`/proc/self/fd/${number}`)).toMatch(/^socket:/u);
    socket.destroy();
    expect(new Descriptors(0).isReserved(socket)).toBe(false);
  });

  it.skipIf(platform() !== "linux")("are as many as the system says", () => {
    const { limit } = Descriptors.ofProcess();
    expect(Number.isInteger(limit) && limit >= readdirSync("/proc/self/fd").length).toBe(true);
  });
});

describe("dialling without a descriptor", () => {
  it("fails at once, whether or not the upstream would have come", async () => {
    const lab = new Lab();
    ends.push(() => lab.close());
    const upstream = await lab.upstream();
    const descriptors = new Scarce();
    const { clock, resolver } = lab.context;
    const dialled = (): Promise<unknown> =>
      new Promise((resolve) => {
        const options = { clock, resolver, keepalive: null, timeout: 5_000, take: () => true, descriptors };
        dial({ host: "127.0.0.1", port: upstream.port }, options, resolve);
      });
    descriptors.gone = true;
    expect(await dialled()).toMatchObject({ reason: "descriptor_limit" });
    descriptors.gone = false;
    const socket = (await dialled()) as { destroy(): void };
    socket.destroy();
  });

  it.each([
    ["EMFILE", "descriptor_limit"],
    ["ENFILE", "descriptor_limit"],
    ["EADDRNOTAVAIL", "port_limit"],
    ["ENOBUFS", "memory_limit"],
    ["ENOMEM", "memory_limit"],
    ["EPERM", "not_permitted"],
    ["EACCES", "not_permitted"],
    ["ECONNREFUSED", null],
    ["ETIMEDOUT", null],
    ["EHOSTUNREACH", null],
    [undefined, null],
  ])("tells what this machine lacks apart from what a peer does: %s", (code, lack) => {
    expect(lackOf(code, "10.0.0.1")).toBe(lack);
  });

  it("turns clients away with an RST, says so once, and takes them again when there are some", async () => {
    const descriptors = new Scarce();
    const lab = new Lab({ descriptors });
    ends.push(() => lab.close());
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    descriptors.gone = true;
    for (let n = 0; n < 3; n++) expect(await lab.client(proxy).ended).toBe("reset");
    expect(proxy.stats.errors.get("descriptor_limit")).toBe(3);
    expect(lab.facts.of("limit_reached")).toEqual([
      { kind: "limit_reached", proxy: "jobs", limit: "descriptors", value: 100 },
    ]);
    expect(lab.facts.of("connection_failed")[0]).toMatchObject({
      text: "no descriptor is left for a client",
    });
    descriptors.gone = false;
    await lab.through(proxy, upstream);
    expect(lab.context.slots.taken).toBe(1);
  });

  it("does not eject an upstream that could not be dialled for want of one", async () => {
    const descriptors = new Scarce();
    const lab = new Lab({ descriptors });
    ends.push(() => lab.close());
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port, {
      pool: {
        members: [{ name: "a", host: "127.0.0.1", port: upstream.port }],
        balance: "first",
        health: null,
        eject: { failures: 1, for: 60_000 },
        seed: 0,
      },
    });
    // There is one for the client, and none for the upstream.
    const looks = [false, true];
    descriptors.isReserved = () => looks.shift() ?? false;
    expect(await lab.client(proxy).ended).toBe("fin");
    expect(proxy.stats.errors.get("descriptor_limit")).toBe(1);
    expect(lab.facts.of("upstream_changed")).toEqual([]);
    await lab.through(proxy, upstream);
  });

  it("says nothing about the health of an upstream", async () => {
    const lab = new Lab();
    ends.push(() => lab.close());
    const port = await lab.server((socket) => socket.resume());
    const clock = new VirtualClock();
    const descriptors = new Scarce();
    const pool = new Pool({
      proxy: "jobs",
      spec: {
        members: [{ name: "a", host: "127.0.0.1", port }],
        balance: "first",
        health: null,
        eject: null,
        seed: 0,
      },
      clock,
      facts: lab.facts,
      changed: () => undefined,
    });
    const resolver = new Resolver({ clock });
    let asked = 0;
    const checks = new HealthChecks({
      pool,
      spec: { path: null, interval: 1_000, timeout: 500, fall: 1, rise: 1 },
      clock,
      mistakes: { failed: expect.unreachable },
      options: () => {
        asked++;
        return { clock, resolver, descriptors, keepalive: null };
      },
    });
    ends.push(() => {
      checks.stop();
    });
    descriptors.gone = true;
    checks.start();
    for (let n = 0; n < 3; n++) {
      clock.advance(n === 0 ? 0 : 1_000);
      await turns();
    }
    expect(asked).toBe(3);
    expect(pool.members[0]?.healthy).toBe(true);
    expect(lab.facts.of("upstream_changed")).toEqual([]);
  });
});
