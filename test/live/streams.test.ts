/** The same of what is no HTTP: connections of bytes, questions of DNS, flows of datagrams, each held against both of its ends and the journal. */
import { afterEach, describe, expect, it } from "vitest";
import { address, dnsProxy, said, UdpClient } from "../support/dns-lab.js";
import { fault, Lab, timeLab, turns, until } from "../support/lab.js";
import { deadUdpPort, udpEcho, udpEnd, udpProxy } from "../support/udp-lab.js";
import { endsOf, over, seenBy, watch } from "./watch-lab.js";

let lab: Lab;
afterEach(async () => {
  await lab.close();
});

describe("what is seen of a connection of bytes", () => {
  async function connected() {
    const clocked = timeLab();
    lab = clocked.lab;
    lab.facts.recording = true;
    const watching = watch(lab, "tcp");
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const client = lab.client(proxy);
    client.write("hello");
    const served = await upstream.next();
    await until(() => served.length === 5);
    clocked.time.advance(10);
    served.write("hi");
    await until(() => client.length === 2);
    clocked.time.advance(10);
    return { client, served, proxy, watching, time: clocked.time };
  }
  type Scene = Awaited<ReturnType<typeof connected>>;

  it.each<[string, (scene: Scene) => Promise<void> | void, readonly unknown[], string]>([
    [
      "its client ends it",
      async ({ client, served }) => {
        client.fin();
        await served.ended;
        served.fin();
      },
      ["complete", "client", null, "complete", null],
      "client_closed",
    ],
    [
      "its upstream ends it",
      async ({ client, served }) => {
        served.fin();
        await client.ended;
        client.fin();
      },
      ["complete", "upstream", null, "complete", null],
      "upstream_closed",
    ],
    [
      "its client resets it",
      ({ client }) => {
        client.rst();
      },
      ["client_left", "client", null, "abandoned", null],
      "client_reset",
    ],
    [
      "its upstream resets it",
      ({ served }) => {
        served.rst();
      },
      ["reset", "upstream", null, "reset", null],
      "upstream_reset",
    ],
    [
      "a fault resets it",
      () => {
        lab.use([fault("reset")]);
      },
      ["cut", "fault", null, "abandoned", null],
      "fault",
    ],
    [
      "its proxy is switched off",
      ({ proxy }) => {
        proxy.stop();
      },
      ["cut", "proxy", null, "abandoned", null],
      "stopped",
    ],
  ])("is what happened: %s", async (_what, end, ends, how) => {
    const scene = await connected();
    expect(seenBy(scene.watching)).toMatchObject([
      {
        pending: true,
        client_side: { at: 1_000, last: 1_000, answer_first: 1_010, over: null, end: null },
        upstream_side: { name: "main", dialled: 1_000, connected: 1_000, forwarded: 1_000, answered: 1_010 },
      },
    ]);
    await end(scene);
    const seen = await over(scene.watching);
    expect(endsOf(seen)).toEqual(ends);
    expect(seen).toMatchObject({ kind: "connection", id: "c1", up: 5, down: 2 });
    expect(lab.facts.of("connection_over")).toMatchObject([
      { end: how, faults: seen.acts.map(({ fault: name }) => name), failure: seen.failure },
    ]);
    expect(lab.facts.of("connection_over")[0]?.seen).toMatchObject({
      at: seen.client_side.at,
      over: seen.client_side.over,
      up: 5,
      down: 2,
    });
  });

  it("has the upstream that refused it, and knows the next one as a second try", async () => {
    lab = timeLab().lab;
    const watching = watch(lab, "tcp");
    const proxy = await lab.proxy(await lab.deadPort());
    for (let n = 1; n <= 2; n++) {
      const client = lab.client(proxy);
      await client.ended;
      client.fin();
      await over(watching, n);
    }
    expect(seenBy(watching)).toMatchObject([
      {
        failure: "upstream_refused",
        again: null,
        upstream_side: { end: "refused" },
        client_side: { end: "closed" },
      },
      { failure: "upstream_refused", again: "c1", again_by: "failed" },
    ]);
  });

  it("has who was turned away at the limit", async () => {
    lab = new Lab({ connections: 1 });
    const watching = watch(lab, "tcp");
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    await lab.through(proxy, upstream);
    const second = lab.client(proxy);
    expect(await second.ended).toBe("reset");
    expect(await over(watching, 2)).toMatchObject({
      failure: "connection_limit",
      client_side: { end: "refused", by: "proxy" },
      upstream_side: null,
    });
  });

  it("has how long a fault held it before it was let in", async () => {
    const { lab: timed, time } = timeLab();
    lab = timed;
    const watching = watch(lab, "tcp");
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    lab.use([fault("accept_delay", { delay: "300ms" })]);
    const client = lab.client(proxy);
    await until(() => lab.facts.of("fault_hit").length > 0);
    time.advance(300);
    const served = await upstream.next();
    await turns();
    client.fin();
    await served.ended;
    served.fin();
    expect(await over(watching)).toMatchObject({
      delays: [{ at: 1_000, until: 1_300, side: "request", fault: "accept_delay" }],
      upstream_side: { dialled: 1_300 },
    });
  });
});

describe("what is seen of a question", () => {
  it.each<[string, Parameters<typeof fault>[] | [], string | null, readonly unknown[]]>([
    ["answered", [], "NOERROR | A 10.0.0.1", ["complete", "proxy", null, null, null]],
    [
      "answered by a fault",
      [["dns_rcode", { rcode: "nxdomain" }]],
      "NXDOMAIN",
      ["complete", "fault", null, null, null],
    ],
    ["not answered", [["dns_drop", {}]], null, ["unanswered", "fault", null, null, null]],
  ])("is what happened: %s", async (_what, faults, answer, ends) => {
    lab = new Lab();
    lab.facts.recording = true;
    const watching = watch(lab, "dns");
    const proxy = await dnsProxy(lab, { records: [address("a.test", "10.0.0.1")] });
    if (faults.length > 0) lab.use(faults.map((one) => fault(...one)));
    const client = await UdpClient.to(lab, proxy);
    if (answer === null) void client.ask("a.test");
    else expect(said(await client.ask("a.test"))).toBe(answer);
    const seen = await over(watching);
    expect(endsOf(seen)).toEqual(ends);
    expect(seen).toMatchObject({ kind: "query", id: "q1", method: "A", path: "a.test", route: "A a.test" });
    expect(lab.facts.of("query_over")).toMatchObject([
      { rcode: seen.client_side.rcode, faults: seen.acts.map(({ fault: name }) => name), connection: 1 },
    ]);
  });
});

describe("what is seen of a flow", () => {
  it("is over with its last datagram, with what was delivered and what faults did", async () => {
    const clocked = timeLab();
    lab = clocked.lab;
    lab.facts.recording = true;
    const watching = watch(lab, "udp");
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    lab.use([fault("duplicate", {}, { directions: "upstream" })]);
    const client = await udpEnd(lab);
    client.send(Buffer.from("x"), proxy);
    await until(() => client.count === 2);
    expect(seenBy(watching)).toMatchObject([{ pending: true, up: 2, down: 2 }]);
    clocked.time.advance(2_000);
    proxy.endFlows();
    const seen = await over(watching);
    expect(endsOf(seen)).toEqual(["complete", "upstream", null, "complete", null]);
    expect(seen).toMatchObject({ id: "f1", up: 2, down: 2, client_side: { at: 1_000, over: 1_000 } });
    expect(seen.acts.map(({ fault: name }) => name)).toEqual(lab.facts.of("flow_over")[0]?.faults);
  });

  it("is unanswered where nobody is there", async () => {
    lab = timeLab().lab;
    const watching = watch(lab, "udp");
    const proxy = await udpProxy(lab, await deadUdpPort());
    const client = await udpEnd(lab);
    client.send(Buffer.from("x"), proxy);
    await until(() => watching.upstreamSeen("jobs/main")?.unreached === "upstream_refused");
    proxy.endFlows();
    const seen = await over(watching);
    expect(endsOf(seen)).toEqual(["unanswered", "upstream", null, "refused", null]);
    expect(seen).toMatchObject({ failure: "upstream_refused", down: 0 });
  });
});
