/** Requests/s under a delay of 10 ms beside what arithmetic allows: so many connections, each waiting for its answer. */
import { interleave } from "../lib/rounds.mjs";
import { row } from "../lib/claims.mjs";
import { median } from "../lib/statistics.mjs";
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { openLanes } from "./lanes.mjs";

const DELAY_MS = 10;
const CONNECTIONS = [50, 100, 200];
const WITHIN = 0.95;
/** A request's first and last wait are lost in a rate: that is 0.7 % of this time. */
const SECONDS_MIN = 1.5;
const PATH = "the path itself";

export const limit = {
  name: "limit",
  title: `small JSON answers under a latency of ${DELAY_MS} ms, beside the arithmetic limit`,
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const load = await lab.use(smallLoad(lab));
    const { squall, toxiproxy } = lab.contenders;
    const faults = [{ type: "latency", delay: `${DELAY_MS}ms` }];
    const toxics = [{ type: "latency", attributes: { latency: DELAY_MS, jitter: 0 } }];
    const entries = [
      { name: PATH, contender: squall, connections: 1 },
      ...CONNECTIONS.flatMap((connections) => [
        { name: `${squall.name}, ${connections} connections`, contender: squall, connections, faults },
        { name: `${toxiproxy.name}, ${connections} connections`, contender: toxiproxy, connections, toxics },
      ]),
    ];
    const results = await interleave(
      lab,
      (await openLanes(lab, entries, server.port)).map((lane) => ({
        ...lane,
        measure: async (seconds) => {
          const { connections } = lane;
          const time = lab.quick ? seconds : Math.max(seconds, SECONDS_MIN);
          const { rate } = await load.measure(lane.port, time, { connections });
          return { rate, millis: (connections * 1000) / rate };
        },
      })),
    );
    const limits = (connections) =>
      (results.values(PATH, "millis") ?? []).map((path) => connections / ((DELAY_MS + path) / 1000));
    const rows = [
      results.row({ lane: PATH, key: "millis", name: "round trip without the fault", unit: "ms" }),
    ];
    const claims = [];
    for (const connections of CONNECTIONS) {
      const own = `${squall.name}, ${connections} connections`;
      const most = `arithmetic limit, ${connections} connections`;
      if (limits(connections).length > 0) {
        rows.push(row(most, "requests/s", limits(connections)));
        results.derive(
          most,
          limits(connections).map((rate) => ({ rate })),
        );
      } else results.fail(most, "the path itself was not measured");
      for (const lane of [own, `${toxiproxy.name}, ${connections} connections`]) {
        const also = () => ({
          note: `${(median(results.values(lane, "millis")) - DELAY_MS).toFixed(2)} ms on top of the delay`,
        });
        rows.push(results.row({ lane, key: "rate", unit: "requests/s", also }));
      }
      claims.push(results.atLeast(WITHIN, own, most));
    }
    return {
      rows,
      claims,
      notes: [
        `the limit is connections / (${DELAY_MS} ms + the round trip without the fault); that is taken on one connection, where nothing waits`,
      ],
    };
  },
};
