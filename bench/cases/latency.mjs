/** What a proxy adds to the time of a message at a moderate rate. */
import { FIVE, ONE } from "../faults.mjs";
import { startWorker } from "../lib/processes.mjs";
import { interleave } from "../lib/rounds.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { openLanes, plain, settleOf } from "./lanes.mjs";
import { NAMES } from "./throughput.mjs";

const MESSAGES = 4_000;
const CONNECTIONS = 50;
const REQUESTS = 1_000;
const ADDED_MAX_MS = 1;

export const latency = {
  name: "latency",
  title: `one way of ${MESSAGES} messages/s in an open model, over ${CONNECTIONS} connections and in both directions`,
  async run(lab) {
    const load = await lab.use(startWorker("loads/oneway.mjs"));
    const { squall, haproxy, nginxStream, toxiproxy, pipe, direct } = lab.contenders;
    const entries = [
      ...plain([direct, squall, haproxy, nginxStream, toxiproxy, pipe]),
      { name: NAMES.one, contender: squall, faults: ONE },
      { name: NAMES.five, contender: squall, faults: FIVE },
    ];
    const parameters = { connections: CONNECTIONS, rate: MESSAGES, direction: "both" };
    const results = await interleave(
      lab,
      (await openLanes(lab, entries, load.port)).map((lane) => ({
        ...lane,
        measure: async (seconds) => {
          const wanted = { port: lane.port, seconds, settle: settleOf(seconds), ...parameters };
          const { p50, p99, p999 } = await load.ask("send", wanted);
          return { p50, p99, p999 };
        },
      })),
    );
    const rows = entries.flatMap(({ name: lane }) => [
      results.row({ lane, key: "p50", name: `${lane}, p50`, unit: "ms" }),
      results.row({ lane, key: "p99", name: `${lane}, p99`, unit: "ms" }),
      results.row({ lane, key: "p999", name: `${lane}, p99.9`, unit: "ms" }),
    ]);
    const notes = [
      "both ends are one process, which looks at its clock all the time; times run from when a message was due",
    ];
    return { rows, notes, chart: (name) => name.endsWith("p99") };
  },
};

export const httpLatency = {
  name: "http-latency",
  title: `small JSON answers at ${REQUESTS} requests/s in an open model`,
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const client = await lab.use(startWorker("loads/steady.mjs"));
    const { squall, squallHttp, haproxyHttp, nginxHttp, httpProxy, direct } = lab.contenders;
    const proxies = [squallHttp, squall, haproxyHttp, nginxHttp, httpProxy];
    const results = await interleave(
      lab,
      (await openLanes(lab, plain([direct, ...proxies]), server.port)).map((lane) => ({
        ...lane,
        measure: (seconds) => exchange(client, { port: lane.port, seconds, settle: settleOf(seconds) }),
      })),
    );
    const points = ["p50", "p99"];
    const added = (point) => (values) =>
      values.map((value, round) => value - results.values(direct.name, point)[round]);
    return {
      rows: [
        ...points.map((point) =>
          results.row({ lane: direct.name, key: point, name: `${direct.name}, ${point}`, unit: "ms" }),
        ),
        ...proxies.flatMap(({ name: lane }) =>
          points.map((point) =>
            results.row({
              lane,
              key: point,
              name: `${lane}, added to ${point}`,
              unit: "ms",
              change: added(point),
            }),
          ),
        ),
      ],
      claims: [
        results.atMost(ADDED_MAX_MS, "ms", squallHttp.name, {
          key: "p99",
          text: `${squallHttp.name}, added to p99`,
          change: added("p99"),
        }),
      ],
      notes: [`against ${server.name}; "added" is the difference to "direct" of the same round`],
    };
  },
};

async function exchange(client, wanted) {
  const { p50, p99, unanswered } = await client.ask("exchange", { rate: REQUESTS, ...wanted });
  if (unanswered > 0) throw new Error(`${unanswered} exchanges were not answered`);
  return { p50, p99 };
}
