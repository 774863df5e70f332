/** A port that a proxy gave up for a time is kept for it: no other connection gets its number, and clients are refused. */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { platform } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { dnsProxy } from "../../support/dns-lab.js";
import { fault, Lab, until, type Listening } from "../../support/lab.js";
import { udpEcho, udpProxy } from "../../support/udp-lab.js";
import { ProxySet } from "../../../src/proxy/proxy-set.js";
import { ownerOf } from "../../../src/proxy/sockets/owner.js";

/** In /proc/net/tcp. */
const ESTABLISHED = "01";

let lab: Lab;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await lab.close();
});

async function canBindDatagrams(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  ends.push(() => socket.close());
  socket.bind({ address: "127.0.0.1", port, exclusive: true });
  return Promise.race([
    once(socket, "listening").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
}

/** Refused by ICMP, which says that nobody listens. */
async function isDatagramRefused(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  ends.push(() => socket.close());
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  const refused = once(socket, "message").then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === "ECONNREFUSED",
  );
  socket.send("x");
  return refused;
}

/** How what holds a port shows: as a connection whose both ends have its number. */
function isHeld({ address: { port } }: Listening, network: "tcp" | "udp" = "tcp"): boolean {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync(`/proc/net/${network}`, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/u))
    .some(
      ([, local = "", remote = "", state]) =>
        local.endsWith(end) && remote.endsWith(end) && state === ESTABLISHED,
    );
}

describe.skipIf(platform() !== "linux")("a port that was given up for a time", () => {
  it.each(["127.0.0.1", ""])(
    "of a tcp proxy on %j that is down is held, refuses clients, and comes back",
    async (host) => {
      lab = new Lab();
      const upstream = await lab.upstream();
      const proxy = await lab.proxy(upstream.port, { listen: { host, port: 0 } });
      for (let round = 0; round < 3; round++) {
        lab.use([fault("down", { refuse: "rst" })]);
        await until(() => isHeld(proxy));
        expect(await lab.client(proxy).ended).toEqual({ error: "ECONNREFUSED" });
        const opened = lab.facts.first("listener_opened");
        lab.facts.all.length = 0;
        lab.heal();
        await opened;
        await lab.through(proxy, upstream);
        await until(() => !isHeld(proxy));
      }
      expect(lab.facts.of("listen_failed")).toEqual([]);
    },
  );

  it.each(["127.0.0.1", ""])(
    "is held before the turn in which it was closed is over, on %j",
    async (host) => {
      lab = new Lab();
      const listen = { host, port: 0 };
      const tcp = await lab.proxy(9, { name: "bytes", listen });
      const udp = await udpProxy(lab, 9, { name: "datagrams", listen });
      const dns = await dnsProxy(lab);
      lab.use([fault("down", { refuse: "rst" })]);
      expect(isHeld(tcp), "tcp").toBe(true);
      expect(isHeld(udp, "udp"), "udp").toBe(true);
      expect(isHeld(dns) && isHeld(dns, "udp"), "dns").toBe(true);
    },
  );

  it("is held behind a silence, too", async () => {
    lab = new Lab();
    const proxy = await lab.proxy(await lab.echo());
    lab.use([fault("down", { refuse: "syn_drop" })]);
    await until(() => proxy.state === "closed by fault" && lab.facts.of("listener_closed").length > 0);
    lab.use([fault("down", { refuse: "rst" })]);
    await until(() => isHeld(proxy));
    expect(await lab.client(proxy).ended).toEqual({ error: "ECONNREFUSED" });
    lab.heal();
    await lab.facts.first("listener_opened");
  });

  it("of a proxy that was switched off is held until it is on again, moves or goes", async () => {
    lab = new Lab();
    const proxySet = new ProxySet(lab.context, lab.plan);
    ends.push(() => {
      proxySet.stop();
    });
    const listen = { host: "127.0.0.1", port: 0 };
    const spec = { listen, dialTimeout: 1, connections: 9, proxyProtocol: "off", except: [] } as const;
    const upstream = { host: "127.0.0.1", port: 1 };
    const proxy = await proxySet.add({ ...spec, name: "a", upstream }, "api");
    await proxySet.update("a", { enabled: false });
    await until(() => isHeld(proxy));
    await proxySet.update("a", { enabled: true });
    expect(proxy.state).toBe("listening");
    await until(() => !isHeld(proxy));
    await proxySet.update("a", { enabled: false });
    await until(() => isHeld(proxy));
    const before = { address: proxy.address };
    const port = await lab.deadPort();
    await proxySet.update("a", {
      listen: { listen: { host: "127.0.0.1", port }, given: `127.0.0.1:${port}` },
    });
    await until(() => !isHeld(before));
    await proxySet.update("a", { enabled: true });
    await proxySet.update("a", { enabled: false });
    const last = { address: proxy.address };
    await until(() => isHeld(last));
    proxySet.remove("a");
    await until(() => !isHeld(last));
  });

  it("of a udp proxy that is down answers with ICMP, can be bound by nobody, and comes back", async () => {
    lab = new Lab();
    const echo = await udpEcho(lab);
    const proxy = await udpProxy(lab, echo.port);
    const { port } = proxy.address;
    lab.use([fault("down")]);
    expect(await canBindDatagrams(port)).toBe(false);
    expect(await isDatagramRefused(port)).toBe(true);
    lab.heal();
    await lab.facts.first("listener_opened");
    expect(lab.facts.of("listen_failed")).toEqual([]);
    expect(proxy.address.port).toBe(port);
  });

  it("of a dns proxy is held for both", async () => {
    lab = new Lab();
    const proxy = await dnsProxy(lab);
    const { port } = proxy.address;
    lab.use([fault("down")]);
    await until(() => isHeld(proxy));
    expect(await canBindDatagrams(port)).toBe(false);
    lab.heal();
    await lab.facts.first("listener_opened");
    expect(lab.facts.of("listen_failed")).toEqual([]);
  });

  it("is free when the proxy stops", async () => {
    lab = new Lab();
    const proxy = await udpProxy(lab, 9);
    lab.use([fault("down")]);
    expect(await canBindDatagrams(proxy.address.port)).toBe(false);
    proxy.stop();
    expect(await canBindDatagrams(proxy.address.port)).toBe(true);
  });
});

describe.skipIf(platform() !== "linux")("a port that somebody else has", () => {
  it("is told with the process that listens there", async () => {
    lab = new Lab();
    const taken = await lab.echo();
    const proxy = lab.proxy(9, { listen: { host: "127.0.0.1", port: taken } });
    await expect(proxy).rejects.toMatchObject({
      message: `listen tcp 127.0.0.1:${taken}: address already in use`,
      hint: expect.stringMatching(
        new RegExp(`^process ${process.pid} \\(.+\\) listens there$`, "u"),
      ) as string,
    });
  });

  it("is told with another process, or without it where looking takes too long", async () => {
    lab = new Lab();
    const text =
      'require("net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port) })';
    const child = spawn(process.execPath, ["-e", text], { stdio: ["ignore", "pipe", "inherit"] });
    ends.push(() => child.kill("SIGKILL"));
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    expect(await ownerOf("tcp", Number(port), Infinity)).toMatch(
      new RegExp(`^process ${child.pid} \\(.+\\) listens there$`, "u"),
    );
    // Only ourselves, who are looked at first.
    expect(await ownerOf("tcp", Number(port), -Infinity)).toBe("another process listens there");
  });

  it("is told with the process whose connection has it", async () => {
    lab = new Lab();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    ends.push(
      () => server.close(),
      () => socket.destroy(),
    );
    await once(socket, "connect");
    expect(await ownerOf("tcp", socket.localPort ?? 0)).toMatch(
      new RegExp(`^a connection of process ${process.pid} \\(.+\\) has it$`, "u"),
    );
    expect(await ownerOf("udp", 1)).toBeNull();
  });
});
