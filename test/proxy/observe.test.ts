/** What observing says of connections, datagrams and questions is what injecting would do to them, by the same draws. */
import { describe, expect, it } from "vitest";
import type { VirtualClock } from "../../src/core/clock.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { DatagramBench } from "../support/datagram-bench.js";
import { address, dnsProxy, question, UdpClient } from "../support/dns-lab.js";
import { fault, timeLab, turns } from "../support/lab.js";

const LAST = 16;

type Mode = "inject" | "observe";

const CONNECTIONS: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  accept_delay: [{ delay: "1ms" }],
  bandwidth: [{ rate: "50kB/s", burst: "0B" }],
  blackhole: [{ part: "50%" }],
  connection_limit: [{ max: 0 }, { max: 1 }],
  corrupt: [{ rate: "0.02%" }],
  cut: [{ after: "1KiB" }, { after: "10KiB" }],
  down: [{ refuse: "close" }],
  half_open: [{}],
  idle_kill: [{ after: "10s", how: "reset" }],
  latency: [{ delay: "1ms" }],
  noop: [{}],
  packet_loss: [{ loss: "10%", engine: "model", min_rto: "1ms", tick: "0ms", handshake: false }],
  reset: [{}, { after: "2KiB" }, { after: "64KiB" }],
  slicer: [{ size: "500B" }],
  slow_close: [{ delay: "1ms" }],
  slow_headers: [{ gap: "10us" }],
  timeout: [{ after: "20ms" }],
  truncate: [{ after: "1KiB" }, { after: "64KiB" }],
};

/** A millisecond goes by with each turn of the loop, however long that takes: what is late on a busy machine is not late here. */
async function until(time: VirtualClock, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await turns(1);
    time.advance(1);
  }
}

/** Clients one after the other, each of which sends 3,000 bytes, reads as many and leaves. Answers which were hit. */
async function connections(one: CompiledFault, mode: Mode): Promise<readonly number[]> {
  const { lab, time } = timeLab();
  try {
    const port = await lab.server((socket) => {
      socket.on("data", (chunk: Buffer) => socket.write(chunk)).on("end", () => socket.end());
      socket.on("error", () => undefined);
    });
    const proxy = await lab.proxy(port);
    lab.use([one], { seed: 3, mode });
    for (let n = 1; n <= LAST + 4; n++) {
      const client = lab.client(proxy);
      client.write("x".repeat(3_000));
      const hit = (): boolean => lab.facts.of("fault_hit").some(({ connection }) => connection === n);
      // Those that leave it hanging have done what they do.
      await until(
        time,
        () =>
          client.end !== null ||
          client.length >= 3_000 ||
          (mode === "inject" && HANGS.has(one.type) && hit()),
      );
      client.fin();
      const stays = mode === "inject" && HANGS.has(one.type);
      if (client.length >= 3_000 && !stays) await until(time, () => client.end !== null);
      client.socket.destroy();
      if (!stays) await until(time, () => proxy.stats.connectionsActive === 0);
    }
    // Of the last some may still be under way.
    const hits = new Set(lab.facts.of("fault_hit").map(({ connection }) => connection));
    return [...hits].filter((n) => n <= LAST).sort((a, b) => a - b);
  } finally {
    await lab.close();
  }
}

/** Injected, they keep the connection for as long as they are there. */
const HANGS = new Set(["blackhole", "half_open"]);

describe("observing connections", () => {
  it("is compared for each type that acts on them or on their bytes", () => {
    const types = FAULT_TYPES.filter(
      ({ connection, stream, listener }) => connection ?? stream ?? listener,
    ).map(({ type }) => type);
    expect(Object.keys(CONNECTIONS).sort()).toEqual(types.sort());
  });

  const cases = Object.entries(CONNECTIONS).flatMap(([type, all]) => all.map((params) => ({ type, params })));
  it.each(cases)("hits those that $type $params would hit", async ({ type, params }) => {
    const one = fault(type, params, { when: { probability: 0.6 } });
    expect(await connections(one, "observe")).toEqual(await connections(one, "inject"));
  });
});

describe("observing datagrams", () => {
  const FAULTS = [
    fault("packet_loss", { loss: "20%" }, { name: "lost", directions: "both" }),
    fault("duplicate", { share: "30%", copies: 2 }, { name: "twice", directions: "both" }),
    fault("reorder", { share: "20%", by: 2 }, { name: "late", directions: "both" }),
    fault("corrupt", { rate: "10%" }, { name: "flip", directions: "both", when: { probability: 0.5 } }),
    fault("latency", { delay: "0ms", jitter: "5ms" }, { name: "slow", directions: "both" }),
  ];
  it.each(
    [
      FAULTS.slice(0, 1),
      FAULTS.slice(0, 2),
      [FAULTS[0], FAULTS[3]],
      [FAULTS[2]],
      [FAULTS[4]],
      [FAULTS[1], FAULTS[3]],
    ].map((list) => ({
      list: list.flatMap((one) => one ?? []),
      names: list.map((one) => one?.name).join(" "),
    })),
  )("hits those that would be hit: $names", ({ list }) => {
    const [injected, observed] = (["inject", "observe"] as const).map((mode) => {
      const bench = new DatagramBench();
      bench.lab.use(list, { seed: 4, mode });
      const flows = [bench.flow("10.0.0.1"), bench.flow("10.0.0.2")];
      for (let n = 0; n < 500; n++) for (const flow of flows) flow.push(`datagram ${n}`);
      if (mode === "observe")
        for (const flow of flows)
          expect(flow.texts).toEqual(Array.from({ length: 500 }, (_, n) => `datagram ${n}`));
      bench.time.advance(1_000);
      return [...bench.lab.ledger.books()].map(({ labels, subjects, hits }) => [
        labels.fault,
        subjects,
        hits,
      ]);
    });
    expect(observed).toEqual(injected);
  });
});

describe("observing questions", () => {
  it.each([
    ["dns_rcode", { rcode: "nxdomain" }],
    ["dns_drop", {}],
    ["dns_delay", { delay: "1ms" }],
    ["dns_answer", { mode: "empty" }],
    ["dns_truncate", {}],
    ["dns_garble", { mode: "wrong_id" }],
  ] as const)("hits those that %s would hit, and not what stands behind it", async (type, params) => {
    const outcome = async (mode: Mode): Promise<unknown> => {
      const { lab, time } = timeLab();
      const proxy = await dnsProxy(lab, { records: [address("jobs.test", "10.0.0.1", 60)] });
      const udp = await UdpClient.to(lab, proxy);
      lab.use(
        [
          fault(type, params, { name: "first", when: { probability: 0.5 } }),
          fault("dns_answer", { mode: "empty" }, { name: "second", when: { probability: 0.7 } }),
        ],
        { seed: 6, mode },
      );
      for (let n = 1; n <= 20; n++) {
        udp.send(question("jobs.test", "A"));
        await until(
          time,
          () => udp.received.length >= n || [...lab.ledger.books()].some(({ subjects }) => subjects >= n),
        );
        await turns(5);
      }
      // All are over, those that a fault delays among them.
      const over = (): number => proxy.queries.counts().reduce((sum, [, , count]) => sum + count, 0);
      await until(time, () => over() === 20 && (mode === "inject" || udp.received.length === 20));
      const books = [...lab.ledger.books()].map(({ labels, hits }) => [labels.fault, hits]);
      const answered = udp.received.length;
      await lab.close();
      if (mode === "observe") expect(answered).toBe(20);
      return books;
    };
    expect(await outcome("observe")).toEqual(await outcome("inject"));
  });
});
