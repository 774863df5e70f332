/** Byte faults on HTTP: for the bytes of the exchanges that they match, from the first to the last, and put in and taken out under way. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import { get, httpTimeLab, ok, said, type HttpLab } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab: HttpLab;
let time: VirtualClock;
beforeEach(() => {
  ({ lab, time } = httpTimeLab());
});
afterEach(async () => {
  await lab.close();
});

describe("a byte fault on HTTP", () => {
  it("keeps pipelined answers in order, and tells of each exchange when it has left", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("latency", { delay: "1s" })]);
    const client = lab.client(proxy);
    client.write(get("/slow") + get("/too"));
    const peer = await upstream.next();
    await said(peer, "/too");
    peer.write(ok("one") + ok("two"));
    await until(() => lab.context.budget.held === ok("one").length + ok("two").length);
    time.advance(999);
    await turns();
    expect(client.text).toBe("");
    time.advance(1);
    await said(client, "two");
    expect(client.text).toBe(ok("one") + ok("two"));
    await until(() => lab.facts.of("exchange_over").length === 2);
    expect(lab.facts.of("exchange_over").map(({ exchange, end }) => [exchange.path, end])).toEqual([
      ["/slow", "complete"],
      ["/too", "complete"],
    ]);
  });

  it("put in and taken out in the middle of a long answer acts on what comes meanwhile", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/long"));
    const peer = await upstream.next();
    await peer.received(1);
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n";
    peer.write(`${head}abc`);
    await said(client, "abc");
    lab.use([fault("latency", { delay: "1s" })]);
    peer.write("def");
    await until(() => lab.context.budget.held === 3);
    time.advance(1_000);
    await said(client, "def");
    peer.write("ghi");
    await until(() => lab.context.budget.held === 3);
    lab.heal();
    await said(client, "ghi");
    peer.write("jkl");
    await client.received(head.length + 12);
    expect(client.text).toBe(`${head}abcdefghijkl`);
    expect(lab.facts.of("fault_total")).toHaveLength(1);
  });

  it("put in and taken out under a web socket acts both ways on what comes meanwhile", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    const client = lab.client(proxy);
    client.write(get("/ws", ["Connection: Upgrade", "Upgrade: websocket"]));
    const peer = await upstream.next();
    await peer.received(1);
    peer.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi");
    await said(client, "hi");
    lab.use([fault("latency", { delay: "1s" }, { directions: "both" })]);
    client.write("ping");
    peer.write("pong");
    await until(() => lab.context.budget.held === 8);
    time.advance(1_000);
    await said(client, "pong");
    await said(peer, "ping");
    client.write("last");
    await until(() => lab.context.budget.held === 4);
    lab.heal();
    await said(peer, "last");
    client.write("!");
    await said(peer, "last!");
    expect(lab.facts.of("mistake")).toEqual([]);
  });

  it("tells of an answer that it held when the client left, as one that it did not get", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([fault("latency", { delay: "1s" })]);
    const client = lab.client(proxy);
    client.write(get("/"));
    const peer = await upstream.next();
    await peer.received(1);
    peer.write(ok("held"));
    await until(() => lab.context.budget.held > 0);
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(lab.facts.of("exchange_over").map(({ end }) => end)).toEqual(["client_left"]);
    expect(time.idle).toBe(true);
    expect(lab.context.budget.held).toBe(0);
  });

  it("adds up with another one, each for the exchanges that it matches, whatever the first holds back", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.http(upstream.port);
    lab.use([
      fault("latency", { delay: "1s" }, { name: "all" }),
      fault("latency", { delay: "2s" }, { name: "slow", match: [{ path: ["/slow"] }] }),
      fault(
        "corrupt",
        { rate: "100%", bits: 8 },
        { name: "spoil", at: "body", match: [{ path: ["/slow"] }] },
      ),
    ]);
    const client = lab.client(proxy);
    client.write(get("/slow") + get("/fast"));
    const peer = await upstream.next();
    await said(peer, "/fast");
    peer.write(ok("one") + ok("two"));
    await until(() => lab.context.budget.held === ok("one").length + ok("two").length);
    time.advance(1_000);
    await turns();
    expect(client.text).toBe("");
    time.advance(1_999);
    await turns();
    expect(client.text).toBe("");
    time.advance(1);
    await said(client, "two");
    const spoilt = Buffer.from("one").map((byte) => byte ^ 0xff);
    const answers = Buffer.concat([Buffer.from(ok("")), spoilt, Buffer.from(ok("two"))]);
    expect(client.bytes.toString("latin1")).toBe(
      answers.toString("latin1").replace("Content-Length: 0", "Content-Length: 3"),
    );
    await until(() => lab.facts.of("exchange_over").length === 2);
    expect(lab.facts.of("exchange_over").map(({ faults }) => faults)).toEqual([
      ["all", "slow", "spoil"],
      ["all"],
    ]);
  });
});
