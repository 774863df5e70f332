/** http-proxy 1.18 with an agent that keeps its connections: the proxy that most Node programs have. */
import { startWorker } from "../lib/processes.mjs";
import { profiling } from "./profiling.mjs";

export const httpProxy = {
  name: "http-proxy",
  start: ({ lab, upstreamPort }) =>
    startWorker("contenders/http_proxy_relay.mjs", [upstreamPort], {
      execArgv: profiling(lab, "http-proxy"),
    }),
};
