/** `down: {refuse: syn_drop}`: the kernel answers no SYN, and lets in whoever still tries when it is over. */
import { readFileSync } from "node:fs";
import { platform } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { canBeSilent } from "../../../src/proxy/tcp/silence.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { fault, Lab, until, type Upstream } from "../../support/lab.js";
import { Workshop } from "../../support/process.js";

const UNANSWERED = "attempts to connect go unanswered";
const needs = platform() === "linux" ? "" : " (needs: a Linux kernel)";

let lab: Lab;
let upstream: Upstream;
let proxy: TcpProxy;

async function open(host = "127.0.0.1"): Promise<void> {
  lab = new Lab();
  upstream = await lab.upstream();
  proxy = await lab.proxy(upstream.port, { listen: { host, port: 0 } });
}

afterEach(() => lab.close());

/** How often its listener has fallen silent. */
function silences(): number {
  return lab.facts.of("listener_closed").filter(({ why }) => why === UNANSWERED).length;
}

async function silent(times = 1): Promise<void> {
  await until(() => silences() === times);
}

/** Connections of this machine that have sent a SYN to the port and heard nothing. */
function waiting(port: number): number {
  const to = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((file) => readFileSync(file, "latin1").split("\n"))
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, , remote = "", state]) => remote.endsWith(to) && state === "02").length;
}

describe.skipIf(!canBeSilent())(`a proxy that is down with syn_drop${needs}`, () => {
  it.each(["127.0.0.1", "0.0.0.0", "::"])(
    "leaves an attempt to connect to %s unanswered, and the same one succeeds when it is over",
    async (host) => {
      await open(host);
      const { port } = proxy.address;
      lab.use([fault("down", { refuse: "syn_drop" })]);
      await silent();
      expect(proxy.state).toBe("closed by fault");
      const before = waiting(port);
      const client = lab.client(port);
      await until(() => waiting(port) === before + 1);
      expect(client.socket.connecting).toBe(true);
      lab.heal();
      await lab.facts.first("listener_opened");
      expect(proxy.address.port).toBe(port);
      expect(proxy.state).toBe("listening");
      // Its own next SYN gets in: within a second, as kernels have it.
      await client.connected;
      client.write("late");
      const peer = await upstream.next();
      await peer.received(4);
      expect(upstream.accepted).toHaveLength(1);
    },
  );

  it("keeps existing connections, and their bytes flow", async () => {
    await open();
    const { client, peer } = await lab.through(proxy, upstream);
    lab.use([fault("down", { refuse: "syn_drop", existing: "keep" })]);
    await silent();
    client.write("still here");
    await peer.received(10);
    peer.write("me too");
    await client.received(6);
    expect(client.end).toBeNull();
  });

  it("falls silent again and again, on the same port, and becomes a closed port when told", async () => {
    await open();
    const { port } = proxy.address;
    for (let round = 1; round <= 5; round++) {
      lab.use([fault("down", { refuse: "syn_drop" })]);
      await silent(round);
      lab.heal();
      await lab.facts.nth("listener_opened", round);
      const client = lab.client(port);
      await client.connected;
      await upstream.next();
    }
    lab.use([fault("down", { refuse: "syn_drop" })]);
    await silent(6);
    lab.use([fault("down")]);
    await until(() => lab.facts.of("listener_closed").length === 7);
    expect(await lab.client(port).ended).toEqual({ error: "ECONNREFUSED" });
  });

  it("ends where the last word left it, however fast it comes and goes", async () => {
    await open();
    for (let flap = 0; flap < 20; flap++) {
      lab.use([fault("down", { refuse: "syn_drop" })]);
      if (flap % 5 === 0) await silent(silences() + 1);
      lab.heal();
    }
    await until(() => proxy.state === "listening");
    const client = lab.client(proxy);
    await client.connected;
    await upstream.next();
  });

  it("does not keep a daemon from ending", async () => {
    await open();
    const shop = new Workshop();
    try {
      const proxies = { jobs: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${upstream.port}` } };
      const { process: daemon, admin } = await shop.daemon({ proxies });
      const faults = [{ type: "down", refuse: "syn_drop" }];
      await fetch(`${admin}/active`, { method: "PUT", body: JSON.stringify({ faults }) });
      await daemon.printed(new RegExp(UNANSWERED, "u"));
      daemon.kill("SIGTERM");
      expect(await daemon.ended).toMatchObject({ code: 0, signal: null });
    } finally {
      await shop.close();
    }
  });
});
