/** What a proxy adds to a round trip at a moderate rate, and how exactly a delay is kept. */
import { present } from "../contenders/index.mjs";
import { atMost, row } from "../lib/claims.mjs";
import { startWorker } from "../lib/processes.mjs";
import { column, interleave } from "../lib/rounds.mjs";
import { smallServer } from "../servers/nginx.mjs";

const RATE = 1_000;
const DELAY_MS = 50;
const ADDED_MAX_MS = 1;

export const latency = {
  name: "latency",
  title: `round trips at ${RATE} exchanges/s in an open model`,
  async run(lab) {
    const server = await lab.use(startWorker("servers/echo.mjs"));
    const { squall, pipe, haproxy } = lab.contenders;
    const delayed = `Squall, latency of ${DELAY_MS} ms`;
    const { rows } = await added(lab, server.port, [
      ...present([squall, pipe, haproxy]).map((contender) => ({ name: contender.name, contender })),
      { name: delayed, contender: squall, faults: [{ type: "latency", delay: `${DELAY_MS}ms` }] },
    ]);
    return { rows };
  },
};

export const httpLatency = {
  name: "http-latency",
  title: `small JSON answers at ${RATE} requests/s in an open model`,
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const { squall, squallHttp, httpProxy } = lab.contenders;
    const entries = [squallHttp, squall, httpProxy].map((contender) => ({ name: contender.name, contender }));
    const { rows, addedTo } = await added(lab, server.port, entries, { http: true });
    const claim = atMost(
      `${squallHttp.name}, added to p99`,
      ADDED_MAX_MS,
      "ms",
      addedTo(squallHttp.name, "p99"),
    );
    return { rows, claims: [claim], notes: [`against ${server.name}`] };
  },
};

/** Rows of "direct" as it is, and of what each entry adds to it in the same round. */
async function added(lab, upstreamPort, entries, how = {}) {
  const client = await lab.use(startWorker("loads/steady.mjs"));
  const { direct } = lab.contenders;
  const lanes = [];
  for (const { name, contender, faults } of [{ name: direct.name, contender: direct }, ...entries]) {
    const { port } = await lab.use(contender.start({ lab, upstreamPort, faults }));
    lanes.push({ name, measure: (seconds) => exchange(client, { port, seconds, ...how }) });
  }
  const results = await interleave(lab, lanes);
  const base = results.get(direct.name);
  const addedTo = (name, point) => minus(column(results.get(name), point), column(base, point));
  const points = ["p50", "p99"];
  return {
    rows: [
      ...points.map((point) => row(`${direct.name}, ${point}`, "ms", column(base, point))),
      ...entries.flatMap(({ name }) =>
        points.map((point) => row(`${name}, added to ${point}`, "ms", addedTo(name, point))),
      ),
    ],
    addedTo,
  };
}

async function exchange(client, wanted) {
  const { p50, p99, unanswered } = await client.ask("exchange", { rate: RATE, ...wanted });
  if (unanswered > 0) throw new Error(`${unanswered} exchanges were not answered`);
  return { p50, p99 };
}

function minus(values, base) {
  return values.map((value, round) => value - base[round]);
}
