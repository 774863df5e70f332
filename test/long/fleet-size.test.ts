/** A hundred daemons on one NATS: how fast a switch is everywhere, with its message and without, what idling costs, and how they join. */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSquall, type Squall } from "../../src/index.js";
import { natsVersion, NatsServer } from "../support/nats-server.js";
import { FleetProcesses, now, quantile } from "./support/fleet-processes.js";

const PROCESSES = 10;
const EACH = 10;
const ALL = PROCESSES * EACH;
const SWITCHES = Number(process.env["SQUALL_FLEET_SWITCHES"] ?? 100);
const STREAMS = ["KV_squall-size", "KV_squall-size-daemons", "SQUALL-size-journal"];

const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");
const report = (text: string): void => {
  console.log(`${text} (load ${load()})`);
};

describe.skipIf(natsVersion() === null)(`a fleet of ${ALL} daemons (needs: nats-server)`, () => {
  let server: NatsServer;
  let controller: Squall;
  let daemons: FleetProcesses;
  let seed = 1_000;

  beforeAll(async () => {
    server = await NatsServer.start();
    controller = await startSquall({
      config: {
        fleet: {
          name: "size",
          engine: server.url,
          daemon: "controller",
          control: true,
          labels: { role: "controller" },
          journal: "none",
        },
        proxies: { jobs: { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" } },
      },
    });
    daemons = new FleetProcesses({ engine: server.url, fleet: "size", processes: PROCESSES, each: EACH });
  }, 300_000);
  afterAll(async () => {
    await daemons.close();
    await controller.stop();
    await server.close();
  }, 300_000);

  async function put(wanted: number): Promise<number> {
    const answer = await fetch(`${controller.adminUrl}/fleet/active`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        profile: "high-latency",
        seed: wanted,
        ttl: "30m",
        daemons: ["d-*"],
        require: "none",
      }),
    });
    const text = await answer.text();
    if (answer.status !== 200) console.error(text);
    return answer.status;
  }

  /** From the call to the begin on each of the hundred, in milliseconds. */
  async function switchAll(): Promise<number[]> {
    const wanted = ++seed;
    const began = now();
    expect(await put(wanted)).toBe(200);
    const all = await daemons.until("started", ALL, (one) => one.seed === wanted);
    return all.map(({ at }) => at - began);
  }

  it("joins within ten seconds of the engine's coming, all at once, and is under its plan", async () => {
    await daemons.until("ready", PROCESSES);
    const wanted = ++seed;
    expect(await put(wanted)).toBe(200);
    // A daemon takes a quarter of a second of a processor to start: what counts is what comes behind that.
    await server.kill();
    daemons.say("go");
    await daemons.until("joined", ALL);
    expect(daemons.of("started")).toEqual([]);
    const began = now();
    await server.start();
    const all = await daemons.until("started", ALL, (one) => one.seed === wanted);
    const took = all.map(({ at }) => at - began);
    report(
      `join of ${ALL} at once, from the start of the engine: half after ${(quantile(took, 0.5) / 1_000).toFixed(1)} s, all after ${(Math.max(...took) / 1_000).toFixed(1)} s`,
    );
    expect(Math.max(...took)).toBeLessThan(10_000);
  });

  it(`is switched ${SWITCHES} times, each within 250 ms on 99 % of the daemons`, async () => {
    const all: number[] = [];
    for (let n = 0; n < SWITCHES; n++) all.push(...(await switchAll()));
    const [p50, p99, most] = [quantile(all, 0.5), quantile(all, 0.99), Math.max(...all)];
    report(
      `${SWITCHES} switches of ${ALL}, ms from the call: p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, most ${most.toFixed(0)}`,
    );
    for (const stream of STREAMS) {
      const info = await server.api(`STREAM.INFO.${stream}`);
      const { consumer_count } = (info["state"] ?? {}) as { readonly consumer_count?: number };
      expect(consumer_count ?? 0, stream).toBe(0);
    }
    expect(p99).toBeLessThan(250);
  });

  it("costs less than a thousandth of a processor for each daemon that idles", async () => {
    const usage = async (): Promise<{ cpu: number; at: number; memory: number }> => {
      const before = daemons.of("usage").length;
      daemons.say("usage");
      const told = (await daemons.until("usage", before + PROCESSES)).slice(before);
      return {
        cpu: told.reduce((sum, { cpu }) => sum + cpu, 0),
        at: Math.max(...told.map(({ at }) => at)),
        memory: told.reduce((sum, { memory }) => sum + memory, 0),
      };
    };
    const before = await usage();
    await sleep(60_000);
    const after = await usage();
    const share = (after.cpu - before.cpu) / (after.at - before.at) / ALL;
    report(
      `idle: ${(100 * share).toFixed(3)} % of a processor and ${(after.memory / ALL / 1e6).toFixed(1)} MB a daemon`,
    );
    expect(share).toBeLessThan(0.001);
  });

  it("is switched within one poll where no message comes", async () => {
    const info = await server.api("STREAM.INFO.KV_squall-size");
    const { republish: _republish, ...config } = info["config"] as Readonly<Record<string, unknown>>;
    const updated = await server.api("STREAM.UPDATE.KV_squall-size", config);
    expect(updated["error"]).toBeUndefined();
    const all: number[] = [];
    for (let n = 0; n < 10; n++) all.push(...(await switchAll()));
    report(
      `10 switches without a message: p50 ${quantile(all, 0.5).toFixed(0)}, most ${Math.max(...all).toFixed(0)} ms`,
    );
    expect(Math.max(...all)).toBeLessThan(5_250);
    // Or it was a message all the same.
    expect(quantile(all, 0.5)).toBeGreaterThan(500);
  });
});
