/** Bodies of some size, in answers and in requests: between exchanges that are all head and a stream that is all bytes. */
import { startWorker } from "../lib/processes.mjs";
import { settleOf } from "./lanes.mjs";
import { BYTES, compare, httpEntries, NAMES, tcpEntries } from "./throughput.mjs";

const KIB = 1024;

export const answers64k = bodiesCase("answers-64k", {
  title: "answers of 64 KiB, one after the other on each of 16 keep-alive connections",
  bytes: 64 * KIB,
  connections: 16,
  method: "GET",
  again: false,
  claims: ({ squall, squallHttp, toxiproxy }, results) => [
    results.atLeast(2, squall.name, toxiproxy.name),
    results.atLeast(0.85, NAMES.httpOne, squallHttp.name),
    results.atLeast(0.7, NAMES.httpFive, squallHttp.name),
  ],
});

export const answers1m = bodiesCase("answers-1m", {
  title: "answers of 1 MiB, one after the other on each of 4 keep-alive connections",
  bytes: KIB * KIB,
  connections: 4,
  method: "GET",
  claims: ({ squallHttp, pipe }, results) => [results.atLeast(0.9, squallHttp.name, pipe.name)],
});

export const requests1m = bodiesCase("requests-1m", {
  title: "requests of 1 MiB, one after the other on each of 4 keep-alive connections",
  bytes: KIB * KIB,
  connections: 4,
  method: "POST",
  claims: ({ squallHttp, pipe }, results) => [results.atLeast(0.9, squallHttp.name, pipe.name)],
});

function bodiesCase(name, { title, bytes, connections, method, claims, again = true }) {
  return {
    name,
    title,
    async run(lab) {
      const server = await lab.use(startWorker("servers/bodies.mjs", [bytes]));
      const load = await lab.use(startWorker("loads/bodies.mjs", [bytes, connections]));
      const { squall, direct } = lab.contenders;
      const http = httpEntries(lab, { again }).filter(({ contender }) => contender !== direct);
      const tcp = tcpEntries(lab, { again: true });
      const { rows, results } = await compare(lab, {
        ...BYTES,
        entries: [...tcp.slice(0, -1), ...http, ...tcp.slice(-1)],
        upstreamPort: server.port,
        base: squall.name,
        server,
        load,
        measure: (port, seconds) =>
          load.ask("exchange", { port, seconds, settle: settleOf(seconds), method }),
      });
      return { rows, claims: claims(lab.contenders, results) };
    },
  };
}
