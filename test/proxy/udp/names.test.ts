/** Where the flows of a udp proxy go when the upstream's name moves, has several addresses, or this machine lacks something. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, until } from "../../support/lab.js";
import { NAME, NamesLab } from "../../support/names-lab.js";
import { deadUdpPort, udpEnd, udpProxy, type UdpEnd } from "../../support/udp-lab.js";

let names = new NamesLab();
beforeEach(() => {
  names = new NamesLab();
});
afterEach(() => names.lab.close());

const at = (port: number) => ({ upstream: { host: NAME, port } });

function echo(end: UdpEnd): UdpEnd {
  end.answer = (payload, { port, address }) => {
    end.socket.send(payload, port, address);
  };
  return end;
}

describe("an upstream that moves", () => {
  it.each([
    ["has been answered", true],
    ["has not been answered", false],
  ])("takes along a flow that %s, once nobody takes its datagrams", async (_what, answered) => {
    const port = await deadUdpPort();
    await names.name(["127.0.0.2"]);
    const proxy = await udpProxy(names.lab, 0, at(port));
    const client = await udpEnd(names.lab);
    if (answered) {
      const old = echo(await udpEnd(names.lab, "127.0.0.2", port));
      client.send("one", proxy);
      await client.received(1);
      await new Promise<void>((resolve) => {
        old.socket.close(resolve);
      });
    } else {
      client.send("lost", proxy);
      await until(() => names.questions === 2);
      await turns(50);
      names.time.advance(1_000);
    }
    const questions = names.questions;
    const refused = proxy.stats.errors.get("upstream_refused") ?? 0;
    const moved = await udpEnd(names.lab, "127.0.0.3", port);
    await names.name(["127.0.0.3"]);
    client.send("lost", proxy);
    await until(() => proxy.stats.errors.get("upstream_refused") === refused + 1);
    // The name has been asked for again.
    await until(() => names.questions === questions + 1);
    await turns(50);
    client.send("two", proxy);
    await until(() => moved.count === 1);
    expect(moved.texts).toEqual(["two"]);
    expect(proxy.stats.connectionsTotal).toBe(1);
  });

  it("is asked for once a second at most", async () => {
    const port = await deadUdpPort();
    await names.name(["127.0.0.2"]);
    const proxy = await udpProxy(names.lab, 0, at(port));
    const client = await udpEnd(names.lab);
    for (let n = 1; n <= 20; n++) {
      client.send("lost", proxy);
      await until(() => proxy.stats.errors.get("upstream_refused") === n);
    }
    await turns(50);
    expect(names.questions).toBe(2);
  });
});

describe("an upstream with several addresses", () => {
  it("gets flows in turn, and none for a while where nobody is", async () => {
    const port = await deadUdpPort();
    const ends = [await udpEnd(names.lab, "127.0.0.2", port), await udpEnd(names.lab, "127.0.0.3", port)];
    await names.name(["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    const proxy = await udpProxy(names.lab, 0, at(port));
    const sent = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const before = proxy.stats.bytesOut.upstream;
        const client = await udpEnd(names.lab);
        client.send("hello", proxy);
        await until(() => proxy.stats.bytesOut.upstream > before);
        await turns(30);
      }
    };
    await sent(3);
    expect(ends.map(({ count }) => count)).toEqual([1, 1]);
    expect(proxy.stats.errors.get("upstream_refused")).toBe(1);
    await sent(4);
    expect(ends.map(({ count }) => count)).toEqual([3, 3]);
    expect(proxy.stats.errors.get("upstream_refused")).toBe(1);
  });
});

describe("what this machine lacks", () => {
  it("is told as such: here the permission to send to all of a network", async () => {
    const proxy = await udpProxy(names.lab, 9, { upstream: { host: "127.255.255.255", port: 9 } });
    const client = await udpEnd(names.lab);
    client.send("hello", proxy);
    await until(() => proxy.stats.errors.size > 0);
    expect([...proxy.stats.errors]).toEqual([["not_permitted", 1]]);
    expect(proxy.tally.lost.unsent).toBe(1);
  });
});
