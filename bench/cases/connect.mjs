/** A new connection for each request: what accepting, dialling and ending cost. */
import { smallLoad } from "../loads/wrk.mjs";
import { smallServer } from "../servers/nginx.mjs";
import { plain } from "./lanes.mjs";
import { compare, httpEntries, REQUESTS, tcpEntries } from "./throughput.mjs";

export const connect = {
  name: "connect",
  title: "a new connection for each small request, 50 at a time",
  async run(lab) {
    const server = await lab.use(smallServer(lab));
    const load = await lab.use(smallLoad(lab));
    const { squall, direct } = lab.contenders;
    const entries = [...tcpEntries(lab, { again: true }), ...httpEntries(lab, { again: true })].filter(
      ({ contender }) => contender !== direct,
    );
    const { rows } = await compare(lab, {
      ...REQUESTS,
      entries: [...entries, ...plain([direct])],
      upstreamPort: server.port,
      base: squall.name,
      server,
      load,
      measure: (port, seconds) => load.measure(port, seconds, { close: true }),
    });
    return {
      rows,
      notes: [
        `${load.name}, against ${server.name}, with "Connection: close"`,
        "HAProxy, nginx and http-proxy keep their connections to the server in HTTP; all others dial anew for each client",
      ],
    };
  },
};
