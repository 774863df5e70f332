/** What clients see of upstreams that are named: names that move, addresses where nobody is, and several of them. */
import { createServer as createTlsServer } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { get } from "../../support/http-lab.js";
import { until } from "../../support/lab.js";
import { NAME, NamesLab } from "../../support/names-lab.js";
import { startSilentServer } from "../../support/silent-server.js";

let names = new NamesLab();
beforeEach(() => {
  names = new NamesLab();
});
afterEach(() => names.lab.close());

const at = (port: number) => ({ upstream: { host: NAME, port } });

/** The address that a client of this proxy is served by. */
async function servedBy(proxy: TcpProxy): Promise<string> {
  const client = names.lab.client(proxy);
  await until(() => client.text !== "" || client.end !== null);
  client.rst();
  return client.text;
}

/** What was told of upstreams that could not be had. */
function failures(): string[] {
  const told = names.lab.facts.of("connection_failed").map(({ reason }) => reason);
  return told.filter((reason) => reason.startsWith("upstream"));
}

describe("a server that moves", () => {
  it("is found where its name says that it is, by the very connection that finds nobody", async () => {
    const old = await names.server("127.0.0.2");
    await names.name(["127.0.0.2"]);
    const proxy = await names.lab.proxy(0, at(old.port));
    expect(await servedBy(proxy)).toBe("127.0.0.2");
    old.stop();
    await names.server("127.0.0.3", old.port);
    await names.name(["127.0.0.3"]);
    expect(await servedBy(proxy)).toBe("127.0.0.3");
    expect(failures()).toEqual([]);
  });

  it("is found within a second of the moment at which its name says so", async () => {
    const old = await names.server("127.0.0.2");
    await names.name(["127.0.0.2"]);
    const proxy = await names.lab.proxy(0, at(old.port));
    expect(await servedBy(proxy)).toBe("127.0.0.2");
    old.stop();
    await names.server("127.0.0.3", old.port);
    // DNS knows nothing yet: nobody is there, however often it is tried, and the name is asked for again once.
    for (let n = 0; n < 20; n++) expect(await servedBy(proxy)).toBe("");
    expect(names.questions).toBe(2);
    expect(failures()).toEqual(Array.from({ length: 20 }, () => "upstream_refused"));
    await names.name(["127.0.0.3"]);
    names.time.advance(1_000);
    expect(await servedBy(proxy)).toBe("127.0.0.3");
    expect(names.questions).toBe(3);
  });

  it("is found though its old address keeps silent, once that has kept silent for 250 ms", async () => {
    const silent = await startSilentServer();
    names.lab.onEnd(() => {
      silent.stop();
    });
    await names.name(["127.0.0.1"]);
    const proxy = await names.lab.proxy(0, at(silent.port));
    const client = names.lab.client(proxy);
    await until(() => names.questions === 1);
    await names.server("127.0.0.3", silent.port);
    await names.name(["127.0.0.3"]);
    await until(() => names.time.next < names.time.now() + 5_000);
    await names.pass(300);
    await until(() => client.text !== "");
    expect(client.text).toBe("127.0.0.3");
  });

  it("is back in its pool at the health check after that", async () => {
    const old = await names.server("127.0.0.2");
    await names.name(["127.0.0.2"]);
    const proxy = await names.lab.proxy(0, {
      ...at(old.port),
      pool: {
        members: [{ name: "a", host: NAME, port: old.port }],
        balance: "first",
        health: { path: null, interval: 1_000, timeout: 500, fall: 1, rise: 1 },
        eject: null,
        seed: 0,
      },
    });
    expect(await servedBy(proxy)).toBe("127.0.0.2");
    old.stop();
    const changes = (): unknown[] => names.lab.facts.of("upstream_changed").map(({ up }) => up);
    while (changes().length < 1) await names.pass(100);
    expect(changes()).toEqual([false]);
    await names.server("127.0.0.3", old.port);
    await names.name(["127.0.0.3"]);
    const moved = names.time.now();
    while (changes().length < 2) await names.pass(100);
    expect(changes()).toEqual([false, true]);
    expect(names.time.now() - moved).toBeLessThanOrEqual(2_500);
    expect(await servedBy(proxy)).toBe("127.0.0.3");
  });

  it("is found by health checks that get a wrong answer where it was", async () => {
    const serve = (status: number) => (socket: { end(text: string): unknown }) =>
      socket.end(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    const old = await names.server("127.0.0.2", 0, serve(404));
    await names.server("127.0.0.3", old.port, serve(200));
    await names.name(["127.0.0.2"]);
    await names.lab.http(0, {
      ...at(old.port),
      pool: {
        members: [{ name: "a", host: NAME, port: old.port }],
        balance: "first",
        health: { path: "/", interval: 1_000, timeout: 500, fall: 1, rise: 1 },
        eject: null,
        seed: 0,
      },
    });
    const changes = (): unknown[] => names.lab.facts.of("upstream_changed").map(({ up }) => up);
    while (changes().length < 1) await names.pass(100);
    await names.name(["127.0.0.3"]);
    const moved = names.time.now();
    while (changes().length < 2) await names.pass(100);
    expect(changes()).toEqual([false, true]);
    // Not when its time to live is over.
    expect(names.time.now() - moved).toBeLessThanOrEqual(5_000);
  });
});

describe("several addresses", () => {
  it("get connections in turn", async () => {
    const { port } = await names.server("127.0.0.2");
    for (const address of ["127.0.0.3", "127.0.0.4"]) await names.server(address, port);
    await names.name(["127.0.0.4", "127.0.0.2", "127.0.0.3"]);
    const proxy = await names.lab.proxy(0, at(port));
    const served: string[] = [];
    for (let n = 0; n < 6; n++) served.push(await servedBy(proxy));
    expect(served.map((address) => address.at(-1)).join("")).toBe("234234");
  });

  it("of which one refuses are all tried, and that one last for a while", async () => {
    const { port } = await names.server("127.0.0.3");
    await names.server("127.0.0.4", port);
    await names.name(["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    const proxy = await names.lab.proxy(0, at(port));
    const served: string[] = [];
    for (let n = 0; n < 6; n++) served.push(await servedBy(proxy));
    expect(new Set(served)).toEqual(new Set(["127.0.0.3", "127.0.0.4"]));
    expect(failures()).toEqual([]);
  });

  it("of which the first keeps silent cost 250 ms once", async () => {
    const silent = await startSilentServer();
    names.lab.onEnd(() => {
      silent.stop();
    });
    await names.server("127.0.0.2", silent.port);
    await names.name(["127.0.0.1", "127.0.0.2"]);
    const proxy = await names.lab.http(0, at(silent.port));
    const client = names.lab.client(proxy);
    client.write(get("/"));
    await until(() => names.time.next === names.time.now() + 250);
    names.time.advance(249);
    await until(() => names.questions === 1);
    expect(client.text).toBe("");
    names.time.advance(1);
    await until(() => client.text !== "");
    // The next one is not held up at all: no time passes.
    for (let n = 0; n < 3; n++) {
      const next = names.lab.client(proxy);
      next.write(get("/"));
      await until(() => next.text !== "");
    }
  });

  it("that are all dead fail within the time-out for all together", async () => {
    const silent = await startSilentServer();
    names.lab.onEnd(() => {
      silent.stop();
    });
    await names.name(["127.0.0.1", "127.0.0.2"]);
    const proxy = await names.lab.proxy(0, { ...at(silent.port), dialTimeout: 2_000 });
    const client = names.lab.client(proxy);
    const begun = names.time.now();
    while (client.end === null) await names.pass(50);
    expect(names.time.now() - begun).toBeLessThanOrEqual(2_100);
    expect(failures()).toEqual(["upstream_timeout"]);
  });

  it.each([
    ["resets during the TLS handshake", 0],
    ["says nothing in the TLS handshake", 1_000],
  ])("of which the first %s go on to the second", async (_what, wait) => {
    const tls = createTlsServer({ cert: CERTIFICATE, key: KEY }, (socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    tls.listen(0, "127.0.0.3");
    await once(tls, "listening");
    names.lab.onEnd(() => tls.close());
    const { port } = tls.address() as AddressInfo;
    let greeted = 0;
    await names.server("127.0.0.2", port, (socket) => {
      socket.once("data", () => {
        greeted++;
        if (wait === 0) socket.resetAndDestroy();
      });
    });
    await names.name(["127.0.0.2", "127.0.0.3"]);
    const options = { ca: CERTIFICATE, insecure: false, servername: null };
    const proxy = await names.lab.http(0, { ...at(port), tls: options });
    const client = names.lab.client(proxy);
    client.write(get("/"));
    await until(() => greeted === 1);
    if (wait > 0) {
      // It has been connected: it may compute for longer than an address may keep silent.
      await names.pass(wait - 200);
      expect(client.text).toBe("");
      await names.pass(200);
    }
    await until(() => client.text !== "");
    expect(client.text).toContain("200 OK");
    expect(failures()).toEqual([]);
  });
});

describe("a name in IPv6 alone", () => {
  it("is dialled there", async () => {
    const { port } = await names.server("::1");
    await names.name(["::1"]);
    expect(await servedBy(await names.lab.proxy(0, at(port)))).toBe("::1");
  });
});
