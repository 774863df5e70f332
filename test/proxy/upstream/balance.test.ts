/** Who is chosen of a pool: the ways of balancing as such, and on real sockets with members that fail. */
import { afterEach, describe, expect, it } from "vitest";
import type { Balance } from "../../../src/config/pool.js";
import { Balancer, type Choice } from "../../../src/proxy/upstream/balance.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { fault, profile } from "../../support/lab.js";
import { PoolLab } from "../../support/pool-lab.js";
import { randomOf } from "../../support/scripted-traffic.js";

interface Busy extends Choice {
  busy: number;
}

const members = (count: number): Busy[] =>
  Array.from({ length: count }, (_, index) => ({ name: `m${index}`, index, busy: 0 }));
const balancer = (balance: Balance, seed = 1): Balancer => new Balancer(balance, seed, "p");
const asker = (key: string): { bot: string; client: string } => ({ bot: key, client: "10.0.0.1" });

/** How far counts are from being even. */
function chiSquare(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

describe("round robin", () => {
  it("goes round, and round those that are left", () => {
    const of = balancer("round_robin");
    const all = members(3);
    const some = all.filter(({ index }) => index !== 1);
    const picked = [all, all, all, all, some, some, all].map(
      (choices) => of.pick(choices, asker("x"))?.index,
    );
    expect(picked).toEqual([0, 1, 2, 0, 2, 0, 1]);
  });
});

describe("random", () => {
  it("gives each as many as the others, the same for the same seed", () => {
    const draw = (seed: number): number[] => {
      const of = balancer("random", seed);
      return Array.from({ length: 10_000 }, () => of.pick(members(5), asker("x"))?.index ?? -1);
    };
    const counts = members(5).map(({ index }) => draw(1).filter((other) => other === index).length);
    // n = 10000, four degrees of freedom: above 18.5 with a chance of 0.1 %.
    expect(chiSquare(counts)).toBeLessThan(18.5);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });
});

describe("the hash", () => {
  const KEYS = Array.from({ length: 10_000 }, (_, key) => `bot-${key}`);
  const places = (choices: readonly Busy[]): string[] =>
    KEYS.map((key) => balancer("hash_bot").pick(choices, asker(key))?.name ?? "");

  it("spreads bots evenly, and sends each of them to the same one every time", () => {
    const all = members(5);
    const first = places(all);
    const counts = all.map(({ name }) => first.filter((place) => place === name).length);
    // n = 10000, four degrees of freedom: above 18.5 with a chance of 0.1 %.
    expect(chiSquare(counts)).toBeLessThan(18.5);
    expect(places([...all])).toEqual(first);
    expect(balancer("hash_bot", 9).pick(all, asker("bot-7"))?.name).toBe(first[7]);
  });

  it("moves only those whose upstream is away, spreads them over the others, and takes them back", () => {
    const all = members(5);
    const before = places(all);
    const without = places(all.filter(({ index }) => index !== 2));
    const moved = KEYS.map((_, i) => [before[i], without[i]] as const).filter(([from, to]) => from !== to);
    expect(new Set(moved.map(([from]) => from))).toEqual(new Set(["m2"]));
    expect(moved).toHaveLength(before.filter((place) => place === "m2").length);
    const to = ["m0", "m1", "m3", "m4"].map((name) => moved.filter(([, place]) => place === name).length);
    // About 2000, three degrees of freedom: above 16.3 with a chance of 0.1 %.
    expect(chiSquare(to)).toBeLessThan(16.3);
    expect(places(all)).toEqual(before);
  });

  it("goes by the client's address if it is told to", () => {
    const of = balancer("hash_client");
    const all = members(5);
    const from = (client: string): string | undefined => of.pick(all, { bot: String(Math.PI), client })?.name;
    const picked = Array.from({ length: 50 }, (_, i) => from(`10.0.0.${i}`));
    expect(new Set(picked).size).toBe(5);
    expect(of.pick(all, { bot: "another", client: "10.0.0.7" })?.name).toBe(picked[7]);
  });
});

describe("least connections", () => {
  it("never lets one have more than one above another where they come, and evens out what leaves unevenly", () => {
    const of = balancer("least_connections");
    const all = members(4);
    const random = randomOf(1, "least");
    const open: Busy[] = [];
    let unfair = 0;
    for (let step = 0; step < 20_000; step++) {
      // 40 open on average, and whoever leaves is drawn.
      if (open.length > 0 && random.chance(open.length / 80)) {
        const [left] = open.splice(random.integer(open.length), 1);
        if (left) left.busy--;
        continue;
      }
      const least = Math.min(...all.map(({ busy }) => busy));
      const chosen = of.pick(all, asker("x"));
      if (chosen === null) throw new Error("nobody was chosen");
      if (chosen.busy !== least) unfair++;
      chosen.busy++;
      open.push(chosen);
    }
    expect(unfair).toBe(0);
    const spread = Math.max(...all.map(({ busy }) => busy)) - Math.min(...all.map(({ busy }) => busy));
    expect(spread).toBeLessThan(10);
  });

  it("takes turns among equals, so that traffic that does not overlap is spread too", () => {
    const of = balancer("least_connections");
    const picked = Array.from({ length: 9 }, () => of.pick(members(3), asker("x"))?.index);
    expect(picked).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });
});

describe("a pool on real sockets", () => {
  let here: PoolLab;

  afterEach(async () => {
    await here.lab.close();
  });

  /** Comes and leaves again; `-` for those whom nobody greeted. */
  async function visit(proxy: TcpProxy): Promise<string> {
    const { client, by } = await here.greeted(proxy);
    client.socket.destroy();
    await here.settled(() => proxy.stats.connectionsActive === 0);
    return by === "" ? "-" : by;
  }

  it("sends newcomers to the one that others have left", async () => {
    here = new PoolLab();
    const proxy = await here.tcp(["a", "b", "c"], { balance: "least_connections" });
    const open = [];
    for (let i = 0; i < 12; i++) open.push(await here.greeted(proxy));
    expect(open.map(({ by }) => by).join("")).toBe("abcabcabcabc");
    for (const { client, by } of open) if (by === "b") client.socket.destroy();
    await here.settled(() => proxy.stats.connectionsActive === 8);
    const next = [];
    for (let i = 0; i < 4; i++) next.push((await here.greeted(proxy)).by);
    expect(next.join("")).toBe("bbbb");
    expect(proxy.pool.members.map(({ busy, selected }) => [busy, selected])).toEqual([
      [4, 4],
      [4, 8],
      [4, 4],
    ]);
  });

  it("ejects a black-holed member after failures in a row, tries it again in time, and takes it back when it is well", async () => {
    here = new PoolLab();
    const proxy = await here.tcp(["a", "b"], { eject: { failures: 3, for: 5_000 } });
    here.use(
      profile([
        fault("flap", { targets: ["a"], down: "blackhole", pattern: ["down 10s", "up 1h"], count: 1 }),
      ]),
    );
    // The dialler's patience is a second.
    const patient = async (): Promise<string> => {
      const client = here.lab.client(proxy);
      await here.settled(() => proxy.stats.connectionsActive === 1);
      while (client.length === 0 && client.end === null) await here.passes(100);
      client.socket.destroy();
      await here.settled(() => proxy.stats.connectionsActive === 0);
      return `${here.now} ${client.text === "" ? "-" : client.text}`;
    };
    const told = [];
    for (let i = 0; i < 3; i++) told.push(await patient());
    expect(told).toEqual(["1000 -", "2000 -", "3000 -"]);
    expect(await visit(proxy)).toBe("b");
    await here.passes(4_900);
    expect(await visit(proxy)).toBe("b");
    await here.passes(100);
    // Let in again, and still dead.
    expect(await patient()).toBe("9000 -");
    await here.passes(1_000);
    expect(await visit(proxy)).toBe("a");
    const changes = here.lab.facts.of("upstream_changed").map(({ upstream, up }) => `${upstream} ${up}`);
    expect(changes).toEqual(["a false", "a true"]);
  });

  it("takes a black-holed member out by health checks and brings it back, at the checks that decide it", async () => {
    here = new PoolLab();
    const health = { path: null, interval: 2_000, timeout: 1_000, fall: 3, rise: 2 };
    const proxy = await here.tcp(["a", "b"], { health });
    here.use(
      profile([
        fault("flap", { targets: ["a"], down: "blackhole", pattern: ["down 9s", "up 1h"], count: 1 }),
      ]),
    );
    const changes: string[] = [];
    for (let seen = 0; here.now < 20_000; await here.passes(100)) {
      const facts = here.lab.facts.of("upstream_changed");
      for (; seen < facts.length; seen++)
        changes.push(`${here.now} ${facts[seen]!.upstream} ${facts[seen]!.up ? "up" : "down"}`);
    }
    // Checks of a are due at 0, 2, 4 ... s and give up after 1 s: the third fails at 5 s. Well again from 10 s on: the second is at 12 s.
    expect(changes).toEqual(["5000 a down", "12000 a up"]);
    expect(await visit(proxy)).toBe("a");
  });

  it("takes nobody out for failures that are not in a row", async () => {
    here = new PoolLab();
    const health = { path: null, interval: 2_000, timeout: 1_000, fall: 3, rise: 2 };
    const proxy = await here.tcp(["a", "b"], { health });
    // Of three checks of a, at 0, 2 and 4 s, two fail.
    here.use(profile([fault("flap", { targets: ["a"], pattern: ["down 3s", "up 3s"] })]));
    while (here.now < 30_000) await here.passes(100);
    expect(here.lab.facts.of("upstream_changed")).toEqual([]);
    await here.passes(4_000);
    expect(await visit(proxy)).toBe("a");
  });

  it("tells a client of an http proxy 503 when health checks have taken everybody out", async () => {
    here = new PoolLab();
    const health = { path: "/healthz", interval: 1_000, timeout: 500, fall: 2, rise: 1 };
    const proxy = await here.http(["a", "b"], { health }, "haproxy");
    here.use(
      profile([fault("flap", { down: "status", status: 500, pattern: ["down 10s", "up 1h"], count: 1 })]),
    );
    for (let at = 0; at < 5_000; at += 100) await here.passes(100);
    const client = here.lab.client(proxy);
    expect((await here.asked(client, 0))?.head).toMatch(/^HTTP\/1\.1 503 /u);
    for (let at = 0; at < 8_000; at += 100) await here.passes(100);
    const later = here.lab.client(proxy);
    expect((await here.asked(later, 0))?.body).toBe("a");
  });
});
