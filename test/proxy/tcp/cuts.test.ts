/** Faults that end connections or keep their ends back, as clients and servers see them on the wire. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import type { CompiledFault } from "../../../src/plan/value.js";
import { tagging } from "../../support/test-faults.js";
import { fault, timeLab, turns, until, type Client, type Lab, type Upstream } from "../../support/lab.js";

let lab: Lab;
let time: VirtualClock;
let upstream: Upstream;
let proxy: TcpProxy;

async function open(): Promise<void> {
  ({ lab, time } = timeLab());
  upstream = await lab.upstream();
  proxy = await lab.proxy(upstream.port);
}

afterEach(() => lab.close());

/** A connection that is open before the fault comes, or one that comes after it. */
const AGES = ["live", "new"] as const;
async function under(
  age: (typeof AGES)[number],
  faults: Parameters<Lab["use"]>[0],
  options: { reading?: boolean } = {},
): Promise<{ client: Client; peer: Client }> {
  await open();
  if (age === "new") lab.use(faults);
  const ends = await lab.through(proxy, upstream, options);
  if (age === "live") lab.use(faults);
  return ends;
}

const idle = (): Promise<void> => until(() => proxy.stats.connectionsActive === 0);
const effects = (): string[] => lab.facts.of("fault_hit").map(({ effect }) => effect);

async function pingPong({ client, peer }: { client: Client; peer: Client }): Promise<void> {
  const [there, back] = [peer.length, client.length];
  client.write("ping");
  await peer.received(there + 4);
  peer.write("pong");
  await client.received(back + 4);
}

describe("reset", () => {
  it.each(AGES)("tears a %s connection down with an RST to both sides", async (age) => {
    const { client, peer } = await under(age, [fault("reset")]);
    expect(await client.ended).toBe("reset");
    expect(await peer.ended).toBe("reset");
    await idle();
    expect(effects()).toEqual(["reset"]);
  });

  it.each(AGES)("waits for its time on a %s connection, busy or not", async (age) => {
    const { client, peer } = await under(age, [fault("reset", { after: "2s" })]);
    time.advance(1_999);
    await pingPong({ client, peer });
    time.advance(1);
    expect(await client.ended).toBe("reset");
    expect(await peer.ended).toBe("reset");
  });

  it("counts the bytes of both directions, and lets exactly so many by", async () => {
    const { client, peer } = await under("live", [fault("reset", { after: "10B" })]);
    client.write("123456");
    await peer.received(6);
    peer.write("1234567");
    await client.received(4);
    expect(await client.ended).toBe("reset");
    expect(client.text).toBe("1234");
  });

  it("leaves a connection alone when it is taken away in time", async () => {
    const ends = await under("live", [fault("reset", { after: "2s" })]);
    time.advance(1_999);
    lab.heal();
    time.advance(10_000);
    await pingPong(ends);
    expect(time.idle).toBe(true);
  });

  it("can be given another time while it waits", async () => {
    const { client } = await under("live", [fault("reset", { after: "2s" })]);
    time.advance(1_000);
    lab.change([fault("reset", { after: "5s" })]);
    time.advance(3_999);
    await turns();
    expect(client.end).toBeNull();
    time.advance(1);
    expect(await client.ended).toBe("reset");
  });

  it("can be told to strike at once instead", async () => {
    const { client } = await under("live", [fault("reset", { after: "2s" })]);
    lab.change([fault("reset")]);
    expect(await client.ended).toBe("reset");
  });
});

describe("truncate", () => {
  const data = randomBytes(300_000);

  /** What is sent fills the kernel's buffers and the proxy's own, and then no byte more may pass. */
  async function cutWhileNobodyReads(then: "close" | "reset") {
    const ends = await under("new", [fault("truncate", { after: "1GB", then })], { reading: false });
    const sent = randomBytes(20_000_000);
    ends.peer.write(sent);
    for (let before = -1; before !== proxy.stats.bytesOut.downstream; await turns(50)) {
      before = proxy.stats.bytesOut.downstream;
    }
    lab.change([fault("truncate", { after: "1B", then })]);
    const through = proxy.stats.bytesOut.downstream;
    expect(through).toBeLessThan(sent.length);
    time.advance(20_000);
    return { ...ends, sent, through };
  }

  // Before an RST so many that any kernel has room for them: it takes with it what waits for a reader.
  it.each([
    ["close", 100_000],
    ["reset", 30_000],
  ] as const)("ends with %s behind exactly %d bytes", async (then, after) => {
    const { client, peer } = await under("new", [fault("truncate", { after: `${after}B`, then })]);
    peer.write(data);
    expect(await client.ended).toBe(then === "close" ? "fin" : "reset");
    expect(client.bytes.equals(data.subarray(0, after))).toBe(true);
    if (then === "reset") await peer.broken();
    else expect(await peer.ended).toBe("fin");
    expect(lab.facts.of("fault_hit")[0]?.detail).toEqual({ at_byte: after });
  });

  it("ends with an RST behind fewer bytes for a reader that has no room for more", async () => {
    const { client, peer, sent, through } = await cutWhileNobodyReads("reset");
    await peer.broken();
    client.read();
    expect(await client.ended).toBe("reset");
    expect(client.length).toBeLessThan(through);
    expect(client.bytes.equals(sent.subarray(0, client.length))).toBe(true);
  });

  it("gives a reader that pauses for long every byte that was let through before a close", async () => {
    const { client, sent, through } = await cutWhileNobodyReads("close");
    await turns();
    client.read();
    expect(await client.ended).toBe("fin");
    expect(client.bytes.equals(sent.subarray(0, through))).toBe(true);
  });

  it("gives a reader that comes late every byte before an RST, as far as the network has them", async () => {
    const { client, peer } = await under("new", [fault("truncate", { after: "30000B", then: "reset" })], {
      reading: false,
    });
    peer.write(data);
    await peer.broken();
    client.read();
    expect(await client.ended).toBe("reset");
    expect(client.bytes.equals(data.subarray(0, 30_000))).toBe(true);
  });

  it("keeps the connection and the other direction open when it hangs, and resets it when it is taken away", async () => {
    const { client, peer } = await under("live", [fault("truncate", { after: "5B", then: "hang" })]);
    peer.write("1234567890");
    await client.received(5);
    client.write("still here");
    await peer.received(10);
    peer.fin();
    await turns();
    expect([client.text, client.end]).toEqual(["12345", null]);
    lab.heal();
    expect(await client.ended).toBe("reset");
  });

  it("lets a connection live on that had not lost anything yet when it is taken away", async () => {
    const ends = await under("live", [fault("truncate", { after: "50B" })]);
    await pingPong(ends);
    lab.heal();
    for (let round = 0; round < 20; round++) await pingPong(ends);
  });

  it("cuts upstream bytes when told so", async () => {
    const { client, peer } = await under("new", [
      fault("truncate", { after: "3B" }, { directions: "upstream" }),
    ]);
    client.write("12345");
    expect(await peer.ended).toBe("fin");
    expect(peer.text).toBe("123");
    expect(await client.ended).toBe("fin");
  });

  it("cuts at byte 0 without waiting for one", async () => {
    const { client } = await under("live", [fault("truncate", { after: "0B" })]);
    time.advance(0);
    expect(await client.ended).toBe("fin");
    expect(client.length).toBe(0);
  });
});

describe("cut", () => {
  it.each([
    ["reset", "reset"],
    ["close", "fin"],
  ] as const)("cuts a busy connection after a time with %s", async (then, seen) => {
    const { client, peer } = await under("live", [fault("cut", { after: "30s", then })]);
    for (let second = 0; second < 29; second++) {
      await pingPong({ client, peer });
      time.advance(1_000);
    }
    expect(client.end).toBeNull();
    time.advance(1_000);
    expect(await client.ended).toBe(seen);
    expect(await peer.ended).toBe(seen);
  });

  it("goes silent both ways when it hangs, and is reset on heal because bytes were lost", async () => {
    const { client, peer } = await under("live", [fault("cut", { after: "4B", then: "hang" })]);
    client.write("12345678");
    await peer.received(4);
    peer.write("to nobody");
    await until(() => proxy.stats.bytesIn.downstream === 9);
    expect([peer.text, client.text]).toEqual(["1234", ""]);
    lab.heal();
    expect(await client.ended).toBe("reset");
    expect(await peer.ended).toBe("reset");
  });
});

describe("blackhole", () => {
  it.each(AGES)(
    "holds both directions of a %s connection and delivers on heal without a FIN",
    async (age) => {
      const { client, peer } = await under(age, [fault("blackhole")]);
      const up = randomBytes(200_000);
      client.write(up);
      peer.write("down");
      time.advance(3_600_000);
      await turns();
      expect([peer.length, client.length]).toEqual([0, 0]);
      lab.heal();
      await peer.received(up.length);
      await client.received(4);
      expect(peer.bytes.equals(up)).toBe(true);
      await turns();
      expect([client.end, peer.end]).toEqual([null, null]);
      await pingPong({ client, peer });
      expect(lab.context.budget.held).toBe(0);
    },
  );

  it("keeps what was cut off by a FIN, and hands on both", async () => {
    const { client, peer } = await under("live", [fault("blackhole")]);
    client.write("goodbye");
    client.fin();
    await turns();
    expect([peer.text, peer.end]).toEqual(["", null]);
    lab.heal();
    expect(await peer.ended).toBe("fin");
    expect(peer.text).toBe("goodbye");
  });

  it.each(AGES)("makes the sender of a %s connection wait: one read is taken at the most", async (age) => {
    const { client, peer } = await under(age, [fault("blackhole")]);
    for (const end of [client, peer]) end.write(Buffer.alloc(50_000_000));
    await turns(200);
    for (const direction of ["upstream", "downstream"] as const) {
      expect(proxy.stats.bytesIn[direction]).toBeLessThanOrEqual(65_536);
    }
    for (const end of [client, peer]) expect(end.socket.writableLength).toBeGreaterThan(0);
  });

  it("holds one direction alone when told so", async () => {
    const { client, peer } = await under("live", [fault("blackhole", {}, { directions: "downstream" })]);
    client.write("request");
    await peer.received(7);
    peer.write("answer");
    await turns();
    expect(client.text).toBe("");
    lab.heal();
    await client.received(6);
  });
});

describe("timeout", () => {
  it.each(AGES)("closes a %s connection when its time is up, however chatty the peer", async (age) => {
    const { client, peer } = await under(age, [fault("timeout", { after: "5s" })]);
    for (let tick = 0; tick < 49; tick++) {
      client.write("are you there?");
      peer.write("yes!");
      await turns(2);
      time.advance(100);
    }
    expect([client.end, peer.end, client.length, peer.length]).toEqual([null, null, 0, 0]);
    time.advance(100);
    expect(await client.ended).toBe("fin");
    expect(await peer.ended).toBe("fin");
    expect(client.length).toBe(0);
  });

  it("closes connections when it is taken away, even where nothing was swallowed", async () => {
    const { client, peer } = await under("live", [fault("timeout")]);
    time.advance(1_000_000);
    await turns();
    expect(client.end).toBeNull();
    lab.heal();
    expect(await client.ended).toBe("fin");
    expect(await peer.ended).toBe("fin");
  });
});

describe("half_open", () => {
  it.each(["client", "peer"] as const)("hides a FIN of the %s until it is healed", async (who) => {
    const ends = await under("live", [fault("half_open")]);
    const other = ends[who === "client" ? "peer" : "client"];
    ends[who].write("last words");
    ends[who].fin();
    await other.received(10);
    await turns();
    expect(other.end).toBeNull();
    expect(effects()).toEqual(["withheld"]);
    lab.heal();
    expect(await other.ended).toBe("fin");
  });

  it.each(["client", "peer"] as const)("hides an RST of the %s until it is healed", async (who) => {
    const ends = await under("new", [fault("half_open")]);
    const other = ends[who === "client" ? "peer" : "client"];
    ends[who].rst();
    await lab.facts.first("fault_hit");
    other.write("hello? ".repeat(100));
    await turns();
    expect(other.end).toBeNull();
    expect(proxy.stats.bytesOut).toEqual({ upstream: 0, downstream: 0 });
    lab.heal();
    expect(await other.ended).toBe("reset");
    await idle();
  });
});

describe("slow_close", () => {
  it.each(AGES)("holds the FIN of a %s connection back, but not the bytes before it", async (age) => {
    const { client, peer } = await under(age, [fault("slow_close", { delay: "2s" })]);
    peer.write("all of it");
    peer.fin();
    await client.received(9);
    await lab.facts.first("fault_hit");
    time.advance(1_999);
    await turns();
    expect(client.end).toBeNull();
    time.advance(1);
    expect(await client.ended).toBe("fin");
  });

  it("lets the FIN go when it is taken away", async () => {
    const { client, peer } = await under("live", [fault("slow_close", { delay: "2s" })]);
    peer.fin();
    await lab.facts.first("fault_hit");
    lab.heal();
    expect(await client.ended).toBe("fin");
  });
});

describe("idle_kill", () => {
  it.each([
    ["close", "fin"],
    ["reset", "reset"],
  ] as const)("ends an idle connection with %s, and not one that talks", async (how, seen) => {
    const quiet = await under("live", [fault("idle_kill", { after: "60s", how })]);
    const chatty = await lab.through(proxy, upstream);
    for (let half = 0; half < 3; half++) {
      time.advance(30_000);
      await pingPong(chatty);
    }
    expect(await quiet.client.ended).toBe(seen);
    expect(await quiet.peer.ended).toBe(seen);
    expect(chatty.client.end).toBeNull();
  });

  it("forgets silently, as a NAT does: bytes vanish and nobody is told", async () => {
    const { client, peer } = await under("live", [fault("idle_kill", { after: "60s", how: "silent" })]);
    time.advance(60_000);
    client.write("are you there?");
    await turns();
    expect([peer.length, client.end, peer.end]).toEqual([0, null, null]);
  });
});

describe("switching faults on and off", () => {
  it("lets a new fault act on what is under way and takes an old one out without a byte lost", async () => {
    const { client, peer } = await under("live", [fault("latency", { delay: "1s" })]);
    peer.write("first ");
    await until(() => lab.context.budget.held === 6);
    lab.use([fault("latency", { delay: "3s" })]);
    await client.received(6);
    peer.write("second ");
    await until(() => lab.context.budget.held === 7);
    lab.change([fault("latency", { delay: "1s" })]);
    time.advance(999);
    await turns();
    expect(client.text).toBe("first ");
    time.advance(1);
    await client.received(13);
    peer.write("third");
    await until(() => lab.context.budget.held === 5);
    lab.heal();
    await client.received(18);
    expect(client.text).toBe("first second third");
  });

  it("puts what comes into its place among those that are there: toxics first, then in order", async () => {
    ({ lab, time } = timeLab({ types: [tagging] }));
    upstream = await lab.upstream();
    proxy = await lab.proxy(upstream.port);
    const tag = (name: string): CompiledFault => ({
      ...fault("half_open", {}, { name, directions: "downstream" }),
      type: "test_tagging",
      params: { tag: name },
    });
    const { client, peer } = await lab.through(proxy, upstream);
    const seen = async (letters: number): Promise<string> => {
      const before = client.length;
      peer.write("x");
      return (await client.received(before + 2 ** letters)).toString().slice(before);
    };
    lab.use([tag("a")]);
    expect(await seen(1)).toBe("xa");
    lab.change([tag("a"), tag("b")]);
    expect(await seen(2)).toBe("xbab");
    lab.plan.setToxics("jobs", [tag("t")]);
    expect(await seen(3)).toBe("xbabtbab");
    lab.plan.setToxics("jobs", []);
    lab.change([tag("b"), tag("a")]);
    expect(await seen(2)).toBe("xaba");
    lab.change([tag("c"), tag("b")]);
    expect(await seen(2)).toBe("xbcb");
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });

  it("moves a live fault to the other direction when its text says so", async () => {
    const { client, peer } = await under("live", [fault("latency", { delay: "1s" })]);
    lab.change([fault("latency", { delay: "1s" }, { directions: "upstream" })]);
    peer.write("at once");
    await client.received(7);
    client.write("later");
    await until(() => lab.context.budget.held === 5);
    time.advance(1_000);
    await peer.received(5);
  });

  it("takes a parameter back that is not given any more", async () => {
    const { client } = await under("live", [fault("timeout", { after: "5s" })]);
    lab.change([fault("timeout")]);
    time.advance(60_000);
    await turns();
    expect(client.end).toBeNull();
  });
});
