/** What an idle connection costs: resident memory of a fresh process before and after many were opened. */
import { atMost, row } from "../lib/claims.mjs";
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
          const bytes = await measure(relay, client, count);
          results.get(contender.name).push(bytes / count / 1000);
          lab.log(`  ${contender.name}: ${(bytes / count / 1000).toFixed(1)} kB`);
        } finally {
          await client.ask("close");
          await relay.stop();
        }
      }
    }
    return {
      rows: [squall, pipe].map(({ name }) => row(name, "kB", results.get(name))),
      claims: [atMost(squall.name, 25, "kB", results.get(squall.name))],
      notes: [`${count} connections, one small exchange on each, then ${SETTLE_MS / 1000} s of quiet`],
    };
  },
};

async function measure({ port, pid }, client, count) {
  await client.ask("open", { port, count: WARM_UP });
  await client.ask("close");
  await sleep(SETTLE_MS);
  const before = residentBytes(pid);
  await client.ask("open", { port, count });
  await sleep(SETTLE_MS);
  return residentBytes(pid) - before;
}
