/** The faults of UDP on real sockets: shares, bursts, order and copies counted at the far end. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fault, Lab, until } from "../../support/lab.js";
import { flood, numbers, udpEcho, udpEnd, udpProxy } from "../../support/udp-lab.js";
import { scaled } from "../../support/scope.js";

const both = { directions: "both" } as const;
const N = scaled(4_000, 10_000);
const within = (share: number, n: number): number => 3 * Math.sqrt((share * (1 - share)) / n);

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  await lab.close();
});

describe("on real sockets", () => {
  it("the share that was asked for is lost, each way, and nothing else", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    lab.use([fault("packet_loss", { loss: "10%" })], { seed: 3 });
    await flood(client, proxy, N);
    await until(() => server.count === proxy.tally.delivered.upstream);
    await until(() => proxy.tally.received.downstream === server.count);
    await until(() => client.count === proxy.tally.delivered.downstream);
    expect(Math.abs(1 - server.count / N - 0.1)).toBeLessThan(within(0.1, N));
    expect(Math.abs(1 - client.count / server.count - 0.1)).toBeLessThan(within(0.1, server.count));
    const [book] = [...lab.ledger.books()];
    expect(book?.effects["lost"]).toBe(N + server.count - proxy.tally.delivered.upstream - client.count);
    expect(Object.values(proxy.tally.lost)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it("bursts have the mean length that was asked for", async () => {
    const [burst, share] = [5, 0.1];
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port);
    lab.use([fault("packet_loss", { loss: "10%", burst })], { seed: 3 });
    const client = await udpEnd(lab);
    await flood(client, proxy, N);
    await until(() => server.count === proxy.tally.delivered.upstream);
    const runs = numbers(server).flatMap((number, at, all) => {
      const gap = number - (all[at - 1] ?? -1) - 1;
      return gap > 0 ? [gap] : [];
    });
    const mean = runs.reduce((sum, run) => sum + run, 0) / runs.length;
    expect(Math.abs(mean - burst)).toBeLessThan(3 * Math.sqrt((burst * (burst - 1)) / runs.length));
    const rho = 1 - 1 / burst - share / (burst * (1 - share));
    const spread = within(share, N) * Math.sqrt((1 + rho) / (1 - rho));
    expect(Math.abs(1 - server.count / N - share)).toBeLessThan(spread);
  });

  it("copies and overtakings come as often as they were asked for", async () => {
    const server = await udpEnd(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    lab.use([fault("duplicate", { share: "5%" })], { seed: 3 });
    await flood(client, proxy, N);
    await until(() => server.count === proxy.tally.delivered.upstream);
    expect(new Set(numbers(server)).size).toBe(N);
    expect(Math.abs(server.count / N - 1 - 0.05)).toBeLessThan(within(0.05, N));
    server.got.length = 0;
    lab.use([fault("reorder", { share: "5%", by: 2, within: "10s" })], { seed: 3 });
    await flood(client, proxy, N);
    lab.heal();
    await until(() => server.got.length === N);
    let highest = -1;
    let late = 0;
    for (const number of numbers(server)) {
      if (number < highest) late++;
      highest = Math.max(highest, number);
    }
    expect(Math.abs(late / N - 0.05)).toBeLessThan(within(0.05, N));
  });

  it("a fault for one client leaves the other alone", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const [hit, spared] = [await udpEnd(lab), await udpEnd(lab, "127.0.0.2")];
    lab.use([fault("packet_loss", { loss: "100%" }, { match: [{ client: ["127.0.0.1"] }] })]);
    for (let n = 0; n < 50; n++) {
      hit.send(`${n}`, proxy);
      spared.send(`${n}`, proxy);
    }
    expect(await spared.received(50)).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
    expect(hit.count).toBe(0);
  });

  it("switching faults under traffic loses and doubles nothing that they do not ask for", async () => {
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port);
    const client = await udpEnd(lab);
    const harmless = [
      [fault("latency", { delay: "3ms", jitter: "2ms" }, both)],
      [fault("latency", { delay: "1ms" }, both), fault("bandwidth", { rate: "50MB/s" }, both)],
      [],
      [fault("reorder", { share: "20%", within: "2ms" })],
      [
        fault("bandwidth", { rate: "100MB/s", shared: "proxy" }, both),
        fault("latency", { delay: "2ms" }, both),
      ],
    ];
    for (let round = 0; round < 50; round++) {
      lab.use(harmless[round % harmless.length] ?? []);
      await flood(client, proxy, 40);
    }
    lab.heal();
    await until(() => client.count === 2_000);
    expect(server.count).toBe(2_000);
    expect(lab.context.budget.held).toBe(0);
    expect(lab.facts.of("mistake")).toEqual([]);
  });
});
