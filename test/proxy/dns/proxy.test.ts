/** A dns proxy on real sockets: its own records, what it passes on, what fits, and what becomes of hostile bytes. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { decode, encode } from "dns-packet";
import { afterEach, describe, expect, it } from "vitest";
import { framed, FrameReader } from "../../../src/proxy/dns/frames.js";
import { serversOf } from "../../../src/proxy/dns/servers.js";
import { address, dnsProxy, question, said, TcpClient, UdpClient } from "../../support/dns-lab.js";
import { fault, Lab, timeLab, turns, until } from "../../support/lab.js";

let lab = new Lab();
afterEach(async () => {
  await lab.close();
  lab = new Lab();
});

/** A server that answers every question by `answer`, and keeps what it was asked. */
async function server(
  answer: (query: Buffer, over: "udp" | "tcp") => Buffer | null,
): Promise<{ readonly port: number; readonly asked: { readonly over: string; readonly bytes: Buffer }[] }> {
  const asked: { over: string; bytes: Buffer }[] = [];
  const tcp = createServer((socket) => {
    const reader = new FrameReader();
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      for (const bytes of reader.push(chunk)) {
        asked.push({ over: "tcp", bytes });
        const reply = answer(bytes, "tcp");
        if (reply !== null) socket.write(framed(reply));
      }
    });
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const { port } = tcp.address() as { port: number };
  const udp = createSocket("udp4");
  udp.on("message", (bytes, from) => {
    asked.push({ over: "udp", bytes });
    const reply = answer(bytes, "udp");
    if (reply !== null) udp.send(reply, from.port, from.address);
  });
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");
  lab.onEnd(() => {
    tcp.close();
    udp.close();
  });
  return { port, asked };
}

function answered(query: Buffer, addresses: readonly string[], extra: { tc?: boolean } = {}): Buffer {
  const { id = 0, questions = [] } = decode(query);
  return encode({
    type: "response",
    id,
    flags: 0x0180 | (extra.tc === true ? 0x0200 : 0),
    questions,
    answers: addresses.map((data) => ({ type: "A", name: questions[0]!.name, ttl: 60, data })),
  });
}

const RECORDS = [
  address("jobs.test", "10.0.0.1"),
  address("jobs.test", "10.0.0.2"),
  address("both.test", "10.0.0.3"),
  address("both.test", "fd00::3"),
  { name: "www.test", type: "CNAME", ttl: 30, data: "jobs.test" },
  { name: "circle.test", type: "CNAME", ttl: 30, data: "circle.test" },
  { name: "out.test", type: "CNAME", ttl: 30, data: "elsewhere.example" },
  { name: "text.test", type: "TXT", ttl: 30, data: String.raw`"it says \"hi\"" "\255"` },
  { name: "_jobs._tcp.test", type: "SRV", ttl: 30, data: "1 2 8080 jobs.test" },
  address("*.bots.test", "10.0.0.9"),
  address("known.bots.test", "10.0.0.8"),
];

describe("its own records", () => {
  it("answers addresses, aliases, texts and services, over UDP and TCP alike", async () => {
    const proxy = await dnsProxy(lab, { records: RECORDS });
    const udp = await UdpClient.to(lab, proxy);
    const tcp = new TcpClient(lab, proxy);
    for (const client of [udp, tcp]) {
      expect(said(await client.ask("jobs.test"))).toBe("NOERROR | A 10.0.0.1 | A 10.0.0.2");
      expect(said(await client.ask("both.test", "AAAA"))).toBe("NOERROR | AAAA fd00::3");
      expect(said(await client.ask("www.test"))).toBe("NOERROR | CNAME jobs.test | A 10.0.0.1 | A 10.0.0.2");
      expect(said(await client.ask("www.test", "CNAME"))).toBe("NOERROR | CNAME jobs.test");
      const { answers = [] } = decode(await client.ask("text.test", "TXT"));
      expect(answers).toMatchObject([{ data: [Buffer.from('it says "hi"'), Buffer.from([255])] }]);
      expect(decode(await client.ask("_jobs._tcp.test", "SRV")).answers).toMatchObject([
        { data: { priority: 1, weight: 2, port: 8080, target: "jobs.test" }, ttl: 30 },
      ]);
    }
  });

  it("tells a name without such a record from a name that is not there", async () => {
    const udp = await UdpClient.to(lab, await dnsProxy(lab, { records: RECORDS }));
    expect(said(await udp.ask("jobs.test", "AAAA"))).toBe("NOERROR");
    expect(said(await udp.ask("text.test", "A"))).toBe("NOERROR");
    expect(said(await udp.ask("nobody.test"))).toBe("NXDOMAIN");
  });

  it("takes a wildcard for all names below it that are not there themselves", async () => {
    const udp = await UdpClient.to(lab, await dnsProxy(lab, { records: RECORDS }));
    expect(said(await udp.ask("a.bots.test"))).toBe("NOERROR | A 10.0.0.9");
    expect(said(await udp.ask("a.b.bots.test"))).toBe("NOERROR | A 10.0.0.9");
    expect(said(await udp.ask("known.bots.test"))).toBe("NOERROR | A 10.0.0.8");
    expect(said(await udp.ask("x.known.bots.test"))).toBe("NXDOMAIN");
    expect(said(await udp.ask("bots.test"))).toBe("NXDOMAIN");
  });

  it("gives names back in the letters in which they were asked, and the id and flags with them", async () => {
    const udp = await UdpClient.to(lab, await dnsProxy(lab, { records: RECORDS }));
    const reply = decode(await udp.ask("JoBs.TeSt", "A", { id: 4711 }));
    expect(reply.id).toBe(4711);
    expect(reply.questions).toMatchObject([{ name: "JoBs.TeSt" }]);
    expect(reply).toMatchObject({ flag_aa: true, flag_rd: true, flag_ra: true, flag_tc: false });
  });

  it("comes to an end with aliases that lead in a circle", async () => {
    const udp = await UdpClient.to(lab, await dnsProxy(lab, { records: RECORDS }));
    expect(said(await udp.ask("circle.test"))).toMatch(/^NOERROR \| CNAME circle\.test/u);
  });

  it("asks the upstream for what an alias leads to", async () => {
    const { port, asked } = await server((query) => answered(query, ["192.0.2.7"]));
    const proxy = await dnsProxy(lab, {
      records: RECORDS,
      source: "server",
      upstream: { host: "127.0.0.1", port },
    });
    const udp = await UdpClient.to(lab, proxy);
    expect(said(await udp.ask("out.test"))).toBe("NOERROR | CNAME elsewhere.example | A 192.0.2.7");
    expect(decode(asked[0]!.bytes).questions).toMatchObject([{ name: "elsewhere.example", type: "A" }]);
  });

  it("says that an answer does not fit what the client takes, and gives it over TCP", async () => {
    const many = Array.from({ length: 60 }, (_, n) => address("many.test", `10.1.0.${n}`));
    const proxy = await dnsProxy(lab, { records: many });
    const udp = await UdpClient.to(lab, proxy);
    const small = await udp.ask("many.test");
    expect(said(small)).toBe("NOERROR TC");
    const edns = await udp.ask("many.test", "A", { edns: 1_232 });
    expect(decode(edns).answers).toHaveLength(60);
    expect(said(await udp.ask("many.test", "A", { edns: 900 }))).toBe("NOERROR TC");
    const tcp = new TcpClient(lab, proxy);
    expect(decode(await tcp.ask("many.test")).answers).toHaveLength(60);
  });
});

describe("what it passes on", () => {
  it("leaves question and answer as they are to the byte, but for the id on the way up", async () => {
    const replies: Buffer[] = [];
    const { port, asked } = await server((query) => {
      const reply = Buffer.concat([answered(query, ["192.0.2.1"]), Buffer.from("odd bytes behind it")]);
      replies.push(reply);
      return reply;
    });
    const proxy = await dnsProxy(lab, { source: "server", upstream: { host: "127.0.0.1", port } });
    const udp = await UdpClient.to(lab, proxy);
    const query = question("Passed.On.example", "A", { id: 513, edns: 4_096 });
    udp.send(query);
    const reply = await udp.nth(1);
    expect(asked[0]!.bytes.subarray(2).equals(query.subarray(2))).toBe(true);
    expect(reply.subarray(2).equals(replies[0]!.subarray(2))).toBe(true);
    expect(reply.readUInt16BE(0)).toBe(513);
  });

  it("asks upstream over TCP for a TCP client whose answer was truncated", async () => {
    const { port, asked } = await server((query, over) =>
      over === "udp" ? answered(query, [], { tc: true }) : answered(query, ["192.0.2.2"]),
    );
    const proxy = await dnsProxy(lab, { source: "server", upstream: { host: "127.0.0.1", port } });
    expect(said(await new TcpClient(lab, proxy).ask("big.example"))).toBe("NOERROR | A 192.0.2.2");
    expect(asked.map(({ over }) => over)).toEqual(["udp", "tcp"]);
    const udp = await UdpClient.to(lab, proxy);
    expect(said(await udp.ask("big.example"))).toBe("NOERROR TC");
  });

  it("takes no answer to another question, under whatever id", async () => {
    const { port } = await server((query) => {
      const other = answered(query, ["192.0.2.66"]);
      other[13] = 0x78;
      return other;
    });
    const { lab: own, time } = timeLab();
    const proxy = await dnsProxy(own, { source: "server", upstream: { host: "127.0.0.1", port } });
    const udp = await UdpClient.to(own, proxy);
    udp.send(question("asked.example", "A"));
    await turns(60);
    expect(udp.received).toEqual([]);
    time.advance(20_000);
    await until(() => proxy.queries.counts().length > 0);
    expect(proxy.queries.counts()).toEqual([["A", "none", 1]]);
    expect(udp.received).toEqual([]);
    await own.close();
  });

  it("says SERVFAIL where nobody listens", async () => {
    const proxy = await dnsProxy(lab, {
      source: "server",
      upstream: { host: "127.0.0.1", port: await lab.deadPort() },
    });
    const udp = await UdpClient.to(lab, proxy);
    expect(said(await udp.ask("x.example"))).toBe("SERVFAIL");
    expect(proxy.stats.errors.get("upstream_refused")).toBe(1);
  });

  it("asks the servers of the machine by their file, but never itself", async () => {
    const text = "nameserver 10.0.0.2\nnameserver 127.0.0.1\nnameserver fd00::2\n";
    const file = {
      path: "/etc/resolv.conf",
      reader: { version: () => Promise.resolve("1"), read: () => Promise.resolve(text) },
    };
    const proxy = await dnsProxy(lab, { source: "system" }, file);
    expect(proxy.upstreamText).toBe("dns://system");
    const own = { host: "127.0.0.1", port: 53 };
    expect(await serversOf(proxy.spec, lab.context, () => own, file).list()).toEqual([
      { address: "10.0.0.2", port: 53 },
      { address: "fd00::2", port: 53 },
    ]);
  });

  it("keeps two clients' questions of the same id apart", async () => {
    const { port } = await server((query) =>
      answered(query, [decode(query).questions![0]!.name === "a.example" ? "192.0.2.10" : "192.0.2.11"]),
    );
    const proxy = await dnsProxy(lab, { source: "server", upstream: { host: "127.0.0.1", port } });
    const [one, other] = [await UdpClient.to(lab, proxy), await UdpClient.to(lab, proxy)];
    const replies = await Promise.all([one.ask("a.example"), other.ask("b.example")]);
    expect(replies.map(said)).toEqual(["NOERROR | A 192.0.2.10", "NOERROR | A 192.0.2.11"]);
  });
});

describe("limits", () => {
  it("answers no more questions at once than it may", async () => {
    const { port } = await server(() => null);
    const proxy = await dnsProxy(lab, {
      source: "server",
      upstream: { host: "127.0.0.1", port },
      queries: 2,
    });
    const udp = await UdpClient.to(lab, proxy);
    for (let id = 1; id <= 3; id++) udp.send(question("silent.example", "A", { id }));
    const { limit, value } = await lab.facts.first("limit_reached");
    expect([limit, value]).toEqual(["queries", 2]);
  });

  it("refuses connections beyond the limit, and gives their places back", async () => {
    const proxy = await dnsProxy(lab, { records: RECORDS, connections: 1 });
    const first = new TcpClient(lab, proxy);
    expect(said(await first.ask("jobs.test"))).toContain("10.0.0.1");
    const second = new TcpClient(lab, proxy);
    expect(await second.ended).toBe("reset");
    first.socket.destroy();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(said(await new TcpClient(lab, proxy).ask("jobs.test"))).toContain("10.0.0.1");
  });

  it("closes a connection on which nothing comes, or too slowly", async () => {
    const { lab: own, time } = timeLab();
    const proxy = await dnsProxy(own, { records: RECORDS });
    const slow = new TcpClient(own, proxy);
    slow.socket.write(Buffer.from([0]));
    await until(() => proxy.stats.connectionsActive === 1);
    await turns();
    time.advance(10_000);
    expect(await slow.ended).toBe("fin");
    await own.close();
  });

  it("answers questions that come in one piece or byte by byte, and those behind a FIN", async () => {
    const proxy = await dnsProxy(lab, { records: RECORDS });
    const client = new TcpClient(lab, proxy);
    const bytes = Buffer.concat([
      framed(question("jobs.test", "A", { id: 1 })),
      framed(question("both.test", "A", { id: 2 })),
    ]);
    for (const byte of bytes) client.socket.write(Buffer.from([byte]));
    client.socket.end();
    expect(said(await client.nth(2))).toBe("NOERROR | A 10.0.0.3");
    expect(await client.ended).toBe("fin");
  });
});

describe("coming and going", () => {
  it("answers what is under way when it is drained, and stops then", async () => {
    const held: (() => void)[] = [];
    const udpServer = createSocket("udp4");
    udpServer.on("message", (query, from) => {
      held.push(() => {
        udpServer.send(answered(query, ["192.0.2.5"]), from.port, from.address);
      });
    });
    udpServer.bind(0, "127.0.0.1");
    await once(udpServer, "listening");
    lab.onEnd(() => {
      udpServer.close();
    });
    const { port } = udpServer.address();
    const proxy = await dnsProxy(lab, { source: "server", upstream: { host: "127.0.0.1", port } });
    const udp = await UdpClient.to(lab, proxy);
    udp.send(question("slow.example", "A"));
    await until(() => held.length === 1);
    const drained = proxy.drain(lab.clock.now() + 60_000);
    expect(proxy.state).toBe("listening");
    held[0]!();
    expect(said(await udp.nth(1))).toBe("NOERROR | A 192.0.2.5");
    expect(await drained).toBe(0);
    expect(proxy.state).toBe("stopped");
  });

  it("listens again where it was, after a fault has closed its port", async () => {
    const proxy = await dnsProxy(lab, { records: RECORDS });
    const { port } = proxy.address;
    lab.use([fault("down")]);
    expect(proxy.state).toBe("closed by fault");
    lab.heal();
    await lab.facts.first("listener_opened");
    expect(proxy.address.port).toBe(port);
    expect(said(await (await UdpClient.to(lab, proxy)).ask("jobs.test"))).toContain("10.0.0.1");
  });

  it("answers from new records as soon as it is given them", async () => {
    const proxy = await dnsProxy(lab, { records: RECORDS });
    const udp = await UdpClient.to(lab, proxy);
    await proxy.reconfigure({ ...proxy.spec, records: [address("jobs.test", "10.9.9.9")] });
    expect(said(await udp.ask("jobs.test"))).toBe("NOERROR | A 10.9.9.9");
  });
});
