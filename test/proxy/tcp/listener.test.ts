/** `down`: nobody listens, as a client finds out, and the way back to the same port. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { fault, timeLab, turns, until, type Lab, type Upstream } from "../../support/lab.js";

let lab: Lab;
let time: VirtualClock;
let upstream: Upstream;
let proxy: TcpProxy;

async function open(): Promise<void> {
  ({ lab, time } = timeLab());
  upstream = await lab.upstream();
  proxy = await lab.proxy(upstream.port);
}

afterEach(() => lab.close());

describe("a proxy that is down", () => {
  it("refuses new connections with the kernel's own words, and comes back on the same port", async () => {
    await open();
    const { port } = proxy.address;
    lab.use([fault("down")]);
    expect(proxy.state).toBe("closed by fault");
    expect(await lab.client(port).ended).toEqual({ error: "ECONNREFUSED" });
    lab.heal();
    await lab.facts.first("listener_opened");
    expect(proxy.address.port).toBe(port);
    expect(proxy.state).toBe("listening");
    await lab.through(proxy, upstream);
  });

  it.each([
    ["keep", null],
    ["close", "fin"],
    ["reset", "reset"],
  ] as const)("does to existing connections what %s says", async (existing, seen) => {
    await open();
    const { client, peer } = await lab.through(proxy, upstream);
    lab.use([fault("down", { existing })]);
    if (seen === null) {
      client.write("still here");
      await peer.received(10);
      peer.write("me too");
      await client.received(6);
      expect(client.end).toBeNull();
    } else {
      expect(await client.ended).toBe(seen);
      expect(await peer.ended).toBe(seen);
    }
    lab.heal();
    await lab.facts.first("listener_opened");
  });

  it.each([
    ["close", "fin"],
    ["reset", "reset"],
  ] as const)("may accept and then %s instead, without dialling anybody", async (refuse, seen) => {
    await open();
    lab.use([fault("down", { refuse })]);
    const client = lab.client(proxy);
    expect(await client.ended).toBe(seen);
    expect(upstream.accepted).toEqual([]);
    client.fin();
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("keeps trying when somebody else has taken the port meanwhile, says why, and recovers", async () => {
    await open();
    const { port } = proxy.address;
    lab.use([fault("down")]);
    const squatter = createServer();
    squatter.listen(port, "127.0.0.1");
    await once(squatter, "listening");
    lab.heal();
    const failed = await lab.facts.first("listen_failed");
    expect(failed.reason).toMatch(
      new RegExp(`^listen tcp 127.0.0.1:${port}: address already in use( \\(.+ listens there\\))?$`, "u"),
    );
    expect(proxy.state).toBe("cannot listen");
    // Each time after a longer pause.
    const pauses: number[] = [];
    for (let attempt = 2; attempt <= 7; attempt++) {
      await until(() => time.next !== Infinity);
      pauses.push(time.next - time.now());
      time.advance(time.next - time.now());
      await lab.facts.nth("listen_failed", attempt);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 2_000]);
    squatter.close();
    await once(squatter, "close");
    time.advance(2_000);
    await lab.facts.first("listener_opened");
    expect(proxy.state).toBe("listening");
    await lab.through(proxy, upstream);
  });

  it("gives up trying when it goes down again", async () => {
    await open();
    const { port } = proxy.address;
    lab.use([fault("down")]);
    const squatter = createServer();
    squatter.listen(port, "127.0.0.1");
    await once(squatter, "listening");
    lab.heal();
    await lab.facts.first("listen_failed");
    time.advance(100);
    await lab.facts.nth("listen_failed", 2);
    lab.use([fault("down")]);
    expect(time.idle).toBe(true);
    // And begins with the shortest pause when it may try again.
    lab.heal();
    await lab.facts.nth("listen_failed", 3);
    expect(time.next - time.now()).toBe(100);
    lab.use([fault("down")]);
    squatter.close();
    await once(squatter, "close");
    expect(await lab.client(port).ended).toEqual({ error: "ECONNREFUSED" });
  });

  it("ends where the last word left it, however fast it goes up and down", async () => {
    await open();
    const { port } = proxy.address;
    for (let flap = 0; flap < 50; flap++) {
      lab.use([fault("down")]);
      lab.heal();
      if (flap % 7 === 0) await turns(1);
    }
    await until(() => proxy.state === "listening");
    await lab.through(proxy, upstream);
    lab.heal();
    lab.use([fault("down")]);
    lab.heal();
    lab.use([fault("down")]);
    await turns();
    expect(await lab.client(port).ended).toEqual({ error: "ECONNREFUSED" });
    const told = lab.facts.all.filter(({ kind }) => kind.startsWith("listener_"));
    expect(told.at(-1)?.kind).toBe("listener_closed");
  });

  it("may be down from the start: the port is known, and nobody is let in", async () => {
    ({ lab, time } = timeLab());
    upstream = await lab.upstream();
    lab.use([fault("down")]);
    proxy = await lab.proxy(upstream.port);
    expect(proxy.address.port).toBeGreaterThan(0);
    expect(await lab.client(proxy).ended).toEqual({ error: "ECONNREFUSED" });
    lab.heal();
    await lab.facts.first("listener_opened");
    await lab.through(proxy, upstream);
  });

  it("heeds a plan that changes while the address is being bound", async () => {
    ({ lab, time } = timeLab());
    upstream = await lab.upstream();
    lab.use([fault("down")]);
    const starting = lab.proxy(upstream.port);
    lab.heal();
    proxy = await starting;
    await until(() => proxy.state === "listening");
    await lab.through(proxy, upstream);
  });

  it("says which address cannot be had, and leaves nothing behind", async () => {
    await open();
    const { port } = proxy.address;
    await expect(
      lab.proxy(upstream.port, { name: "second", listen: { host: "127.0.0.1", port } }),
    ).rejects.toMatchObject({
      code: "SQ_LISTEN_FAILED",
      message: `listen tcp 127.0.0.1:${port}: address already in use`,
    });
    await lab.through(proxy, upstream);
  });
});
