/** What suites rely on and what only shows on live connections: asked of Squall, and of Toxiproxy 2.12 as the control. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { turns, type Client, type Upstream } from "../support/lab.js";
import { portOf, type CompatLab } from "./compat-lab.js";
import { contenders } from "./contenders.js";

/** Bytes per second that let nothing by within the life of a test. */
const STOPPED = { type: "bandwidth", attributes: { rate: 0 } };
const HOUR = 3_600_000;

describe.each(contenders())("$name", ({ name, open }) => {
  let here: CompatLab;
  let upstream: Upstream;
  let port: number;

  beforeAll(async () => {
    here = await open();
  });

  afterAll(() => here.close());

  beforeEach(async () => {
    await here.clear();
    upstream = await here.lab.upstream();
    port = await here.proxy("p", upstream.port);
  });

  const both = (): Promise<{ client: Client; peer: Client }> => here.through(port, upstream);

  /** Whether a byte of the server reaches its client: one that comes behind it on a connection without faults has been waited for. */
  const passes = async ({ client, peer }: { client: Client; peer: Client }): Promise<boolean> => {
    const before = client.length;
    peer.write("x");
    const free = await here.proxy("free", await here.lab.echo());
    for (let n = 0; n < 5; n++) {
      const probe = here.connect(free);
      probe.write("?");
      await probe.received(1);
      await turns();
    }
    await here.ask("DELETE", "/proxies/free");
    return client.length > before;
  };

  describe("a change of toxicity", () => {
    it("from 0 to 1 takes hold of connections that are open", async () => {
      await here.toxic("p", { name: "t", toxicity: 0, ...STOPPED });
      const pair = await both();
      expect(await passes(pair)).toBe(true);
      await here.json("POST", "/proxies/p/toxics/t", { toxicity: 1 });
      expect(await passes(pair)).toBe(false);
    });

    it("from 1 to 0 lets them go, with what was held", async () => {
      await here.toxic("p", { name: "t", type: "latency", toxicity: 1, attributes: { latency: HOUR } });
      const pair = await both();
      expect(await passes(pair)).toBe(false);
      await here.json("POST", "/proxies/p/toxics/t", { toxicity: 0 });
      expect(await passes(pair)).toBe(true);
      // 2.12 throws away what it held at that moment.
      if (name === "squall") expect(pair.client.text).toBe("xx");
    });

    it("from 0 to 1 and to 0 and to 1 again is felt each time", async () => {
      await here.toxic("p", { name: "t", toxicity: 0, ...STOPPED });
      const pair = await both();
      for (const toxicity of [1, 0, 1, 0]) {
        await here.json("POST", "/proxies/p/toxics/t", { toxicity });
        expect(await passes(pair)).toBe(toxicity === 0);
      }
    });

    it("of one in a row leaves the others as they are, in their order", async () => {
      await here.toxic("p", { name: "a", type: "latency", attributes: { latency: 1 } });
      await here.toxic("p", { name: "t", toxicity: 0, ...STOPPED });
      await here.toxic("p", { name: "z", type: "noop", toxicity: 0 });
      const pair = await both();
      pair.peer.write("x");
      await pair.client.received(1);
      await here.json("POST", "/proxies/p/toxics/t", { toxicity: 1 });
      await here.json("POST", "/proxies/p/toxics/z", { toxicity: 1 });
      expect(await passes(pair)).toBe(false);
    });

    it.runIf(name === "squall")(
      "compares the number that was drawn: whoever was hit at 0.3 is hit at 0.6 too, and at 0.3 again they are the same",
      async () => {
        await here.toxic("p", { name: "t", type: "latency", toxicity: 0.3, attributes: { latency: HOUR } });
        const pairs: { client: Client; peer: Client }[] = [];
        for (let n = 0; n < 40; n++) pairs.push(await both());
        const hit = async (toxicity: number): Promise<boolean[]> => {
          await here.json("POST", "/proxies/p/toxics/t", { toxicity });
          const before = pairs.map(({ client }) => client.length);
          for (const { peer } of pairs) peer.write("x");
          await turns(60);
          return pairs.map(({ client }, index) => client.length === before[index]);
        };
        const count = (list: readonly boolean[]): number => list.filter(Boolean).length;
        const few = await hit(0.3);
        const many = await hit(0.6);
        expect(count(few)).toBeGreaterThan(0);
        expect(count(many)).toBeGreaterThan(count(few));
        expect(count(many)).toBeLessThan(40);
        expect(few.every((one, index) => !one || many[index])).toBe(true);
        expect(await hit(0.3)).toEqual(few);
        expect(count(await hit(0))).toBe(0);
        expect(count(await hit(1))).toBe(40);
      },
    );

    it.each([
      [{ type: "timeout", attributes: { timeout: 1 } }, "fin"],
      [{ type: "limit_data", attributes: { bytes: 1 } }, "fin"],
    ])("of %j ends connections that it takes hold of", async (toxic, how) => {
      await here.toxic("p", { name: "t", toxicity: 0, ...toxic });
      const { client, peer } = await both();
      peer.write("x");
      await client.received(1);
      await here.json("POST", "/proxies/p/toxics/t", { toxicity: 1 });
      peer.write("y");
      expect(await client.ended).toBe(how);
    });
  });

  describe("an order that is taken and whose answer is lost", () => {
    it.each([
      ["reset_peer without a time", "reset_peer", {}, "reset"],
      ["reset_peer with a time of 0", "reset_peer", { timeout: 0 }, "reset"],
      ["limit_data of 0 bytes", "limit_data", { bytes: 0 }, "fin"],
    ])("%s", async (_what, type, attributes, how) => {
      await here.toxic("p", { type, attributes, stream: "downstream" });
      for (let n = 0; n < 10; n++) {
        const { client, peer } = await both();
        await turns();
        expect(client.end).toBeNull();
        client.write("order");
        expect((await peer.received(5)).toString()).toBe("order");
        peer.write("answer");
        expect(await client.ended).toBe(how);
        expect(client.length).toBe(0);
      }
    });

    it.each(["reset_peer", "limit_data"])("%s upstream ends it with the order itself", async (type) => {
      await here.toxic("p", { type, stream: "upstream" });
      const { client, peer } = await both();
      await turns();
      client.write("order");
      await peer.ended;
      expect(peer.length).toBe(0);
    });

    it("limit_data that becomes 0 lets the next order through on connections that are open", async () => {
      await here.toxic("p", { name: "t", type: "limit_data", attributes: { bytes: 1_000 } });
      const { client, peer } = await both();
      client.write("first");
      await peer.received(5);
      peer.write("answer");
      await client.received(6);
      await here.json("POST", "/proxies/p/toxics/t", { attributes: { bytes: 0 } });
      await turns();
      expect(client.end).toBeNull();
      client.write("order");
      await peer.received(10);
      peer.write("answer");
      expect(await client.ended).toBe("fin");
      expect(client.text).toBe("answer");
    });
  });

  describe("small things", () => {
    it("an update with port 0 moves a proxy to another port", async () => {
      const client = here.connect(port);
      await client.connected;
      const moved = await here.json("POST", "/proxies/p", { listen: "127.0.0.1:0" });
      expect(portOf(moved)).not.toBe(port);
      expect(portOf(moved)).toBeGreaterThan(0);
      await client.ended;
      expect(await here.connect(port).ended).toEqual({ error: "ECONNREFUSED" });
    });

    it.each([
      ["POST", "/populate", '[] and whatever "else"', 201],
      ["POST", "/proxies", '{"name":"a]}\\"","upstream":"x:1","enabled":false}}', 201],
      ["POST", "/proxies", '{"name":"b","upstream":"x:1","enabled":false}{"name":"c"}', 201],
      ["POST", "/proxies", ' \n{"name":"d","upstream":"x:1","enabled":false}\u0000', 201],
      ["POST", "/proxies/p/toxics", '{"type":"noop"} // a comment', 200],
      ["POST", "/proxies/p", "null null", 200],
      ["POST", "/proxies", '{"name":"e","upstream":"x:1"]', 400],
      ["POST", "/proxies", ']{"name":"e","upstream":"x:1"}', 400],
      ["POST", "/populate", "[}]", 400],
    ])("%s %s takes the first value of %j: %i", async (method, path, body, status) => {
      expect((await here.ask(method, path, body)).status).toBe(status);
    });

    it.each([
      ["//proxies", "/proxies"],
      ["///version", "/version"],
      ["/proxies//p", "/proxies/p"],
      ["//populate", "/populate"],
    ])("%s is %s", async (path, plain) => {
      const { status, headers } = await here.ask("GET", path);
      expect([status, headers.get("location")]).toEqual([301, plain]);
    });

    it.each(["/proxies/", "/proxies/p/toxics/", "/proxies/p/what", "/version/", "/reset/x"])(
      "%s is no page",
      async (path) => {
        const { status, headers, body } = await here.ask("GET", path);
        expect([status, headers.get("content-type"), body]).toEqual([
          404,
          "text/plain; charset=utf-8",
          "404 page not found\n",
        ]);
      },
    );
  });
});
