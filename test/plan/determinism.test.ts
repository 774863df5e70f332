/** The promise over real sockets: the same seed gives the same bot the same faults, whatever the other bots do. */
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { codedBytes } from "../support/coded-bytes.js";
import { fault, Lab, turns, until } from "../support/lab.js";
import { scaled } from "../support/scope.js";

const BOTS = Array.from({ length: 50 }, (_, index) => `127.0.0.${index + 2}`);
const CONNECTIONS_EACH = scaled(3, 6);
const BYTES = 400;

const FAULTS: readonly CompiledFault[] = [
  fault("accept_delay", { delay: "1ms", jitter: "1ms" }, { when: { probability: 0.5 } }),
  fault("reset", { after: "300B" }, { when: { probability: 0.2 }, directions: "upstream" }),
  fault("truncate", { after: "100B" }, { when: { skip: 1, every: 2, per: "bot" } }),
  fault("corrupt", { rate: "2%" }, { when: { probability: 0.6 } }),
];

/** What each bot met with, connection by connection. */
type Fates = Record<string, string[]>;

/** All bots at once, each with one connection after the other; `mixing` decides who comes when. */
async function run(faults: readonly CompiledFault[], seed: number, mixing: number): Promise<Fates> {
  const lab = new Lab();
  try {
    const proxy = await lab.proxy(await lab.echo());
    lab.use(faults, { seed });
    const dice = new Random({ high: mixing, low: 0 }, 0, 0);
    const order = BOTS.map((bot) => ({ bot, at: dice.unit() })).sort((a, b) => a.at - b.at);
    await Promise.all(
      order.map(async ({ bot }) => {
        for (let n = 0; n < CONNECTIONS_EACH; n++) {
          await turns(dice.integer(12));
          const client = lab.client(proxy, bot);
          client.write(codedBytes(0, BYTES));
          await Promise.race([client.received(BYTES), client.ended]);
          client.rst();
        }
      }),
    );
    await until(() => proxy.stats.connectionsActive === 0);
    const fates: Fates = {};
    const known = new Map<number, number>();
    for (const { bot, connection, fault: name, effect, detail } of lab.facts.of("fault_hit")) {
      // Numbered as the bot itself would: by the connections on which anything happened, in order.
      if (!known.has(connection)) known.set(connection, known.size);
      (fates[bot] ??= []).push(`${connection} ${name} ${effect} ${JSON.stringify(detail)}`);
    }
    return Object.fromEntries(Object.entries(fates).map(([bot, lines]) => [bot, renumbered(lines)]));
  } finally {
    await lab.close();
  }
}

/** Connections are numbered by the proxy, over all bots; here they count for each bot. */
function renumbered(lines: readonly string[]): string[] {
  const ids = [...new Set(lines.map((line) => Number(line.split(" ")[0])))].sort((a, b) => a - b);
  return lines
    .map((line) => line.split(" "))
    .map(([id, ...rest]) => `${ids.indexOf(Number(id))} ${rest.join(" ")}`)
    .sort();
}

describe("fifty bots at once", () => {
  it("meet the same faults, one by one, in every run with the same seed, and others with another", async () => {
    const first = await run(FAULTS, 42, 1);
    expect(Object.keys(first).sort()).toEqual([...BOTS].sort());
    expect(await run(FAULTS, 42, 2)).toEqual(first);
    const other = await run(FAULTS, 43, 1);
    const same = BOTS.filter((bot) => JSON.stringify(other[bot]) === JSON.stringify(first[bot]));
    expect(same).toEqual([]);
  });

  it("meet the same faults after an unrelated one was added, before or behind", async () => {
    const first = await run(FAULTS, 42, 3);
    const unrelated = fault("latency", { delay: "1ms" }, { name: "unrelated", when: { probability: 0.5 } });
    const after = await run([unrelated, ...FAULTS.map((one) => ({ ...one }))], 42, 4);
    const without = Object.fromEntries(
      Object.entries(after).map(([bot, lines]) => [
        bot,
        lines.filter((line) => !line.includes(" unrelated ")),
      ]),
    );
    expect(Object.values(after).flat().length).toBeGreaterThan(Object.values(without).flat().length);
    // Connections that only the unrelated fault hit would shift the count, so what is compared are the faults in order.
    const bare = (fates: Fates): Fates =>
      Object.fromEntries(
        Object.entries(fates).map(([bot, lines]) => [
          bot,
          lines.map((line) => line.replace(/^\d+ /u, "")).sort(),
        ]),
      );
    expect(bare(without)).toEqual(bare(first));
  });
});
