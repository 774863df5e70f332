/** What an idle connection costs: resident memory of a fresh process before and after many were opened. */
import { atMost, row } from "../lib/claims.mjs";
import { column } from "../lib/rounds.mjs";
import { residentBytes, sleep, startWorker } from "../lib/processes.mjs";

const CONNECTIONS = 8_000;
const CONNECTIONS_QUICK = 2_000;
/** Opened and closed again first, so that code and pools are there already. */
const WARM_UP = 300;
const SETTLE_MS = 2_000;
const ROUNDS_MAX = 3;

export const memory = {
  name: "memory",
  title: "resident memory for each idle connection",
  async run(lab) {
    const count = lab.quick ? CONNECTIONS_QUICK : CONNECTIONS;
    const server = await lab.use(startWorker("servers/echo.mjs"));
    const client = await lab.use(startWorker("loads/connections.mjs"));
    const { squall, pipe } = lab.contenders;
    const results = new Map([squall, pipe].map(({ name }) => [name, []]));
    for (let round = 0; round < Math.min(ROUNDS_MAX, lab.rounds); round++) {
      for (const contender of [squall, pipe]) {
        const relay = await contender.start({ lab, upstreamPort: server.port });
        try {
          const measured = await measure(relay, client, count);
          results.get(contender.name).push(measured);
          const { growth, whole } = measured;
          lab.log(
            `  ${contender.name}: ${growth.toFixed(1)} kB each, ${whole.toFixed(1)} kB with the process itself`,
          );
        } finally {
          await client.ask("close");
          await relay.stop();
        }
      }
    }
    return {
      rows: [squall, pipe].flatMap(({ name }) => [
        row(`${name}, growth`, "kB", column(results.get(name), "growth")),
        row(`${name}, whole process`, "kB", column(results.get(name), "whole")),
      ]),
      claims: [atMost(`${squall.name}, growth`, 25, "kB", column(results.get(squall.name), "growth"))],
      notes: [`${count} connections, one small exchange on each, then ${SETTLE_MS / 1000} s of quiet`],
    };
  },
};

/**
 * kB for each connection. Free heap that a process has left over from its start takes in some connections
 * without any growth: the whole process, shared out among them, is what they cost at most.
 */
async function measure({ port, pid }, client, count) {
  await client.ask("open", { port, count: WARM_UP });
  await client.ask("close");
  await sleep(SETTLE_MS);
  const before = residentBytes(pid);
  const open = await client.ask("open", { port, count });
  if (open !== count) throw new Error(`${open} connections are open, not ${count}`);
  await sleep(SETTLE_MS);
  const after = residentBytes(pid);
  return { growth: (after - before) / count / 1000, whole: after / count / 1000 };
}
