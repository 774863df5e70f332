/** Lost segments on real sockets, in virtual time. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { codedBytes } from "../../support/coded-bytes.js";
import { fault, timeLab, turns, until, type Lab, type Upstream } from "../../support/lab.js";

let lab: Lab;
let time: VirtualClock;
let upstream: Upstream;
let proxy: TcpProxy;

afterEach(() => lab.close());

async function open(): Promise<void> {
  ({ lab, time } = timeLab());
  upstream = await lab.upstream();
  proxy = await lab.proxy(upstream.port);
}

describe("packet_loss", () => {
  it("delays by half of the round trip, and holds what is lost until it is healed", async () => {
    await open();
    const { client, peer } = await lab.through(proxy, upstream);
    lab.use([fault("packet_loss", { loss: "0%", rtt: "50ms" })]);
    peer.write("on time");
    await until(() => proxy.stats.bytesIn.downstream === 7);
    time.advance(24);
    await turns();
    expect(client.text).toBe("");
    time.advance(1);
    await client.received(7);
    lab.use([fault("packet_loss", { loss: "100%", rtt: "50ms" })]);
    peer.write(", late");
    await until(() => proxy.stats.bytesIn.downstream === 13);
    time.advance(10_000);
    await turns();
    expect(client.text).toBe("on time");
    lab.use([]);
    await client.received(13);
    expect(client.text).toBe("on time, late");
  });

  it("carries both directions at once, all bytes in order, and what it holds when it is healed", async () => {
    await open();
    const { client, peer } = await lab.through(proxy, upstream);
    lab.use([fault("packet_loss", { loss: "10%", rtt: "20ms" })]);
    const size = 300_000;
    client.write(codedBytes(0, size));
    peer.write(codedBytes(0, size));
    for (let i = 0; i < 100; i++) {
      time.advance(5);
      await turns(2);
    }
    lab.use([]);
    await Promise.all([client.received(size), peer.received(size)]);
    expect(client.bytes.equals(codedBytes(0, size))).toBe(true);
    expect(peer.bytes.equals(codedBytes(0, size))).toBe(true);
  });
});
