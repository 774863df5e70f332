/**
 * A process that stood still hears what came meanwhile before its timers run. What has ended by then acts on nobody all the same, on
 * any plane: real sockets, and a clock whose timers are late.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CompiledFault } from "../../src/plan/value.js";
import { address, dnsProxy, said as answerOf, UdpClient } from "../support/dns-lab.js";
import { answersTo, get, said } from "../support/http-lab.js";
import { fault, profile, request, turns } from "../support/lab.js";
import { SecureLab, secureSpec } from "../support/secure-lab.js";
import { StoppedClock } from "../support/stopped-clock.js";
import { udpEcho, udpEnd, udpProxy } from "../support/udp-lab.js";

let clock: StoppedClock;
let lab: SecureLab;

beforeEach(() => {
  clock = new StoppedClock();
  lab = new SecureLab({ clock });
});

afterEach(async () => {
  await lab.close();
});

/** For one second. */
function use(...faults: CompiledFault[]): void {
  lab.plan.replace([request(profile(faults), { ttl: 1_000 })]);
}

/** Whether it has ended, and how many it has hit until then. */
const ended = (): string =>
  lab.facts
    .of("activation_ended")
    .map(({ why, faults }) => `${why} ${faults.reduce((sum, { hits }) => sum + hits, 0)}`)
    .join();

const ALL = { directions: "both" } as const;

describe("a fault that has ended while the process stood still", () => {
  it("meets no connection that comes then", async () => {
    const proxy = await lab.proxy(await lab.echo());
    use(fault("reset", {}));
    clock.standStill(1_000);
    const client = lab.client(proxy);
    client.write("hello");
    await said(client, "hello");
    expect(ended()).toBe("expired 0");
  });

  it("has hit who came a moment before its end", async () => {
    const proxy = await lab.proxy(await lab.echo());
    use(fault("reset", {}));
    clock.standStill(999);
    const client = lab.client(proxy);
    client.write("hello");
    expect(await client.ended).toBe("reset");
    clock.standStill(1);
    await turns();
    expect(ended()).toBe("");
    const other = lab.client(proxy);
    other.write("hello");
    await said(other, "hello");
    expect(ended()).toBe("expired 1");
  });

  it.each(["upstream", "downstream"] as const)(
    "changes no byte that comes then, of a connection that it had, %s",
    async (directions) => {
      const proxy = await lab.proxy(await lab.echo());
      use(fault("blackhole", {}, { directions }));
      const client = lab.client(proxy);
      await client.connected;
      await turns();
      clock.standStill(1_000);
      client.write("hello");
      await said(client, "hello");
      expect(ended()).toMatch(/^expired/u);
    },
  );

  it("ends no connection whose end comes then", async () => {
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    use(fault("slow_close", { delay: "1h" }, ALL));
    const { client, peer } = await lab.through(proxy, upstream);
    clock.standStill(1_000);
    peer.fin();
    expect(await client.ended).toBe("fin");
  });

  it("does not do what it was about to do by a timer of its own", async () => {
    const proxy = await lab.proxy(await lab.echo());
    use(fault("idle_kill", { after: "900ms" }));
    const client = lab.client(proxy);
    client.write("a");
    await turns();
    clock.standStill(5_000);
    // The fault's own timer is due first.
    clock.running.advance(900);
    client.write("b");
    await said(client, "ab");
    expect(client.end).toBe(null);
    expect(ended()).toBe("expired 0");
  });

  it("meets no exchange that comes then, on a connection that was there", async () => {
    const server = await lab.scripted();
    const proxy = await lab.http(server.port);
    use(fault("http_status", { status: 503 }));
    const client = lab.client(proxy);
    client.write(get("/one"));
    await answersTo(client, 1);
    clock.standStill(1_000);
    client.write(get("/two"));
    const [one, two] = await answersTo(client, 2);
    expect([one, two].map((answer) => answer?.head.split(" ")[1])).toEqual(["503", "200"]);
    expect(ended()).toBe("expired 1");
  });

  it("meets no handshake that comes then", async () => {
    const server = await lab.scripted();
    const proxy = await lab.http(server.port, { secure: secureSpec() });
    use(fault("tls_alert", { alert: "handshake_failure" }));
    clock.standStill(1_000);
    const client = await lab.secured(proxy);
    client.write(get("/one"));
    await said(client, "hello");
    expect(ended()).toBe("expired 0");
  });

  it("meets no datagram that comes then, of a flow that it had", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    use(fault("packet_loss", { loss: "100%" }, { directions: "upstream" }));
    client.send("one", proxy);
    await turns();
    clock.standStill(1_000);
    client.send("two", proxy);
    expect(await client.received(1)).toEqual(["two"]);
    expect(ended()).toBe("expired 1");
  });

  it("meets no answer that comes then", async () => {
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    use(fault("packet_loss", { loss: "100%" }, { directions: "downstream" }));
    client.send("one", proxy);
    await server.received(1);
    clock.standStill(1_000);
    const [from] = server.from;
    server.socket.send("answer", from?.port ?? 0, "127.0.0.1");
    expect(await client.received(1)).toEqual(["answer"]);
    expect(ended()).toBe("expired 0");
  });

  it("meets no question that comes then", async () => {
    const proxy = await dnsProxy(lab, { records: [address("jobs.test", "10.0.0.1")] });
    const client = await UdpClient.to(lab, proxy);
    use(fault("dns_rcode", { rcode: "nxdomain" }));
    expect(answerOf(await client.ask("jobs.test"))).toMatch(/^NXDOMAIN/u);
    clock.standStill(1_000);
    expect(answerOf(await client.ask("jobs.test"))).toBe("NOERROR | A 10.0.0.1");
    expect(ended()).toBe("expired 1");
  });

  it("gives way to the next phase as well", async () => {
    const proxy = await lab.proxy(await lab.echo());
    lab.use([], {
      phases: [
        { phase: "storm", for: 1_000, faults: [fault("reset", {})] },
        { phase: "calm", for: null, faults: [] },
      ],
    });
    clock.standStill(1_000);
    const client = lab.client(proxy);
    client.write("hello");
    await said(client, "hello");
    expect(lab.facts.of("phase_entered").map(({ phase }) => phase)).toEqual(["storm", "calm"]);
  });
});
