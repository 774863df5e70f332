/** What Toxiproxy's users are promised in figures, against a daemon that is a process of its own. Needs a build. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RawHttp } from "../compat/compat-lab.js";
import { StalledCrowd } from "../compat/stalled.js";
import { storm } from "../compat/storm.js";
import { Lab, type Client } from "../support/lab.js";
import { Workshop } from "../support/process.js";

let shop: Workshop;
let lab: Lab;
let url: URL;
let raw: RawHttp;

beforeEach(async () => {
  shop = new Workshop();
  lab = new Lab();
  url = new URL((await shop.daemon({ limits: { held: "64MiB" } })).admin);
  raw = new RawHttp(url);
});

afterEach(async () => {
  raw.close();
  await lab.close();
  await shop.close();
});

async function proxy(upstream: number, toxic?: object): Promise<number> {
  const body = { name: "p", listen: "127.0.0.1:0", upstream: `127.0.0.1:${upstream}` };
  const made = await raw.ask("POST", "/proxies", JSON.stringify(body));
  if (toxic !== undefined) await raw.ask("POST", "/proxies/p/toxics", JSON.stringify(toxic));
  return Number((JSON.parse(made.body) as { listen: string }).listen.split(":")[1]);
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const at = (values: readonly number[], share: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;

describe("the admin port", () => {
  it("answers 50,000 random requests under traffic, each within 250 ms", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const echo = await lab.echo();
    const report = await storm({ url, requests: 50_000, seed, echo, dead: await lab.deadPort() });
    const { statuses, slowest, connections, bytes, wrong } = report;
    console.log(
      `seed ${seed}: ${JSON.stringify(statuses)}; slowest ${slowest.millis.toFixed(1)} ms (${slowest.what}); ` +
        `${connections} connections, ${bytes} bytes`,
    );
    expect(wrong, `seed ${seed}`).toEqual([]);
    expect(slowest.millis).toBeLessThan(250);
    const journal = await raw.ask("GET", "/journal?limit=1000");
    expect(journal.body).not.toContain('"kind":"mistake"');
  });

  it("adds, changes and removes a toxic a thousand times on 200 clients that stopped reading, each within 100 ms", async () => {
    const crowd = await StalledCrowd.gather(url, 200);
    // The journal fills up first, and the heap finds its size.
    await crowd.disturb(500);
    const before = await crowd.memory();
    crowd.calls.length = 0;
    await crowd.disturb(1_000);
    const { calls, slowest } = crowd;
    const after = await crowd.memory();
    const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    console.log(
      `${calls.length} calls, median ${at(calls, 0.5).toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms; ` +
        `memory ${mib(before)} after 500 rounds, ${mib(after)} after 1500`,
    );
    expect(crowd.ends).toEqual([]);
    expect(slowest).toBeLessThan(100);
    expect(after - before).toBeLessThan(64 * 2 ** 20);
    crowd.leave();
    let left = await crowd.status();
    while (left.connections > 0) left = await crowd.status();
    expect(left.held_bytes).toBe(0);
    crowd.close();
  });
});

describe("times", () => {
  const PAUSE_MS = 20;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

  it("latency is kept to 10 ms, chunk by chunk", async () => {
    const upstream = await lab.upstream();
    const port = await proxy(upstream.port, { type: "latency", attributes: { latency: 100 } });
    const client = lab.client(port);
    const peer = await upstream.next();
    const arrivals: number[] = [];
    client.socket.on("data", () => arrivals.push(performance.now()));
    const sent: number[] = [];
    for (let n = 0; n < 100; n++) {
      sent.push(performance.now());
      peer.write("x");
      await pause();
    }
    await client.received(100);
    const errors = arrivals.map((time, index) => time - (sent[index] ?? 0) - 100);
    console.log(
      `latency of 100 ms: off by ${at(errors, 0).toFixed(2)} to ${at(errors, 1).toFixed(2)} ms, median ${at(errors, 0.5).toFixed(2)}`,
    );
    expect(arrivals).toHaveLength(100);
    // One in a hundred may be held up by whatever else the machine does.
    expect(errors.filter((error) => Math.abs(error) >= 10).length).toBeLessThanOrEqual(1);
  });

  it("480 KB at 1000 KB/s take 480 ms, give or take 10", async () => {
    const upstream = await lab.upstream();
    const port = await proxy(upstream.port, { type: "bandwidth", attributes: { rate: 1_000 } });
    const taken: number[] = [];
    for (let n = 0; n < 5; n++) {
      const client = lab.client(port);
      const peer = await upstream.next();
      await pause();
      const before = performance.now();
      peer.write(Buffer.alloc(480_000));
      await client.received(480_000);
      taken.push(performance.now() - before);
    }
    console.log(`480 KB at 1000 KB/s: ${taken.map((time) => time.toFixed(1)).join(", ")} ms`);
    for (const time of taken) expect(Math.abs(time - 480)).toBeLessThan(10);
  });

  it("a byte takes less than 300 µs longer one way than without the proxy", async () => {
    const echo = await lab.echo();
    const port = await proxy(echo);
    const roundTrips = async (client: Client): Promise<number> => {
      const before = performance.now();
      for (let n = 0; n < 3_000; n++) {
        client.write("x");
        await client.received(client.length + 1);
      }
      return ((performance.now() - before) * 1_000) / 3_000;
    };
    const [direct, through] = [lab.client(echo), lab.client(port)];
    await roundTrips(direct);
    await roundTrips(through);
    const overheads: number[] = [];
    for (let n = 0; n < 5; n++) {
      const base = await roundTrips(direct);
      overheads.push(((await roundTrips(through)) - base) / 2);
    }
    console.log(
      `one-way overhead: ${sorted(overheads)
        .map((one) => one.toFixed(0))
        .join(", ")} µs`,
    );
    expect(at(overheads, 0.5)).toBeLessThan(300);
  });

  it("an upstream that is down shows as an end within 500 ms", async () => {
    const port = await proxy(await lab.deadPort());
    for (let n = 0; n < 20; n++) {
      const before = performance.now();
      const client = lab.client(port);
      client.write("anybody there?");
      expect(await client.ended).toBe("fin");
      expect(performance.now() - before).toBeLessThan(500);
    }
  });
});
