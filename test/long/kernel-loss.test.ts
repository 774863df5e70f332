/**
 * The two engines of packet loss side by side: the same loss, the same traffic, the same pair of network namespaces, and
 * the distribution functions of what an exchange takes at fixed points. The figures are printed.
 *
 * The cable has a round trip of a fraction of a millisecond, so G is the kernel's least timeout, 200 ms, and "base" is next
 * to nothing. A kernel without netem can delay nothing else; with a longer round trip see packet-loss.test.ts, which
 * compares the model with measurements that were made elsewhere.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cable, missingForNamespaces, within } from "../support/netns.js";

const missing = missingForNamespaces();
const needs = missing === null ? "" : ` (needs: ${missing})`;
const G = 200;
const POINTS = { "base + 60 ms": 60, "0.8 G": 0.8 * G, "1.2 G": 1.2 * G, "2.2 G": 2.2 * G, "4.5 G": 4.5 * G };
const CONNECTIONS = 25;
const ROUNDS = 8;
const EXCHANGES = 100;

describe.skipIf(missing !== null)(`model and kernel side by side${needs}`, () => {
  let cable: Cable;
  beforeEach(() => {
    cable = new Cable();
  });
  afterEach(() => {
    cable.close();
  });

  it.each(["1%", "2%", "5%", "10%"])("agree at a loss of %s each way", async (loss) => {
    await cable.echo("a", 9);
    const upstream = "tcp://127.0.0.1:9";
    await cable.daemon({
      kernel: { listen: "10.77.0.1:8080", upstream },
      model: { listen: "10.77.0.1:8081", upstream },
    });
    const fault = (engine: string) => ({ type: "packet_loss", name: engine, proxy: engine, engine, loss });
    await cable.lose([fault("kernel"), fault("model")]);
    const times: Record<string, number[]> = { kernel: [], model: [] };
    // By turns and few at a time, so that whatever else the machine does hits both, and seldom.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [engine, port] of [
        ["kernel", 8080],
        ["model", 8081],
      ] as const) {
        const answered = await cable.ask("b", { port, connections: CONNECTIONS, exchanges: EXCHANGES });
        times[engine]?.push(...answered.times);
      }
    }
    const { kernel = [], model = [] } = times;
    const apart = Object.entries(POINTS).map(([name, limit]) => {
      const [k, m] = [within(kernel, limit), within(model, limit)];
      console.log(`${loss}, ${name}: kernel ${k.toFixed(4)}, model ${m.toFixed(4)}, n ${kernel.length} each`);
      return Math.abs(k - m);
    });
    expect(kernel).toHaveLength(CONNECTIONS * ROUNDS * EXCHANGES);
    expect(Math.max(...apart)).toBeLessThan(0.03);
  });
});
