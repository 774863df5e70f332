/**
 * The profiles of flapping pools on real sockets: what is chosen, what is refused and what is cut, against the rhythm.
 * A client comes every 20 ms of a clock that moves when told, so no edge may be off by more than that.
 */
import { afterEach, describe, expect, it } from "vitest";
import type { CompiledProfile } from "../../../src/plan/value.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { turns, type Client } from "../../support/lab.js";
import { scaled } from "../../support/scope.js";
import { PoolLab, shipped } from "../../support/pool-lab.js";

const STEP = 20;
const LONG = scaled(10_500, 16_000);

let here: PoolLab;

afterEach(async () => {
  await here.lab.close();
});

interface Story {
  /** `3000 -`, `3300 a`: where clients landed from then on; `-` for those who were refused. */
  readonly landed: string[];
  /** `3000 a`: when connections that were kept open were cut, and whose. */
  readonly cut: string[];
}

/** A client every step; each that comes at a whole second is kept open, and watched. */
async function story(compiled: CompiledProfile, length: number, seed?: number): Promise<Story> {
  const proxy: TcpProxy = await here.tcp(["a", "b", "c"]);
  here.use(compiled, seed);
  const landed: string[] = [];
  const cut: string[] = [];
  const open = new Map<Client, string>();
  for (; here.now <= length; await here.passes(STEP)) {
    for (const [client, by] of open) {
      if (client.end === null) continue;
      expect(client.end).toBe("reset");
      if (cut.at(-1) !== `${here.now} ${by}`) cut.push(`${here.now} ${by}`);
      open.delete(client);
    }
    const { client, by } = await here.greeted(proxy);
    const line = by === "" ? "-" : by;
    if (landed.at(-1)?.split(" ")[1] !== line) landed.push(`${here.now} ${line}`);
    if (by !== "" && here.now % 1_000 === 0) open.set(client, by);
    else client.socket.destroy();
  }
  return { landed, cut };
}

describe("a pool whose upstreams flap, behind a tcp proxy", () => {
  it("double-blip: refuses and cuts twice, in the moments of the profile", async () => {
    here = new PoolLab();
    const { landed, cut } = await story(await shipped("lb-double-blip", { target: "a" }), 7_000);
    expect(landed).toEqual(["0 a", "3000 -", "3300 a", "4800 -", "5100 a"]);
    expect(cut).toEqual(["3000 a", "4800 a"]);
  });

  it("deploy: takes each out once, one after the other, and cuts nothing", async () => {
    here = new PoolLab();
    const proxy = await here.tcp(["a", "b", "c"], { balance: "round_robin" });
    here.use(await shipped("lb-deploy", { away: "2s", rest: "4s", warm_up: "1ms", cold: "0ms" }));
    const chosen: string[] = [];
    const kept: Client[] = [];
    for (let tour = ""; here.now < 8_000; await here.passes(STEP)) {
      const { client, by } = await here.greeted(proxy);
      kept.push(client);
      tour = (tour + by).slice(-3);
      // Whom three choices in a row fell on: with one away, two of them fall on the same.
      const who = [...new Set(tour)].sort().join("");
      if (tour.length === 3 && chosen.at(-1)?.split(" ")[1] !== who)
        chosen.push(`${here.now - 2 * STEP} ${who}`);
    }
    const calm = chosen.filter((line) => !line.endsWith(" abc"));
    expect(calm.map((line) => line.split(" ")[1])).toEqual(["bc", "ac", "ab"]);
    for (const [index, line] of calm.entries())
      expect(Math.abs(Number(line.split(" ")[0]) - index * 2_000)).toBeLessThanOrEqual(2 * STEP);
    expect(chosen.at(-1)).toMatch(/^(?:59[68]0|60[024]0) abc$/u);
    expect(kept.filter(({ end }) => end !== null)).toEqual([]);
  });

  it("health-check-flap: chooses by who is in, the same for the same seed and otherwise for another", async () => {
    here = new PoolLab();
    const compiled = await shipped("lb-health-check-flap", { up: "3s", down: "1500ms", jitter: "500ms" });
    const first = await story(compiled, LONG, 1);
    // Edges of a: away from it, and back to it.
    const left = first.landed.filter(
      (line, i) => i > 0 && !line.endsWith(" a") && first.landed[i - 1]?.endsWith(" a"),
    );
    const back = first.landed.filter((line, i) => i > 0 && line.endsWith(" a"));
    const at = (line: string | undefined): number => Number(line?.split(" ")[0]);
    expect(back.length).toBeGreaterThanOrEqual(2);
    for (const line of back) {
      const gone = left.filter((other) => at(other) < at(line)).at(-1);
      expect(Math.abs(at(line) - at(gone) - 1_500)).toBeLessThanOrEqual(STEP);
      const next = left.find((other) => at(other) > at(line));
      // 3 s, and jitter of 500 ms on both sides.
      if (next !== undefined) expect(Math.abs(at(next) - at(line) - 3_000)).toBeLessThanOrEqual(1_000 + STEP);
    }
    expect(first.cut).toEqual([]);
    await here.lab.close();
    here = new PoolLab();
    expect(await story(compiled, LONG, 1)).toEqual(first);
    await here.lab.close();
    here = new PoolLab();
    expect(await story(compiled, LONG, 2)).not.toEqual(first);
  });

  it("heal-storm: nobody, and everybody again in one moment", async () => {
    here = new PoolLab();
    const { landed, cut } = await story(await shipped("lb-heal-storm", { calm: "1s", away: "3s" }), 5_000);
    expect(landed).toEqual(["0 a", "1000 -", "4000 a"]);
    expect(cut).toEqual(["1000 a"]);
    expect(here.lab.facts.of("connection_failed")).toEqual([]);
  });

  it("tells each outage with its length, and no mistake is made on the way", async () => {
    here = new PoolLab();
    await story(await shipped("lb-double-blip", { target: "a" }), 7_000);
    const downs = here.lab.facts.of("fault_hit").filter(({ effect }) => effect === "went_down");
    expect(downs.map(({ detail }) => detail)).toEqual([
      { upstream: "a", down_for_ms: 300 },
      { upstream: "a", down_for_ms: 300 },
    ]);
    expect(here.lab.facts.of("mistake")).toEqual([]);
  });
});

describe("a pool whose upstreams flap, behind an http proxy", () => {
  it("deploy: a client on one connection sees no failure, and is sent elsewhere while its upstream is away", async () => {
    here = new PoolLab();
    const proxy = await here.http(["a", "b"]);
    here.use(await shipped("lb-deploy", { away: "1s", rest: "1s", warm_up: "1ms", cold: "0ms" }));
    const client = here.lab.client(proxy);
    const bodies: string[] = [];
    for (; here.now <= 3_000; await here.passes(STEP)) {
      const answer = await here.asked(client);
      if (bodies.at(-1)?.split(" ")[1] !== answer?.body) bodies.push(`${here.now} ${String(answer?.body)}`);
    }
    expect(bodies).toEqual(["0 b", "1000 a"]);
    expect(client.end).toBeNull();
  });

  it("fast-flap: requests fail in the outages and in no other moment", async () => {
    here = new PoolLab();
    const proxy = await here.http(["a"]);
    here.use(await shipped("lb-fast-flap"));
    const lines: string[] = [];
    for (; here.now <= 1_000; await here.passes(STEP)) {
      const client = here.lab.client(proxy);
      const answer = await here.asked(client, 0);
      const status = answer?.head.split(" ")[1] ?? "-";
      if (lines.at(-1)?.split(" ")[1] !== status) lines.push(`${here.now} ${status}`);
      client.socket.destroy();
    }
    expect(lines.map((line) => line.replace(/ 5..$/u, " 5xx"))).toEqual([
      "0 200",
      "200 5xx",
      "400 200",
      "600 5xx",
      "800 200",
      "1000 5xx",
    ]);
  });

  it("answers 503 in the persona's words while an upstream comes back half-healthy", async () => {
    here = new PoolLab();
    const proxy = await here.http(["a"]);
    here.use(await shipped("lb-returns-cold", { calm: "1ms", away: "1s", cold: "0ms", failing: "100%" }));
    await here.passes(1_500);
    const client = here.lab.client(proxy);
    expect((await here.asked(client, 0))?.head).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/u);
    await turns();
    await here.passes(20_000);
    const later = here.lab.client(proxy);
    expect((await here.asked(later, 0))?.head).toMatch(/^HTTP\/1\.1 200 /u);
  });
});
