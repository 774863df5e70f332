/** How exactly what was asked for is injected: delays, and rates. */
import { startWorker } from "../lib/processes.mjs";
import { interleave } from "../lib/rounds.mjs";
import { openLanes, settleOf } from "./lanes.mjs";

const DELAYS_MS = [1, 10, 100];
const CONNECTIONS = 200;
const MESSAGES = 2_000;
const OFF_P50_MAX_MS = 0.3;
const OFF_P99_MAX_MS = 1.5;

const RATES_KB = [10, 100, 1_000, 10_000, 100_000];
const OFF_MAX_PERCENT = 1;
/** Toxiproxy lets a slow stream through in pieces, ten a second: less than this has too few of them. */
const SECONDS_MIN = 1;
const SECONDS_QUICK = 0.4;

export const accuracyLatency = {
  name: "accuracy-latency",
  title: `how far ${MESSAGES} messages/s over ${CONNECTIONS} connections are off a delay of ${DELAYS_MS.join(", ")} ms`,
  async run(lab) {
    const load = await lab.use(startWorker("loads/oneway.mjs"));
    const { squall, toxiproxy } = lab.contenders;
    const entries = DELAYS_MS.flatMap((delay) => [
      {
        name: `${squall.name}, ${delay} ms`,
        contender: squall,
        delay,
        faults: [{ type: "latency", delay: `${delay}ms` }],
      },
      {
        name: `${toxiproxy.name}, ${delay} ms`,
        contender: toxiproxy,
        delay,
        toxics: [{ type: "latency", attributes: { latency: delay, jitter: 0 } }],
      },
    ]);
    const parameters = { connections: CONNECTIONS, rate: MESSAGES, direction: "downstream" };
    const results = await interleave(
      lab,
      (await openLanes(lab, entries, load.port)).map((lane) => ({
        ...lane,
        measure: async (seconds) => {
          const { port, delay } = lane;
          const wanted = { port, seconds, settle: settleOf(seconds), delay, ...parameters };
          const { off, p50, earliest } = await load.ask("send", wanted);
          return { p50: off.p50, p99: off.p99, middle: p50, earliest };
        },
      })),
    );
    const own = (delay) => `${squall.name}, ${delay} ms`;
    const claim = (point, max) => (delay) =>
      results.atMost(max, "ms", own(delay), { key: point, text: `${own(delay)}, off by, ${point}` });
    return {
      rows: entries.flatMap(({ name: lane }) => [
        results.row({ lane, key: "p50", name: `${lane}, off by, p50`, unit: "ms" }),
        results.row({ lane, key: "p99", name: `${lane}, off by, p99`, unit: "ms" }),
        results.row({ lane, key: "earliest", name: `${lane}, earliest of all`, unit: "ms" }),
      ]),
      claims: [
        ...DELAYS_MS.map(claim("p50", OFF_P50_MAX_MS)),
        ...DELAYS_MS.map(claim("p99", OFF_P99_MAX_MS)),
      ],
      notes: [
        "off by: from the moment at which a message was to arrive, early or late, and with the time of the path itself; earliest is below 0 where one came too early",
      ],
      chart: (name) => name.endsWith("p99") || name.endsWith("p50"),
    };
  },
};

export const accuracyBandwidth = {
  name: "accuracy-bandwidth",
  title: "how far one stream is off the rate that it was given",
  async run(lab) {
    const server = await lab.use(startWorker("servers/flood.mjs"));
    const load = await lab.use(startWorker("loads/bulk.mjs"));
    const { squall, toxiproxy } = lab.contenders;
    const entries = RATES_KB.flatMap((rate) => [
      {
        name: `${squall.name}, ${rateText(rate)}`,
        contender: squall,
        rate,
        faults: [{ type: "bandwidth", rate: `${rate}KB/s` }],
      },
      {
        name: `${toxiproxy.name}, ${rateText(rate)}`,
        contender: toxiproxy,
        rate,
        toxics: [{ type: "bandwidth", attributes: { rate } }],
      },
    ]);
    const results = await interleave(
      lab,
      (await openLanes(lab, entries, server.port)).map((lane) => ({
        ...lane,
        measure: async (seconds) => {
          const wanted = {
            port: lane.port,
            seconds: lab.quick ? SECONDS_QUICK : Math.max(seconds, SECONDS_MIN),
            settle: settleOf(seconds),
          };
          const { rate } = await load.ask("paced", wanted);
          const error = (rate / (lane.rate * 1000) - 1) * 100;
          return { error, off: Math.abs(error) };
        },
      })),
    );
    return {
      rows: entries.map(({ name: lane }) => results.row({ lane, key: "error", unit: "%" })),
      claims: RATES_KB.map((rate) => {
        const lane = `${squall.name}, ${rateText(rate)}`;
        return results.atMost(OFF_MAX_PERCENT, "%", lane, { key: "off", text: `${lane}, off by` });
      }),
      notes: ["below 0: slower than it should be"],
    };
  },
};

function rateText(kilobytes) {
  return kilobytes < 1_000 ? `${kilobytes} KB/s` : `${kilobytes / 1_000} MB/s`;
}
