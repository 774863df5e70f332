/** Many small exchanges on few connections: what a proxy costs for each chunk. */
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { compareThroughput } from "./throughput.mjs";

export const small = {
  name: "small",
  title: "small JSON answers over 50 keep-alive connections",
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const load = await lab.use(smallLoad(lab));
    const result = await compareThroughput(lab, {
      upstreamPort: server.port,
      unit: "requests/s",
      measure: load.measure,
      cost: "µs of CPU each",
      costOf: (seconds, requests) => (seconds * 1e6) / requests,
    });
    return { ...result, notes: [`${load.name}, against ${server.name}`] };
  },
};
