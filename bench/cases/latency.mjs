/** What a proxy adds to a round trip at a moderate rate, and how exactly a delay is kept. */
import { present } from "../contenders/index.mjs";
import { row } from "../lib/claims.mjs";
import { startWorker } from "../lib/processes.mjs";
import { column, interleave } from "../lib/rounds.mjs";

const RATE = 1_000;
const DELAY_MS = 50;

export const latency = {
  name: "latency",
  title: `round trips at ${RATE} exchanges/s in an open model`,
  async run(lab) {
    const server = await lab.use(startWorker("servers/echo.mjs"));
    const client = await lab.use(startWorker("loads/steady.mjs"));
    const { squall, pipe, direct, haproxy } = lab.contenders;
    const delayed = `Squall, latency of ${DELAY_MS} ms`;
    const entries = [
      ...present([direct, squall, pipe, haproxy]).map((contender) => ({ name: contender.name, contender })),
      { name: delayed, contender: squall, faults: [{ type: "latency", delay: `${DELAY_MS}ms` }] },
    ];
    const lanes = [];
    for (const { name, contender, faults } of entries) {
      const { port } = await lab.use(contender.start({ lab, upstreamPort: server.port, faults }));
      lanes.push({ name, measure: (seconds) => exchange(client, port, seconds) });
    }
    const results = await interleave(lab, lanes);
    const base = results.get(direct.name);
    const rows = [];
    for (const { name } of entries) {
      for (const point of ["p50", "p99"]) {
        const values = column(results.get(name), point);
        if (name === direct.name) rows.push(row(`${name}, ${point}`, "ms", values));
        else rows.push(row(`${name}, added to ${point}`, "ms", minus(values, column(base, point))));
      }
    }
    return { rows };
  },
};

async function exchange(client, port, seconds) {
  const { p50, p99, unanswered } = await client.ask("exchange", { port, rate: RATE, seconds });
  if (unanswered > 0) throw new Error(`${unanswered} exchanges were not answered`);
  return { p50, p99 };
}

function minus(values, base) {
  return values.map((value, round) => value - base[round]);
}
