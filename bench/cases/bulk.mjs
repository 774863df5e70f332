/** One stream as fast as it goes, from the server to the client. */
import { startWorker } from "../lib/processes.mjs";
import { settleOf } from "./lanes.mjs";
import { BYTES, compare, NAMES, tcpEntries } from "./throughput.mjs";

export const bulk = {
  name: "bulk",
  title: "one stream from the server to the client",
  async run(lab) {
    const server = await lab.use(startWorker("servers/flood.mjs"));
    const load = await lab.use(startWorker("loads/bulk.mjs"));
    const { squall, pipe, toxiproxy } = lab.contenders;
    const { rows, results } = await compare(lab, {
      ...BYTES,
      entries: tcpEntries(lab),
      upstreamPort: server.port,
      base: squall.name,
      server,
      load,
      measure: (port, seconds) => load.ask("receive", { port, seconds, settle: settleOf(seconds) }),
    });
    return {
      rows,
      claims: [
        results.atLeast(1.4, squall.name, toxiproxy.name),
        results.atLeast(1, squall.name, pipe.name),
        results.atLeast(0.8, NAMES.one, pipe.name),
      ],
    };
  },
};
