/** A name whose IPv6 addresses come first and are of no use: the IPv4 ones, which come a little later, are tried all the same. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Resolver, type AddressRecord } from "../../../src/proxy/upstream/resolver.js";
import { address, dnsProxy, question, said, UdpClient } from "../../support/dns-lab.js";
import { turns, until } from "../../support/lab.js";
import { NAME, NamesLab } from "../../support/names-lab.js";
import { deadUdpPort, udpEnd, udpProxy } from "../../support/udp-lab.js";

let names = new NamesLab();
/** Gives the answer for IPv4. */
let answer: (records: readonly AddressRecord[] | Error) => void = () => undefined;

/** Nobody is at the address that comes first. */
const FIRST = "::1";

beforeEach(() => {
  names = new NamesLab();
  const four = new Promise<readonly AddressRecord[]>((resolve, reject) => {
    answer = (records) => {
      if (records instanceof Error) reject(records);
      else resolve(records);
    };
  });
  four.catch(() => undefined);
  const resolver = new Resolver({
    clock: names.time,
    files: { version: async () => null, read: async () => "" },
    createLookup: () => ({
      resolve4: () => four,
      resolve6: async () => [{ address: FIRST, ttl: 600 }],
      cancel: () => undefined,
    }),
  });
  Object.assign(names.lab.context, { resolver });
});
afterEach(() => names.lab.close());

const GOOD: readonly AddressRecord[] = [{ address: "127.0.0.1", ttl: 600 }];

describe("a family that comes late", () => {
  it("is dialled by the connection that has found nobody in the other", async () => {
    const server = await names.server("127.0.0.1");
    const proxy = await names.lab.proxy(0, { upstream: { host: NAME, port: server.port } });
    const client = names.lab.client(proxy);
    await names.pass(500);
    expect(client.end).toBe(null);
    answer(GOOD);
    await until(() => client.text === "127.0.0.1");
    client.rst();
    expect([...proxy.stats.errors]).toEqual([]);
  });

  it("is dialled by those who come meanwhile, too", async () => {
    const server = await names.server("127.0.0.1");
    const proxy = await names.lab.proxy(0, { upstream: { host: NAME, port: server.port } });
    const first = names.lab.client(proxy);
    await names.pass(100);
    const second = names.lab.client(proxy);
    await names.pass(100);
    answer(GOOD);
    await until(() => first.text + second.text === "127.0.0.1127.0.0.1");
    first.rst();
    second.rst();
  });

  it.each([
    ["never comes", () => undefined],
    [
      "does not exist",
      () => {
        answer(Object.assign(new Error("none"), { code: "ENODATA" }));
      },
    ],
  ])("and that %s is waited for a second at most", async (_what, comes) => {
    const server = await names.server("127.0.0.1");
    const proxy = await names.lab.proxy(0, { upstream: { host: NAME, port: server.port } });
    const client = names.lab.client(proxy);
    await names.pass(900);
    expect(client.end).toBe(null);
    comes();
    await names.pass(150);
    await until(() => client.end === "fin");
    expect([...proxy.stats.errors]).toEqual([["upstream_refused", 1]]);
    // Whoever comes later does not wait for it again.
    const next = names.lab.client(proxy);
    await names.pass(350);
    await until(() => next.end === "fin");
  });

  it("is found by flows of UDP", async () => {
    const port = await deadUdpPort();
    const server = await udpEnd(names.lab, "127.0.0.1", port);
    const proxy = await udpProxy(names.lab, 0, { upstream: { host: NAME, port } });
    const client = await udpEnd(names.lab);
    client.send("lost", proxy);
    await names.pass(100);
    await until(() => proxy.stats.errors.get("upstream_refused") === 1);
    answer(GOOD);
    await turns(20);
    // The flow stays where it is until it hears again that nobody is there.
    client.send("lost", proxy);
    await until(() => proxy.stats.errors.get("upstream_refused") === 2);
    client.send("found", proxy);
    expect(await server.received(1)).toEqual(["found"]);
  });

  it("is asked by a dns proxy", async () => {
    const known = [address("jobs.test", "10.0.0.1", 60)];
    const server = await dnsProxy(names.lab, { records: known });
    const { port } = server.address;
    const proxy = await dnsProxy(names.lab, {
      source: "server",
      upstream: { host: NAME, port },
      name: "names",
    });
    const client = await UdpClient.to(names.lab, proxy);
    client.send(question("jobs.test", "A"));
    await names.pass(200);
    expect(client.received).toEqual([]);
    answer(GOOD);
    await until(() => client.received.length === 1);
    expect(client.received.map(said)).toEqual(["NOERROR | A 10.0.0.1"]);
  });
});
