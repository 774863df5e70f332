/** Many small exchanges on few or many connections through relays of bytes: what a proxy costs for each chunk. */
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { compare, NAMES, REQUESTS, tcpEntries } from "./throughput.mjs";

export const small = smallCase("small", 50, { claims: true });
export const small10 = smallCase("small-10", 10);
export const small500 = smallCase("small-500", 500);

function smallCase(name, connections, { claims = false } = {}) {
  return {
    name,
    title: `small JSON answers over ${connections} keep-alive connections, by relays of bytes`,
    async run(lab) {
      const server = await lab.use(smallServer(lab));
      const load = await lab.use(smallLoad(lab));
      const { squall, pipe, haproxy, toxiproxy } = lab.contenders;
      const { rows, results } = await compare(lab, {
        ...REQUESTS,
        entries: tcpEntries(lab, { again: !claims }),
        upstreamPort: server.port,
        base: squall.name,
        server,
        load,
        measure: (port, seconds) => load.measure(port, seconds, { connections }),
      });
      const notes = [`${load.name}, against ${server.name}`];
      if (!claims) return { rows, notes };
      return {
        rows,
        claims: [
          results.atLeast(0.9, squall.name, haproxy.name),
          results.atLeast(1.15, squall.name, toxiproxy.name),
          results.atLeast(1, squall.name, pipe.name),
          results.atLeast(0.8, NAMES.one, pipe.name),
        ],
        notes,
      };
    },
  };
}
