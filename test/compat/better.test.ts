/** Where Toxiproxy 2.12 crashes, hangs or lies, and Squall must not: each of these fails against a 2.12. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, type Client, type Upstream } from "../support/lab.js";
import { CompatLab, portOf } from "./compat-lab.js";

const HOUR = 3_600_000;

let here: CompatLab;

beforeEach(async () => {
  here = await CompatLab.open({ seed: 7 });
});

afterEach(() => here.close());

/** Whether a connection answers by now: all sockets are in this process. */
async function answers(client: Client, text: string): Promise<boolean> {
  const before = client.length;
  client.write(text);
  await turns(40);
  return client.length === before + text.length;
}

describe("attributes that make no sense", () => {
  it.each([
    ["bandwidth", { rate: -1 }, "rate must be at least 0, got -1"],
    ["slicer", {}, "average_size must be at least 1, got 0"],
    [
      "slicer",
      { average_size: 5, size_variation: 6 },
      "size_variation must be at most average_size (5), got 6",
    ],
    ["slicer", { average_size: -5 }, "average_size must be at least 1, got -5"],
    ["latency", { jitter: 2 ** 62 }, "jitter must be at most 31536000000, got 4611686018427388000"],
    ["latency", { latency: -1 }, "latency must be at least 0, got -1"],
    ["timeout", { timeout: 1e300 }, "timeout must be at most 31536000000, got 1e+300"],
    ["limit_data", { bytes: -1 }, "bytes must be at least 0, got -1"],
    ["reset_peer", { timeout: -1 }, "timeout must be at least 0, got -1"],
    ["slow_close", { delay: -1 }, "delay must be at least 0, got -1"],
  ])("%s %j: 400 with the reason, at once and as a change", async (type, attributes, reason) => {
    const port = await here.proxy("p", await here.lab.echo());
    const error = `{"error":"bad request body: ${reason}","status":400}\n`;
    expect((await here.ask("POST", "/proxies/p/toxics", { type, attributes })).body).toBe(error);
    const good = type === "slicer" ? { average_size: 5, size_variation: 0 } : {};
    await here.toxic("p", { type, name: "t", attributes: good, toxicity: 0 });
    if (Object.keys(attributes).length > 0)
      expect((await here.ask("POST", "/proxies/p/toxics/t", { attributes })).body).toBe(error);
    const client = here.connect(port);
    client.write("alive");
    await client.received(5);
  });

  it.each([
    [{ loss_rate: 1.5 }, "loss_rate must be at most 1, got 1.5"],
    [{ loss_rate: -0.1 }, "loss_rate must be at least 0, got -0.1"],
    [{ loss_rate: "much" }, 'expected a number for loss_rate, got "much"'],
    [{ loss_rate: 0.1, correlation: 2 }, "correlation must be at most 1, got 2"],
  ])("packet_loss %j: 400", async (attributes, reason) => {
    await here.proxy("p", "x:1");
    const answer = await here.ask("POST", "/proxies/p/toxics", { type: "packet_loss", attributes });
    expect(answer.body).toBe(`${JSON.stringify({ error: `bad request body: ${reason}`, status: 400 })}\n`);
  });
});

describe("packet_loss", () => {
  it("is a toxic of newer versions, and is the fault of that name", async () => {
    const port = await here.proxy("p", await here.lab.echo());
    const made = await here.json("POST", "/proxies/p/toxics", {
      type: "packet_loss",
      attributes: { loss_rate: 0.25, correlation: 0.5 },
    });
    expect(made).toMatchObject({
      name: "packet_loss_downstream",
      type: "packet_loss",
      attributes: { loss_rate: 0.25, correlation: 0.5 },
    });
    await here.json("POST", "/proxies/p/toxics/packet_loss_downstream", { attributes: { loss_rate: 1 } });
    const client = here.connect(port);
    expect(await answers(client, "x")).toBe(false);
    await here.json("POST", "/proxies/p/toxics/packet_loss_downstream", {
      attributes: { loss_rate: 0, correlation: 0 },
    });
    const other = here.connect(port);
    other.write("x");
    await other.received(1);
  });
});

describe("a URL with a slash at its end", () => {
  it("loses no method: what is not read is served where it came", async () => {
    const listen = "127.0.0.1:0";
    const made = await here.ask("POST", "//proxies", { name: "p", listen, upstream: "x:1" });
    expect(made.status).toBe(201);
    expect((await here.ask("POST", "//proxies/p", { enabled: false })).status).toBe(200);
    expect((await here.ask("DELETE", "//proxies/p")).status).toBe(204);
    expect((await here.ask("GET", "/proxies")).body).toBe("{}");
  });
});

describe("a client that stops reading", () => {
  it("keeps no call waiting", async () => {
    const upstream = await here.lab.upstream();
    const port = await here.proxy("p", upstream.port);
    const { client, peer } = await here.through(port, upstream, { reading: false });
    client.socket.pause();
    // Written until nothing is taken any more, as the client's and all buffers between are full.
    const block = Buffer.alloc(1 << 20);
    while (peer.socket.writableLength < 4 * block.length) {
      peer.socket.write(block);
      await turns(5);
    }
    await here.toxic("p", { name: "t", type: "latency", attributes: { latency: 10 } });
    await here.json("POST", "/proxies/p/toxics/t", { attributes: { latency: 20 } });
    await here.untoxic("p", "t");
    await here.toxic("p", { name: "t", type: "bandwidth", attributes: { rate: 1 } });
    expect((await here.ask("POST", "/reset")).status).toBe(204);
    expect((await here.json("GET", "/proxies/p")).toxics).toEqual([]);
    await here.json("POST", "/proxies/p", { enabled: false });
    await peer.ended;
  });
});

describe("toxicity", () => {
  const echoing = async (name: string): Promise<Client[]> => {
    const port = await here.proxy(name, await here.lab.echo());
    await here.toxic(name, { name: "half", type: "latency", toxicity: 0.5, attributes: { latency: HOUR } });
    const clients: Client[] = [];
    for (let n = 0; n < 32; n++) {
      const client = here.connect(port);
      await client.connected;
      await turns(2);
      clients.push(client);
    }
    return clients;
  };
  const hit = async (clients: readonly Client[]): Promise<string> => {
    const spared = await Promise.all(clients.map((client) => answers(client, "x")));
    return spared.map((answered) => (answered ? "." : "#")).join("");
  };

  it("is drawn once for a connection, whatever becomes of other toxics", async () => {
    const clients = await echoing("p");
    const before = await hit(clients);
    expect(before).toMatch(/#.*\.|\..*#/u);
    for (let n = 0; n < 5; n++) {
      await here.toxic("p", { name: "other", type: "noop" });
      await here.json("POST", "/proxies/p/toxics/other", { toxicity: 0.5 });
      await here.untoxic("p", "other");
      expect(await hit(clients)).toBe(before);
    }
  });

  it("is drawn the same again for the same seed, and otherwise for another", async () => {
    const drawn = async (seed: number): Promise<string> => {
      await here.close();
      here = await CompatLab.open({ seed });
      return hit(await echoing("p"));
    };
    const first = await drawn(1);
    expect(await drawn(1)).toBe(first);
    expect(await drawn(2)).not.toBe(first);
  });
});

describe("half-close", () => {
  it("gets its reply", async () => {
    const upstream = await here.lab.upstream();
    const port = await here.proxy("p", upstream.port);
    const { client, peer } = await here.through(port, upstream);
    client.write("a question");
    client.fin();
    expect(await peer.ended).toBe("fin");
    await turns();
    peer.write("and its answer");
    peer.fin();
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe("and its answer");
  });
});

describe("reset_peer", () => {
  it("resets connections that are older than it, both ends of them, and none that toxicity spared", async () => {
    const upstream = await here.lab.upstream();
    const port = await here.proxy("p", upstream.port);
    const { client, peer } = await here.through(port, upstream);
    client.write("x");
    await peer.received(1);
    await here.toxic("p", { name: "never", type: "reset_peer", toxicity: 0 });
    peer.write("y");
    await client.received(1);
    await here.untoxic("p", "never");
    peer.write("z");
    await client.received(2);
    await here.toxic("p", { type: "reset_peer" });
    peer.write("the first byte that it sees");
    expect([await client.ended, await peer.ended]).toEqual(["reset", "reset"]);
  });
});

describe("timeout", () => {
  it("fires while data flows, and waits for silence only where it is asked to", async () => {
    const upstream = await here.lab.upstream();
    const port = await here.proxy("p", upstream.port);
    await here.toxic("p", { type: "timeout", attributes: { timeout: 50 } });
    const { client, peer } = await here.through(port, upstream);
    while (client.end === null) {
      if (peer.socket.writable) peer.write("x");
      await turns(1);
    }
    expect(client.end).toBe("fin");
    const old = await here.json<{ attributes: object }>("POST", "/proxies/p/toxics/timeout_downstream", {
      attributes: { timeout: HOUR, since: "last_byte" },
    });
    expect(old.attributes).toEqual({ timeout: HOUR, since: "last_byte" });
  });
});

describe("populate", () => {
  it.each(["0.0.0.0:PORT", ":PORT", "[::]:PORT", "0.0.0.0:0", ":0", "", "localhost:0", "127.0.0.1:0"])(
    "with %j again leaves the proxy, its connections and its toxics alone",
    async (written) => {
      const port = await here.lab.echo();
      const free = await here.lab.deadPort();
      const definition = {
        name: "p",
        listen: written.replace("PORT", String(free)),
        upstream: `127.0.0.1:${port}`,
      };
      const populate = (): Promise<unknown> => here.json("POST", "/populate", [definition]);
      const first = await populate();
      const client = here.connect(portOf(await here.json("GET", "/proxies/p")));
      client.write("x");
      await client.received(1);
      expect(await populate()).toEqual(first);
      await here.toxic("p", { type: "noop" });
      expect(await populate()).toMatchObject({ proxies: [{ toxics: [{ name: "noop_downstream" }] }] });
      client.write("y");
      await client.received(2);
    },
  );
});

describe("an upstream that does not answer", () => {
  it("keeps nobody waiting but its own connections", async () => {
    const port = await here.proxy("p", await here.lab.silentPort());
    const stuck = here.connect(port);
    stuck.write("x");
    await stuck.connected;
    await turns();
    const echo = await here.lab.echo();
    await here.json("POST", "/proxies/p", { upstream: `127.0.0.1:${echo}` });
    const client = here.connect(port);
    client.write("served");
    expect((await client.received(6)).toString()).toBe("served");
    await stuck.ended;
  });
});

describe("byte counters", () => {
  it("stay with the upstream that the bytes went to when it becomes another one", async () => {
    const [first, second] = [await here.lab.upstream(), await here.lab.upstream()];
    const port = await here.proxy("p", first.port);
    const send = async (upstream: Upstream, text: string): Promise<void> => {
      const { client, peer } = await here.through(port, upstream);
      client.write(text);
      await peer.received(text.length);
      client.rst();
      await peer.ended;
    };
    const sent = async (upstream: Upstream): Promise<string | undefined> => {
      const { body } = await here.ask("GET", "/metrics");
      const labels = `direction="upstream",listener="127.0.0.1:${port}",proxy="p",upstream="127.0.0.1:${upstream.port}"`;
      return new RegExp(`toxiproxy_proxy_sent_bytes_total\\{${labels}\\} (\\d+)`, "u").exec(body)?.[1];
    };
    const turn = (upstream: Upstream): Promise<unknown> =>
      here.json("POST", "/proxies/p", { upstream: `127.0.0.1:${upstream.port}` });
    await send(first, "four");
    await turn(second);
    await send(second, "seventy");
    expect([await sent(first), await sent(second)]).toEqual(["4", "7"]);
    await turn(first);
    await send(first, "more");
    expect([await sent(first), await sent(second)]).toEqual(["8", "7"]);
  });

  it("move while the connection lives", async () => {
    const upstream = await here.lab.upstream();
    const port = await here.proxy("p", upstream.port);
    const { client, peer } = await here.through(port, upstream);
    client.write("four");
    await peer.received(4);
    peer.write("seventy");
    await client.received(7);
    const { body } = await here.ask("GET", "/metrics");
    const labels = `listener="127.0.0.1:${port}",proxy="p",upstream="127.0.0.1:${upstream.port}"`;
    for (const what of ["received", "sent"]) {
      expect(body).toContain(`toxiproxy_proxy_${what}_bytes_total{direction="upstream",${labels}} 4\n`);
      expect(body).toContain(`toxiproxy_proxy_${what}_bytes_total{direction="downstream",${labels}} 7\n`);
    }
    expect(client.end).toBeNull();
  });
});

describe("an update", () => {
  it("that cannot be had whole changes nothing, and no connection notices", async () => {
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const busy = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const port = await here.proxy("p", await here.lab.echo());
    await here.toxic("p", { type: "noop" });
    const before = await here.json("GET", "/proxies/p");
    const client = here.connect(port);
    client.write("x");
    await client.received(1);
    for (const body of [
      { listen: busy },
      { listen: busy, upstream: "elsewhere:1" },
      { listen: "garbage", upstream: "elsewhere:1", enabled: false },
      { upstream: "elsewhere:1", enabled: "no" },
      { upstream: "" },
    ]) {
      expect((await here.ask("POST", "/proxies/p", body)).status).toBeGreaterThanOrEqual(400);
      expect(await here.json("GET", "/proxies/p")).toEqual(before);
    }
    client.write("y");
    await client.received(2);
    taken.close();
  });

  it("to all addresses on the port that it has already is no obstacle to itself", async () => {
    const port = await here.proxy("p", await here.lab.echo());
    const wide = await here.json("POST", "/proxies/p", { listen: `0.0.0.0:${port}` });
    expect(wide).toMatchObject({ listen: `[::]:${port}`, enabled: true });
    const narrow = await here.json("POST", "/proxies/p", { listen: `127.0.0.1:${port}` });
    expect(narrow).toMatchObject({ listen: `127.0.0.1:${port}`, enabled: true });
    const client = here.connect(port);
    client.write("x");
    await client.received(1);
  });

  it("does not mix with others that come meanwhile: what is shown last is what listens", async () => {
    await here.proxy("p", await here.lab.echo());
    const callers = Array.from({ length: 10 }, () => here.raw());
    const answered = await Promise.all(
      callers.flatMap((caller, index) =>
        Array.from({ length: 10 }, (_, n) => {
          const body =
            n % 3 === 2 ? { enabled: index % 2 === 0 } : { listen: "127.0.0.1:0", enabled: n % 3 === 0 };
          return caller.ask("POST", "/proxies/p", JSON.stringify(body));
        }),
      ),
    );
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([200]));
    const last = await here.json("POST", "/proxies/p", { enabled: true });
    const ports = new Set(answered.map(({ body }) => portOf(JSON.parse(body) as { listen: string })));
    ports.delete(0);
    for (const port of ports) {
      const client = here.connect(port);
      client.write("x");
      if (port === portOf(last)) await client.received(1);
      else expect(await client.ended).toEqual({ error: "ECONNREFUSED" });
    }
  });
});

describe("browsers", () => {
  it("are kept out by where they come from, not by their name", async () => {
    const mozilla = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)";
    expect((await here.ask("GET", "/proxies", undefined, [mozilla])).status).toBe(200);
    const page = await here.ask("POST", "/reset", "", [mozilla, "Origin: http://evil.example"]);
    expect([page.status, JSON.parse(page.body)]).toMatchObject([403, { status: 403 }]);
  });
});

describe("activations", () => {
  it("stay when everything is reset", async () => {
    const { squall } = here;
    if (squall === null) return;
    await here.proxy("p", "127.0.0.1:1");
    await squall.activate([{ type: "latency", delay: "1s" }]);
    await here.toxic("p", { type: "noop" });
    expect((await here.ask("POST", "/reset")).status).toBe(204);
    expect(squall.active().activations).toHaveLength(1);
    expect((await here.json("GET", "/proxies/p")).toxics).toEqual([]);
  });
});
