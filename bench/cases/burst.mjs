/** A herd: thousands of connections that arrive within one second, each with a request. */
import { unmeasured } from "../lib/claims.mjs";
import { startWorker } from "../lib/processes.mjs";
import { interleave } from "../lib/rounds.mjs";
import { median } from "../lib/statistics.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { openLanes, plain } from "./lanes.mjs";

const CONNECTIONS = 8_000;
const CONNECTIONS_QUICK = 1_000;
const ROUNDS_MAX = 5;
const WITHIN_MS = 1_000;
/** What more it may take to be called one second. */
const WITHIN_SLACK = 1.1;

export const burst = {
  name: "burst",
  title: "connections that arrive within one second, each with one small request, and stay",
  async run(lab) {
    const count = lab.quick ? CONNECTIONS_QUICK : CONNECTIONS;
    const millis = (WITHIN_MS * count) / CONNECTIONS;
    const server = await lab.use(smallServer(lab));
    const client = await lab.use(startWorker("loads/burst.mjs"));
    const { squall, squallHttp, haproxy, nginxStream, toxiproxy, pipe, direct } = lab.contenders;
    const entries = plain([squall, squallHttp, haproxy, nginxStream, toxiproxy, pipe, direct]);
    const troubles = new Set();
    const results = await interleave(
      { ...lab, rounds: Math.min(ROUNDS_MAX, lab.rounds) },
      (await openLanes(lab, entries, server.port)).map((lane) => ({
        ...lane,
        async measure() {
          const found = await client.ask("arrive", { port: lane.port, count, millis });
          if (found.troubles !== "") troubles.add(`${lane.name}: ${found.troubles}`);
          return found;
        },
      })),
    );
    const arrival = (lane) => {
      const slowest = Math.max(...results.values(lane, "span"));
      const late = slowest > millis * WITHIN_SLACK ? ", later than they should have" : "";
      return { note: `all arrived within ${slowest.toFixed(0)} ms${late}` };
    };
    return {
      rows: entries.flatMap(({ name: lane }) => [
        results.row({ lane, key: "lost", name: `${lane}, not served`, unit: "connections", also: arrival }),
        results.row({ lane, key: "p50", name: `${lane}, until answered, p50`, unit: "ms" }),
        results.row({ lane, key: "slowest", name: `${lane}, until answered, slowest`, unit: "ms" }),
      ]),
      claims: [squall, squallHttp].map(({ name }) => {
        const text = `${name}, not served in any round`;
        const spans = results.values(name, "span");
        if (spans === undefined || median(spans) <= millis * WITHIN_SLACK)
          return results.never("connections", name, { key: "lost", text });
        const reason = `this machine let them arrive within ${median(spans).toFixed(0)} ms only, not ${millis}`;
        return unmeasured(text, { sign: "<=", target: 0, unit: "connections" }, reason);
      }),
      notes: [`${count} connections, evenly within ${millis} ms`, ...troubles],
      chart: (name) => name.endsWith("slowest"),
    };
  },
};
