/** Where this machine lacks a descriptor to ask DNS with, that is told as such, and nothing is held against an upstream. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Resolver } from "../../../src/proxy/upstream/resolver.js";
import { until } from "../../support/lab.js";
import { NAME, NamesLab } from "../../support/names-lab.js";
import { udpEnd, udpProxy } from "../../support/udp-lab.js";

describe("a name that could not be asked for, for want of a descriptor", () => {
  let names = new NamesLab();
  let lacking = false;
  beforeEach(() => {
    names = new NamesLab();
    lacking = true;
    const lookUp = async (): Promise<readonly { address: string; ttl: number }[]> => {
      if (lacking) throw Object.assign(new Error("none is left"), { code: "EMFILE" });
      return [{ address: "127.0.0.1", ttl: 60 }];
    };
    const resolver = new Resolver({
      clock: names.time,
      files: { version: async () => null, read: async () => "" },
      createLookup: () => ({ resolve4: lookUp, resolve6: lookUp, cancel: () => undefined }),
    });
    Object.assign(names.lab.context, { resolver });
  });
  afterEach(() => names.lab.close());

  it("is a lack of this machine, and ejects nobody from a pool", async () => {
    const server = await names.server("127.0.0.1");
    const proxy = await names.lab.proxy(server.port, {
      pool: {
        members: [{ name: "a", host: NAME, port: server.port }],
        balance: "first",
        health: null,
        eject: { failures: 1, for: 60_000 },
        seed: 0,
      },
    });
    expect(await names.lab.client(proxy).ended).toBe("fin");
    expect([...proxy.stats.errors]).toEqual([["descriptor_limit", 1]]);
    expect(names.lab.facts.of("upstream_changed")).toEqual([]);
    lacking = false;
    names.time.advance(1_001);
    const client = names.lab.client(proxy);
    await until(() => client.text === "127.0.0.1");
    client.rst();
  });

  it("is a lack of this machine for a flow of UDP as well", async () => {
    const server = await udpEnd(names.lab);
    const proxy = await udpProxy(names.lab, 0, { upstream: { host: NAME, port: server.port } });
    const client = await udpEnd(names.lab);
    client.send("lost", proxy);
    await until(() => proxy.stats.errors.size > 0);
    expect([...proxy.stats.errors]).toEqual([["descriptor_limit", 1]]);
    expect(proxy.tally.lost.unresolved).toBe(1);
    lacking = false;
    names.time.advance(1_001);
    client.send("found", proxy);
    expect(await server.received(1)).toEqual(["found"]);
  });
});
