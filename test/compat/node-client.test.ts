/** The whole vocabulary of toxiproxy-node-client, as its users write it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ToxiproxyError, type ICreateToxicBody, type Proxy, type Toxic } from "toxiproxy-node-client";
import { CompatLab, portOf } from "./compat-lab.js";

let here: CompatLab;
let port: number;

beforeEach(async () => {
  here = await CompatLab.open();
  port = await here.lab.echo();
});

afterEach(() => here.close());

const made = (name: string): Promise<Proxy> =>
  here.client.createProxy({ name, listen: "localhost:0", upstream: `localhost:${port}` });

async function echoed(proxy: Proxy, text: string): Promise<string> {
  const client = here.connect(portOf(proxy));
  client.write(text);
  return (await client.received(text.length)).toString();
}

describe("toxiproxy-node-client", () => {
  it("makes a proxy that works, and shows it", async () => {
    const proxy = await made("redis");
    expect(proxy.toJson()).toEqual({
      name: "redis",
      listen: expect.stringMatching(/^127\.0\.0\.1:\d+$/u) as string,
      upstream: `localhost:${port}`,
      enabled: true,
    });
    expect(await echoed(proxy, "hello")).toBe("hello");
    expect((await here.client.get("redis")).toJson()).toEqual(proxy.toJson());
    expect(Object.keys(await here.client.getAll())).toEqual(["redis"]);
  });

  it("is told of mistakes as an error with the status", async () => {
    await made("redis");
    await expect(made("redis")).rejects.toThrow("status code 409");
    await expect(here.client.get("mysql")).rejects.toThrow(ToxiproxyError);
    await expect(here.client.get("mysql")).rejects.toThrow("status code 404");
    const proxy = await here.client.get("redis");
    await expect(proxy.getToxic("none")).rejects.toThrow("status code 404");
    await expect(
      proxy.addToxic({
        name: "x",
        type: "teapot",
        stream: "downstream",
        toxicity: 1,
        attributes: {},
      } as never),
    ).rejects.toThrow("status code 400");
  });

  it("switches a proxy off and on again, on the same port", async () => {
    const proxy = await made("redis");
    const off = await proxy.update({ enabled: false, listen: proxy.listen, upstream: proxy.upstream });
    expect(off.toJson()).toEqual({ ...proxy.toJson(), enabled: false });
    expect(await here.connect(portOf(proxy)).ended).toEqual({ error: "ECONNREFUSED" });
    const on = await off.update({ enabled: true, listen: off.listen, upstream: off.upstream });
    expect(on.toJson()).toEqual(proxy.toJson());
    expect(await echoed(on, "again")).toBe("again");
  });

  it("sends a proxy to another upstream, and connections with it", async () => {
    const proxy = await made("redis");
    const upstream = await here.lab.upstream();
    const before = here.connect(portOf(proxy));
    before.write("x");
    await before.received(1);
    const moved = await proxy.update({
      enabled: true,
      listen: proxy.listen,
      upstream: `127.0.0.1:${upstream.port}`,
    });
    expect(moved.listen).toBe(proxy.listen);
    await before.ended;
    const { client, peer } = await here.through(portOf(moved), upstream);
    client.write("to the new one");
    expect((await peer.received(14)).toString()).toBe("to the new one");
  });

  it("removes a proxy and its connections", async () => {
    const proxy = await made("redis");
    const client = here.connect(portOf(proxy));
    client.write("x");
    await client.received(1);
    await proxy.remove();
    await client.ended;
    expect(await here.connect(portOf(proxy)).ended).toEqual({ error: "ECONNREFUSED" });
    expect(await here.client.getAll()).toEqual({});
    await expect(proxy.remove()).rejects.toThrow("status code 404");
  });

  it("adds, shows, changes and removes each type of toxic", async () => {
    const proxy = await made("redis");
    const kinds: readonly [string, Record<string, number>, Record<string, number>][] = [
      ["latency", { latency: 10, jitter: 5 }, { latency: 20, jitter: 0 }],
      ["bandwidth", { rate: 1_000 }, { rate: 5 }],
      ["slow_close", { delay: 10 }, { delay: 20 }],
      ["timeout", { timeout: 10_000 }, { timeout: 0 }],
      ["reset_peer", { timeout: 10_000 }, { timeout: 20_000 }],
      [
        "slicer",
        { average_size: 64, size_variation: 32, delay: 10 },
        { average_size: 10, size_variation: 0, delay: 0 },
      ],
      ["limit_data", { bytes: 1_000 }, { bytes: 2_000 }],
    ];
    for (const [type, attributes, changed] of kinds) {
      for (const stream of ["upstream", "downstream"] as const) {
        const body = { name: `${type}-${stream}`, type, stream, toxicity: 0.5, attributes };
        const toxic: Toxic<unknown> = await proxy.addToxic(body as ICreateToxicBody<never>);
        expect(toxic.toJson()).toEqual(body);
        expect((await proxy.getToxic(body.name)).toJson()).toEqual(body);
        const updated = await toxic.update({ ...body, toxicity: 1, attributes: changed } as never);
        expect(updated.toJson()).toEqual({ ...body, toxicity: 1, attributes: changed });
        await updated.remove();
        await expect(proxy.getToxic(body.name)).rejects.toThrow("status code 404");
      }
    }
  });

  it("populates, leaves what is there alone, and resets", async () => {
    const list = [
      { name: "a", listen: "127.0.0.1:0", upstream: `127.0.0.1:${port}` },
      { name: "b", listen: "127.0.0.1:0", upstream: `127.0.0.1:${port}`, enabled: false },
    ];
    const { a, b } = await here.client.populate(list);
    expect([a?.enabled, b?.enabled, b?.listen]).toEqual([true, false, "127.0.0.1:0"]);
    if (a === undefined) throw new Error("a is missing");
    await a.addToxic({
      name: "slow",
      type: "latency",
      stream: "downstream",
      toxicity: 1,
      attributes: { latency: 1, jitter: 0 },
    });
    const again = await here.client.populate(
      list.map((proxy) => ({ ...proxy, listen: proxy.name === "a" ? a.listen : proxy.listen })),
    );
    expect(again["a"]?.toJson()).toEqual(a.toJson());
    expect((await a.getToxic("slow")).name).toBe("slow");
    await here.client.reset();
    expect((await here.client.get("b")).enabled).toBe(true);
    await expect(a.getToxic("slow")).rejects.toThrow("status code 404");
  });

  it("reads a version of at least 2.6.0 out of the text", async () => {
    const { version } = JSON.parse(await here.client.getVersion()) as { version: string };
    const [major = 0, minor = 0] = version.split(".").map(Number);
    expect(major).toBe(2);
    expect(minor).toBeGreaterThanOrEqual(6);
  });
});
