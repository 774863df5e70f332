/** Connections that come and go: memory must not grow with how many there have been. */
import { atMost, row } from "../lib/claims.mjs";
import { residentBytes, sleep, startWorker } from "../lib/processes.mjs";

const COUNTS = { warmUp: 100_000, more: 400_000 };
const COUNTS_QUICK = { warmUp: 5_000, more: 5_000 };
const LANES = 64;
const SETTLE_MS = 1_000;

export const churn = {
  name: "churn",
  title: "short connections, 64 at a time",
  async run(lab) {
    const { warmUp, more } = lab.quick ? COUNTS_QUICK : COUNTS;
    const server = await lab.use(startWorker("servers/echo.mjs"));
    const client = await lab.use(startWorker("loads/churn.mjs"));
    const rows = [];
    const claims = [];
    const { squall, pipe } = lab.contenders;
    for (const contender of [squall, pipe]) {
      const relay = await contender.start({ lab, upstreamPort: server.port });
      try {
        const { port, pid } = relay;
        await client.ask("churn", { port, count: warmUp, lanes: LANES });
        await sleep(SETTLE_MS);
        const before = residentBytes(pid);
        const { seconds, failed } = await client.ask("churn", { port, count: more, lanes: LANES });
        await sleep(SETTLE_MS);
        const after = residentBytes(pid);
        rows.push(
          row(
            `${contender.name}, rate`,
            "connections/s",
            [more / seconds],
            failed > 0 ? `${failed} failed` : "",
          ),
        );
        rows.push(row(`${contender.name}, memory after ${warmUp}`, "MB", [before / 1e6]));
        rows.push(row(`${contender.name}, memory after ${warmUp + more}`, "MB", [after / 1e6]));
        if (contender === squall)
          claims.push(atMost("Squall, growth of memory", 10, "%", [(after / before - 1) * 100]));
        lab.log(`  ${contender.name}: ${Math.round(more / seconds)}/s, ${before / 1e6} -> ${after / 1e6} MB`);
      } finally {
        await relay.stop();
      }
    }
    return { rows, claims, chart: () => false };
  },
};
