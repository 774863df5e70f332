/** 50,000 datagrams a second through a UDP proxy without a loss that nobody asked for, and with exactly the one that was. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fault, Lab } from "../support/lab.js";
import { udpProxy } from "../support/udp-lab.js";
import type { UdpProxy } from "../../src/proxy/udp/proxy.js";

const LOAD = fileURLToPath(new URL("./support/datagram-load.mjs", import.meta.url));
const RATE = 50_000;
const COUNT = 4 * RATE;

interface Outcome {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
}

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  await lab.close();
});

interface Measured extends Outcome {
  readonly proxy: UdpProxy;
  /** What one core does in a second of its time, whoever else has the machine. */
  readonly perCoreSecond: number;
}

async function load(
  bytes: number,
  window: number,
  before: (proxy: UdpProxy) => void = () => undefined,
): Promise<Measured> {
  const args = [LOAD, String(COUNT), String(RATE), String(bytes), String(window)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  const { port } = (await next()) as { port: number };
  const proxy = await udpProxy(lab, port);
  before(proxy);
  const cpuBefore = process.cpuUsage();
  child.stdin.write(`${proxy.address.port}\n`);
  const outcome = (await next()) as Outcome;
  const { user, system } = process.cpuUsage(cpuBefore);
  const read = proxy.tally.received.upstream;
  const perCoreSecond = (read / (user + system)) * 1e6;
  console.log(
    `${bytes} bytes: ${Math.round(outcome.sent / outcome.seconds)} a second on this machine as busy as it is, ` +
      `${Math.round(perCoreSecond)} in a second of one core; ${outcome.sent - outcome.received} of ${outcome.sent} missing`,
  );
  if (child.exitCode === null) await once(child, "exit");
  expect(Object.values(proxy.tally.lost).every((lost) => lost === 0)).toBe(true);
  return { ...outcome, proxy, perCoreSecond };
}

describe("a UDP proxy under 50,000 datagrams a second", () => {
  for (const bytes of [64, 1200]) {
    it(`loses none of ${bytes} bytes, and has time to spare`, async () => {
      const { sent, received, perCoreSecond } = await load(bytes, 2_000);
      expect(received).toBe(sent);
      expect(perCoreSecond).toBeGreaterThan(RATE);
    });
  }

  it("has time to spare for a fault that looks at each", async () => {
    const { sent, received, perCoreSecond } = await load(64, 2_000, () => {
      lab.use([fault("latency", { delay: "5ms", jitter: "2ms" }, { directions: "both" })]);
    });
    expect(received).toBe(sent);
    expect(perCoreSecond).toBeGreaterThan(RATE);
  });

  it("loses the share that was asked for", async () => {
    const loss = 0.02;
    const { proxy } = await load(64, Infinity, () => {
      lab.use([fault("packet_loss", { loss: "2%" })], { seed: 5 });
    });
    const { received, delivered } = proxy.tally;
    const lost = 1 - delivered.upstream / received.upstream;
    expect(Math.abs(lost - loss)).toBeLessThan(3 * Math.sqrt((loss * (1 - loss)) / received.upstream));
  });
});
