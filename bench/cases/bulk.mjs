/** One stream as fast as it goes, from the server to the client. */
import { startWorker } from "../lib/processes.mjs";
import { compareThroughput } from "./throughput.mjs";

export const bulk = {
  name: "bulk",
  title: "one stream from the server to the client",
  async run(lab) {
    const server = await lab.use(startWorker("servers/flood.mjs"));
    const client = await lab.use(startWorker("loads/bulk.mjs"));
    return compareThroughput(lab, {
      upstreamPort: server.port,
      unit: "MB/s",
      measure: (port, seconds) => client.ask("receive", { port, seconds }),
      cost: "ms of CPU per GB",
      costOf: (seconds, bytes) => (seconds * 1e3) / (bytes / 1e9),
    });
  },
};
