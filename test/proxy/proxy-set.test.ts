/** How proxies come, change and go: whole or not at all, one verb at a time for each. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TcpProxySpec } from "../../src/proxy/spec-base.js";
import { ProxySet, type FileProxy } from "../../src/proxy/proxy-set.js";
import { fault, Lab, turns, type Client } from "../support/lab.js";

let lab: Lab;
let proxySet: ProxySet;
let echo: number;
let squatter: Server;
let busy: number;

beforeEach(async () => {
  lab = new Lab();
  proxySet = new ProxySet(lab.context, lab.plan);
  echo = await lab.echo();
  squatter = createServer();
  squatter.listen(0, "127.0.0.1");
  await once(squatter, "listening");
  busy = (squatter.address() as AddressInfo).port;
});

afterEach(async () => {
  proxySet.stop();
  squatter.close();
  await lab.close();
});

function spec(name: string, more: Partial<TcpProxySpec & FileProxy> = {}): FileProxy {
  return {
    name,
    listen: { host: "127.0.0.1", port: 0 },
    upstream: { host: "127.0.0.1", port: echo },
    dialTimeout: 5_000,
    connections: 100,
    proxyProtocol: "off",
    except: [],
    ...more,
  };
}

const portOf = (name: string): number => proxySet.find(name).proxy.address.port;

async function open(name: string): Promise<Client> {
  const client = lab.client(portOf(name));
  await answers(client);
  return client;
}

async function answers(client: Client): Promise<void> {
  const { length } = client;
  client.write("x");
  await client.received(length + 1);
}

const elsewhere = (port: number): { listen: { host: string; port: number }; given: string } => ({
  listen: { host: "127.0.0.1", port },
  given: `127.0.0.1:${port}`,
});

describe("a set of proxies", () => {
  it("has a proxy once it listens, and nothing of one that could not", async () => {
    const adding = proxySet.add(spec("a"), "api");
    expect(proxySet.has("a")).toBe(false);
    await adding;
    expect(proxySet.has("a")).toBe(true);
    await expect(
      proxySet.add(spec("b", { listen: { host: "127.0.0.1", port: busy } }), "api"),
    ).rejects.toMatchObject({
      code: "SQ_LISTEN_FAILED",
    });
    expect(proxySet.list().map(({ proxy }) => proxy.name)).toEqual(["a"]);
    lab.use([fault("latency", { delay: "1ms" })]);
    await open("a");
  });

  it("makes one of two that want the same name at once", async () => {
    const [first, second] = await Promise.allSettled([
      proxySet.add(spec("a"), "api"),
      proxySet.add(spec("a"), "api"),
    ]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: { code: "SQ_PROXY_EXISTS" } });
    await open("a");
  });

  it("closes a proxy that is taken away while a port is being bound for it", async () => {
    await proxySet.add(spec("a"), "api");
    const before = portOf("a");
    const updating = proxySet.update("a", { listen: elsewhere(await lab.deadPort()) });
    proxySet.remove("a");
    await expect(updating).rejects.toMatchObject({ code: "SQ_PROXY_NOT_FOUND" });
    expect(await lab.client(before).ended).toEqual({ error: "ECONNREFUSED" });
    await proxySet.add(spec("a"), "api");
    await open("a");
  });

  it("closes what is made while the daemon stops", async () => {
    const port = await lab.deadPort();
    const adding = proxySet.add(spec("a", { listen: { host: "127.0.0.1", port } }), "api");
    proxySet.stop();
    await expect(adding).rejects.toMatchObject({ code: "SQ_LISTEN_FAILED" });
    expect(await lab.client(port).ended).toEqual({ error: "ECONNREFUSED" });
  });

  it("can have a proxy by any name", async () => {
    for (const name of ["__proto__", "constructor", "toString", "10"]) {
      await proxySet.add(spec(name, { faults: [fault("noop")] }), "api");
      expect(lab.plan.toxicsOf(name)).toHaveLength(1);
      await open(name);
      proxySet.remove(name);
      expect(lab.plan.toxicsOf(name)).toEqual([]);
    }
  });
});

describe("an update", () => {
  it("keeps connections where nothing changes, and closes them where an address does", async () => {
    await proxySet.add(spec("a"), "api");
    const client = await open("a");
    await proxySet.update("a", { listen: elsewhere(portOf("a")), enabled: true });
    await answers(client);
    await proxySet.update("a", {
      upstream: { upstream: { host: "127.0.0.1", port: echo }, given: "other words" },
    });
    await client.ended;
    const port = portOf("a");
    const other = await open("a");
    await proxySet.update("a", { listen: elsewhere(0) });
    await other.ended;
    expect(portOf("a")).not.toBe(port);
    await open("a");
  });

  it("of one that is off binds nothing until it is switched on, and stays off if that cannot be", async () => {
    await proxySet.add(spec("a", { enabled: false }), "api");
    await proxySet.update("a", { listen: elsewhere(busy) });
    expect(proxySet.find("a").proxy.listenText).toBe(`127.0.0.1:${busy}`);
    const before = proxySet.find("a").proxy.spec;
    await expect(
      proxySet.update("a", { enabled: true, upstream: { upstream: { host: "x", port: 1 }, given: "x:1" } }),
    ).rejects.toMatchObject({ code: "SQ_LISTEN_FAILED" });
    expect(proxySet.find("a").proxy).toMatchObject({ enabled: false, spec: before });
    await proxySet.update("a", { enabled: true, listen: elsewhere(0) });
    await open("a");
  });

  it("that fails between all addresses and one puts the old one back before it answers", async () => {
    // Both cannot be had at once, and the first is given up for the second, which somebody has in part.
    const port = await lab.deadPort();
    await proxySet.add(spec("a", { listen: { host: "127.0.0.2", port } }), "api");
    const other = createServer();
    other.listen(port, "127.0.0.3");
    await once(other, "listening");
    await expect(
      proxySet.update("a", { listen: { listen: { host: "", port }, given: `:${port}` } }),
    ).rejects.toMatchObject({ code: "SQ_LISTEN_FAILED" });
    expect(proxySet.find("a").proxy).toMatchObject({ state: "listening", listenText: `127.0.0.2:${port}` });
    other.close();
  });
});

describe("what a file says anew", () => {
  it("is taken over without a connection being lost, and can be undone", async () => {
    await proxySet.add(spec("a", { faults: [fault("noop")] }), "file");
    const client = await open("a");
    const undo = await proxySet.refile(spec("a", { dialTimeout: 1_000 }));
    expect(proxySet.find("a").proxy.spec.dialTimeout).toBe(1_000);
    expect(lab.plan.toxicsOf("a")).toEqual([]);
    await undo();
    expect(proxySet.find("a").proxy.spec.dialTimeout).toBe(5_000);
    expect(lab.plan.toxicsOf("a")).toHaveLength(1);
    await answers(client);
  });

  it("leaves the faults that an API has set, where the file wants none before and after", async () => {
    await proxySet.add(spec("a"), "file");
    lab.plan.setToxics("a", [fault("noop")]);
    await proxySet.refile(spec("a", { dialTimeout: 1_000 }));
    expect(lab.plan.toxicsOf("a")).toHaveLength(1);
  });

  it("may switch it off and on", async () => {
    await proxySet.add(spec("a"), "file");
    const client = await open("a");
    await proxySet.refile(spec("a", { enabled: false }));
    await client.ended;
    await turns();
    expect(proxySet.find("a").proxy.state).toBe("stopped");
    await proxySet.refile(spec("a"));
    await open("a");
  });
});
